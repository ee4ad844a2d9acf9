"""Citizens whose turns are timed: in our widget, and in the REST channel of a Rasa. A turn ends when the answer is there."""

import json
import uuid
from types import TracebackType
from typing import Any, Protocol, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect

_TURN_SECONDS = 60


class Citizen(Protocol):
    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    async def ask(self, text: str) -> str:
        """The kind of answer that came: "answer", "suggestions", … ; "empty" when there was none."""


class WidgetCitizen:
    """A conversation with an open WebSocket. A message is posted; its answer is waited for on the socket."""

    def __init__(self, http: httpx.AsyncClient, address: str) -> None:
        self._http, self._address = http, address

    async def __aenter__(self) -> Self:
        started = await self._http.post(f"http://{self._address}/api/conversations", json={})
        started.raise_for_status()
        self._path = f"{self._address}/api/conversations/{started.json()['conversation_id']}"
        token = started.json()["token"]
        self._headers = {"Authorization": f"Bearer {token}"}
        self._socket: ClientConnection = await connect(f"ws://{self._path}/ws", proxy=None)
        await self._socket.send(json.dumps({"type": "hello", "token": token}))
        await self._message_until(lambda message: message["seq"] == 1)  # the greeting
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._socket.close()

    async def ask(self, text: str) -> str:
        body = {"client_message_id": str(uuid.uuid4()), "text": text}
        posted = await self._http.post(f"http://{self._path}/messages", json=body, headers=self._headers)
        posted.raise_for_status()
        seq = posted.json()["seq"]
        answer = await self._message_until(lambda message: message["in_reply_to"] == seq)
        return str(answer["meta"].get("kind", answer["author"]))

    async def leave_queue(self) -> None:
        """Back to the bot, after an answer of kind "handoff"."""
        left = await self._http.post(f"http://{self._path}/leave-queue", headers=self._headers)
        left.raise_for_status()

    async def _message_until(self, fits: Any) -> dict[str, Any]:
        while True:
            frame = json.loads(await self._socket.recv())
            if frame["type"] == "message" and fits(frame["message"]):
                return dict(frame["message"])


class RestCitizen:
    """A sender of Rasa's REST channel."""

    def __init__(self, http: httpx.AsyncClient, address: str) -> None:
        self._http, self._url = http, f"http://{address}/webhooks/rest/webhook"

    async def __aenter__(self) -> Self:
        self._sender = uuid.uuid4().hex
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    async def ask(self, text: str) -> str:
        answer = await self._http.post(self._url, json={"sender": self._sender, "message": text})
        answer.raise_for_status()
        return "text" if answer.json() else "empty"


def client() -> httpx.AsyncClient:
    """Keeps its connections open, one for each citizen."""
    return httpx.AsyncClient(timeout=_TURN_SECONDS, trust_env=False, limits=httpx.Limits(max_connections=None))
