"""Files that people send: told by their content, scanned for viruses, checked and made harmless in a process apart, sealed."""

import asyncio
import io
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePath

import filetype
import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import conversations, file_check, text_recognition
from core.database import hint
from core.desk import Desk
from core.errors import Problem, conflict, invalid, not_found, too_large, wrong_type
from core.facts import size_words
from core.ids import new_id
from core.models import Attachment, Conversation, Mode, Operator, Reading, Scan, now
from core.subprocesses import run_module
from core.virus_scan import VirusScan
from core.words import say

log = structlog.get_logger(__name__)

PICTURES = {"image/jpeg": "jpg", "image/png": "png"}
DOCUMENTS = {
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
}
# Of a kind that is not taken, and that people send so often that they are told what to do instead.
_ARCHIVES = frozenset(
    f"application/{name}"
    for name in ("zip", "x-rar-compressed", "x-7z-compressed", "x-tar", "gzip", "x-bzip2", "x-xz", "zstd", "vnd.ms-cab-compressed")
)
_ARCHIVE_NAMES = frozenset({"zip", "rar", "7z", "tar", "gz", "tgz", "bz2", "xz", "arj", "cab", "zst", "lz"})
_MACRO_NAMES = frozenset({"docm", "dotm", "xlsm", "xlsb", "pptm"})
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # DOC, XLS, PPT: may hold macros, and nobody can tell
INFECTED = "file_infected"  # the Problem of a file in which a virus is found
PICTURES_TO_READ = "pictures to read"  # the topic of hints that there is one
_OTHER_SPELLINGS = {"jpeg": "jpg", "jpe": "jpg"}
_CHECKS_AT_ONCE = 2
_CHECK_SECONDS = 20
_NAME_CHARACTERS = 120
_UNSENT_KEPT = timedelta(hours=24)
_STRAYS_KEPT = timedelta(days=7)
_SWEEP_SECONDS = 3600
_IDS_AT_ONCE = 500


@dataclass(frozen=True)
class CheckedFile:
    """A file made harmless, under the id that it will have; nothing of it is stored yet."""

    id: uuid.UUID
    name: str
    content_type: str
    content: bytes
    scan: Scan


