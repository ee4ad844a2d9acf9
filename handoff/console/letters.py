"""The page of letters that were set aside: quarantine, and what could not be handled. It works without JavaScript."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from sqlalchemy.orm import Session

from core import audit
from core.desk import Desk
from core.errors import Problem, conflict, invalid
from core.facts import size_words
from core.models import LAST_SEQ, IncomingLetter, LetterState, Operator, Scan, now
from core.virus_scan import VirusScan
from core.web import file_response
from core.words import plural, say
from handoff import rights
from handoff.console.access import current_operator, form_token, is_own_form
from handoff.console.articles import moment
from handoff.console.pages import FOLDER
from handoff.mailbox import handling, incoming, quarantine, review
from handoff.mailbox.quarantine import Preview
from handoff.rights import Right

_PAGE = "/operator/letters"
_SHOWN = 20  # letters of each list on a page
_ONE_LOOK = timedelta(hours=1)
_MOST_FIELDS = _SHOWN + 10
_KIB = 1024
_DEEDS = {"release": review.release, "discard": review.discard, "retry": review.retry}
_TOLD = {"release": "letters_released", "discard": "letters_discarded", "retry": "letters_retried"}

Number = Annotated[int, Query(ge=0, le=LAST_SEQ)]


@dataclass(frozen=True)
class _Shown:
    row: IncomingLetter
    size: str
    why: str
    preview: Preview


@dataclass(frozen=True)
class _List:
    letters: list[_Shown]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // _SHOWN))


def letter_routes(desk: Desk, virus_scan: VirusScan) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    templates = Jinja2Templates(FOLDER / "templates")
    templates.env.filters |= {"moment": moment, "count": plural}

    def show(request: Request, words: Mapping[str, Any], status: int = 200) -> Response:
        common = {"service_name": desk.settings.service_name, "token": form_token(desk, request)}
        return templates.TemplateResponse(request, "letters.html", {**common, **words}, status, {"Cache-Control": "no-store"})

    async def show_page(request: Request, caller: Operator, pages: tuple[int, int] = (1, 1), status: int = 200, **more: Any) -> Response:
        held = await desk.database.read_soon(_read, desk, LetterState.QUARANTINED, pages[0])
        parked = await desk.database.read_soon(_read, desk, LetterState.PARKED, pages[1])
        if held.letters and not await desk.database.read_soon(_has_looked, caller):
            await desk.database.write_soon(_record_look, desk, caller)
        facts = {
            "held": held,
            "parked": parked,
            "keep_days": desk.settings.keep_quarantine_days,
            "not_checked": await desk.database.read_soon(quarantine.not_checked_since, now() - timedelta(days=1)),
            "may_open": rights.may(caller, Right.OPEN_LETTERS),
        }
        return show(request, {**facts, **more}, status)

    @routes.get(_PAGE, response_class=HTMLResponse)
    async def all_letters(request: Request, page: Number = 1, parked: Number = 1, done: str = "", count: Number = 0) -> Response:
        caller = await current_operator(desk, request)
        if caller is None:
            return RedirectResponse("/operator", 303)
        if not rights.may(caller, Right.REVIEW_LETTERS):
            return show(request, {"refusal": rights.refusal(Right.REVIEW_LETTERS).detail}, 403)
        told = say(_TOLD[done], count=plural(count, "письмо", "письма", "писем")) if done in _TOLD and count else ""
        return await show_page(request, caller, (page, parked), told=told)

    @routes.post(_PAGE, response_class=HTMLResponse)
    async def decide(request: Request) -> Response:
        """Does what a button says with the letters that are chosen, and leads back; or shows the page with what is wrong."""
        async with request.form(max_files=0, max_fields=_MOST_FIELDS) as form:
            deed, token = str(form.get("deed", "")), str(form.get("token", ""))
            chosen = [str(one) for one in form.getlist("letter")]
        is_own = is_own_form(desk, request, token)
        caller = await current_operator(desk, request)
        if caller is None:
            return show(request, {"refusal": say("article_form_logged_out")}, 403)
        if not rights.may(caller, Right.REVIEW_LETTERS):
            return show(request, {"refusal": rights.refusal(Right.REVIEW_LETTERS).detail}, 403)
        if not is_own:
            return await show_page(request, caller, status=403, error=say("article_form_stale"))
        try:
            count = await do(caller, deed, chosen)
        except Problem as problem:
            return await show_page(request, caller, status=problem.status, error=problem.detail)
        return RedirectResponse(f"{_PAGE}?{urlencode({'done': deed, 'count': count})}", 303)

    async def do(caller: Operator, deed: str, chosen: list[str]) -> int:
        """How many of the letters it was done with. Problem 409, 422."""
        if deed not in _DEEDS:
            raise invalid("deed", "letters_malformed")
        if not chosen:
            raise invalid("letter", "letters_none_chosen")
        count = 0
        for letter_id in map(_id, chosen):
            count += await desk.database.write_soon(_DEEDS[deed], desk, caller, letter_id)
        if not count:
            raise conflict("letters_all_gone")
        return count

    @routes.get(f"{_PAGE}/{{letter_id}}/raw")
    async def download(request: Request, letter_id: uuid.UUID) -> Response:
        """A letter as it came, if it is set aside; written to the audit log."""
        caller = await current_operator(desk, request)
        if caller is None:
            return RedirectResponse("/operator", 303)
        try:
            rights.check(caller, Right.OPEN_LETTERS)
            raw = await desk.database.write_soon(_open, desk, caller, letter_id)
            if (await virus_scan.scan(raw)).scan == Scan.REFUSED:
                raise conflict("letter_raw_infected")
        except Problem as problem:
            return show(request, {"refusal": problem.detail}, problem.status)
        return file_response(f"letter-{letter_id}.eml", raw, "message/rfc822")

    return routes


def _read(session: Session, desk: Desk, state: LetterState, number: int) -> _List:
    total = quarantine.counts(session)[state]
    page = min(max(number, 1), max(1, -(-total // _SHOWN)))
    found = incoming.listed(session, state, _SHOWN, (page - 1) * _SHOWN)
    return _List([_Shown(row, _size(row.size), _why(row), quarantine.preview(desk, row)) for row in found], total, page)


def _why(row: IncomingLetter) -> str:
    if row.state == LetterState.PARKED:
        return say("letter_parked_sender") if row.error == handling.NO_SENDER else say("letter_parked_fault", error=row.error or "")
    if row.outcome == quarantine.SPAM and row.spam_score is not None:
        return say("letter_spam", score=f"{row.spam_score:.1f}".replace(".", ","))
    return say("letter_flood")


def _size(count: int) -> str:
    return size_words(count) if count >= _KIB * _KIB else f"{-(-count // _KIB)} КБ"


def _open(session: Session, desk: Desk, caller: Operator, letter_id: uuid.UUID) -> bytes:
    row = incoming.find(session, letter_id)
    if row is not None and row.state not in (LetterState.QUARANTINED, LetterState.PARKED):
        raise conflict("letter_not_aside")
    return review.open_raw(session, desk, caller, letter_id)


def _has_looked(session: Session, caller: Operator) -> bool:
    return audit.was_recorded(session, caller, audit.LETTERS_READ, None, now() - _ONE_LOOK)


def _record_look(session: Session, desk: Desk, caller: Operator) -> None:
    """In the audit log, once an hour: these are people's words."""
    if not _has_looked(session, caller):
        audit.append(session, desk.vault, caller, audit.LETTERS_READ)


def _id(written: str) -> uuid.UUID:
    """Problem 422 for what no form of ours holds."""
    try:
        return uuid.UUID(written)
    except ValueError:
        raise invalid("letter", "letters_malformed") from None
