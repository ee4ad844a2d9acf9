"""The operators' list: who waits, whom somebody helps, which appeals are open; and what of it presses."""

import uuid
from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from core.models import FINISHED, Appeal, AppealRequest, AppealStatus, Conversation, Mode, Operator, QueueEntry, RequestState
from core.settings import Settings
from core.working_time import MOSCOW
from handoff import appeals


def items(session: Session, settings: Settings, at: datetime) -> list[dict[str, Any]]:
    """Waiting conversations, then those with an operator and open appeals; in each the most urgent first: what is overdue, what soon is."""
    waiting = session.execute(_rows().where(QueueEntry.id.is_not(None)))
    others = session.execute(_rows().where(QueueEntry.id.is_(None)))
    # A conversation that an operator took from the bot has no appeal; an appeal superseded by a newer one is not listed twice.
    seen: set[uuid.UUID] = set()
    documents = []
    rows = [*waiting, *others]
    # Why it came to people stays worth knowing after the claim: the newest wait's reason.
    newest = select(QueueEntry.conversation_id, QueueEntry.reason).order_by(QueueEntry.waiting_since)
    reasons = {row[0]: row[1] for row in session.execute(newest.where(QueueEntry.conversation_id.in_([row[0].id for row in rows])))}
    asked = _requests(session, [row[0].id for row in rows], at)
    conversation: Conversation
    appeal: Appeal | None
    entry: QueueEntry | None
    operator: Operator | None
    for conversation, appeal, entry, operator in rows:
        if conversation.id in seen:
            continue
        seen.add(conversation.id)
        documents.append(
            {
                "conversation_id": str(conversation.id),
                "appeal_number": appeal.number if appeal else None,
                "status": appeal.status if appeal else None,
                "overdue": appeal is not None and appeals.is_overdue(appeal, at),
                "soon_overdue": appeal is not None and appeals.is_soon_overdue(appeal, at, settings),
                "waiting_for_citizen": appeal is not None and appeal.status == AppealStatus.WAITING,
                "reason": reasons.get(conversation.id),
                "department": appeal.department if appeal else operator.department if operator else None,
                "priority": appeal.priority if appeal else 0,
                "waiting_since": entry.waiting_since.astimezone(MOSCOW).isoformat() if entry else None,
                "due_at": appeal.due_at.astimezone(MOSCOW).isoformat() if appeal else None,
                "channel": conversation.channel,
                "mode": conversation.mode,
                "repeats": appeal is not None and appeal.parent_id is not None,
                "requests": asked.get(conversation.id, []),
                "operator": {"login": operator.login, "name": operator.name} if operator else None,
            }
        )
    return sorted(documents, key=lambda one: (one["mode"] != Mode.QUEUED, not one["overdue"], not one["soon_overdue"]))


def _requests(session: Session, conversation_ids: list[uuid.UUID], at: datetime) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """Conversation → what is asked or granted about its open appeals, the newest of each kind."""
    wanted = (
        select(Appeal.conversation_id, AppealRequest.kind, AppealRequest.state, AppealRequest.check_by)
        .join(Appeal, Appeal.id == AppealRequest.appeal_id)
        .where(Appeal.conversation_id.in_(conversation_ids), Appeal.status.not_in(FINISHED))
        .order_by(AppealRequest.requested_at)
    )
    found: dict[uuid.UUID, dict[str, dict[str, Any]]] = defaultdict(dict)
    for conversation_id, kind, state, check_by in session.execute(wanted):
        until = check_by.astimezone(MOSCOW).isoformat() if check_by else None
        is_late = state == RequestState.REQUESTED and check_by is not None and at > check_by
        found[conversation_id][kind] = {"kind": kind, "state": state, "check_by": until, "overdue": is_late}
    return {conversation_id: list(by_kind.values()) for conversation_id, by_kind in found.items()}


def _rows() -> Select[Conversation, Appeal, QueueEntry, Operator]:
    open_appeal = (Appeal.conversation_id == Conversation.id) & (Appeal.status != AppealStatus.CLOSED)
    return (
        select(Conversation, Appeal, QueueEntry, Operator)
        .join(Appeal, open_appeal, isouter=True)
        .join(QueueEntry, (QueueEntry.conversation_id == Conversation.id) & QueueEntry.ended_at.is_(None), isouter=True)
        .join(Operator, Operator.id == Conversation.operator_id, isouter=True)
        .where(or_(Appeal.status.not_in(FINISHED), QueueEntry.id.is_not(None), Conversation.mode == Mode.OPERATOR))
        .order_by(Appeal.status == AppealStatus.ANSWERED, Appeal.priority.desc(), QueueEntry.waiting_since, Appeal.due_at)
    )
