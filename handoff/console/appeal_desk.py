"""An appeal by its number, for operators: read, changed, a call logged on it."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.errors import Problem, not_found
from core.models import Appeal, AppealRequest, Operator, now
from handoff import appeal_documents, appeal_requests, appeals, rights
from handoff.appeal_numbers import read_number
from handoff.appeal_status import status_of
from handoff.console.access import Access
from handoff.console.appeal_changes import AppealChanges, Change, check_change, log_call
from handoff.console.workplace import Workplace
from handoff.fields.fault import FieldFault
from handoff.rights import Right

_NOTE_CHARACTERS = 2000


class Call(BaseModel):
    note: Annotated[str, Field(max_length=_NOTE_CHARACTERS)]


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
        """Changes state, kind, department or priority, decides on a request; written to the audit log. Problem 403, 404, 409, 422."""
        if not given.rights:
            raise Problem(422, "appeal_change_missing")
        for right in given.rights:
            rights.check(operator, right)
        reason = workplace.check_words(given.reason, "reason", "reason_missing") if given.reason.strip() else ""
        question = workplace.check_words(given.question, "question", "question_missing") if given.question.strip() else ""
        checked = given.model_copy(update={"reason": reason, "question": question})
        check_change(checked)

        def work(session: Session) -> dict[str, Any]:
            appeal = _find(session, desk, number)
            locked = {each: conversations.lock(session, each) for each in _conversations(session, appeal)}
            held = appeals.hold(session, appeal)
            moment = now()
            AppealChanges(session, workplace, locked[appeal.conversation_id], held, operator, moment).carry_out(checked)
            session.flush()
            return _document(session, desk, held, moment)

        return await desk.database.write_soon(work)

    @routes.post("/{number}/calls", status_code=201)
    async def call(number: str, given: Call, operator: Annotated[Operator, Depends(access.holding(Right.WORK))]) -> dict[str, Any]:
        """Logs a hotline call on the appeal; written to the audit log. Problem 404, 409, 422."""
        note = workplace.check_words(given.note, "note", "call_note_missing")

        def work(session: Session) -> dict[str, Any]:
            appeal = _find(session, desk, number)
            conversation = conversations.lock(session, appeal.conversation_id)
            log_call(session, desk, conversation, appeal, operator, note)
            session.flush()
            return _document(session, desk, appeal, now())

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


def _document(session: Session, desk: Desk, appeal: Appeal, at: datetime) -> dict[str, Any]:
    status = status_of(session, appeal, at).document()
    return {
        **appeal_documents.document(session, desk, appeal),
        "overdue": status["overdue"],
        "history": status["history"],
        "requests": appeal_requests.of_appeals(session, desk, [appeal]),
    }
