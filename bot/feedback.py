"""The feedback form (S7): a page that works without JavaScript, and the same as an API call."""

import asyncio
import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from sqlalchemy.orm import Session

from bot.help_text import shorten
from core.desk import Desk
from core.errors import DatabaseDown, Problem
from core.facts import fill, size_words
from core.files import CheckedFile, Files
from core.ids import new_id, new_token
from core.limits import Counters, SharedRateLimit
from core.models import Conversation, now
from core.posted_forms import PostedForm, read_form
from core.web import client_address
from core.words import say
from core.working_time import in_words, moscow_stamp
from handoff import feedback_form
from handoff.appeal_status import Lookup, Status, status_of
from handoff.feedback_form import Feedback, Registered, WrongFields
from handoff.topics import TOPIC_WORDS

PAGE = "/appeals/new"
SEND = f"{PAGE}/send"  # an address of its own: what is posted to a page's makes the browser forget the page, and "back" bring a new form
_SENT = f"{PAGE}/sent"
# Number and access code between the form and the page that shows them: not in an address, which stays in histories.
_COOKIE = "otklik_sent"
_COOKIE_SECONDS = 600
_RETRY_SECONDS = 5
_NAME_SHOWN = 60  # characters of a file's name
_PAGE_FACTS = ("service_name", "portal_url", "hotline", "official_email", "message_characters", "message_attachments", "has_telegram_link")
_DEADLINES = {
    "technical_problem": "[[due_complex]]",
    "outage": "[[due_urgent]]",
    "application_question": "[[due_simple]]",
    "suggestion": "[[due_complaint]]",
    "complaint": "[[due_complaint]]",
}
# What a program sends, for /openapi.json.
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["email", "kind", "text", "full_name", "snils", "consent"],
                    "properties": {
                        **{name: {"type": "string"} for name in ("email", "text", "full_name", "snils", "application_number", "phone")},
                        "kind": {"type": "string", "enum": list(feedback_form.TOPICS)},
                        "consent": {"type": "string", "enum": ["true"]},
                        "reply_channel": {"type": "string", "enum": ["email", "phone", "messenger"], "default": "email"},
                        "form_id": {
                            "type": "string",
                            "pattern": f"^{feedback_form.FORM_ID.pattern}$",
                            "description": "Random, made by the client: the same form again is the same appeal.",
                        },
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    },
                }
            }
        },
    }
}


class _WrongFiles(Exception):
    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


class FeedbackDesk:
    """What the page and the call share."""

    def __init__(self, desk: Desk, files: Files) -> None:
        self._desk = desk
        self._files = files
        self.limit = SharedRateLimit(Counters(desk.vault, desk.settings), "feedback of address", desk.settings.feedback_forms_per_minute)

    async def take(self, form: PostedForm) -> Registered:
        """Makes the form an appeal; the same form again is the same one.

        Problem 413, 415 or 422 with ``errors``, 409, 429: then nothing is stored.
        """
        errors: dict[str, str] = {}
        feedback, status = None, 422
        try:
            feedback = await asyncio.to_thread(feedback_form.read, form.fields, self._desk.settings)
        except WrongFields as wrong:
            errors = wrong.errors
        checked: list[CheckedFile] = []
        try:
            checked = await self._check(form)
        except _WrongFiles as wrong:
            status = 422 if errors else wrong.status
            errors["files"] = wrong.words
        if errors or feedback is None:
            order = (*feedback_form.FIELDS, "form_id")
            raise Problem(status, "form_wrong", errors={name: errors[name] for name in order if name in errors})
        return await self._store(feedback, checked)

    async def _check(self, form: PostedForm) -> list[CheckedFile]:
        """Raises _WrongFiles with words about all that are wrong."""
        settings = self._desk.settings
        if form.is_too_large:
            raise _WrongFiles(413, say("form_files_too_large", limit=size_words(settings.max_message_bytes)))
        if len(form.files) > settings.message_attachments:
            raise _WrongFiles(422, say("form_too_many_files", limit=settings.message_attachments))
        checked, refused = [], []
        for file in form.files:
            try:
                checked.append(await self._files.check(file.name, file.content))
            except Problem as problem:
                refused.append((file.name, problem))
        if refused:
            words = [say("form_file_refused", name=shorten(name, _NAME_SHOWN), reason=problem.detail) for name, problem in refused]
            raise _WrongFiles(refused[0][1].status, " ".join(words))
        return checked

    async def _store(self, feedback: Feedback, files: list[CheckedFile]) -> Registered:
        desk = self._desk
        received = now()
        holder = Conversation(id=new_id())
        desk.vault.new_key(holder)
        try:
            for file in files:
                await self._files.write(holder, file)
            registered = await desk.database.write_soon(feedback_form.register, desk, holder, feedback, files, received)
        except DatabaseDown:
            raise  # perhaps only the answer was lost, and they are needed: the sweep of stray files finds out
        except Exception:
            await self._forget(files)
            raise
        if registered.is_repeated:
            await self._forget(files)
        return registered

    async def _forget(self, files: list[CheckedFile]) -> None:
        for file in files:
            await self._files.delete(file)


@dataclass(frozen=True)
class _Carried:
    number: str
    access_code: str
    is_repeated: bool


