"""Telegram's updates as rows: stored before they are acknowledged, read in order, emptied once done. Functions of one transaction each."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from bot.greeting import greet
from core import conversations
from core.desk import Desk
from core.models import Conversation, TelegramUpdate

CHANNEL = "telegram"
_LARGEST_ALBUM = 10
_ALBUM_SECONDS = 1.5  # without a new part: the album is whole


@dataclass(frozen=True)
class Unit:
    """What becomes one message: an update, or the parts of an album."""

    conversation_id: uuid.UUID
    update_ids: tuple[int, ...]
    payloads: tuple[dict[str, Any], ...]  # empty after erasure
    received_at: datetime
    whole_at: datetime | None  # when an album counts as whole; None: it is
    attempts: int


def next_offset(session: Session) -> int | None:
    """What acknowledges all that is stored; None where nothing is."""
    newest = session.scalar(select(func.max(TelegramUpdate.update_id)))
    return None if newest is None else newest + 1


def store(session: Session, desk: Desk, payload: dict[str, Any], at: datetime) -> None:
    """Keeps an update once, for the conversation of its private chat; a new chat's conversation begins with the greeting."""
    update_id = payload.get("update_id")
    if not isinstance(update_id, int) or session.get(TelegramUpdate, update_id) is not None:
        return
    chat_id = _private_chat(payload)
    if chat_id is None:  # a group, a channel, something nobody asked for: only acknowledged
        session.add(TelegramUpdate(update_id=update_id, received_at=at, processed_at=at))
        return
    conversation = conversations.find_by_address(session, desk.vault, CHANNEL, str(chat_id))
    if conversation is None:
        conversation = conversations.start_for_address(session, desk.vault, CHANNEL, str(chat_id))
        greet(session, desk, conversation)
    album = _dict(payload, "message").get("media_group_id")
    session.add(
        TelegramUpdate(
            update_id=update_id,
            conversation_id=conversation.id,
            album_hash=None if album is None else desk.vault.keyed_hash(f"{CHANNEL} album:{album}"),
            payload_sealed=desk.vault.seal(conversation, json.dumps(payload, ensure_ascii=False)),
            received_at=at,
        )
    )


def waiting(session: Session) -> list[uuid.UUID]:
    """The conversations with updates that are not done."""
    open_rows = select(TelegramUpdate.conversation_id).where(TelegramUpdate.processed_at.is_(None)).distinct()
    return [found for found in session.scalars(open_rows) if found is not None]


def next_unit(session: Session, desk: Desk, conversation_id: uuid.UUID) -> Unit | None:
    """The conversation's earliest updates that are not done, as far as they belong together."""
    rows = _open_rows(session, conversation_id, _LARGEST_ALBUM + 1)
    if not rows:
        return None
    album = rows[0].album_hash
    parts = rows[:1] if album is None else list(takewhile(lambda row: row.album_hash == album, rows[:_LARGEST_ALBUM]))
    is_whole = album is None or len(parts) < len(rows)
    conversation = conversations.find(session, conversation_id)
    sealed = [row.payload_sealed for row in parts if row.payload_sealed is not None and conversation.data_key is not None]
    return Unit(
        conversation_id=conversation_id,
        update_ids=tuple(row.update_id for row in parts),
        payloads=tuple(json.loads(desk.vault.open(conversation, payload)) for payload in sealed),
        received_at=parts[0].received_at,
        whole_at=None if is_whole else max(row.received_at for row in parts) + timedelta(seconds=_ALBUM_SECONDS),
        attempts=parts[0].attempts,
    )


def finish(session: Session, unit: Unit, at: datetime) -> Conversation | None:
    """Marks the unit as done and empties it, in the transaction of what it led to. The conversation, locked; None if another was first."""
    conversation = conversations.lock(session, unit.conversation_id)
    rows = _open_rows(session, unit.conversation_id, len(unit.update_ids))
    if tuple(row.update_id for row in rows) != unit.update_ids:
        return None
    for row in rows:
        row.payload_sealed, row.processed_at = None, at
    session.flush()
    return conversation


def note_attempt(session: Session, unit: Unit) -> None:
    """It failed once more."""
    session.execute(
        update(TelegramUpdate).where(TelegramUpdate.update_id.in_(unit.update_ids)).values(attempts=TelegramUpdate.attempts + 1)
    )


def sweep(session: Session, at: datetime, days: int) -> None:
    """Forgets the updates that Telegram can no longer repeat."""
    session.execute(delete(TelegramUpdate).where(TelegramUpdate.processed_at < at - timedelta(days=days)))


def _open_rows(session: Session, conversation_id: uuid.UUID, limit: int) -> Sequence[TelegramUpdate]:
    wanted = select(TelegramUpdate).where(TelegramUpdate.conversation_id == conversation_id, TelegramUpdate.processed_at.is_(None))
    return session.scalars(wanted.order_by(TelegramUpdate.update_id).limit(limit).execution_options(populate_existing=True)).all()


def _private_chat(payload: dict[str, Any]) -> int | None:
    message = _dict(payload, "message") or _dict(_dict(payload, "callback_query"), "message")
    chat = _dict(message, "chat")
    chat_id = chat.get("id")
    return chat_id if chat.get("type") == "private" and isinstance(chat_id, int) else None


def _dict(holder: dict[str, Any], name: str) -> dict[str, Any]:
    found = holder.get(name)
    return found if isinstance(found, dict) else {}