class Files:
    """Takes files in and hands them out. One per process: it bounds how many are checked at once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.virus_scan = VirusScan(desk.settings)
        self._checks = asyncio.Semaphore(_CHECKS_AT_ONCE)

    async def accept(self, conversation_id: uuid.UUID, filename: str, content: bytes, operator: Operator | None = None) -> Attachment:
        """Stores a file for a message to come. Problem 409, 413, 415 or 422 says what is wrong; then nothing is stored."""
        desk = self._desk
        conversation = await desk.database.read_soon(conversations.find, conversation_id)
        if conversation.mode == Mode.CLOSED:
            raise conflict("conversation_closed")
        file = await self.check(filename, content, conversation_id)
        await self.write(conversation, file)

        def store(session: Session) -> Attachment:
            held = conversations.lock(session, conversation_id)
            if held.mode == Mode.CLOSED:  # erased while the file was looked at
                raise conflict("conversation_closed")
            return attach(session, desk, held, file, operator)

        try:
            return await desk.database.write_soon(store)
        except Exception:
            await self.delete(file)
            raise

    async def check(self, filename: str, content: bytes, conversation_id: uuid.UUID | None = None) -> CheckedFile:
        """The file as it may be stored. Problem 413, 415 or 422."""
        name = _clean_name(filename)
        content_type = self._content_type(name, content)
        file_id = new_id()
        scanned = await self.virus_scan.scan(content)  # as it was sent: a picture is encoded anew afterwards
        if scanned.scan == Scan.REFUSED:
            facts = {"content_type": content_type, "size": len(content), "signature": scanned.signature}
            log.warning("file_infected", file_id=str(file_id), conversation_id=str(conversation_id), **facts)
            raise invalid("file", INFECTED)
        kept = await self._make_harmless(content_type, content)
        if content_type in PICTURES:
            return CheckedFile(file_id, _with_suffix(name, PICTURES[content_type]), content_type, kept, Scan.CLEAN)
        return CheckedFile(file_id, name, content_type, kept, scanned.scan)

    async def write(self, conversation: Conversation, file: CheckedFile) -> None:
        """Stores the content, sealed. It goes first: a row without it would be a promise broken, a blob without a row is only waste."""
        sealed = self._desk.vault.seal_file(conversation, file.id, io.BytesIO(file.content))
        await asyncio.to_thread(self._desk.blobs.write, file.id, sealed)

    async def delete(self, file: CheckedFile) -> None:
        """Takes back what ``write`` stored."""
        await asyncio.to_thread(self._desk.blobs.delete, file.id)

    async def read(self, conversation: Conversation, attachment: Attachment) -> bytes:
        """The file's content, whole. Problem 404 once it is erased."""
        return b"".join([part async for part in await self.stream(conversation, attachment)])

    async def stream(self, conversation: Conversation, attachment: Attachment) -> AsyncIterator[bytes]:
        """The file's content in parts of 64 KiB, the first of which is opened already. Problem 404 once it is erased.

        A later part that was tampered with ends the stream with ValueError: what came before it is genuine, and incomplete.
        """
        if conversation.data_key is None:
            raise not_found("attachment_not_found")
        parts = parts_of(self._desk, conversation, attachment.id)
        try:
            first = await asyncio.to_thread(next, parts, b"")
        except FileNotFoundError:  # deleted a moment ago: its row is about to say so
            raise not_found("attachment_gone") from None
        return _one_by_one(first, parts)

    async def sweep_forever(self) -> None:
        """Deletes each hour what was uploaded a day ago and never sent, and what a crash left in the folder."""
        while True:
            await self.delete_unsent(now() - _UNSENT_KEPT)
            await asyncio.sleep(_SWEEP_SECONDS)
            await self.delete_strays(now() - _STRAYS_KEPT)

    async def delete_unsent(self, before: datetime) -> None:
        """Deletes the files uploaded before ``before`` that no message has taken."""
        for attachment_id, conversation_id in await self._desk.database.read_soon(_unsent, before):
            if await self._desk.database.write_soon(_delete_unsent, attachment_id, conversation_id):
                await asyncio.to_thread(self._desk.blobs.delete, attachment_id)
                log.info("unsent_file_deleted", attachment_id=str(attachment_id), conversation_id=str(conversation_id))

    async def delete_strays(self, before: datetime) -> None:
        """Deletes the contents written before ``before`` of which no row knows: content goes first, and a crash may lose the row.

        Nothing is deleted where half of them are unknown: then it is the database that is wrong, another one or an old one.
        """
        strays: list[uuid.UUID] = []
        count = 0
        folders = self._desk.blobs.older_than(before)
        while (found := await asyncio.to_thread(next, folders, None)) is not None:
            count += len(found)
            strays += await self._desk.database.read_soon(_strays, found)
        if 2 * len(strays) >= count > 0:
            log.error("stray_files_too_many", count=len(strays), of=count)
            return
        for stray in strays:
            try:
                await asyncio.to_thread(self._desk.blobs.delete, stray)
                log.info("stray_file_deleted", blob_id=str(stray))
            except OSError as error:  # one that cannot be deleted holds up no other
                log.error("stray_file_stays", blob_id=str(stray), error=type(error).__name__)

    def _content_type(self, name: str, content: bytes) -> str:
        settings = self._desk.settings
        if not content:
            raise invalid("file", "file_empty")
        if len(content) > settings.max_document_bytes:
            raise too_large("file_too_large", limit=size_words(settings.max_document_bytes))
        found = filetype.guess(content)
        content_type = found.mime if found else ""
        inside = PICTURES.get(content_type) or DOCUMENTS.get(content_type)
        extension = PurePath(name).suffix.lower().lstrip(".")
        if inside is None:
            if content_type in _ARCHIVES or extension in _ARCHIVE_NAMES:
                raise wrong_type("file_archive")
            if extension in _MACRO_NAMES:
                raise wrong_type("file_macros")
            raise wrong_type("file_old_document" if content.startswith(_OLE2) else "file_type")
        if extension in _MACRO_NAMES:
            raise wrong_type("file_macros")
        named = _OTHER_SPELLINGS.get(extension, extension)
        pictures = set(PICTURES.values())
        # Phones name a JPEG ".png" and the other way round: harmless. A document called a picture is not a slip.
        if named and named != inside and not {named, inside} <= pictures:
            raise wrong_type("file_false_extension", extension=extension[:10])
        if content_type in PICTURES and len(content) > settings.max_picture_bytes:
            raise too_large("file_picture_too_large", limit=size_words(settings.max_picture_bytes))
        return content_type

    async def _make_harmless(self, content_type: str, content: bytes) -> bytes:
        pixels = str(self._desk.settings.max_picture_pixels)
        async with self._checks:
            try:
                checked = await run_module("core.file_check", content_type, pixels, content=content, seconds=_CHECK_SECONDS)
            except TimeoutError:
                log.warning("file_check_timed_out", content_type=content_type, size=len(content))
                raise invalid("file", "file_broken") from None
        if checked.exit_code == 0:
            return checked.output
        key = checked.errors.decode(errors="replace").strip()
        if checked.exit_code != file_check.REFUSED:  # ended by a limit or a fault of the parser
            log.warning("file_check_failed", content_type=content_type, size=len(content), exit_code=checked.exit_code)
            key = "file_broken"
        raise Problem(422, key, field_name="file")


