"""A local Bot API server for tests, true to what Telegram's does (https://core.telegram.org/bots/api)."""

import contextlib
import io
import itertools
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from tests.bot_api_http import Refused, serve

TOKEN = "123456789:AAF-tests_of-otklik-secret-token"
_LARGEST_DOWNLOAD = 20 * 1024**2
_LARGEST_PHOTO = 10 * 1024**2
_CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
_STALE_QUERY = "Bad Request: query is too old and response timeout expired or query ID is invalid"


@dataclass
class Sent:
    """A message that the bot sent. ``buttons``: rows of (title, callback data)."""

    chat_id: int
    message_id: int
    at: float  # monotonic seconds
    text: str = ""
    buttons: list[list[tuple[str, str]]] = field(default_factory=list)
    photo: bytes | None = None
    document: tuple[str, bytes] | None = None


@dataclass
class Failure:
    """What a method says instead of doing its work. ``retry_after``: seconds."""

    method: str
    status: int
    description: str
    retry_after: int | None = None


class BotApi:
    """The server. ``redeliver``: how often each update is given out before a confirmation counts."""

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token
        self.redeliver = 1
        self.sent: list[Sent] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answered: list[str] = []  # ids of callback queries
        self.blocked: set[int] = set()
        self.conflicts = 0
        self._failures: list[Failure] = []
        self._is_down = False
        self._changed = threading.Condition()
        self._updates: dict[int, dict[str, Any]] = {}
        self._given: dict[int, int] = {}
        self._allowed: list[str] | None = None
        self._polls = 0
        self._queries: set[str] = set()
        self._files: dict[str, tuple[str, bytes, int]] = {}  # id → path, content, the size that is told
        self._chats: set[int] = set()
        self._update_ids = itertools.count(random.randrange(10**8, 9 * 10**8))  # noqa: S311 - as it happens to be
        self._numbers = itertools.count(1)
        self._message_ids = itertools.count(100)
        self._server = serve(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        with self._changed:
            self._is_down = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    # What tests do to it.

    def fail(self, method: str, status: int, description: str = "", *, retry_after: int | None = None, times: int = 1) -> None:
        """The next ``times`` calls of ``method`` fail."""
        with self._changed:
            self._failures += [Failure(method, status, description or f"Error {status}", retry_after)] * times

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Inside the ``with`` every connection breaks, those that wait too."""
        with self._changed:
            self._is_down = True
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._is_down = False

    def put(self, kind: str, content: dict[str, Any], chat_id: int | None = None) -> int:
        """A new update; its id."""
        with self._changed:
            if chat_id is not None:
                self._chats.add(chat_id)
            update_id = next(self._update_ids)
            if not self._allowed or kind in self._allowed:
                self._updates[update_id] = {"update_id": update_id, kind: content}
                self._changed.notify_all()
            return update_id

    def keep_file(self, folder: str, extension: str, content: bytes, told_size: int | None = None) -> str:
        """Its id."""
        number = next(self._numbers)
        self._files[f"file-{number}"] = (f"{folder}/file_{number}.{extension}", content, told_size or len(content))
        return f"file-{number}"

    def new_message_id(self) -> int:
        return next(self._message_ids)

    def new_query(self) -> str:
        query_id = str(next(self._numbers) * 10**9)
        self._queries.add(query_id)
        return query_id

    @property
    def unconfirmed(self) -> list[int]:
        with self._changed:
            return sorted(self._updates)

    def said_to(self, chat_id: int) -> list[Sent]:
        with self._changed:
            return [sent for sent in self.sent if sent.chat_id == chat_id]

    def made(self, method: str) -> list[dict[str, Any]]:
        with self._changed:
            return [given for name, given in self.calls if name == method.lower()]

    # What the bot does with it.

    def call(self, token: str, method: str, given: dict[str, Any]) -> Any:
        """The result. Raises Refused, ConnectionError while it is down."""
        self.check_up()
        if token != self.token:
            raise Refused(*((401, "Unauthorized") if ":" in token else (404, "Not Found")))
        with self._changed:
            self.calls.append((method.lower(), given))
            failure = next((one for one in self._failures if one.method.lower() == method.lower()), None)
            if failure:
                self._failures.remove(failure)
                raise Refused(failure.status, failure.description, {"retry_after": failure.retry_after} if failure.retry_after else None)
        work = getattr(self, f"_{method.lower()}", None)
        if work is None:
            raise Refused(404, "Not Found")
        return work(given)

    def check_up(self) -> None:
        if self._is_down:
            raise ConnectionError

    def file(self, token: str, path: str) -> bytes:
        self.check_up()
        found = next((content for name, content, _ in self._files.values() if name == path), None)
        if token != self.token or found is None:
            raise Refused(404, "Not Found")
        return found

    def _getme(self, _given: dict[str, Any]) -> dict[str, Any]:
        return self._bot()

    def _getupdates(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        offset, limit, timeout = int(given.get("offset", 0)), int(given.get("limit", 100)), int(given.get("timeout", 0))
        if not 1 <= limit <= 100:
            raise Refused(400, "Bad Request: limit must be between 1 and 100")
        deadline = time.monotonic() + timeout
        with self._changed:
            if "allowed_updates" in given:
                self._allowed = json.loads(given["allowed_updates"])
            self._polls += 1
            mine = self._polls
            self._changed.notify_all()  # who waits is told of the conflict
            self._forget(offset)
            while not self._updates and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
                self.check_up()
                if self._polls != mine:
                    self.conflicts += 1
                    raise Refused(409, _CONFLICT)
            found = [self._updates[update_id] for update_id in sorted(self._updates)][:limit]
            for update in found:
                self._given[update["update_id"]] = self._given.get(update["update_id"], 0) + 1
            return found

    def _forget(self, offset: int) -> None:
        ordered = sorted(self._updates)
        confirmed = [one for one in ordered if one < offset] if offset >= 0 else ordered[:offset]
        for update_id in confirmed:
            if self._given.get(update_id, 0) >= self.redeliver or offset < 0:
                del self._updates[update_id]

    def _sendmessage(self, given: dict[str, Any]) -> dict[str, Any]:
        text = str(given.get("text", "")).strip()
        chat_id = self._check_chat(given)
        if not text:
            raise Refused(400, "Bad Request: message text is empty")
        if len(text) > 4096:
            raise Refused(400, "Bad Request: message is too long")
        return self._keep(Sent(chat_id, self.new_message_id(), time.monotonic(), text, _buttons(given)), text=text)

    def _sendphoto(self, given: dict[str, Any]) -> dict[str, Any]:
        chat_id, content = self._check_chat(given), _upload(given, "photo")[1]
        if len(content) > _LARGEST_PHOTO:
            raise Refused(413, "Request Entity Too Large")
        try:
            width, height = Image.open(io.BytesIO(content)).size
        except OSError:
            raise Refused(400, "Bad Request: IMAGE_PROCESS_FAILED") from None
        if width + height > 10_000 or max(width, height) > 20 * min(width, height):
            raise Refused(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
        size = {"file_id": self.keep_file("photos", "jpg", content), "file_unique_id": "u", "width": width, "height": height}
        return self._keep(Sent(chat_id, self.new_message_id(), time.monotonic(), photo=content), photo=[size])

    def _senddocument(self, given: dict[str, Any]) -> dict[str, Any]:
        chat_id, (name, content) = self._check_chat(given), _upload(given, "document")
        document = {"file_id": self.keep_file("documents", "bin", content), "file_unique_id": "u", "file_name": name}
        return self._keep(Sent(chat_id, self.new_message_id(), time.monotonic(), document=(name, content)), document=document)

    def _sendmediagroup(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        media = json.loads(given["media"])
        if not 2 <= len(media) <= 10:
            raise Refused(400, "Bad Request: media group must include 2-10 items")
        methods = {"photo": self._sendphoto, "document": self._senddocument}
        return [methods[one["type"]]({**given, one["type"]: one["media"]}) for one in media]

    def _answercallbackquery(self, given: dict[str, Any]) -> bool:
        query_id = str(given.get("callback_query_id"))
        with self._changed:
            if query_id not in self._queries:
                raise Refused(400, _STALE_QUERY)
            self.answered.append(query_id)
        return True

    def _sendchataction(self, given: dict[str, Any]) -> bool:
        self._check_chat(given)
        if given.get("action") not in ("typing", "upload_photo", "upload_document"):
            raise Refused(400, "Bad Request: wrong parameter action in request")
        return True

    def _getfile(self, given: dict[str, Any]) -> dict[str, Any]:
        found = self._files.get(str(given.get("file_id")))
        if found is None:
            raise Refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        path, content, _ = found
        if len(content) > _LARGEST_DOWNLOAD:
            raise Refused(400, "Bad Request: file is too big")
        return {"file_id": given["file_id"], "file_unique_id": "u", "file_size": len(content), "file_path": path}

    def _check_chat(self, given: dict[str, Any]) -> int:
        try:
            chat_id = int(given.get("chat_id", 0))
        except ValueError:
            chat_id = 0
        if chat_id in self.blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        if chat_id not in self._chats:
            raise Refused(400, "Bad Request: chat not found")
        return chat_id

    def _keep(self, sent: Sent, **content: Any) -> dict[str, Any]:
        with self._changed:
            self.sent.append(sent)
        return {
            "message_id": sent.message_id,
            "date": int(time.time()),
            "chat": {"id": sent.chat_id, "type": "private", "first_name": "?"},
            "from": self._bot(),
            **content,
        }

    def _bot(self) -> dict[str, Any]:
        return {"id": int(self.token.partition(":")[0]), "is_bot": True, "first_name": "Отклик", "username": "otklik_bot"}


def _buttons(given: dict[str, Any]) -> list[list[tuple[str, str]]]:
    rows = json.loads(given["reply_markup"]).get("inline_keyboard", []) if given.get("reply_markup") else []
    if any(not 1 <= len(button["callback_data"].encode()) <= 64 for row in rows for button in row):
        raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
    return [[(button["text"], button["callback_data"]) for button in row] for row in rows]


def _upload(given: dict[str, Any], name: str) -> tuple[str, bytes]:
    found = given.get(name)
    if isinstance(found, str) and found.startswith("attach://"):
        found = given.get(found.removeprefix("attach://"))
    if not isinstance(found, tuple) or not found[1]:
        raise Refused(400, "Bad Request: there is no file in the request")
    return str(found[0]), bytes(found[1])
