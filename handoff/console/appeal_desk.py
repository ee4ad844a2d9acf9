"""An appeal by its number, for operators: read, and decided on what its citizen asked for."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, conversations
from core.desk import Desk
from core.errors import Problem, not_found
from core.models import Appeal, AppealRequest, Operator, RequestKind, now
from handoff import appeal_requests, appeals, rights
from handoff.appeal_numbers import read_number
from handoff.appeal_status import status_of
from handoff.console.access import Access
from handoff.console.workplace import Workplace
from handoff.fields.fault import FieldFault
from handoff.rights import Right

_REASON_CHARACTERS = 1000
_HIGHEST = 100


class Change(BaseModel):
    """What an operator changes of an appeal. ``reason``: told to the citizen with a decision."""

    priority: Annotated[int, Field(ge=0, le=_HIGHEST)] | None = None
    urgent_confirmed: Literal[True] | None = None
    expedite: Literal["confirmed", "refused"] | None = None
    higher_instance: Literal["confirmed", "refused"] | None = None
    reason: Annotated[str, Field(max_length=_REASON_CHARACTERS)] = ""

    @property
    def decisions(self) -> dict[RequestKind, str]:
        """What was asked for → what is decided."""
        given = {RequestKind.EXPEDITE: self.expedite, RequestKind.HIGHER_INSTANCE: self.higher_instance}
        return {kind: state for kind, state in given.items() if state}


def appeal_routes(workplace: Workplace, access: Access) -> APIRouter:
    desk = workplace.desk
    routes = APIRouter(prefix="/api/operator/appeals", tags=["operator"])

    @routes.get("/{number}")
    async def read(number: str, operator: Annotated[Operator, Depends(access.holding(Right.READ))]) -> dict[str, Any]:
        """The appeal under a number in any writing; the opening is written to the audit log."""
        conversation_id = await desk.database.read_soon(lambda session: _find(session, desk, number).conversation_id)
        await workplace.record_opening(conversation_id, operator)
        return await desk.database.read_soon(lambda session: _document(session, desk, _find(session, desk, number), now()))

    @routes.patch("/{number}")
    async def change(number: str, given: Change, operator: Annotated[Operator, Depends(access.holding(Right.READ))]) -> dict[str, Any]:
        """Decides on a request, confirms urgency, sets the priority; written to the audit log. Problem 403, 404, 409, 422."""
        if given.decisions or given.urgent_confirmed or given.priority is not None:
            rights.check(operator, Right.DECIDE)
        else:
            raise Problem(422, "appeal_change_missing")
        if given.higher_instance:
            rights.check(operator, Right.DECIDE_HIGHER)
        reason = workplace.check_words(given.reason, "reason", "reason_missing") if given.reason.strip() else ""

        def work(session: Session) -> dict[str, Any]:
            appeal = _find(session, desk, number)
            for conversation_id in _conversations(session, appeal):
                conversations.lock(session, conversation_id)
            moment = now()
            _change(session, workplace, appeal_requests.hold(session, appeal), given, operator, reason, moment)
            return _document(session, desk, appeal, moment)

        return await desk.database.write_soon(work)

    return routes


def _find(session: Session, desk: Desk, number: str) -> Appeal:
    """Problem 404, with words of its own for a mistyped number."""
    try:
        understood = read_number(number, desk.settings)
    except FieldFault as fault:
        raise not_found(fault.key) from None
    appeal = session.scalar(select(Appeal).where(Appeal.number == (understood or "")))
    if appeal is None:
        raise not_found("operator_appeal_not_found")
    return appeal


def _conversations(session: Session, appeal: Appeal) -> list[uuid.UUID]:
    """The appeal's and those of its requests, in the order in which all lock them."""
    asked_in = select(AppealRequest.conversation_id).where(AppealRequest.appeal_id == appeal.id)
    return sorted({appeal.conversation_id, *session.scalars(asked_in)})


def _change(
    session: Session, workplace: Workplace, appeal: Appeal, given: Change, operator: Operator, reason: str, moment: datetime
) -> None:
    desk = workplace.desk
    done: list[str] = []
    if given.priority is not None:
        appeals.move(session, appeal, priority=given.priority)
        done.append(f"priority {given.priority}")
    if given.urgent_confirmed:
        appeals.confirm_urgency(session, desk, appeal, operator, moment)
        done.append("urgent_confirmed")
    for kind, state in given.decisions.items():
        told = appeal_requests.decide(session, desk, appeal, kind, operator, moment, confirmed=state == "confirmed", reason=reason)
        if told is not None:
            workplace.send(session, conversations.find(session, told.conversation_id), told)
        done.append(f"{kind} {state}")
    conversation = conversations.find(session, appeal.conversation_id)
    for change in done:
        audit.append(session, desk.vault, operator, audit.APPEAL_CHANGED, f"{appeal.number} {change}", conversation=conversation)


def _document(session: Session, desk: Desk, appeal: Appeal, at: datetime) -> dict[str, Any]:
    status = status_of(session, appeal, at).document()
    return {
        **appeals.operator_document(session, appeal),
        "overdue": status["overdue"],
        "history": status["history"],
        "requests": appeal_requests.of_appeals(session, desk, [appeal]),
    }
