"""What actions read of the desk: the values behind tokens, a message's files, a form's draft. They write nothing."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from core import conversations
from core.database import Database
from core.desk import open_vault
from core.models import Attachment, Draft, Reading, now
from core.personal_data import TOKEN, Vault
from core.settings import settings
from core.transcript import text_of_picture
from handoff import erasure

# At each turn of a form; made once, for to make them takes longer than to look one row up.
_FILES = select(Attachment.id).where(Attachment.message_id == bindparam("id")).order_by(Attachment.id)
_DRAFT_TIME = select(Draft.updated_at).where(Draft.conversation_id == bindparam("id"))


@dataclass(frozen=True)
class Standing:
    """What a conversation has open: appeals by number, a consent that was not withdrawn."""

    open_appeals: list[str]
    has_consent: bool


@dataclass(frozen=True)
class PictureReading:
    """How far the reading of a file is, None for one that is not read; and its text, personal data masked."""

    state: Reading | None
    text: str | None


class Records:
    """The desk's database, for reading."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self.database = database
        self.vault = vault

    def behind(self, conversation_id: str, text: str, message_id: str | None) -> tuple[dict[str, str], list[str]]:
        """Token → value, of the tokens in a message's text, and the ids of its attachments. From a worker thread."""

        def read(session: Session) -> tuple[dict[str, str], list[str]]:
            values: dict[str, str] = {}
            if has_tokens:
                values = self.vault.values(session, conversations.find(session, uuid.UUID(conversation_id)), [text])
            return values, _files(session, message_id) if message_id else []

        has_tokens = TOKEN.search(text) is not None
        return self.database.read(read) if has_tokens or message_id else ({}, [])

    async def files(self, message_id: str) -> list[str]:
        """The ids of a message's attachments."""
        return await self.database.read_soon(_files, message_id)

    async def readings(self, attachment_ids: list[str]) -> list[PictureReading]:
        """Of files, the oldest first."""

        def read(session: Session) -> list[PictureReading]:
            wanted = select(Attachment).where(Attachment.id.in_([uuid.UUID(one) for one in attachment_ids])).order_by(Attachment.id)
            found: list[PictureReading] = []
            for attachment in session.scalars(wanted):
                conversation = conversations.find(session, attachment.conversation_id)
                found.append(PictureReading(attachment.reading, text_of_picture(self.vault, conversation, attachment)))
            return found

        return await self.database.read_soon(read) if attachment_ids else []

    async def standing(self, conversation_id: str) -> "Standing":
        """What erasing or withdrawing would end."""

        def read(session: Session) -> Standing:
            known = uuid.UUID(conversation_id)
            return Standing(erasure.open_numbers(session, known), erasure.has_consent(session, known))

        return await self.database.read_soon(read)

    def draft_is_left(self, conversation_id: str) -> bool:
        """Whether nothing was added to the form that is under way for a while. From a worker thread."""

        def read(session: Session) -> bool:
            updated = session.scalar(_DRAFT_TIME, {"id": uuid.UUID(conversation_id)})
            return updated is not None and updated < _ago(minutes=settings().form_pause_minutes)

        return self.database.read(read)

    async def draft(self, conversation_id: str) -> dict[str, Any] | None:
        """The slots of the form that was under way, if one was."""

        def read(session: Session) -> dict[str, Any] | None:
            draft = session.get(Draft, uuid.UUID(conversation_id))
            if draft is None or draft.updated_at < _ago(hours=settings().draft_hours):
                return None
            conversation = conversations.find(session, draft.conversation_id)
            if conversation.data_key is None:
                return None
            return dict(json.loads(self.vault.open(conversation, draft.slots_sealed)))

        return await self.database.read_soon(read)


def _files(session: Session, message_id: str) -> list[str]:
    return [str(found) for found in session.scalars(_FILES, {"id": uuid.UUID(message_id)})]


def _ago(**time: float) -> datetime:
    return now() - timedelta(**time)


@lru_cache(maxsize=1)
def records() -> Records:
    """The desk that the settings name; the gateway has brought its schema up to date."""
    database = Database(settings().database)
    return Records(database, open_vault(settings(), database))
