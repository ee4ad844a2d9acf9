"""What a citizen asks for about an appeal that is there: an expedited review (S15), the higher instance (S17).

A request waits for an operator's decision; the citizen is told of it either way. Ownership is shown before (handoff/ownership.py).
"""

import json
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.errors import conflict
from core.models import (
    FINISHED,
    Appeal,
    AppealEvent,
    AppealRequest,
    AppealStatus,
    Author,
    Conversation,
    Message,
    Operator,
    RequestGround,
    RequestKind,
    RequestState,
)
from core.personal_data import resolve
from core.words import say
from core.working_time import expedite_check_by, hours_after, in_words, moscow_stamp
from handoff import appeal_states, appeals, waits
from handoff.topics import TOPICS_OF_KINDS, department_of

EXPEDITE_GROUNDS = (RequestGround.LIFE, RequestGround.RIGHTS, RequestGround.DOCUMENT)
HIGHER_GROUNDS = (RequestGround.OVERDUE, RequestGround.NO_REASON, RequestGround.SYSTEMIC, RequestGround.REVISION)
_TOLD = "request"  # the kind of the message that says what became of a request


def newest(session: Session, appeal: Appeal, kind: RequestKind) -> AppealRequest | None:
    of_kind = select(AppealRequest).where(AppealRequest.appeal_id == appeal.id, AppealRequest.kind == kind)
    return session.scalar(of_kind.order_by(AppealRequest.requested_at.desc(), AppealRequest.id.desc()).limit(1))


def refusal_to_expedite(session: Session, appeal: Appeal) -> str | None:
    """Why no expedited review of the appeal can be asked for, in words; None if it can."""
    asked = newest(session, appeal, RequestKind.EXPEDITE)
    if appeal.status in FINISHED:
        return say("expedite_closed" if appeal.status == AppealStatus.CLOSED else "expedite_answered", number=appeal.number)
    if asked is not None and asked.state == RequestState.REQUESTED and asked.check_by is not None:
        return say("expedite_asked_already", number=appeal.number, check_by=in_words(asked.check_by))
    if asked is not None and asked.state == RequestState.CONFIRMED:
        return say("expedite_confirmed_already", number=appeal.number, due=in_words(appeal.due_at))
    return None


def refusal_of_higher_instance(session: Session, appeal: Appeal, at: datetime) -> str | None:
    """Why the higher instance cannot be asked for, in words; None if it can."""
    asked = newest(session, appeal, RequestKind.HIGHER_INSTANCE)
    if asked is not None and asked.state == RequestState.REQUESTED:
        return say("higher_asked_already", number=appeal.number, due=in_words(appeal.due_at))
    if not grounds(session, appeal, at):
        if appeal.status == AppealStatus.CLOSED:
            return say("higher_withdrawn", number=appeal.number)
        return say("higher_not_yet", number=appeal.number, due=in_words(appeal.due_at))
    return None


def grounds(session: Session, appeal: Appeal, at: datetime) -> list[RequestGround]:
    """On which grounds the higher instance may be asked for at ``at``. What stands against an answer wants one to be there."""
    overdue = [RequestGround.OVERDUE] if appeals.is_overdue(appeal, at) else []
    against = [RequestGround.NO_REASON, RequestGround.SYSTEMIC, RequestGround.REVISION] if _is_answered(session, appeal) else []
    return overdue + against


def _is_answered(session: Session, appeal: Appeal) -> bool:
    """Whether an operator answered or closed it, or has written since it came and does not wait for the citizen."""
    if appeal.status == AppealStatus.CLOSED:
        closed = select(AppealEvent.id).where(AppealEvent.appeal_id == appeal.id, AppealEvent.kind == "closed")
        return session.scalar(closed.limit(1)) is not None and not appeal_states.was_withdrawn(session, appeal)
    if appeal.status in (AppealStatus.ANSWERED, AppealStatus.WAITING):
        return appeal.status == AppealStatus.ANSWERED
    written = select(Message.id).where(
        Message.conversation_id == appeal.conversation_id, Message.author == Author.OPERATOR, Message.created_at >= appeal.received_at
    )
    return session.scalar(written.limit(1)) is not None


def ask_to_expedite(
    session: Session,
    desk: Desk,
    conversation: Conversation,
    appeal: Appeal,
    ground: RequestGround,
    detail: dict[str, str],
    at: datetime,
    in_reply_to: int | None = None,
) -> AppealRequest | None:
    """Stores the request, or says why it cannot be made. ``conversation``, where it is asked, is locked; ``detail`` as in the row."""
    appeal = appeals.hold(session, appeal)
    refused = refusal_to_expedite(session, appeal)
    if refused:
        _tell(session, desk, conversation, refused, in_reply_to)
        return None
    check_by = expedite_check_by(at, desk.settings)
    request = _store(session, desk, conversation, appeal, RequestKind.EXPEDITE, ground, detail, at, check_by)
    words = say("expedite_asked", number=appeal.number, check_by=in_words(check_by), hours=desk.settings.due_expedited_hours)
    _tell(session, desk, conversation, words, in_reply_to, request)
    return request


