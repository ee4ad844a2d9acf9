"""Appeals («обращения»): a number, a due date and a history on a conversation."""

import json
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from core import blind_index
from core.database import hint
from core.desk import Desk
from core.errors import conflict
from core.events import QUEUE
from core.ids import new_access_code
from core.models import (
    Appeal,
    AppealEvent,
    AppealKind,
    AppealRequest,
    AppealStatus,
    Conversation,
    IncomingLetter,
    Operator,
    QueueEntry,
    RequestKind,
)
from core.personal_data import Vault
from core.working_time import MOSCOW, due, hours_after, start_of
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
    return session.scalar(
        select(Appeal)
        .where(Appeal.conversation_id == conversation_id, Appeal.status != AppealStatus.CLOSED)
        .order_by(Appeal.received_at.desc(), Appeal.ordinal.desc())
        .limit(1)
    )


def of_conversation(session: Session, conversation_id: uuid.UUID) -> list[Appeal]:
    """Newest first."""
    return list(
        session.scalars(
            select(Appeal).where(Appeal.conversation_id == conversation_id).order_by(Appeal.received_at.desc(), Appeal.ordinal.desc())
        )
    )


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


def begin_work(session: Session, appeal: Appeal, operator: Operator) -> None:
    if appeal.status == AppealStatus.REGISTERED:
        appeal.status = AppealStatus.IN_PROGRESS
    record(session, appeal, "claimed", operator)


def close(
    session: Session, desk: Desk, conversation: Conversation, appeal: Appeal, operator: Operator, resolution: str, at: datetime
) -> None:
    """Ends an appeal; ``resolution`` says how, in the operator's words."""
    appeal.status = AppealStatus.CLOSED
    appeal.closed_at = at
    tokenised = desk.vault.tokenise(session, conversation, resolution, indexed=False)
    record(session, appeal, "closed", operator, desk.vault.seal(conversation, tokenised))
    hint(session, QUEUE)


def reopen(session: Session, appeal: Appeal, due_at: datetime) -> None:
    """A closed one is answered anew, with a date of its own."""
    appeal.status, appeal.closed_at, appeal.due_at = AppealStatus.REGISTERED, None, due_at
    record(session, appeal, "reopened")
    hint(session, QUEUE)


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
    if appeal.kind != AppealKind.URGENT or appeal.status == AppealStatus.CLOSED:
        raise conflict("not_urgent")
    if appeal.urgent_confirmed_at is not None:
        raise conflict("urgency_confirmed_already")
    appeal.urgent_confirmed_at = at
    appeal.due_at = min(appeal.due_at, hours_after(at, desk.settings.due_urgent_confirmed_hours))
    record(session, appeal, "urgency_confirmed", operator)
    tell_operators(session, appeal)


def tell_operators(session: Session, appeal: Appeal) -> None:
    """Something of it changed on their list and beside its conversation."""
    hint(session, str(appeal.conversation_id))
    hint(session, QUEUE)


def record(session: Session, appeal: Appeal, kind: str, operator: Operator | None = None, detail_sealed: bytes | None = None) -> None:
    """Adds a line to the appeal's history."""
    session.add(AppealEvent(appeal_id=appeal.id, kind=kind, operator_id=operator.id if operator else None, detail_sealed=detail_sealed))


def operator_document(session: Session, appeal: Appeal) -> dict[str, Any]:
    """For operators: also the earlier appeal that it repeats, and how its citizen's requests stand."""
    parent = session.get(Appeal, appeal.parent_id) if appeal.parent_id else None
    asked = select(AppealRequest.kind, AppealRequest.state).where(AppealRequest.appeal_id == appeal.id)
    states = {row[0]: row[1] for row in session.execute(asked.order_by(AppealRequest.requested_at))}
    return {
        **appeal_document(appeal),
        "parent": {"number": parent.number, "conversation_id": str(parent.conversation_id)} if parent else None,
        "urgent_confirmed": appeal.urgent_confirmed_at is not None,
        "expedite": states.get(RequestKind.EXPEDITE),
        "higher_instance": states.get(RequestKind.HIGHER_INSTANCE),
    }


def appeal_document(appeal: Appeal) -> dict[str, Any]:
    return {
        "number": appeal.number,
        "kind": appeal.kind,
        "status": appeal.status,
        "department": appeal.department,
        "priority": appeal.priority,
        "received_at": appeal.received_at.astimezone(MOSCOW).isoformat(),
        "due_at": appeal.due_at.astimezone(MOSCOW).isoformat(),
        "closed_at": appeal.closed_at.astimezone(MOSCOW).isoformat() if appeal.closed_at else None,
    }
