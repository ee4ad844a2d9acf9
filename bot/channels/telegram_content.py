"""What Telegram says, in the desk's words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from telegram import Bot, CallbackQuery, Message, Update
from telegram.error import RetryAfter

_START = re.compile(r"/start(?: (?P<code>[A-Za-z0-9_-]{1,64}))?")  # with what a link to the bot may carry


def asked_pause(error: RetryAfter) -> float:
    """Seconds that Telegram asks to be left alone."""
    asked = error.retry_after
    return asked.total_seconds() if isinstance(asked, timedelta) else float(asked)


@dataclass(frozen=True)
class FileReference:
    """A file that Telegram keeps. ``name``: None for a photo; ``size``: bytes, if told."""

    file_id: str
    name: str | None
    size: int | None


@dataclass(frozen=True)
class Content:
    """One message of a citizen."""

    chat_id: int = 0
    external_id: str = ""
    text: str = ""
    files: tuple[FileReference, ...] = ()
    payload: str | None = None  # of a pressed button
    callback_id: str | None = None
    is_start: bool = False  # the citizen opened the chat
    start_code: str | None = None  # and what the link that they came by carried
    is_beyond: bool = False  # holds something that the desk cannot read


def read_content(payloads: Sequence[dict[str, Any]], bot: Bot) -> Content:
    """One update, or the parts of an album; nothing of it for what is no message of a person's (something was pinned)."""
    found = [update for payload in payloads if (update := Update.de_json(payload, bot))]
    if not found:
        return Content()
    if found[0].callback_query:
        return _pressed(found[0].update_id, found[0].callback_query)
    messages = [update.message for update in found if update.message]
    if not messages:
        return Content()
    texts = [text for message in messages if (text := message.text or message.caption)]
    files = tuple(file for message in messages if (file := _file(message)))
    start = _START.fullmatch(messages[0].text or "") if len(messages) == 1 else None
    return Content(
        chat_id=messages[0].chat.id,
        # Both numbers: updates begin anew after a week of silence, messages with another bot.
        external_id=f"{found[0].update_id}:{messages[0].message_id}",
        text="\n".join(texts),
        files=files,
        is_start=start is not None,
        start_code=start["code"] if start else None,
        is_beyond=any(message.effective_attachment and not _file(message) for message in messages),
    )


def _pressed(update_id: int, query: CallbackQuery) -> Content:
    return Content(
        chat_id=query.message.chat.id if query.message else 0,
        external_id=f"{update_id}:{query.id}",
        payload=query.data or "",
        callback_id=query.id,
    )


def _file(message: Message) -> FileReference | None:
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        return FileReference(largest.file_id, None, largest.file_size)
    if message.document and not message.animation:
        return FileReference(message.document.file_id, message.document.file_name or "", message.document.file_size)
    return None
