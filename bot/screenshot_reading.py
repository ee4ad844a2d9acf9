"""Reads what citizens' pictures say, off the turn's path: the newest first, as somebody waits for it. After a crash a sweep finds them."""

import asyncio
import uuid

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import conversations, leases
from core.database import hint
from core.desk import Desk
from core.errors import DatabaseDown, Problem, not_found
from core.files import PICTURES_TO_READ, Files
from core.keys import KeyDestroyed
from core.models import Attachment, Conversation, Message, Reading
from core.subprocesses import run_module
from core.text_recognition import LANGUAGES, MOST_CHARACTERS, find_tesseract
from core.web import place_of

log = structlog.get_logger(__name__)

_LEASE_MARGIN_SECONDS = 10.0
_BYTES_OF_CHARACTER = 4


class ScreenshotReading:
    """One gateway of several reads, a few at once."""

    def __init__(self, desk: Desk, files: Files) -> None:
        self._desk = desk
        self._files = files
        self._hold = leases.Hold(desk.database, "screenshots", desk.settings.screenshot_seconds + _LEASE_MARGIN_SECONDS)
        self._under_way: set[uuid.UUID] = set()

    async def run_forever(self) -> None:
        """Or waits for ever, if there is nothing to read with."""
        settings = self._desk.settings
        version = await asyncio.to_thread(find_tesseract, settings.tesseract)
        if version is None:
            log.info("screenshots_are_not_read", tesseract=settings.tesseract, languages=LANGUAGES)
            await asyncio.Event().wait()
        log.info("screenshots_are_read", tesseract=version, languages=LANGUAGES, at_once=settings.screenshots_at_once)
        async with asyncio.TaskGroup() as readers:
            for _ in range(settings.screenshots_at_once):
                readers.create_task(leases.work_while_held(self._desk, self._hold, PICTURES_TO_READ, self.read_asked))

    async def read_asked(self) -> None:
        """All that are asked for now and that nobody here is at."""
        while await self._hold.take():  # renewed for each
            attachment_id = await self._desk.database.read_soon(_newest_asked, list(self._under_way))
            if attachment_id is None:
                return
            if attachment_id in self._under_way:  # another reader took it while this one looked
                continue
            self._under_way.add(attachment_id)
            try:
                await self._read(attachment_id)
            finally:
                self._under_way.discard(attachment_id)

    async def _read(self, attachment_id: uuid.UUID) -> None:
        """One that fails is logged and not tried again."""
        text = None
        try:
            text = await self._recognise(attachment_id)
        except DatabaseDown:
            raise
        except (Problem, KeyDestroyed):
            pass  # erased meanwhile
        except Exception as error:  # noqa: BLE001 - whatever it was, the others are read
            log.error("screenshot_not_read", attachment_id=str(attachment_id), error=type(error).__name__, at=place_of(error))
        state = Reading.FAILED if text is None else Reading.DONE
        await self._desk.database.write_soon(_keep, self._desk, attachment_id, state, text)
        log.info("screenshot_read", attachment_id=str(attachment_id), state=state)

    async def _recognise(self, attachment_id: uuid.UUID) -> str | None:
        """The text with personal data masked; None if it cannot be read."""
        desk, settings = self._desk, self._desk.settings
        conversation, attachment = await desk.database.read_soon(_find, attachment_id)
        content = await self._files.read(conversation, attachment)
        seconds = settings.screenshot_seconds
        try:
            read = await run_module("core.text_recognition", settings.tesseract, str(seconds), content=content, seconds=seconds)
        except TimeoutError:
            log.warning("screenshot_reading_timed_out", attachment_id=str(attachment_id), size=len(content))
            return None
        if read.exit_code != 0:
            log.warning("screenshot_reading_failed", attachment_id=str(attachment_id), size=len(content), exit_code=read.exit_code)
            return None
        text = read.output[: MOST_CHARACTERS * _BYTES_OF_CHARACTER].decode(errors="replace")[:MOST_CHARACTERS]
        return await desk.database.read_soon(desk.vault.mask_found, conversation, text)


def _newest_asked(session: Session, but: list[uuid.UUID]) -> uuid.UUID | None:
    asked = select(Attachment.id).where(Attachment.reading == Reading.ASKED, Attachment.id.not_in(but))
    return session.scalar(asked.order_by(Attachment.id.desc()).limit(1))


def _find(session: Session, attachment_id: uuid.UUID) -> tuple[Conversation, Attachment]:
    """Problem 404 once it is deleted."""
    attachment = session.get(Attachment, attachment_id)
    if attachment is None:
        raise not_found("attachment_gone")
    return conversations.find(session, attachment.conversation_id), attachment


def _keep(session: Session, desk: Desk, attachment_id: uuid.UUID, state: Reading, text: str | None) -> None:
    """Unless the picture is gone meanwhile. Whoever looks at its message is told to look again."""
    conversation_id = session.scalar(select(Attachment.conversation_id).where(Attachment.id == attachment_id))
    if conversation_id is None:
        return
    conversation = conversations.lock(session, conversation_id)
    attachment = session.get(Attachment, attachment_id, populate_existing=True)
    if attachment is None or attachment.reading != Reading.ASKED:
        return
    attachment.reading = state
    if text is not None and conversation.data_key is not None and attachment.erased_at is None:
        attachment.text_sealed = desk.vault.seal(conversation, text)
    message = session.get(Message, attachment.message_id) if attachment.message_id else None
    if message is not None:
        hint(session, str(conversation_id), changed=message.seq)
