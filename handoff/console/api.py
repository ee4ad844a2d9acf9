"""The operators' calls: api.md, "Operator"."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from core import conversations
from core.errors import not_authenticated
from core.limits import RateLimit
from core.models import Attachment, Conversation, Mode, Operator, now
from core.transcript import attachment_document, file_name
from core.web import UPLOAD, bearer_token, client_address, file_response, read_upload
from handoff import operators, queue
from handoff.console.access import COOKIE, Access, check_origin
from handoff.console.workplace import Workplace

_RESOLUTION_CHARACTERS = 2000
_REASON_CHARACTERS = 500


class Login(BaseModel):
    login: Annotated[str, Field(max_length=60)]
    password: Annotated[str, Field(max_length=500)]
    code: Annotated[str, Field(max_length=20)] | None = None  # a second factor is not built: nobody is asked for one


class NewReply(BaseModel):
    client_message_id: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
    text: str = ""
    attachment_ids: list[uuid.UUID] = []
    internal: bool = False


class Resolution(BaseModel):
    resolution: Annotated[str, Field(max_length=_RESOLUTION_CHARACTERS)]


class Reveal(BaseModel):
    field: Annotated[str, Field(max_length=40)]
    reason: Annotated[str, Field(max_length=_REASON_CHARACTERS)]


class Release(BaseModel):
    reason: Annotated[str, Field(max_length=_REASON_CHARACTERS)]


def account_routes(workplace: Workplace, access: Access) -> APIRouter:
    """Login, logout, and who I am."""
    desk = workplace.desk
    routes = APIRouter(prefix="/api/operator", tags=["operator"])
    login_limit = RateLimit(desk.settings.logins_per_minute)

    @routes.post("/login")
    async def login(request: Request, given: Login) -> Response:
        """Begins a session: a cookie for pages, a token for programs."""
        check_origin(request)
        login_limit.check(f"address {client_address(request)}")
        login_limit.check(f"login {given.login}")
        operator = await desk.database.read_soon(operators.find_by_login, given.login)
        if not await workplace.password_matches(operator, given.password) or operator is None:
            raise not_authenticated("login_wrong")
        hours = desk.settings.operator_session_hours
        token = await desk.database.write_soon(operators.begin_session, operator, now(), hours)
        response = JSONResponse({"token": token})
        secure = desk.settings.cookie_secure
        response.set_cookie(COOKIE, token, max_age=hours * 3600, httponly=True, samesite="strict", secure=secure, path="/")
        return response

    @routes.post("/logout", status_code=204)
    async def logout(request: Request) -> Response:
        check_origin(request)
        await desk.database.write_soon(operators.end_session, bearer_token(request) or request.cookies.get(COOKIE, ""))
        response = Response(status_code=204)
        response.delete_cookie(COOKIE, path="/")
        return response

    @routes.get("/me")
    async def who_am_i(operator: Annotated[Operator, Depends(access)]) -> dict[str, Any]:
        return {"login": operator.login, "name": operator.name, "role": operator.role}

    return routes


def work_routes(workplace: Workplace, access: Access) -> APIRouter:
    """The queue and conversations."""
    desk = workplace.desk
    routes = APIRouter(prefix="/api/operator", tags=["operator"])
    Caller = Annotated[Operator, Depends(access)]  # noqa: N806 - a type

    @routes.get("/queue")
    async def read_queue(_operator: Caller) -> dict[str, Any]:
        """Waiting conversations and open appeals, most urgent first."""
        return {"items": await desk.database.read_soon(queue.items)}

    @routes.get("/conversations/{conversation_id}")
    async def read(conversation_id: uuid.UUID, _operator: Caller) -> dict[str, Any]:
        """The conversation with everything an operator needs beside it; personal data masked."""
        return await workplace.transcript(conversation_id)

    @routes.post("/conversations/{conversation_id}/claim")
    async def claim(conversation_id: uuid.UUID, operator: Caller) -> dict[str, Any]:
        def take(session: Session) -> None:
            queue.claim(session, desk, conversations.lock(session, conversation_id), operator, now())

        await desk.database.write_soon(take)
        return {"mode": Mode.OPERATOR, "operator": {"login": operator.login, "name": operator.name}}

    @routes.post("/conversations/{conversation_id}/messages", status_code=202)
    async def send(conversation_id: uuid.UUID, new: NewReply, operator: Caller) -> dict[str, Any]:
        """A reply to the citizen, or with ``internal`` a note that they never see."""
        if new.internal:
            return await workplace.note(conversation_id, operator, new.client_message_id, new.text, new.attachment_ids)
        return await workplace.reply(conversation_id, operator, new.client_message_id, new.text, new.attachment_ids)

    @routes.post("/conversations/{conversation_id}/close")
    async def close(conversation_id: uuid.UUID, given: Resolution, operator: Caller) -> dict[str, Any]:
        """Ends the operator's part and the appeal."""
        resolution = workplace.check_words(given.resolution, "resolution", "resolution_missing")

        def end(session: Session) -> None:
            queue.close(session, desk, conversations.lock(session, conversation_id), operator, resolution, now())

        await desk.database.write_soon(end)
        return {"mode": Mode.BOT}

    @routes.post("/conversations/{conversation_id}/return-to-bot")
    async def return_to_bot(conversation_id: uuid.UUID, operator: Caller) -> dict[str, Any]:
        """Ends the operator's part; the appeal stays open."""

        def end(session: Session) -> None:
            queue.return_to_bot(session, desk, conversations.lock(session, conversation_id), operator)

        await desk.database.write_soon(end)
        return {"mode": Mode.BOT}

    @routes.post("/conversations/{conversation_id}/reveal")
    async def reveal(conversation_id: uuid.UUID, given: Reveal, operator: Caller) -> dict[str, Any]:
        """A field in full; written to the audit log."""
        reason = workplace.check_words(given.reason, "reason", "reason_missing")
        return {"value": await desk.database.write_soon(workplace.reveal, conversation_id, operator, given.field, reason)}

    @routes.post("/conversations/{conversation_id}/attachments", status_code=201, openapi_extra=UPLOAD)
    async def upload(conversation_id: uuid.UUID, request: Request, operator: Caller) -> dict[str, Any]:
        """Takes a file for a reply to come. Its body is read once the caller is known."""

        def check(session: Session) -> None:
            queue.check_holder(session, conversations.find(session, conversation_id), operator)

        await desk.database.read_soon(check)
        attachment = await workplace.files.accept(conversation_id, *await read_upload(request), operator)

        def show(session: Session) -> dict[str, Any]:
            conversation = conversations.find(session, conversation_id)
            return attachment_document(session, desk, conversation, attachment, for_operator=True)

        return await desk.database.read_soon(show)

    @routes.get("/attachments/{attachment_id}")
    async def download(attachment_id: uuid.UUID, operator: Caller) -> Response:
        """A file; 409 for one that was not scanned and not released."""

        def find(session: Session) -> tuple[Conversation, Attachment, str]:
            conversation, attachment = workplace.readable_attachment(session, attachment_id, operator)
            return conversation, attachment, file_name(session, desk, conversation, attachment, for_operator=True)

        conversation, attachment, name = await desk.database.read_soon(find)
        return file_response(name, await workplace.files.read(conversation, attachment), attachment.content_type)

    @routes.post("/attachments/{attachment_id}/release", status_code=204)
    async def release(attachment_id: uuid.UUID, given: Release, operator: Caller) -> Response:
        """Lets an unscanned file be opened; written to the audit log."""
        reason = workplace.check_words(given.reason, "reason", "reason_missing")
        await desk.database.write_soon(workplace.release, attachment_id, operator, reason)
        return Response(status_code=204)

    return routes
