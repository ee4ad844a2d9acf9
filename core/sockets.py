"""What both WebSockets share: JSON frames, one sender at a time, two loops that end together."""

import asyncio
import contextlib
import json
from collections.abc import Coroutine
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from core.errors import Problem
from core.limits import RateLimit
from core.models import LAST_SEQ

_FIRST_FRAME_SECONDS = 10
_FRAME_CHARACTERS = 64 * 1024
BAD_TOKEN, UNKNOWN, TOO_MANY, COME_BACK = 4401, 4404, 4429, 1012


class Closing(Exception):
    """The connection is to be closed with ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


class Malformed(Exception):
    """A frame that is not a JSON object."""


class FrameStream:
    """A connection as a stream of JSON objects."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._sending = asyncio.Lock()

    async def send(self, frame: dict[str, Any]) -> None:
        async with self._sending:
            await self._socket.send_text(json.dumps(frame, ensure_ascii=False))

    async def receive(self) -> dict[str, Any]:
        """The next frame. Malformed for one that is not a JSON object."""
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text = message.get("text")
        if text is None or len(text) > _FRAME_CHARACTERS:
            raise Malformed
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            raise Malformed from None
        if not isinstance(frame, dict):
            raise Malformed
        return frame

    async def close(self, code: int) -> None:
        """Ends the connection; ``receive`` then says that it is gone."""
        async with self._sending:
            await self._socket.close(code)

    async def first(self) -> dict[str, Any]:
        """The frame in which a client says who it is. Closing if it does not come."""
        try:
            async with asyncio.timeout(_FIRST_FRAME_SECONDS):
                return await self.receive()
        except (TimeoutError, Malformed):
            raise Closing(BAD_TOKEN) from None

    async def serve(self, push: Coroutine[Any, Any, None], listen: Coroutine[Any, Any, None]) -> None:
        """Runs both loops until one ends; raises what ended it."""
        tasks = [asyncio.create_task(push), asyncio.create_task(listen)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task


async def read_frame(stream: FrameStream, limit: RateLimit, key: str) -> dict[str, Any]:
    """The next frame of a client that does not send too many; Closing(4429) for one that does. A malformed one is refused in words."""
    while True:
        try:
            frame = await stream.receive()
        except Malformed:
            frame = None
        try:
            limit.check(key)
        except Problem:
            raise Closing(TOO_MANY) from None
        if frame is not None:
            return frame
        problem = Problem(400, "malformed").document()
        await stream.send({"type": "refused", "client_message_id": None, "problem": problem})


def as_cursor(given: object) -> int:
    """A ``seq`` to read after, whatever a client sent for it."""
    try:
        return min(max(int(str(given)), 0), LAST_SEQ)
    except ValueError:
        return 0