def attach(session: Session, desk: Desk, conversation: Conversation, file: CheckedFile, operator: Operator | None = None) -> Attachment:
    """The row of a file whose content is written. ``conversation`` is locked."""
    is_read = file.content_type in PICTURES and operator is None and text_recognition.find_tesseract(desk.settings.tesseract) is not None
    attachment = Attachment(
        id=file.id,
        conversation_id=conversation.id,
        operator_id=operator.id if operator else None,
        filename_sealed=desk.vault.seal(conversation, desk.vault.tokenise(session, conversation, file.name, indexed=operator is None)),
        content_type=file.content_type,
        size=len(file.content),
        scan=file.scan,
        reading=Reading.ASKED if is_read else None,
    )
    session.add(attachment)
    if is_read:
        hint(session, PICTURES_TO_READ)
    return attachment


def parts_of(desk: Desk, conversation: Conversation, attachment_id: uuid.UUID) -> Iterator[bytes]:
    """The content of a file in parts of 64 KiB, for threads. FileNotFoundError, keys.KeyDestroyed, ValueError."""
    with desk.blobs.open(attachment_id) as sealed:
        yield from desk.vault.open_file(conversation, attachment_id, sealed)


async def _one_by_one(part: bytes, parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    while part:
        yield part
        part = await asyncio.to_thread(next, parts, b"")


def _unsent(session: Session, before: datetime) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Of each such file its id and its conversation's."""
    found = select(Attachment.id, Attachment.conversation_id).where(Attachment.message_id.is_(None), Attachment.created_at < before)
    return [(attachment_id, conversation_id) for attachment_id, conversation_id in session.execute(found)]


def _strays(session: Session, blob_ids: list[uuid.UUID]) -> set[uuid.UUID]:
    """Those of no file, and of files that count as erased. A finished export is a file; one under way is younger than any stray."""
    kept: set[uuid.UUID] = set()
    for start in range(0, len(blob_ids), _IDS_AT_ONCE):
        some = blob_ids[start : start + _IDS_AT_ONCE]
        kept.update(session.scalars(select(Attachment.id).where(Attachment.id.in_(some), Attachment.erased_at.is_(None))))
    return set(blob_ids) - kept


def _delete_unsent(session: Session, attachment_id: uuid.UUID, conversation_id: uuid.UUID) -> bool:
    """Whether the row was there to delete. Messages take their files under the same lock: either the message is first or finds no file."""
    conversations.lock(session, conversation_id)
    unsent = delete(Attachment).where(Attachment.id == attachment_id, Attachment.message_id.is_(None)).returning(Attachment.id)
    return session.scalar(unsent.execution_options(synchronize_session=False)) is not None


def _clean_name(filename: str) -> str:
    """The last part of the path, without control characters, cut in the middle of a long name rather than at its extension."""
    name = "".join(character for character in filename.replace("\\", "/").rpartition("/")[2] if character.isprintable()).strip(" .")
    if not name:
        return str(say("file_name"))
    path = PurePath(name)
    return path.stem[: _NAME_CHARACTERS - len(path.suffix)] + path.suffix[:10]


def _with_suffix(name: str, suffix: str) -> str:
    """``name`` ending as its content does."""
    named = PurePath(name).suffix.lower().lstrip(".")
    return name if _OTHER_SPELLINGS.get(named, named) == suffix else f"{PurePath(name).stem}.{suffix}"