class _Carrier:
    """Number and access code as a cookie of ours: signed, so that nobody tries pairs with it."""

    def __init__(self, desk: Desk) -> None:
        self._prefix = f"{desk.settings.appeal_prefix}-"
        self._hash = desk.vault.keyed_hash

    def seal(self, registered: Registered) -> str:
        number = registered.number.removeprefix(self._prefix)  # in ASCII
        carried = f"{number}.{registered.access_code}.{'again' if registered.is_repeated else 'first'}"
        return f"{carried}.{self._signature(carried)}"

    def open(self, cookie: str) -> _Carried | None:
        carried, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(carried).encode()):
            return None
        number, code, again = carried.split(".")
        return _Carried(self._prefix + number, code, again == "again")

    def _signature(self, carried: str) -> str:
        return self._hash(f"feedback sent\n{carried}").hex()


def feedback_routes(desk: Desk, files: Files) -> APIRouter:
    routes = APIRouter()
    settings = desk.settings
    feedback, carrier, lookup = FeedbackDesk(desk, files), _Carrier(desk), Lookup(desk.vault)
    templates = Jinja2Templates(Path(__file__).parent / "templates")
    templates.env.filters["in_words"] = in_words
    site = settings.public_url.rstrip("/")
    topics = {topic: (say(TOPIC_WORDS[topic]), fill(_DEADLINES[topic], settings)) for topic in feedback_form.TOPICS}
    sizes = {
        "max_picture": size_words(settings.max_picture_bytes),
        "max_document": size_words(settings.max_document_bytes),
        "max_files": size_words(settings.max_message_bytes),
    }
    desk_facts = {name: getattr(settings, name) for name in _PAGE_FACTS} | sizes | {"site": site, "topics": topics}

    def page(request: Request, posted: PostedForm, problem: Problem | None = None) -> Response:
        """The form, with what was typed and what to correct."""
        facts = {
            **desk_facts,
            "typed": posted.fields,
            "form_id": posted.fields.get("form_id") or new_token(),
            "errors": problem.errors if problem else {},
            "problem": problem.detail if problem else None,
            "lost_files": [shorten(file.name, _NAME_SHOWN) for file in posted.files],
        }
        # An empty one may be kept for "back": there it is the same form, and the same appeal.
        headers = {"Cache-Control": "no-store" if problem else "private, no-cache"}
        answer = templates.TemplateResponse(request, "feedback.html", facts, problem.status if problem else 200, headers)
        if problem and problem.retry_after:
            answer.headers["Retry-After"] = str(problem.retry_after)
        return answer

    @routes.post("/api/appeals", tags=["citizen"], status_code=201, openapi_extra=_BODY)
    async def register(request: Request) -> dict[str, Any]:
        """Registers an appeal. What is wrong stands in `errors`, field by field; then nothing is stored."""
        await feedback.limit.check(client_address(request))
        registered = await feedback.take(await read_form(request, settings.max_message_bytes))
        return {
            "number": registered.number,
            "due_at": moscow_stamp(registered.due_at),
            "status": registered.status,
            "access_code": registered.access_code,
        }

    @routes.get(PAGE, response_class=HTMLResponse, include_in_schema=False)
    async def show_form(request: Request) -> Response:
        return page(request, PostedForm({}, []))

    @routes.get(SEND, include_in_schema=False)
    async def go_to_form() -> Response:
        """For who comes by the address of a form with faults."""
        return RedirectResponse(PAGE, 303)

    @routes.post(SEND, response_class=HTMLResponse, include_in_schema=False)
    async def send(request: Request) -> Response:
        posted, limited = PostedForm({}, []), None
        try:
            await feedback.limit.check(client_address(request))
        except Problem as problem:
            limited = problem
        try:
            posted = await read_form(request, 0 if limited else settings.max_message_bytes)  # what was typed is shown again in any case
            if limited:
                raise limited
            registered = await feedback.take(posted)
        except DatabaseDown:
            return page(request, posted, Problem(503, "database_down", retry_after=_RETRY_SECONDS))
        except Problem as problem:
            return page(request, posted, problem)
        answer = RedirectResponse(_SENT, 303)
        carried = carrier.seal(registered)
        secure = settings.cookie_secure
        answer.set_cookie(_COOKIE, carried, _COOKIE_SECONDS, path=_SENT, secure=secure, httponly=True, samesite="strict")
        return answer

    @routes.get(_SENT, response_class=HTMLResponse, include_in_schema=False)
    async def show_sent(request: Request) -> Response:
        """Number and access code, once. Later, and where cookies are off, that they are in the letter."""
        carried = carrier.open(request.cookies.get(_COOKIE, ""))
        status = None
        if carried:

            def look(session: Session) -> Status | None:
                appeal = lookup.find(session, carried.number, carried.access_code)
                return status_of(session, appeal, now()) if appeal else None

            status = await desk.database.read_soon(look)
        facts = {**desk_facts, "status": status, "carried": carried}
        answer = templates.TemplateResponse(request, "feedback_sent.html", facts, headers={"Cache-Control": "no-store"})
        answer.delete_cookie(_COOKIE, path=_SENT)
        return answer

    return routes
