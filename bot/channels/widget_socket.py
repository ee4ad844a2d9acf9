"""The widget's WebSocket. What it sends is read from the database after each hint, so that nothing depends on a hint arriving."""

import contextlib
import uuid
from typing import Any

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from bot.channels.widget import NewMessage, State, WidgetDesk
from core.errors import Problem, invalid
from core.events import QUEUE, Hint, Subscription
from core.limits import RateLimit
from core.models import Mode
from core.presence import HERE
from core.sockets import BAD_TOKEN, UNKNOWN, Closing, FrameStream, as_cursor, read_frame

log = structlog.get_logger(__name__)

_FRAMES_PER_MINUTE = 600
_LOOK_SECONDS = 30  # without a hint: should one have been lost


def widget_socket_routes(widget: WidgetDesk) -> APIRouter:
    routes = APIRouter()
    flood_limit = RateLimit(_FRAMES_PER_MINUTE)

    @routes.websocket("/api/conversations/{conversation_id}/ws")
    async def serve(socket: WebSocket, conversation_id: str, after: str = "0") -> None:
        await socket.accept()
        stream = FrameStream(socket)
        with contextlib.suppress(WebSocketDisconnect):
            try:
                first = await stream.first()
                try:
                    known = uuid.UUID(conversation_id)
                    await widget.check_token(known, str(first.get("token", "")))
                except (Problem, ValueError) as problem:
                    raise Closing(BAD_TOKEN if isinstance(problem, Problem) and problem.status == 401 else UNKNOWN) from None
                await WidgetSocket(widget, stream, known, as_cursor(after), flood_limit).run()
            except Closing as closing:
                await socket.close(closing.code)

    return routes


class WidgetSocket:
    """One citizen's open page."""

    def __init__(self, widget: WidgetDesk, stream: FrameStream, conversation_id: uuid.UUID, after: int, flood_limit: RateLimit) -> None:
        self._widget = widget
        self._stream = stream
        self._id = conversation_id
        self._after = after
        self._flood_limit = flood_limit
        self._open_turns: frozenset[int] = frozenset()
        self._mode: tuple[Mode, int | None, str | None] | None = None

    async def run(self) -> None:
        with self._widget.desk.events.subscribe(str(self._id), QUEUE) as hints:
            await self._stream.serve(self._push(hints), self._listen())

    async def _push(self, hints: Subscription) -> None:
        await self._catch_up()
        while True:
            hint = await hints.get(_LOOK_SECONDS)
            if hint is None:
                await self._catch_up()
            elif hint.topic == QUEUE:
                # The queue moves for everybody; only who waits in it has to look.
                if self._mode and self._mode[0] == Mode.QUEUED:
                    await self._catch_up()
            elif "typing" in hint.data:
                if hint.data["typing"] == "operator":
                    await self._stream.send({"type": "typing", "author": "operator"})
            elif "read" not in hint.data and HERE not in hint.data:
                await self._catch_up()

    async def _catch_up(self) -> None:
        while True:
            state = await self._widget.desk.database.read_at_once(self._widget.state, self._id, self._after)
            for message in state.messages:
                await self._stream.send({"type": "message", "message": message})
            self._after = max(self._after, state.last_seq)
            await self._tell_turns(state)
            await self._tell_mode(state)
            if not state.more:
                return

    async def _tell_turns(self, state: State) -> None:
        for seq in sorted(self._open_turns - state.open_turns):
            await self._stream.send({"type": "answered", "seq": seq})
        if state.open_turns - self._open_turns:
            await self._stream.send({"type": "typing", "author": "bot"})
        self._open_turns = state.open_turns

    async def _tell_mode(self, state: State) -> None:
        mode = (state.mode, state.queue_position, state.operator_name)
        if mode != self._mode:
            self._mode = mode
            await self._stream.send(
                {"type": "mode", "mode": state.mode, "queue_position": state.queue_position, "operator_name": state.operator_name}
            )

    async def _listen(self) -> None:
        while True:
            frame = await read_frame(self._stream, self._flood_limit, str(self._id))
            match frame.get("type"):
                case "message":
                    await self._accept(frame)
                case "typing":
                    self._widget.desk.events.publish(Hint(str(self._id), {"typing": "citizen"}))
                case "read" if isinstance(frame.get("seq"), int):
                    self._widget.desk.events.publish(Hint(str(self._id), {"read": frame["seq"]}))
                case _:
                    pass  # a newer client's frame

    async def _accept(self, frame: dict[str, Any]) -> None:
        client_message_id = frame.get("client_message_id")
        try:
            try:
                new = NewMessage.model_validate({name: value for name, value in frame.items() if name != "type"})
            except ValidationError as error:
                raise invalid(str(error.errors()[0]["loc"][0]), "malformed_field", field=str(error.errors()[0]["loc"][0])) from None
            message = await self._widget.accept(self._id, new)
        except Problem as problem:
            await self._stream.send({"type": "refused", "client_message_id": client_message_id, "problem": problem.document()})
            return
        await self._stream.send({"type": "accepted", "client_message_id": client_message_id, "seq": message["seq"]})
