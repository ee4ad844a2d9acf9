"""An appeal as operators see it: what it may become next, how its citizen's requests stand, all of its history."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.desk import Desk
from core.models import Appeal, AppealEvent, AppealRequest, Conversation, RequestKind
from core.personal_data import resolve
from core.transcript import operator_names
from core.working_time import MOSCOW
from handoff import appeals, waits
from handoff.appeal_states import NEXT


def document(session: Session, desk: Desk, appeal: Appeal) -> dict[str, Any]:
    parent = session.get(Appeal, appeal.parent_id) if appeal.parent_id else None
    asked = select(AppealRequest.kind, AppealRequest.state).where(AppealRequest.appeal_id == appeal.id)
    states = {row[0]: row[1] for row in session.execute(asked.order_by(AppealRequest.requested_at))}
    return {
        **appeals.appeal_document(appeal),
        "steps": NEXT[appeal.status],
        "waits": waits.documents(waits.of(session, appeal)),
        "parent": {"number": parent.number, "conversation_id": str(parent.conversation_id)} if parent else None,
        "urgent_confirmed": appeal.urgent_confirmed_at is not None,
        "expedite": states.get(RequestKind.EXPEDITE),
        "higher_instance": states.get(RequestKind.HIGHER_INSTANCE),
        "events": events(session, desk, appeal),
    }


def events(session: Session, desk: Desk, appeal: Appeal) -> list[dict[str, Any]]:
    """Its history, all of it, oldest first; ``note`` is what the operator wrote, masked: of a call, of a transfer, of the closing."""
    found = select(AppealEvent).where(AppealEvent.appeal_id == appeal.id).order_by(AppealEvent.created_at, AppealEvent.id)
    listed = list(session.scalars(found))
    conversation = session.get_one(Conversation, appeal.conversation_id)
    is_readable = conversation.data_key is not None
    notes = {event.id: desk.vault.open(conversation, event.detail_sealed) for event in listed if event.detail_sealed and is_readable}
    values = desk.vault.values(session, conversation, notes.values()) if notes else {}
    names = operator_names(session, {event.operator_id for event in listed if event.operator_id})
    return [
        {
            "kind": event.kind,
            "operator": names[event.operator_id] if event.operator_id else None,
            "note": resolve(notes[event.id], values, masked=True) if event.id in notes else None,
            "created_at": event.created_at.astimezone(MOSCOW).isoformat(),
        }
        for event in listed
    ]
