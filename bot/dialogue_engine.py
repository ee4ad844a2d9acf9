"""The dialogue engine as the gateway sees it: a message goes in, utterances and deeds come out.

Rasa's REST channel splits a text at blank lines and yields an utterance's annotation (its ``custom`` payload) after it; a custom payload
with ``do`` is a deed that effects.py carries out (architecture.md, "Actions decide, the gateway does").
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp

from core.settings import Settings

_CONNECT_SECONDS = 2
_HEALTH_SECONDS = 2
_KEEP_SECONDS = 4.0  # an idle connection; Rasa closes it after 5
_NO_RULE = "fail"  # what utter_default asks for in domain.yml
_DEFAULT_KIND = "smalltalk"
# Put before a typed text that Rasa would read as a command; it strips white space before it looks for the slash.
_NOT_A_COMMAND = "« "
_FORGET = [{"event": "restart"}]  # what nlu/components/tracker_file.py takes for it, and answers with a paused tracker


@dataclass(frozen=True)
class Utterance:
    """What the bot says. ``buttons``: [{"title", "command"}]; ``meta`` has at least ``kind`` (api.md)."""

    text: str
    buttons: list[dict[str, str]] = field(default_factory=list)
    expects: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Deed:
    """What an action asks the gateway to do."""

    do: str
    fields: dict[str, Any] = field(default_factory=dict)


Reply = tuple[Utterance | Deed, ...]


class EngineDown(Exception):
    """Nobody answered the call: the engine has not seen the message."""


class EngineFailed(Exception):
    """An error or a time-out after the call was made: the engine may have seen the message."""


class EngineSlow(EngineFailed):
    """The time limit passed: the engine may be at it still."""


@dataclass(frozen=True)
class Recollection:
    """What the engine's tracker knows of a message: seen at all, finished, and the reply if it was."""

    seen: bool
    finished: bool = False
    reply: Reply = ()


class DialogueEngine(Protocol):
    async def ask(self, sender: str, message_id: str, text: str, command: str | None) -> Reply:
        """The bot's reply to a text (tokens, no personal data) or a pressed button's ``command``. EngineDown, EngineFailed."""

    async def recall(self, sender: str, message_id: str) -> Recollection:
        """What became of a message asked earlier. EngineDown, EngineFailed."""

    async def is_ready(self) -> bool:
        """Whether a turn begun now can be answered. Never raises."""


class RasaEngine:
    """Rasa and its action server on loopback."""

    def __init__(self, settings: Settings) -> None:
        self._rasa_url = settings.rasa_url
        self._action_url = settings.action_url
        self._token = {"token": settings.rasa_token.get_secret_value()}
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=settings.engine_timeout_seconds)
        self._opened: aiohttp.ClientSession | None = None

    async def ask(self, sender: str, message_id: str, text: str, command: str | None) -> Reply:
        body = {"sender": sender, "message": command or as_text(text), "metadata": {"message_id": message_id}}
        return parse_reply(await self._call("POST", "/webhooks/rest/webhook", json=body))

    async def recall(self, sender: str, message_id: str) -> Recollection:
        answer = await self._call("GET", f"/conversations/{sender}/tracker", params={**self._token, "include_events": "ALL"})
        return read_tracker(answer["events"], message_id)

    async def is_ready(self) -> bool:
        return all(await self.health())

    async def health(self) -> tuple[bool, bool]:
        """Whether Rasa has its model loaded, and whether the action server answers. Never raises."""
        rasa = self._answers(f"{self._rasa_url}/status", self._token)
        return await rasa, await self._answers(f"{self._action_url}/health", {})

    async def _answers(self, url: str, params: dict[str, str]) -> bool:
        try:
            async with self._session.get(url, params=params, timeout=aiohttp.ClientTimeout(total=_HEALTH_SECONDS)) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def forget(self, sender: str) -> None:
        """Deletes what the tracker holds of ``sender``. EngineDown; EngineFailed also while the tracker's file is in use."""
        answer = await self._call("PUT", f"/conversations/{sender}/tracker/events", params=self._token, json=_FORGET)
        if not answer["paused"]:
            raise EngineFailed("not forgotten")

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.close()

    @property
    def _session(self) -> aiohttp.ClientSession:
        """Opened with the first call: a session belongs to the loop that is running then."""
        if self._opened is None:
            self._opened = aiohttp.ClientSession(
                timeout=self._timeout,
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._opened

    async def _call(self, method: str, path: str, **options: Any) -> Any:
        """The answer's JSON."""
        try:
            async with self._session.request(method, self._rasa_url + path, **options) as answer:
                if answer.status != 200:
                    raise EngineFailed(f"status {answer.status}")
                return await answer.json()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise EngineDown(type(error).__name__) from None
        except TimeoutError as error:
            raise EngineSlow(type(error).__name__) from None
        except (aiohttp.ClientError, ValueError) as error:
            raise EngineFailed(type(error).__name__) from None


def as_text(text: str) -> str:
    """A typed text is only text, whatever it begins with."""
    visible = "".join(character if character.isprintable() else " " if character.isspace() else "" for character in text)
    return _NOT_A_COMMAND + visible if visible.strip().startswith("/") else visible


def parse_reply(items: Iterable[dict[str, Any]]) -> Reply:
    """The REST channel's list as utterances and deeds; nothing of a reply in which Rasa found no rule that fits."""
    items = list(items)
    if any((item.get("custom") or {}).get("do") == _NO_RULE for item in items):
        return ()
    parts: list[Utterance | Deed] = []
    texts: list[str] = []
    buttons: list[dict[str, str]] = []

    def utter(annotation: dict[str, Any]) -> None:
        if texts:
            meta = {"kind": _DEFAULT_KIND, **{name: value for name, value in annotation.items() if name != "expects"}}
            parts.append(Utterance("\n\n".join(texts), list(buttons), annotation.get("expects"), meta))
            texts.clear()
            buttons.clear()

    for item in items:
        if item.get("text"):
            texts.append(item["text"])
        buttons += [{"title": button["title"], "command": button["payload"]} for button in item.get("buttons") or ()]
        custom = item.get("custom")
        if custom and "do" in custom:
            utter({})
            parts.append(Deed(custom["do"], custom.get("fields") or {}))
        elif custom:
            utter(custom)
    utter({})
    return tuple(parts)


def read_tracker(events: list[dict[str, Any]], message_id: str) -> Recollection:
    """What a tracker's events say about a message: its bot events up to the next ``action_listen`` are the reply."""
    start = next(
        (
            place
            for place, event in enumerate(events)
            if event["event"] == "user" and (event.get("metadata") or {}).get("message_id") == message_id
        ),
        None,
    )
    if start is None:
        return Recollection(seen=False)
    said: list[dict[str, Any]] = []
    for event in events[start + 1 :]:
        if event["event"] == "action" and event["name"] == "action_listen":
            return Recollection(seen=True, finished=True, reply=parse_reply(said))
        if event["event"] == "bot":
            data = event.get("data") or {}
            said.append({"text": event.get("text"), "buttons": data.get("buttons"), "custom": data.get("custom")})
    return Recollection(seen=True)
