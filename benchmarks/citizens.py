"""Citizens whose turns are timed: in our widget, and in the REST channel of a Rasa. A turn ends when the answer is there.

They share the machine with what is measured, so their client is a light one.
"""

import uuid
from types import TracebackType
from typing import Any, Protocol, Self

import aiohttp

_TURN_SECONDS = 60
_KEEP_SECONDS = 4  # an idle connection; either server closes it after 5


class Citizen(Protocol):
    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    async def ask(self, text: str) -> str:
        """The kind of answer that came: "answer", "suggestions", … ; "empty" when there was none."""


class WidgetCitizen:
    """A conversation with an open WebSocket. A message is posted; its answer is waited for on the socket."""

    def __init__(self, http: aiohttp.ClientSession, address: str) -> None:
        self._http, self._address = http, address

    async def __aenter__(self) -> Self:
        async with self._http.post(f"http://{self._address}/api/conversations", json={}) as answer:
            started = await answer.json()
        self._url, token = f"http://{self._address}/api/conversations/{started['conversation_id']}", started["token"]
        self._headers = {"Authorization": f"Bearer {token}"}
        self._socket = await self._http.ws_connect(f"{self._url}/ws")
        await self._socket.send_json({"type": "hello", "token": token})
        await self._message_until(lambda message: message["seq"] == 1)  # the greeting
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._socket.close()

    async def ask(self, text: str) -> str:
        body = {"client_message_id": str(uuid.uuid4()), "text": text}
        async with self._http.post(f"{self._url}/messages", json=body, headers=self._headers) as answer:
            seq = (await answer.json())["seq"]
        said = await self._message_until(lambda message: message["in_reply_to"] == seq)
        return str(said["meta"].get("kind", said["author"]))

    async def leave_queue(self) -> None:
        """Back to the bot, after an answer of kind "handoff"."""
        async with self._http.post(f"{self._url}/leave-queue", headers=self._headers):
            pass

    async def _message_until(self, fits: Any) -> dict[str, Any]:
        while True:
            frame = await self._socket.receive_json()
            if frame["type"] == "message" and fits(frame["message"]):
                return dict(frame["message"])


class RestCitizen:
    """A sender of Rasa's REST channel."""

    def __init__(self, http: aiohttp.ClientSession, address: str) -> None:
        self._http, self._url = http, f"http://{address}/webhooks/rest/webhook"

    async def __aenter__(self) -> Self:
        self._sender = uuid.uuid4().hex
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    async def ask(self, text: str) -> str:
        async with self._http.post(self._url, json={"sender": self._sender, "message": text}) as answer:
            return "text" if await answer.json() else "empty"


def client() -> aiohttp.ClientSession:
    """Keeps its connections open, one for each citizen."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=_TURN_SECONDS),
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_SECONDS),
        raise_for_status=True,
    )
