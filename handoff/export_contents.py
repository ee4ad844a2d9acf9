"""What an export holds: one conversation with all that hangs on it as a ZIP of data.json and files/."""

import io
import json
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import conversations, deliveries
from core.desk import Desk
from core.models import Appeal, AppealEvent, ArticleMark, Attachment, Consent, Conversation, Message, Rating, Scan
from core.personal_data import resolve
from core.transcript import citizen_fields, message_documents, text_of_picture
from core.working_time import MOSCOW
from handoff import appeal_requests, appeals, letters
from handoff.export import CONTENT_TYPE

_ALL = 1_000_000
_FORMAT = 1

# A file's content, opened, in parts.
Read = Callable[[Conversation, Attachment], Iterator[bytes]]


@dataclass(frozen=True)
class Contents:
    """What goes into a ZIP: ``document`` is data.json, ``files`` are names in it and where their contents are."""

    conversation: Conversation
    document: dict[str, Any]
    files: list[tuple[str, Attachment]]


def read_contents(session: Session, desk: Desk, conversation_id: uuid.UUID) -> Contents:
    """Everything of the citizen's. Operators appear under the name that the citizen was shown; their notes are the desk's own."""
    conversation = conversations.find(session, conversation_id)
    messages = conversations.messages_after(session, conversation_id, 0, _ALL)
    documents = message_documents(session, desk, conversation, messages)
    files, left_out = _choose_files(session, desk, conversation, documents)
    values = desk.vault.values(session, conversation)
    names = {str(attachment.id): path for path, attachment in files}
    texts = {str(attachment.id): text_of_picture(desk.vault, conversation, attachment) for _path, attachment in files}
    for document in documents:
        document["buttons"] = [button["title"] for button in document["buttons"]]
        document["attachments"] = [{**one, "path": names.get(one["id"]), "text": texts.get(one["id"])} for one in document["attachments"]]
    return Contents(
        conversation,
        {
            "format": _FORMAT,
            "service": desk.settings.service_name,
            "conversation": {"id": str(conversation.id), "channel": conversation.channel, "created_at": _moment(conversation.created_at)},
            "fields": {name: resolve(text, values, masked=False) for name, text in citizen_fields(session, desk, conversation).items()},
            "appeals": [
                _appeal(session, desk, conversation, appeal, values) for appeal in appeals.of_conversation(session, conversation_id)
            ],
            "requests": appeal_requests.asked_in(session, desk, conversation_id),
            "consents": _consents(session, conversation_id),
            "deliveries": _deliveries(session, conversation_id, values),
            "ratings": _ratings(session, conversation_id),
            "marks": _marks(session, conversation_id),
            "messages": documents,
            "files_left_out": left_out,
        },
        files,
    )


def zip_parts(contents: Contents, read: Read) -> Iterator[bytes]:
    """The ZIP, part by part: no more of it is in memory than data.json. In a thread: it reads files and compresses."""
    target = _Parts()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", json.dumps(contents.document, ensure_ascii=False, indent=2, default=str))
        yield target.take()
        for path, attachment in contents.files:
            # Stored as it is: every kind of file that is taken is compressed already.
            entry = zipfile.ZipInfo(path, attachment.created_at.astimezone(MOSCOW).timetuple()[:6])
            with archive.open(entry, "w") as file:
                for part in read(contents.conversation, attachment):
                    file.write(part)
                    yield target.take()
    yield target.take()


class _Parts(io.RawIOBase):
    """What a ZIP is written into, to be taken away as it grows."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self._written += part
        return len(part)

    def take(self) -> bytes:
        taken, self._written = bytes(self._written), bytearray()
        return taken


class AsFile(io.RawIOBase):
    """Parts, to be read as a file is. ``size``: how much was read."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._rest = b""
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._rest = part
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        self.size += count
        return count


def _choose_files(
    session: Session, desk: Desk, conversation: Conversation, documents: list[dict[str, Any]]
) -> tuple[list[tuple[str, Attachment]], list[str]]:
    """Names in the ZIP with their files, oldest first, as many as fit; and the names of those that do not."""
    named = {one["id"]: str(one["filename"]) for document in documents for one in document["attachments"]}
    kept = select(Attachment).where(Attachment.conversation_id == conversation.id, Attachment.message_id.is_not(None))
    kept = kept.where(Attachment.erased_at.is_(None), Attachment.scan != Scan.REFUSED, Attachment.content_type != CONTENT_TYPE)
    chosen: list[tuple[str, Attachment]] = []
    left_out: list[str] = []
    room = desk.settings.max_export_bytes
    for attachment in session.scalars(kept.order_by(Attachment.id)):
        name = PurePath(named.get(str(attachment.id), "")).name or "file"
        if attachment.size > room:
            left_out.append(name)
            continue
        room -= attachment.size
        chosen.append((f"files/{len(chosen) + 1:03d}-{name}", attachment))
    return chosen, left_out


def _appeal(session: Session, desk: Desk, conversation: Conversation, appeal: Appeal, values: dict[str, str]) -> dict[str, Any]:
    events = select(AppealEvent).where(AppealEvent.appeal_id == appeal.id).order_by(AppealEvent.created_at, AppealEvent.id)
    return {
        **appeals.appeal_document(appeal),
        "access_code": desk.vault.open(conversation, appeal.access_code_sealed),
        "fields": {name: resolve(text, values, masked=False) for name, text in appeals.fields_of(desk.vault, conversation, appeal).items()},
        "history": [{"kind": event.kind, "created_at": _moment(event.created_at)} for event in session.scalars(events)],
    }


def _consents(session: Session, conversation_id: uuid.UUID) -> list[dict[str, Any]]:
    given = select(Consent, Message.seq).join(Message, Message.id == Consent.message_id).where(Consent.conversation_id == conversation_id)
    return [
        {
            "version": consent.version,
            "given_at": _moment(consent.given_at),
            "message": seq,
            "withdrawn_at": _moment(consent.withdrawn_at) if consent.withdrawn_at else None,
        }
        for consent, seq in session.execute(given.order_by(Consent.given_at))
    ]


def _deliveries(session: Session, conversation_id: uuid.UUID, values: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "channel": delivery.channel,
            "kind": delivery.kind,
            "address": values.get(delivery.address_token),
            "state": delivery.state,
            "created_at": _moment(delivery.created_at),
            "sent_at": _moment(delivery.sent_at) if delivery.sent_at else None,
        }
        for delivery in deliveries.of_conversation(session, conversation_id)
        if delivery.channel == letters.CHANNEL
    ]


def _ratings(session: Session, conversation_id: uuid.UUID) -> list[dict[str, Any]]:
    given = select(Rating).where(Rating.conversation_id == conversation_id).order_by(Rating.created_at)
    return [{"score": rating.score, "created_at": _moment(rating.created_at)} for rating in session.scalars(given)]


def _marks(session: Session, conversation_id: uuid.UUID) -> list[dict[str, Any]]:
    """Of the bot's answers."""
    given = select(ArticleMark, Message.seq).join(Message, Message.id == ArticleMark.message_id)
    return [
        {"message": seq, "article": mark.slug, "helpful": mark.helpful, "created_at": _moment(mark.created_at)}
        for mark, seq in session.execute(given.where(Message.conversation_id == conversation_id).order_by(Message.seq))
    ]


def _moment(at: datetime) -> str:
    return at.astimezone(MOSCOW).isoformat()
