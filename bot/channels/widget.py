"""The portal's widget: api.md, "Citizen"."""

import asyncio
import hmac
import uuid
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from bot import claims, intake
from bot.greeting import greet
from bot.turns import Turns
from core import conversations
from core.desk import Desk
from core.errors import conflict, not_authenticated, not_found
from core.files import Files
from core.ids import token_hash
from core.limits import Counters, SharedRateLimit
from core.models import Attachment, Conversation, Mode, Operator, Scan, now
from core.transcript import attachment_document, file_name, message_document, message_documents
from core.web import UPLOAD, bearer_token, client_address, file_response, read_upload
from handoff import appeals, queue, transcripts

CHANNEL = "widget"
PAGE = 200
_LONGEST_WAIT_SECONDS = 30


class NewConversation(BaseModel):
    """Nothing yet."""


class NewMessage(BaseModel):
    client_message_id: str
    text: str = ""
    payload: Annotated[str, Field(max_length=100)] | None = None
    attachment_ids: list[uuid.UUID] = []

    def inbound(self) -> intake.Inbound:
        return intake.Inbound(self.client_message_id, self.text, self.payload, self.attachment_ids)


@dataclass(frozen=True)
class State:
    """A conversation as its citizen may see it now."""

    messages: list[dict[str, Any]]
    more: bool
    mode: Mode
    queue_position: int | None
    operator_name: str | None
    open_turns: frozenset[int]

    @property
    def last_seq(self) -> int:
        return int(self.messages[-1]["seq"]) if self.messages else 0


class WidgetDesk:
    """What the widget's calls and its socket share."""

    def __init__(self, desk: Desk, turns: Turns, files: Files) -> None:
        self.desk = desk
        self.turns = turns
        self.files = files
        counters = Counters(desk.vault, desk.settings)
        self.message_limit = SharedRateLimit(counters, "messages", desk.settings.messages_per_minute)
        self.file_limit = SharedRateLimit(counters, "files", desk.settings.messages_per_minute)
        self.conversation_limit = SharedRateLimit(counters, "conversations", desk.settings.conversations_per_minute)

    async def check_token(self, conversation_id: uuid.UUID, token: str) -> None:
        """Problem 404 for an unknown conversation, 401 for a token that is not its own."""
        known = await self.desk.database.read_at_once(conversations.token_hash_of, conversation_id)
        if known is None or not hmac.compare_digest(known, token_hash(token)):
            raise not_authenticated()

    async def accept(self, conversation_id: uuid.UUID, new: NewMessage) -> dict[str, Any]:
        """Stores a message and begins its turn; returns it as api.md shows it. Problem 409, 422, 429."""
        await self.message_limit.check(str(conversation_id))

        def store(session: Session) -> tuple[dict[str, Any], claims.Begun | None]:
            at = now()
            message = intake.accept(session, self.desk, conversation_id, new.inbound(), at)
            conversation = conversations.find(session, conversation_id)
            document = message_document(session, self.desk, conversation, message)
            return document, claims.begin_next(session, self.desk, conversation, at)

        document, begun = await self.desk.database.write_soon(store)
        self.turns.start(begun)
        await asyncio.sleep(0)  # the engine is asked first: it takes longer than to acknowledge the message
        return document

    def state(self, session: Session, conversation_id: uuid.UUID, after: int) -> State:
        """Everything newer than ``after``, at most PAGE messages at once."""
        conversation = conversations.find(session, conversation_id)
        found = conversations.messages_after(session, conversation_id, after, PAGE + 1)
        operator = session.get(Operator, conversation.operator_id) if conversation.operator_id else None
        waits = conversation.mode == Mode.QUEUED
        return State(
            messages=message_documents(session, self.desk, conversation, found[:PAGE]),
            more=len(found) > PAGE,
            mode=conversation.mode,
            queue_position=queue.position(session, conversation_id) if waits else None,
            operator_name=operator.name if operator else None,
            open_turns=frozenset(claims.open_turns(session, conversation_id)) if conversation.mode == Mode.BOT else frozenset(),
        )


