"""What the desk says, sent to Telegram. Here, and only here for Telegram, tokens become what the citizen wrote: it is their own chat."""

import asyncio
import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputFile, LinkPreviewOptions
from telegram.error import BadRequest, Forbidden, InvalidToken, RetryAfter, TelegramError

from bot.channels.telegram_content import asked_pause
from core import deliveries
from core.deliveries import Pauses, TryLater, Undeliverable
from core.desk import Desk
from core.files import PICTURES, parts_of
from core.models import Attachment, Conversation, Delivery, Message, Scan, now
from core.personal_data import resolve
from core.transcript import erased_words, file_name
from core.web import place_of
from handoff.letters import ERASURE
from handoff.letters.receipts import receipt_address

log = structlog.get_logger(__name__)

LONGEST_TEXT = 4096  # UTF-16 code units, as Telegram counts at worst
_PAUSES = Pauses(first=1, longest=60)
_ATTEMPTS_AT_FAULT = 5  # a fault of ours in one message must not hold up those after it
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


@dataclass(frozen=True)
class Words:
    text: str
    buttons: InlineKeyboardMarkup | None = None


@dataclass(frozen=True)
class File:
    attachment_id: uuid.UUID
    name: str
    is_picture: bool


@dataclass(frozen=True)
class Outgoing:
    """A message as Telegram takes it: in parts, some of which may have gone."""

    delivery: Delivery
    conversation: Conversation
    chat_id: int
    parts: list[Words | File]


class TelegramCourier:
    """Deliveries of the channel "telegram"."""

    def __init__(self, desk: Desk, bot: Bot) -> None:
        self._desk = desk
        self._bot = bot

    def prepare(self, session: Session, delivery: Delivery) -> Outgoing:
        """Raises Undeliverable or TryLater."""
        with _told(delivery):
            return self._render(session, delivery)

    async def send(self, prepared: Outgoing) -> None:
        """Sends the parts that have not gone yet, and keeps after each how far it came. Raises Undeliverable or TryLater."""
        delivery, database = prepared.delivery, self._desk.database
        with _told(delivery):
            for sent, part in enumerate(prepared.parts[delivery.parts_sent :], delivery.parts_sent + 1):
                if isinstance(part, Words):
                    await self._bot.send_message(prepared.chat_id, part.text, reply_markup=part.buttons, link_preview_options=_NO_PREVIEW)
                else:
                    await self._send_file(prepared, part)
                last = sent == len(prepared.parts)
                if not last and not await database.write_soon(deliveries.note_part, delivery, sent, now(), self._desk.settings):
                    raise TryLater("lease")  # another worker has it

    async def _send_file(self, prepared: Outgoing, file: File) -> None:
        # Whole: the library wants to know its length. Files are bounded by the settings.
        content = await asyncio.to_thread(b"".join, parts_of(self._desk, prepared.conversation, file.attachment_id))
        if file.is_picture:
            try:
                await self._bot.send_photo(prepared.chat_id, InputFile(content, file.name))
            except BadRequest as error:
                if _is_about_chat(error):
                    raise
            else:
                return
        # Telegram takes no picture as a photo that is very long or very large.
        await self._bot.send_document(prepared.chat_id, InputFile(content, file.name), disable_content_type_detection=True)

    def _render(self, session: Session, delivery: Delivery) -> Outgoing:
        conversation, message = session.get_one(Conversation, delivery.conversation_id), session.get_one(Message, delivery.subject_id)
        vault = self._desk.vault
        if delivery.kind == ERASURE:
            address = receipt_address(session, self._desk, delivery)
            if address is None:
                raise Undeliverable("erased")
            return Outgoing(delivery, conversation, int(address), [Words(erased_words(message))])
        if conversation.data_key is None:
            raise Undeliverable("erased")
        values = vault.values(session, conversation)
        texts = split(resolve(vault.open(conversation, message.text_sealed), values, masked=False))
        parts: list[Words | File] = [Words(text) for text in texts]
        if parts and message.buttons:
            rows = [
                [InlineKeyboardButton(button["title"], callback_data=f"{message.id}.{index}")]
                for index, button in enumerate(message.buttons)
            ]
            parts[-1] = Words(texts[-1], InlineKeyboardMarkup(rows))
        attached = select(Attachment).where(Attachment.message_id == message.id, Attachment.scan != Scan.REFUSED).order_by(Attachment.id)
        for attachment in session.scalars(attached):
            name = file_name(session, self._desk, conversation, attachment)
            parts.append(File(attachment.id, name, attachment.content_type in PICTURES))
        return Outgoing(delivery, conversation, int(values[delivery.address_token]), parts)


def split(text: str) -> list[str]:
    """``text`` in as few parts as Telegram takes, broken at a line, else at a space; nothing of what only looks like a text."""
    parts = []
    rest = text.strip()
    while _length(rest) > LONGEST_TEXT:
        end = _fitting(rest)
        at = max(rest.rfind("\n", end // 2, end), 0) or max(rest.rfind(" ", end // 2, end), 0) or end
        parts.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    return [*parts, rest] if rest else parts


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _fitting(text: str) -> int:
    """How many characters of ``text`` fit."""
    units = 0
    for count, character in enumerate(text):
        units += 2 if ord(character) > 0xFFFF else 1
        if units > LONGEST_TEXT:
            return count
    return len(text)


@contextlib.contextmanager
def _told(delivery: Delivery) -> Iterator[None]:
    """What went wrong as the outbox understands it."""
    try:
        yield
    except (Undeliverable, TryLater):
        raise
    except TelegramError as error:
        raise _outcome(error) from None
    except Exception as error:  # noqa: BLE001 - a fault in one message is told, and ends
        log.error("telegram_delivery_failed", delivery_id=str(delivery.id), error=type(error).__name__, at=place_of(error))
        if delivery.attempts >= _ATTEMPTS_AT_FAULT:
            raise Undeliverable("fault") from None
        raise TryLater("fault", pauses=_PAUSES) from None


def _outcome(error: TelegramError) -> Undeliverable | TryLater:
    if isinstance(error, RetryAfter):
        return TryLater("busy", asked_pause(error), _PAUSES)
    if isinstance(error, Forbidden):
        return Undeliverable("blocked")
    if isinstance(error, BadRequest):
        return Undeliverable("no_chat" if _is_about_chat(error) else "not_taken")
    return TryLater("token" if isinstance(error, InvalidToken) else "unreachable", pauses=_PAUSES)


def _is_about_chat(error: BadRequest) -> bool:
    return "chat not found" in error.message.lower()
