"""The console's pages: the login form, or the console itself."""

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.templating import Jinja2Templates

from core.desk import Desk
from handoff.console.access import current_operator
from handoff.console.reasons import REASON_CHARACTERS
from handoff.field_words import FIELDS
from handoff.rights import Right, held

FOLDER = Path(__file__).parent


def console_pages(desk: Desk) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    templates = Jinja2Templates(FOLDER / "templates")

    @routes.get("/operator", response_class=HTMLResponse)
    async def console(request: Request) -> Response:
        operator = await current_operator(desk, request)
        words = {"service_name": desk.settings.service_name}
        headers = {"Cache-Control": "no-store"}
        if operator is None:
            return templates.TemplateResponse(request, "login.html", words, headers=headers)
        who = {"operator_name": operator.name, "operator_login": operator.login, "operator_role": operator.role, "limits": desk.settings}
        rights = held(operator)
        who |= {"rights": " ".join(rights), "reads_audit": Right.READ_AUDIT in rights}
        who |= {"edits_articles": Right.EDIT_ARTICLES in rights, "reviews_letters": Right.REVIEW_LETTERS in rights}
        who |= {"operator_department": operator.department}
        who |= {"reason_characters": REASON_CHARACTERS, "field_words": FIELDS}
        return templates.TemplateResponse(request, "console.html", {**words, **who}, headers=headers)

    return routes
