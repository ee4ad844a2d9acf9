"""Appeals («обращения»): a number, a due date and a history on a conversation."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.orm import Session

from core import blind_index
from core.database import hint
from core.desk import Desk
from core.errors import conflict
from core.events import QUEUE
from core.ids import new_access_code
from core.models import (
    FINISHED,
    ON_THE_CLOCK,
    Appeal,
    AppealEvent,
    AppealKind,
    AppealStatus,
    Conversation,
    IncomingLetter,
    Operator,
    QueueEntry,
)
from core.personal_data import Vault
from core.settings import Settings
from core.working_time import MOSCOW, due, hours_after, moscow_stamp, start_of
from handoff import waits
from handoff.appeal_numbers import format_number
from handoff.topics import TOPICS_OF_KINDS, Topic, department_of

_EARLIER_SHOWN = 20
# What citizens read of a kind: keys of messages.ru.yml.
KIND_WORDS = {
    AppealKind.SIMPLE: "kind_simple",
    AppealKind.COMPLEX: "kind_complex",
    AppealKind.URGENT: "kind_urgent",
    AppealKind.COMPLAINT: "kind_complaint",
    AppealKind.SUGGESTION: "kind_suggestion",
}

# Rows of two databases in one statement: the first number of a year needs no row beforehand, and no two writers get the same one.
_NEXT_ORDINAL = text(
    "INSERT INTO appeal_counters (year, last) VALUES (:year, 1) "
    "ON CONFLICT (year) DO UPDATE SET last = appeal_counters.last + 1 RETURNING last"
)
_NUMBERS = (
    select(Appeal.number, Appeal.status)
    .where(Appeal.conversation_id == bindparam("id"))
    .order_by(Appeal.received_at.desc(), Appeal.ordinal.desc())
)


def register(
    session: Session,
    desk: Desk,
    conversation: Conversation,
    kind: AppealKind,
    received: datetime,
    fields: dict[str, str] | None = None,
    topic: Topic | None = None,
    parent: Appeal | None = None,
) -> Appeal:
    """Gives a locked conversation an appeal, with the next number of its year and its due date.

    ``fields``: what the citizen told of it, name (api.md, "expects") → token, or text with tokens. ``topic``: what it is about, where
    the citizen said more than the kind does; it goes to the department of that. ``parent``: the earlier one that it repeats; it goes
    ahead of first ones.
    """
    year = start_of(received, desk.settings).year
    ordinal = int(session.execute(_NEXT_ORDINAL, {"year": year}).scalar_one())
    appeal = Appeal(
        number=format_number(desk.settings.appeal_prefix, year, ordinal),
        year=year,
        ordinal=ordinal,
        conversation_id=conversation.id,
        kind=kind,
        department=department_of(topic or TOPICS_OF_KINDS[kind], desk.settings),
        access_code_sealed=desk.vault.seal(conversation, new_access_code()),
        fields_sealed=desk.vault.seal(conversation, json.dumps(fields, ensure_ascii=False)) if fields else None,
        received_at=received,
        due_at=due(kind, received, desk.settings),
        parent_id=parent.id if parent else None,
        priority=desk.settings.priority_repeat if parent else 0,
    )
    session.add(appeal)
    session.flush()
    record(session, appeal, "registered")
    hint(session, QUEUE)
    return appeal


def newest_open(session: Session, conversation_id: uuid.UUID) -> Appeal | None:
    """The newest that is not closed; one that is answered only if there is no other."""
    return session.scalar(
        select(Appeal)
        .where(Appeal.conversation_id == conversation_id, Appeal.status != AppealStatus.CLOSED)
        .order_by(Appeal.status == AppealStatus.ANSWERED, Appeal.received_at.desc(), Appeal.ordinal.desc())
        .limit(1)
    )


def of_conversation(session: Session, conversation_id: uuid.UUID) -> list[Appeal]:
    """Newest first."""
    return list(
        session.scalars(
            select(Appeal).where(Appeal.conversation_id == conversation_id).order_by(Appeal.received_at.desc(), Appeal.ordinal.desc())
        )
    )


def numbers_of_conversation(session: Session, conversation_id: uuid.UUID) -> list[tuple[str, AppealStatus]]:
    """Number and status of each, newest first."""
    return [(number, status) for number, status in session.execute(_NUMBERS, {"id": conversation_id})]


def earlier(session: Session, conversation_id: uuid.UUID) -> list[dict[str, Any]]:
    """For operators, newest first: this conversation's appeals but the newest, and those of others with the same SNILS, e-mail or phone.

    ``shared`` tells what is the same; «letter»: one of this conversation's letters named the appeal, from another address than the
    appeal's. Found by keyed hashes (core/blind_index.py): nothing is decrypted.
    """
    shared = blind_index.alike(session, conversation_id)
    named = select(Appeal.conversation_id).join(IncomingLetter, IncomingLetter.named_appeal_id == Appeal.id)
    for other_id in session.scalars(named.where(IncomingLetter.conversation_id == conversation_id)):
        shared[other_id].add("letter")
    found = of_conversation(session, conversation_id)[1:]
    others = select(Appeal).where(Appeal.conversation_id.in_(shared))
    found += session.scalars(others.order_by(Appeal.received_at.desc(), Appeal.ordinal.desc()).limit(_EARLIER_SHOWN)) if shared else []
    found.sort(key=lambda appeal: (appeal.received_at, appeal.ordinal), reverse=True)
    return [
        {
            **appeal_document(appeal),
            "conversation_id": str(appeal.conversation_id),
            "shared": sorted(shared.get(appeal.conversation_id, ())),
        }
        for appeal in found[:_EARLIER_SHOWN]
    ]


def fields_of(vault: Vault, conversation: Conversation, appeal: Appeal) -> dict[str, str]:
    """What the citizen told of it, as ``register`` was given it; nothing once it is erased."""
    if appeal.fields_sealed is None or conversation.data_key is None:
        return {}
    fields: dict[str, str] = json.loads(vault.open(conversation, appeal.fields_sealed))
    return fields


def hold(session: Session, appeal: Appeal) -> Appeal:
    """The appeal as it is now, held against other writers; conversations are held before."""
    wanted = select(Appeal).where(Appeal.id == appeal.id).with_for_update().execution_options(populate_existing=True)
    return session.scalars(wanted).one()


def is_overdue(appeal: Appeal, at: datetime) -> bool:
    """Whether its date has passed; it cannot while its citizen is waited for, or has been answered."""
    return appeal.status in ON_THE_CLOCK and at > appeal.due_at


def is_soon_overdue(appeal: Appeal, at: datetime, settings: Settings) -> bool:
    """Whether its date is near."""
    soon = at + timedelta(hours=settings.soon_overdue_hours)
    return appeal.status in ON_THE_CLOCK and at <= appeal.due_at < soon


def move(session: Session, appeal: Appeal, *, department: str | None = None, priority: int | None = None) -> None:
    """Gives an appeal, and the wait for an operator under it, another department or priority."""
    waits = update(QueueEntry).where(QueueEntry.appeal_id == appeal.id, QueueEntry.ended_at.is_(None))
    if department is not None:
        appeal.department = department
        session.execute(waits.values(department=department))
    if priority is not None:
        appeal.priority = priority
        session.execute(waits.values(priority=priority))
    tell_operators(session, appeal)


def confirm_urgency(session: Session, desk: Desk, appeal: Appeal, operator: Operator, at: datetime) -> None:
    """Shortens the time of an urgent appeal (S14). Problem 409 for another kind, or a second time."""
    if appeal.kind != AppealKind.URGENT or appeal.status in FINISHED:
        raise conflict("not_urgent")
    if appeal.urgent_confirmed_at is not None:
        raise conflict("urgency_confirmed_already")
    appeal.urgent_confirmed_at = at
    waits.shorten(session, appeal, hours_after(at, desk.settings.due_urgent_confirmed_hours), at)
    record(session, appeal, "urgency_confirmed", operator)
    tell_operators(session, appeal)


def change_kind(session: Session, desk: Desk, appeal: Appeal, kind: AppealKind, operator: Operator) -> None:
    """Puts it on the clock of ``kind``. Its date is reckoned anew from the citizen's word, with the waits that are over, and becomes the
    earlier of that and the present one: a due date moves later for one reason only, and this is another.
    """
    if appeal.kind == kind:
        return
    appeal.kind = kind
    appeal.due_at = min(appeal.due_at, waits.moved_date(session, appeal, due(kind, appeal.counted_from, desk.settings)))
    record(session, appeal, "kind_changed", operator)
    tell_operators(session, appeal)


def tell_operators(session: Session, appeal: Appeal) -> None:
    """Something of it changed on their list and beside its conversation."""
    hint(session, str(appeal.conversation_id))
    hint(session, QUEUE)


def record(session: Session, appeal: Appeal, kind: str, operator: Operator | None = None, detail_sealed: bytes | None = None) -> None:
    """Adds a line to the appeal's history."""
    session.add(AppealEvent(appeal_id=appeal.id, kind=kind, operator_id=operator.id if operator else None, detail_sealed=detail_sealed))


def sealed_words(session: Session, desk: Desk, conversation: Conversation, words: str) -> bytes | None:
    """An operator's words as an event keeps them; None for none."""
    if not words:
        return None
    return desk.vault.seal(conversation, desk.vault.tokenise(session, conversation, words, indexed=False))


def appeal_document(appeal: Appeal) -> dict[str, Any]:
    return {
        "number": appeal.number,
        "kind": appeal.kind,
        "status": appeal.status,
        "department": appeal.department,
        "priority": appeal.priority,
        "received_at": appeal.received_at.astimezone(MOSCOW).isoformat(),
        "due_at": appeal.due_at.astimezone(MOSCOW).isoformat(),
        "answered_at": moscow_stamp(appeal.answered_at),
        "closed_at": moscow_stamp(appeal.closed_at),
    }
