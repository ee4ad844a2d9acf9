"""The operators' calls: api.md, "Operator"."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from core import audit, conversations
from core.errors import Problem
from core.models import Attachment, Conversation, Mode, Operator, now
from core.transcript import attachment_document, file_name
from core.web import UPLOAD, bearer_token, client_address, file_response, read_upload
from handoff import appeal_states, departments, letters, notices, operators, queue
from handoff.console.access import COOKIE, Access, check_origin
from handoff.console.login import LoginDesk
from handoff.console.reasons import Reasoned
from handoff.console.workplace import Workplace
from handoff.rights import Right, held

_RESOLUTION_CHARACTERS = 2000


class Login(BaseModel):
    login: Annotated[str, Field(max_length=60)]
    password: Annotated[str, Field(max_length=500)]
    code: Annotated[str, Field(max_length=20)] | None = None  # a second factor is not built: nobody is asked for one


class NewReply(BaseModel):
    client_message_id: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
    text: str = ""
    attachment_ids: list[uuid.UUID] = []
    internal: bool = False
    article: Annotated[str, Field(max_length=100, pattern=r"^[a-z0-9-]+$")] | None = None  # the slug of the one that the text is from


class Resolution(BaseModel):
    resolution: Annotated[str, Field(max_length=_RESOLUTION_CHARACTERS)]


class Transfer(BaseModel):
    """To a department, by its slug, or to an operator, by the login."""

    department: Annotated[str, Field(max_length=40)] | None = None
    operator: Annotated[str, Field(max_length=60)] | None = None
    note: Annotated[str, Field(max_length=_RESOLUTION_CHARACTERS)]


class Reveal(Reasoned):
    field: Annotated[str, Field(max_length=40)]


def account_routes(workplace: Workplace, access: Access) -> APIRouter:
    """Login, logout, and who I am."""
    desk = workplace.desk
    routes = APIRouter(prefix="/api/operator", tags=["operator"])
    login_desk = LoginDesk(desk, workplace)

    @routes.post("/login")
    async def login(request: Request, given: Login) -> Response:
        """Begins a session: a cookie for pages, a token for programs."""
        check_origin(request)
        token = await login_desk.begin_session(given.login, given.password, client_address(request))
        response = JSONResponse({"token": token})
        seconds, secure = desk.settings.operator_session_hours * 3600, desk.settings.cookie_secure
        response.set_cookie(COOKIE, token, max_age=seconds, httponly=True, samesite="strict", secure=secure, path="/")
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
        return {"login": operator.login, "name": operator.name, "role": operator.role, "rights": held(operator)}

    return routes


def work_routes(workplace: Workplace, access: Access) -> APIRouter:
    """The queue and conversations."""
    desk = workplace.desk
    routes = APIRouter(prefix="/api/operator", tags=["operator"])
    Reader = Annotated[Operator, Depends(access.holding(Right.READ))]  # noqa: N806 - types
    Worker = Annotated[Operator, Depends(access.holding(Right.WORK))]  # noqa: N806
    Revealer = Annotated[Operator, Depends(access.holding(Right.REVEAL))]  # noqa: N806
    Releaser = Annotated[Operator, Depends(access.holding(Right.RELEASE))]  # noqa: N806

    @routes.get("/queue")
    async def read_queue(_operator: Reader) -> dict[str, Any]:
        """Waiting conversations and open appeals, most urgent first; letters that did not arrive."""
        return await desk.database.read_soon(workplace.lists)

    @routes.get("/colleagues")
    async def colleagues(_operator: Worker) -> dict[str, Any]:
        """To whom a conversation may be passed: departments, and operators by login."""

        def read(session: Session) -> dict[str, Any]:
            workers = [{"login": one.login, "name": one.name, "department": one.department} for one in operators.workers(session)]
            return {"departments": departments.known(session, desk.settings), "operators": workers}

        return await desk.database.read_soon(read)

    @routes.get("/conversations/{conversation_id}")
    async def read(conversation_id: uuid.UUID, operator: Reader) -> dict[str, Any]:
        """The conversation with everything an operator needs beside it; personal data masked."""
        return await workplace.transcript(conversation_id, operator)

    @routes.post("/conversations/{conversation_id}/claim")
    async def claim(conversation_id: uuid.UUID, operator: Worker) -> dict[str, Any]:
        def take(session: Session) -> None:
            conversation = conversations.lock(session, conversation_id)
            is_new = conversation.operator_id != operator.id
            begun = queue.claim(session, desk, conversation, operator, now())
            if begun is not None and workplace.writes(session, conversation):  # who is in the chat sees the operator join
                notices.tell(session, desk, conversation, appeal_states.news(session, begun), letter=letters.STATUS)
            if is_new:
                audit.append(session, desk.vault, operator, audit.CLAIM, conversation=conversation)

        await desk.database.write_soon(take)
        return {"mode": Mode.OPERATOR, "operator": {"login": operator.login, "name": operator.name}}

    @routes.post("/conversations/{conversation_id}/messages", status_code=202)
    async def send(conversation_id: uuid.UUID, new: NewReply, operator: Worker) -> dict[str, Any]:
        """A reply to the citizen, or with ``internal`` a note that they never see."""
        if new.internal:
            return await workplace.note(conversation_id, operator, new.client_message_id, new.text, new.attachment_ids)
        return await workplace.reply(conversation_id, operator, new.client_message_id, new.text, new.attachment_ids, new.article)

    @routes.post("/conversations/{conversation_id}/close")
    async def close(conversation_id: uuid.UUID, given: Resolution, operator: Worker) -> dict[str, Any]:
        """Ends the operator's part and the appeal."""
        resolution = workplace.check_words(given.resolution, "resolution", "resolution_missing")

        def end(session: Session) -> None:
            conversation = conversations.lock(session, conversation_id)
            left = queue.close(session, desk, conversation, operator, resolution, now())
            if workplace.writes(session, conversation):
                letters.put_notice(session, desk, conversation, letters.STATUS, left)
            audit.append(session, desk.vault, operator, audit.CLOSE, conversation=conversation)

        await desk.database.write_soon(end)
        return {"mode": Mode.BOT}

    @routes.post("/conversations/{conversation_id}/transfer")
    async def transfer(conversation_id: uuid.UUID, given: Transfer, operator: Worker) -> dict[str, Any]:
        """Gives the conversation to a department's queue, or to a colleague, with a note for them. Problem 409, 422."""
        if bool(given.department) == bool(given.operator):
            raise Problem(422, "transfer_target")
        note = workplace.check_words(given.note, "note", "transfer_note_missing")
        return await desk.database.write_soon(workplace.transfer, conversation_id, operator, given.department, given.operator, note)

    @routes.post("/conversations/{conversation_id}/return-to-bot")
    async def return_to_bot(conversation_id: uuid.UUID, operator: Worker) -> dict[str, Any]:
        """Ends the operator's part; the appeal stays open."""

        def end(session: Session) -> None:
            conversation = conversations.lock(session, conversation_id)
            queue.return_to_bot(session, desk, conversation, operator)
            audit.append(session, desk.vault, operator, audit.RETURN, conversation=conversation)

        await desk.database.write_soon(end)
        return {"mode": Mode.BOT}

    @routes.post("/conversations/{conversation_id}/reveal")
    async def reveal(conversation_id: uuid.UUID, given: Reveal, operator: Revealer) -> dict[str, Any]:
        """A field in full; written to the audit log."""
        reason = workplace.check_words(given.reason, "reason", "reason_missing")
        return {"value": await workplace.reveal(conversation_id, operator, given.field, reason)}

    @routes.post("/conversations/{conversation_id}/attachments", status_code=201, openapi_extra=UPLOAD)
    async def upload(conversation_id: uuid.UUID, request: Request, operator: Worker) -> dict[str, Any]:
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
    async def download(attachment_id: uuid.UUID, operator: Worker) -> Response:
        """A file; 409 for one that was not scanned and not released."""

        def find(session: Session) -> tuple[Conversation, Attachment, str]:
            conversation, attachment = workplace.readable_attachment(session, attachment_id, operator)
            return conversation, attachment, file_name(session, desk, conversation, attachment, for_operator=True)

        conversation, attachment, name = await desk.database.read_soon(find)
        await workplace.record_download(conversation.id, operator, attachment.id)
        content = await workplace.files.stream(conversation, attachment)
        return file_response(name, content, attachment.content_type, attachment.size)

    @routes.post("/attachments/{attachment_id}/release", status_code=204)
    async def release(attachment_id: uuid.UUID, given: Reasoned, operator: Releaser) -> Response:
        """Lets an unscanned file be opened; written to the audit log."""
        reason = workplace.check_words(given.reason, "reason", "reason_missing")
        await desk.database.write_soon(workplace.release, attachment_id, operator, reason)
        return Response(status_code=204)

    return routes
