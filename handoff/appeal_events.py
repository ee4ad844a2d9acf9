"""An appeal's history for operators: all of it, with who did it and what was written down."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.desk import Desk
from core.models import Appeal, AppealEvent, Conversation
from core.personal_data import resolve
from core.transcript import operator_names
from core.working_time import MOSCOW


def documents(session: Session, desk: Desk, appeal: Appeal) -> list[dict[str, Any]]:
    """Oldest first; ``note`` is what the operator wrote, masked: of a call, of a transfer, of the closing."""
    found = select(AppealEvent).where(AppealEvent.appeal_id == appeal.id).order_by(AppealEvent.created_at, AppealEvent.id)
    events = list(session.scalars(found))
    conversation = session.get_one(Conversation, appeal.conversation_id)
    is_readable = conversation.data_key is not None
    notes = {event.id: desk.vault.open(conversation, event.detail_sealed) for event in events if event.detail_sealed and is_readable}
    values = desk.vault.values(session, conversation, notes.values()) if notes else {}
    names = operator_names(session, {event.operator_id for event in events if event.operator_id})
    return [
        {
            "kind": event.kind,
            "operator": names[event.operator_id] if event.operator_id else None,
            "note": resolve(notes[event.id], values, masked=True) if event.id in notes else None,
            "created_at": event.created_at.astimezone(MOSCOW).isoformat(),
        }
        for event in events
    ]
