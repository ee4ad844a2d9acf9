"""Where a receipt's link leads: an appeal's status, as a page without JavaScript and as an API call."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.templating import Jinja2Templates
from sqlalchemy.orm import Session

from core.desk import Desk
from core.errors import DatabaseDown, Problem
from core.limits import Counters
from core.models import now
from core.web import client_address
from core.words import say
from core.working_time import in_words
from handoff.appeal_numbers import format_number, read_number
from handoff.appeal_status import Lookup, Status, status_of
from handoff.fields.fault import FieldFault
from handoff.status_checks import StatusChecks

_LONGEST = 100  # characters of a number that are shown again
_PAGE_FACTS = ("service_name", "portal_url", "hotline", "official_email")


class StatusDesk:
    """What the page and the call share: the lookup and its limits."""

    def __init__(self, desk: Desk) -> None:
        self._database = desk.database
        self._lookup = Lookup(desk.vault)
        self._checks = StatusChecks(Counters(desk.vault, desk.settings), desk.settings)

    async def read(self, address: str, number: str | None, access_code: str) -> Status:
        """``number`` as ``read_number`` returned it. Problem 404 for a wrong pair, whatever is wrong with it; 429."""

        def look(session: Session) -> Status | None:
            appeal = self._lookup.find(session, number, access_code)
            return status_of(session, appeal, now()) if appeal else None

        return await self._checks.run(address, number, lambda: self._database.read_soon(look))


def status_routes(desk: Desk) -> APIRouter:
    routes = APIRouter()
    settings = desk.settings
    status_desk = StatusDesk(desk)
    templates = Jinja2Templates(Path(__file__).parent / "templates")
    templates.env.filters["in_words"] = in_words
    example = format_number(settings.appeal_prefix, 2026, 417)
    desk_facts = {name: getattr(settings, name) for name in _PAGE_FACTS}

    def page(request: Request, number: str = "", errors: dict[str, str] | None = None, code: int = 200, **more: Any) -> Response:
        """The page; of what was typed it holds the number only."""
        facts = {**desk_facts, "example": example, "number": number, "errors": errors or {}, "status": None, **more}
        return templates.TemplateResponse(request, "appeal.html", facts, code, {"Cache-Control": "no-store"})

    def understood_number(text: str) -> str | None:
        try:
            return read_number(text, settings)
        except FieldFault:
            return None

    @routes.get("/api/appeals/{number}", tags=["citizen"])
    async def read_status(request: Request, number: str, access_code: str) -> dict[str, Any]:
        """Status, due date and history. A wrong pair is 404, the same whether the number exists or not."""
        # For a program a mistyped one is one more wrong pair; the page tells a person.
        return (await status_desk.read(client_address(request), understood_number(number), access_code)).document()

    @routes.get("/appeals", response_class=HTMLResponse, include_in_schema=False)
    async def empty_form(request: Request) -> Response:
        return page(request)

    @routes.get("/appeals/{number}", response_class=HTMLResponse, include_in_schema=False)
    async def form(request: Request, number: str) -> Response:
        return page(request, understood_number(number) or number[:_LONGEST])

    @routes.post("/appeals", response_class=HTMLResponse, include_in_schema=False)
    async def show(request: Request, number: Annotated[str, Form()] = "", access_code: Annotated[str, Form()] = "") -> Response:
        """The status itself, or the form with what to correct. Posted, the code stands in no address, log or history."""
        typed = number.strip()[:_LONGEST]
        errors: dict[str, str] = {}
        understood = None
        try:
            understood = read_number(typed, settings)
            if understood is None:
                errors["number"] = say("appeal_number_unlike" if typed else "appeal_number_missing", example=example)
        except FieldFault as fault:
            errors["number"] = fault.words
        if not access_code.strip():
            errors["access_code"] = say("access_code_missing")
        if errors:
            return page(request, typed, errors, 422)
        try:
            status = await status_desk.read(client_address(request), understood, access_code)
        except DatabaseDown:
            return page(request, typed, {"form": say("database_down")}, 503)
        except Problem as problem:
            answer = page(request, typed, {"access_code" if problem.status == 404 else "form": problem.detail}, problem.status)
            if problem.retry_after:
                answer.headers["Retry-After"] = str(problem.retry_after)
            return answer
        return page(request, status.number, status=status)

    return routes
