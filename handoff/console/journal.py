"""The audit log for those who answer for the desk: a page and a call, newest first."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.desk import Desk
from core.models import Appeal, AuditEntry, Operator
from core.working_time import MOSCOW
from handoff import rights
from handoff.appeal_numbers import read_number
from handoff.audit_words import ACTIONS, actor_words, known_logins, masked_reason, subject_words
from handoff.console.access import Access, current_operator
from handoff.console.pages import FOLDER
from handoff.fields.fault import FieldFault
from handoff.rights import Right

_SHOWN = 200
_LONGEST = 100  # characters of what was typed that are shown again
_NO_CONVERSATION = uuid.UUID(int=0)
_PAGE = "/operator/audit"
Before = Annotated[int | None, Query(ge=1, le=2**31 - 1)]  # as far as the column goes


@dataclass(frozen=True)
class _Wanted:
    """Which rows: all that is given has to fit. ``since``: a day in Moscow. ``before``: a row's number."""

    login: str = ""
    conversation_id: uuid.UUID | None = None
    since: date | None = None
    before: int | None = None


def journal_routes(desk: Desk, access: Access) -> APIRouter:
    routes = APIRouter()
    templates = Jinja2Templates(FOLDER / "templates")

    @routes.get("/api/operator/audit", tags=["operator"])
    async def read_audit(
        _operator: Annotated[Operator, Depends(access.holding(Right.READ_AUDIT))],
        operator: str = "",
        conversation: uuid.UUID | None = None,
        since: date | None = None,
        before: Before = None,
    ) -> dict[str, Any]:
        """The newest 200 rows that fit; ``since`` is a day in Moscow. What is personal in a reason is masked.

        ``more``: whether there are older ones; the answer's ``before`` given to the next call shows them.
        """
        return await desk.database.read_soon(_documents, desk, _Wanted(operator, conversation, since, before))

    @routes.get(_PAGE, response_class=HTMLResponse, include_in_schema=False)
    async def page(request: Request, operator: str = "", number: str = "", since: str = "", before: Before = None) -> Response:
        """The same for people. A caller whose role does not hold the right is told so."""
        caller = await current_operator(desk, request)
        if caller is None:
            return RedirectResponse("/operator", 303)
        asked = {"operator": operator[:_LONGEST], "number": number[:_LONGEST], "since": since[:_LONGEST]}
        words: dict[str, Any] = {"service_name": desk.settings.service_name, "refusal": "", "error": "", "shown": _SHOWN, **asked}

        def show(status: int) -> Response:
            return templates.TemplateResponse(request, "audit.html", words, status, {"Cache-Control": "no-store"})

        if not rights.may(caller, Right.READ_AUDIT):
            words["refusal"] = rights.refusal(Right.READ_AUDIT).detail
            return show(403)
        try:
            day = date.fromisoformat(since) if since else None
        except ValueError:
            words["error"] = "Дата указана неверно. Нужен вид 2026-11-23."
            return show(422)
        conversation = await desk.database.read_soon(_of_number, desk, number.strip()) if number.strip() else None
        words |= await desk.database.read_soon(_documents, desk, _Wanted(operator.strip(), conversation, day, before))
        given = {name: text for name, text in asked.items() if text}
        words["newest"] = _address(given) if before else ""
        words["earlier"] = _address(given | {"before": str(words["before"])}) if words["more"] else ""
        return show(200)

    return routes


def _address(asked: dict[str, str]) -> str:
    return f"{_PAGE}?{urlencode(asked)}" if asked else _PAGE


def _of_number(session: Session, desk: Desk, number: str) -> uuid.UUID:
    """The conversation of an appeal; of none that exists for a number that nobody has."""
    try:
        understood = read_number(number[:_LONGEST], desk.settings)
    except FieldFault:
        understood = None
    return session.scalar(select(Appeal.conversation_id).where(Appeal.number == (understood or ""))) or _NO_CONVERSATION


def _documents(session: Session, desk: Desk, wanted: _Wanted) -> dict[str, Any]:
    logins = known_logins(session, desk, wanted.login)
    found = audit.entries(
        session,
        desk.vault,
        login=wanted.login,
        conversation_id=wanted.conversation_id,
        since=datetime.combine(wanted.since, time(), MOSCOW) if wanted.since else None,
        before=wanted.before,
        limit=_SHOWN + 1,
    )
    shown = found[:_SHOWN]
    more = len(found) > len(shown)
    numbers = _numbers(session, {entry.conversation_id for entry in shown if entry.conversation_id})
    return {
        "entries": [_document(session, desk, entry, numbers, logins) for entry in shown],
        "more": more,
        "before": shown[-1].seq if more else None,
    }


def _numbers(session: Session, conversation_ids: set[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Conversation → its newest appeal's number."""
    rows = session.execute(
        select(Appeal.conversation_id, Appeal.number).where(Appeal.conversation_id.in_(conversation_ids)).order_by(Appeal.received_at)
    )
    return {row[0]: row[1] for row in rows}


def _document(session: Session, desk: Desk, entry: AuditEntry, numbers: dict[uuid.UUID, str], logins: dict[str, str]) -> dict[str, Any]:
    moment = entry.created_at.astimezone(MOSCOW)
    return {
        "seq": entry.seq,
        "created_at": moment.isoformat(timespec="seconds"),
        "when": f"{moment:%d.%m.%Y %H:%M:%S}",
        "actor": actor_words(entry),
        "action": entry.action,
        "action_words": ACTIONS.get(entry.action, entry.action),
        "subject": entry.subject,
        "subject_words": subject_words(entry, logins),
        "conversation_id": str(entry.conversation_id) if entry.conversation_id else None,
        "appeal_number": numbers.get(entry.conversation_id) if entry.conversation_id else None,
        "reason": masked_reason(session, desk, entry),
    }
