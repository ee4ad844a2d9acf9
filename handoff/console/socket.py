"""The console's WebSocket: the queue for everybody, a conversation for who watches it."""

import asyncio
import contextlib
import uuid
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from sqlalchemy.orm import Session

from core import conversations
from core.errors import DatabaseDown, Problem
from core.events import PRESENCE, QUEUE, Hint, Subscription
from core.limits import RateLimit
from core.models import Operator
from core.sockets import BAD_TOKEN, COME_BACK, Closing, FrameStream, as_cursor, read_frame
from core.transcript import message_documents, note_documents
from handoff import rights
from handoff.console.access import COOKIE, Access, check_origin
from handoff.console.workplace import Workplace
from handoff.rights import Right

_FRAMES_PER_MINUTE = 1200
_PAGE = 200
# Several hints of one change become one reading of the queue.
_QUEUE_PAUSE_SECONDS = 0.1
_LOOK_SECONDS = 30  # without a hint: should one have been lost
_MOST_WATCHES = 50


class Presence:
    """Which operators have the console open in this process."""

    def __init__(self) -> None:
        self._open: dict[uuid.UUID, tuple[Operator, int]] = {}

    def enter(self, operator: Operator) -> None:
        _, count = self._open.get(operator.id, (operator, 0))
        self._open[operator.id] = (operator, count + 1)

    def leave(self, operator: Operator) -> None:
        _, count = self._open.pop(operator.id)
        if count > 1:
            self._open[operator.id] = (operator, count - 1)

    def listing(self) -> list[dict[str, str]]:
        return [{"login": operator.login, "name": operator.name} for operator, _ in self._open.values()]


def console_socket_routes(workplace: Workplace, access: Access) -> APIRouter:
    routes = APIRouter()
    presence = Presence()
    flood_limit = RateLimit(_FRAMES_PER_MINUTE)

    @routes.websocket("/api/operator/ws")
    async def serve(socket: WebSocket) -> None:
        await socket.accept()
        stream = FrameStream(socket)
        with contextlib.suppress(WebSocketDisconnect):
            try:
                first = await stream.first()
                try:
                    token = first.get("token")
                    if not token:
                        check_origin(socket)
                        token = socket.cookies.get(COOKIE, "")
                    operator = await access.of_token(str(token))
                    rights.check(operator, Right.READ)
                except Problem:
                    raise Closing(BAD_TOKEN) from None
                await ConsoleSocket(workplace, access, stream, str(token), operator, presence, flood_limit).run()
            except Closing as closing:
                await socket.close(closing.code)

    return routes