def ask_higher_instance(
    session: Session,
    desk: Desk,
    conversation: Conversation,
    appeal: Appeal,
    ground: RequestGround,
    detail: dict[str, str],
    at: datetime,
    in_reply_to: int | None = None,
) -> AppealRequest | None:
    """The same for the higher instance: the appeal goes to the senior department at once; one that was closed is open again."""
    appeal = appeals.hold(session, appeal)
    refused = refusal_of_higher_instance(session, appeal, at)
    if refused is None and ground not in grounds(session, appeal, at):
        refused = say("higher_ground_gone", number=appeal.number)
    if refused:
        _tell(session, desk, conversation, refused, in_reply_to)
        return None
    if appeal.status in FINISHED:
        appeal_states.reopen(session, desk, appeal, at)
    request = _store(session, desk, conversation, appeal, RequestKind.HIGHER_INSTANCE, ground, detail, at, None)
    appeals.move(session, appeal, department=desk.settings.senior_department)
    overdue = appeals.is_overdue(appeal, at)
    words = say("higher_asked_overdue" if overdue else "higher_asked", number=appeal.number, due=in_words(appeal.due_at))
    _tell(session, desk, conversation, words, in_reply_to, request)
    return request


def decide(
    session: Session,
    desk: Desk,
    appeal: Appeal,
    kind: RequestKind,
    operator: Operator,
    at: datetime,
    *,
    confirmed: bool,
    reason: str = "",
) -> Message | None:
    """An operator's word on the undecided request; the citizen is told where they asked, unless that is erased. Problem 409 without one.

    The conversations of the appeal and of its requests are locked.
    """
    appeal = appeals.hold(session, appeal)
    request = newest(session, appeal, kind)
    if request is None or request.state != RequestState.REQUESTED:
        raise conflict("request_decided")
    if appeal.status in FINISHED:
        raise conflict("request_appeal_closed")
    request.state = RequestState.CONFIRMED if confirmed else RequestState.REFUSED
    request.decided_at, request.operator_id = at, operator.id
    if kind == RequestKind.EXPEDITE and confirmed:
        waits.shorten(session, appeal, hours_after(at, desk.settings.due_expedited_hours), at)
        appeals.move(session, appeal, priority=max(appeal.priority, desk.settings.priority_expedited))
    if kind == RequestKind.HIGHER_INSTANCE and not confirmed:
        appeals.move(session, appeal, department=department_of(TOPICS_OF_KINDS[appeal.kind], desk.settings))
    appeals.record(session, appeal, f"{kind}_{request.state}", operator)
    conversation = conversations.lock(session, request.conversation_id)  # held already, unless it was asked for just now
    if conversation.data_key is None:
        return None
    words = say(f"{kind}_{request.state}", number=appeal.number, due=in_words(appeal.due_at))
    if reason:
        words = f"{words}\n{say('request_reason', reason=desk.vault.tokenise(session, conversation, reason, indexed=False))}"
    return _tell(session, desk, conversation, words, None, request, author=Author.SYSTEM)


def _store(
    session: Session,
    desk: Desk,
    conversation: Conversation,
    appeal: Appeal,
    kind: RequestKind,
    ground: RequestGround,
    detail: dict[str, str],
    at: datetime,
    check_by: datetime | None,
) -> AppealRequest:
    request = AppealRequest(
        appeal_id=appeal.id,
        conversation_id=conversation.id,
        kind=kind,
        ground=ground,
        detail_sealed=desk.vault.seal(conversation, json.dumps(detail, ensure_ascii=False)),
        check_by=check_by,
        requested_at=at,
    )
    session.add(request)
    session.flush()
    appeals.record(session, appeal, f"{kind}_requested")
    appeals.tell_operators(session, appeal)
    return request


def _tell(
    session: Session,
    desk: Desk,
    conversation: Conversation,
    words: str,
    in_reply_to: int | None,
    request: AppealRequest | None = None,
    author: Author = Author.BOT,
) -> Message:
    meta = {"kind": _TOLD, "request": request.kind, "state": request.state} if request else {"kind": "notice"}
    return conversations.append(session, desk.vault, conversation, author, words, in_reply_to=in_reply_to, meta=meta)


def of_appeals(session: Session, desk: Desk, found: Sequence[Appeal]) -> list[dict[str, Any]]:
    """For operators, newest first: what was asked about the appeals, with the texts of the conversation where it was asked, masked."""
    numbers = {appeal.id: appeal.number for appeal in found}
    asked = select(AppealRequest).where(AppealRequest.appeal_id.in_(numbers)).order_by(AppealRequest.requested_at.desc())
    return [{"appeal_number": numbers[request.appeal_id], **document(session, desk, request)} for request in session.scalars(asked)]


def asked_in(session: Session, desk: Desk, conversation_id: uuid.UUID) -> list[dict[str, Any]]:
    """For the citizen, oldest first: what was asked in the conversation, about whichever appeal."""
    asked = select(AppealRequest, Appeal.number).join(Appeal, Appeal.id == AppealRequest.appeal_id)
    rows = session.execute(asked.where(AppealRequest.conversation_id == conversation_id).order_by(AppealRequest.requested_at))
    return [{"appeal_number": number, **document(session, desk, request, masked=False)} for request, number in rows]


def document(session: Session, desk: Desk, request: AppealRequest, *, masked: bool = True) -> dict[str, Any]:
    return {
        "kind": request.kind,
        "state": request.state,
        "ground": request.ground,
        "detail": _detail(session, desk, request, masked=masked),
        "conversation_id": str(request.conversation_id),
        "requested_at": moscow_stamp(request.requested_at),
        "check_by": moscow_stamp(request.check_by),
        "decided_at": moscow_stamp(request.decided_at),
    }


def _detail(session: Session, desk: Desk, request: AppealRequest, *, masked: bool) -> dict[str, str]:
    conversation = session.get_one(Conversation, request.conversation_id)
    if request.detail_sealed is None or conversation.data_key is None:
        return {}
    detail: dict[str, str] = json.loads(desk.vault.open(conversation, request.detail_sealed))
    values = desk.vault.values(session, conversation, detail.values())
    return {name: resolve(text, values, masked=masked) for name, text in detail.items()}