def widget_routes(widget: WidgetDesk) -> APIRouter:
    routes = APIRouter(prefix="/api/conversations", tags=["citizen"])
    desk = widget.desk

    async def own(conversation_id: uuid.UUID, request: Request) -> uuid.UUID:
        await widget.check_token(conversation_id, bearer_token(request))
        return conversation_id

    Own = Annotated[uuid.UUID, Depends(own)]  # noqa: N806 - a type

    @routes.post("", status_code=201)
    async def start(request: Request, _given: NewConversation | None = None) -> dict[str, Any]:
        """Begins a conversation; the greeting is message 1."""
        await widget.conversation_limit.check(client_address(request))

        def begin(session: Session) -> tuple[Conversation, str]:
            conversation, token = conversations.start(session, desk.vault, CHANNEL)
            greet(session, desk, conversation)
            return conversation, token

        conversation, token = await desk.database.write_soon(begin)
        return {"conversation_id": str(conversation.id), "token": token}

    @routes.post("/{conversation_id}/messages", status_code=202)
    async def send(conversation_id: Own, new: NewMessage) -> dict[str, Any]:
        """Stores a message, then acknowledges it."""
        return await widget.accept(conversation_id, new)

    @routes.get("/{conversation_id}/messages")
    async def read(
        conversation_id: Own,
        after: Annotated[int, Query(ge=0, le=2**31)] = 0,
        wait: Annotated[float, Query(ge=0, le=_LONGEST_WAIT_SECONDS)] = 0,
    ) -> dict[str, Any]:
        """Messages after a ``seq``; with ``wait`` the call is held until there is one or the mode changes."""
        with desk.events.subscribe(str(conversation_id)) as hints:
            deadline = now().timestamp() + wait
            state = await desk.database.read_at_once(widget.state, conversation_id, after)
            mode = state.mode
            while not state.messages and state.mode == mode and (left := deadline - now().timestamp()) > 0:
                if await hints.get(left) is not None:
                    state = await desk.database.read_at_once(widget.state, conversation_id, after)
        return {
            "messages": state.messages,
            "more": state.more,
            "mode": state.mode,
            "queue_position": state.queue_position,
            "answering": bool(state.open_turns),
        }

    @routes.post("/{conversation_id}/attachments", status_code=201, openapi_extra=UPLOAD)
    async def upload(conversation_id: Own, request: Request) -> dict[str, Any]:
        """Takes a file for a message to come. Its body is read once the caller is known."""
        await widget.file_limit.check(str(conversation_id))
        attachment = await widget.files.accept(conversation_id, *await read_upload(request))

        def show(session: Session) -> dict[str, Any]:
            return attachment_document(session, desk, conversations.find(session, conversation_id), attachment)

        return await desk.database.read_soon(show)

    @routes.get("/{conversation_id}/attachments/{attachment_id}")
    async def download(conversation_id: Own, attachment_id: uuid.UUID) -> Response:
        """One of the conversation's files."""

        def find(session: Session) -> tuple[Conversation, Attachment, str]:
            attachment = session.get(Attachment, attachment_id)
            # A file that an operator has not sent yet is not the citizen's to see.
            hidden = attachment is None or (attachment.operator_id is not None and attachment.message_id is None)
            if attachment is None or hidden or attachment.conversation_id != conversation_id:
                raise not_found("attachment_not_found")
            if attachment.scan == Scan.REFUSED:
                raise conflict("attachment_refused")
            if attachment.erased_at is not None:
                raise not_found("attachment_gone")
            conversation = conversations.find(session, conversation_id)
            return conversation, attachment, file_name(session, desk, conversation, attachment)

        conversation, attachment, name = await desk.database.read_soon(find)
        content = await widget.files.stream(conversation, attachment)
        return file_response(name, content, attachment.content_type, attachment.size)

    @routes.post("/{conversation_id}/leave-queue")
    async def leave(conversation_id: Own) -> dict[str, Any]:
        """Back to the bot."""

        def go(session: Session) -> None:
            queue.leave(session, desk, conversations.lock(session, conversation_id), now())

        await desk.database.write_soon(go)
        return {"mode": Mode.BOT}

    @routes.post("/{conversation_id}/transcript", status_code=202)
    async def send_transcript(conversation_id: Own) -> dict[str, Any]:
        """What was said, by letter to the conversation's own address. Problem 409, 429."""

        def put(session: Session) -> None:
            transcripts.send(session, desk, conversations.lock(session, conversation_id), now())

        await desk.database.write_soon(put)
        return {}

    @routes.get("/{conversation_id}/appeals")
    async def list_appeals(conversation_id: Own) -> dict[str, Any]:
        """The conversation's appeals, newest first."""

        def find(session: Session) -> list[dict[str, Any]]:
            conversation = conversations.find(session, conversation_id)
            return [
                {**appeals.appeal_document(appeal), "access_code": desk.vault.open(conversation, appeal.access_code_sealed)}
                for appeal in appeals.of_conversation(session, conversation_id)
            ]

        return {"appeals": await desk.database.read_soon(find)}

    return routes