class ConsoleSocket:
    """One operator's open console."""

    def __init__(
        self,
        workplace: Workplace,
        access: Access,
        stream: FrameStream,
        token: str,
        operator: Operator,
        presence: Presence,
        flood_limit: RateLimit,
    ) -> None:
        self._workplace = workplace
        self._access = access
        self._token = token
        self._events = workplace.desk.events
        self._stream = stream
        self._operator = operator
        self._presence = presence
        self._flood_limit = flood_limit
        self._watches: dict[uuid.UUID, asyncio.Task[None]] = {}

    async def run(self) -> None:
        self._presence.enter(self._operator)
        self._events.publish(Hint(PRESENCE))
        try:
            with self._events.subscribe(QUEUE, PRESENCE) as hints:
                await self._stream.serve(self._push(hints), self._listen())
        finally:
            self._presence.leave(self._operator)
            self._events.publish(Hint(PRESENCE))
            for task in self._watches.values():
                task.cancel()
            await asyncio.gather(*self._watches.values(), return_exceptions=True)

    async def _push(self, hints: Subscription) -> None:
        await self._send_queue()
        await self._send_presence()
        while True:
            topics = {hint.topic for hint in [await hints.get(_LOOK_SECONDS)] if hint} or {QUEUE}
            await self._check_session()
            while hint := await hints.get(_QUEUE_PAUSE_SECONDS):
                topics.add(hint.topic)
                if len(topics) == 2:
                    break
            if QUEUE in topics:
                await self._send_queue()
            if PRESENCE in topics:
                await self._send_presence()

    async def _check_session(self) -> None:
        """A disabled account, a new password, a logout end what is open too."""
        try:
            await self._access.of_token(self._token)
        except Problem:
            raise Closing(BAD_TOKEN) from None

    async def _send_queue(self) -> None:
        await self._stream.send({"type": "queue", **await self._workplace.desk.database.read_soon(self._workplace.lists)})

    async def _send_presence(self) -> None:
        await self._stream.send({"type": "presence", "operators": self._presence.listing()})

    async def _listen(self) -> None:
        while True:
            frame = await read_frame(self._stream, self._flood_limit, str(self._operator.id))
            try:
                conversation_id = uuid.UUID(str(frame.get("conversation_id")))
            except ValueError:
                continue
            match frame.get("type"):
                case "watch":
                    self._unwatch(conversation_id)
                    while len(self._watches) >= _MOST_WATCHES:
                        self._unwatch(next(iter(self._watches)))
                    watch = self._watch_or_close(conversation_id, as_cursor(frame.get("after")))
                    self._watches[conversation_id] = asyncio.create_task(watch)
                case "unwatch":
                    self._unwatch(conversation_id)
                case "typing":
                    self._events.publish(Hint(str(conversation_id), {"typing": "operator"}))

    def _unwatch(self, conversation_id: uuid.UUID) -> None:
        task = self._watches.pop(conversation_id, None)
        if task:
            task.cancel()

    async def _watch_or_close(self, conversation_id: uuid.UUID, after: int) -> None:
        try:
            await self._watch(conversation_id, after)
        except DatabaseDown:  # a watch that ended in silence would show an old conversation for ever
            with contextlib.suppress(RuntimeError):
                await self._stream.close(COME_BACK)

    async def _watch(self, conversation_id: uuid.UUID, after: int) -> None:
        topic = str(conversation_id)
        seen: dict[str, Any] = {"after": after, "state": None, "notes": None}
        with self._events.subscribe(topic) as hints, contextlib.suppress(Problem, WebSocketDisconnect, RuntimeError):
            await self._workplace.record_opening(conversation_id, self._operator)
            await self._catch_up(conversation_id, seen)
            while True:
                hint = await hints.get(_LOOK_SECONDS)
                if hint is None:
                    await self._catch_up(conversation_id, seen)
                elif "typing" in hint.data:
                    if hint.data["typing"] == "citizen":
                        await self._stream.send({"type": "typing", "conversation_id": topic, "author": "citizen"})
                elif "read" in hint.data:
                    await self._stream.send({"type": "read", "conversation_id": topic, "seq": hint.data["read"]})
                elif "changed" in hint.data:
                    await self._send_again(conversation_id, hint.data["changed"])
                else:
                    await self._catch_up(conversation_id, seen)

    async def _send_again(self, conversation_id: uuid.UUID, seq: int) -> None:
        """A message of which more is known now: what its picture says."""

        def read(session: Session) -> list[dict[str, Any]]:
            conversation = conversations.find(session, conversation_id)
            messages = conversations.messages_after(session, conversation_id, seq - 1, 1)
            return message_documents(session, self._workplace.desk, conversation, messages, for_operator=True)

        for message in await self._workplace.desk.database.read_soon(read):
            await self._stream.send({"type": "message", "conversation_id": str(conversation_id), "message": message})

    async def _catch_up(self, conversation_id: uuid.UUID, seen: dict[str, Any]) -> None:
        """Sends what is newer than ``seen`` and moves it on."""

        def read(session: Session) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any]]:
            desk = self._workplace.desk
            conversation = conversations.find(session, conversation_id)
            messages = conversations.messages_after(session, conversation_id, seen["after"], _PAGE)
            documents = message_documents(session, desk, conversation, messages, for_operator=True)
            return documents, note_documents(session, desk, conversation), self._workplace.state(session, conversation)

        topic = str(conversation_id)
        while True:
            messages, notes, state = await self._workplace.desk.database.read_soon(read)
            for message in messages:
                await self._stream.send({"type": "message", "conversation_id": topic, "message": message})
                seen["after"] = message["seq"]
            if len(messages) < _PAGE:
                break
        # Notes have no cursor: those there when the watching began were read with the transcript.
        known: set[str] | None = seen["notes"]
        for note in notes:
            if known is not None and note["id"] not in known:
                await self._stream.send({"type": "note", "conversation_id": topic, "note": note})
        seen["notes"] = {note["id"] for note in notes}
        if state != seen["state"]:
            seen["state"] = state
            await self._stream.send({"type": "mode", "conversation_id": topic, **state})
