"""Files that clamd could not look at when they came, or that came before there was one: scanned once it answers.

A file that a person has released is left as it is. One in which a virus is found then is deleted, and all who could have it are told.
"""

import asyncio
import contextlib
import uuid
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import conversations, leases
from core.database import hint
from core.desk import Desk
from core.errors import DatabaseDown, Problem
from core.files import Files
from core.keys import KeyDestroyed
from core.models import Attachment, Author, Conversation, Message, Scan, now
from core.virus_scan import Scanned
from core.web import place_of
from core.words import say
from handoff import letters, notices

log = structlog.get_logger(__name__)

_LEASE = "file_scanning"
_LEASE_SECONDS = 300.0
_AT_ONCE = 100
_FIRST = uuid.UUID(int=0)
_NOT_AGAIN_FOR = timedelta(days=1)  # a file that clamd does not scan though it is there: too large for it, most likely


class FileScanning:
    """The later scans of one gateway process; one gateway of several does them."""

    def __init__(self, desk: Desk, files: Files) -> None:
        self._desk = desk
        self._files = files
        self._hold = leases.Hold(desk.database, _LEASE, _LEASE_SECONDS)
        self._not_before: dict[uuid.UUID, datetime] = {}

    async def run_forever(self) -> None:
        try:
            while True:
                with contextlib.suppress(DatabaseDown):
                    if await self._hold.take():
                        await self.run_once()
                await asyncio.sleep(self._desk.settings.clamd_again_seconds)
        finally:
            await self._hold.give_back()

    async def run_once(self) -> None:
        """Scans all that waits, as long as clamd answers. DatabaseDown."""
        at, last = now(), _FIRST
        self._not_before = {file: moment for file, moment in self._not_before.items() if moment > at}
        while found := await self._desk.database.read_soon(_unscanned, last):
            last = found[-1]
            for attachment_id in found:
                if attachment_id in self._not_before:
                    continue
                if not await self._files.virus_scan.answers():
                    return
                self._not_before[attachment_id] = at + _NOT_AGAIN_FOR
                if await self._scan_guarded(attachment_id):
                    del self._not_before[attachment_id]
            if not await self._hold.take():
                return

    async def _scan_guarded(self, attachment_id: uuid.UUID) -> bool:
        """Whether it is done with: what fails is logged and holds up no other."""
        try:
            return await self._scan(attachment_id)
        except DatabaseDown:
            raise
        except (Problem, KeyDestroyed):
            return True  # erased meanwhile
        except Exception as error:  # noqa: BLE001 - whatever it was, the others are scanned
            log.error("file_not_scanned", attachment_id=str(attachment_id), error=type(error).__name__, at=place_of(error))
            return False

    async def _scan(self, attachment_id: uuid.UUID) -> bool:
        desk = self._desk
        conversation, attachment = await desk.database.read_soon(_find, attachment_id)
        scanned = await self._files.virus_scan.scan(await self._files.read(conversation, attachment))
        if scanned.scan == Scan.UNSCANNED:
            return False
        is_refused = await desk.database.write_soon(_conclude, desk, attachment_id, scanned)
        if is_refused:
            ids = {"attachment_id": str(attachment_id), "conversation_id": str(conversation.id)}
            log.warning("file_infected", **ids, content_type=attachment.content_type, size=attachment.size, signature=scanned.signature)
            await asyncio.to_thread(desk.blobs.delete, attachment_id)  # if this is cut short, the sweep of stray files does it
        return True


def _unscanned(session: Session, after: uuid.UUID) -> list[uuid.UUID]:
    waiting = Attachment.scan == Scan.UNSCANNED, Attachment.released_at.is_(None), Attachment.erased_at.is_(None)
    wanted = select(Attachment.id).where(*waiting, Attachment.id > after)
    return list(session.scalars(wanted.order_by(Attachment.id).limit(_AT_ONCE)))


def _find(session: Session, attachment_id: uuid.UUID) -> tuple[Conversation, Attachment]:
    attachment = session.get_one(Attachment, attachment_id)
    return session.get_one(Conversation, attachment.conversation_id), attachment


def _conclude(session: Session, desk: Desk, attachment_id: uuid.UUID, scanned: Scanned) -> bool:
    """Writes down what was found, unless the file is gone or somebody released it meanwhile. Whether it is refused."""
    conversation_id = session.scalar(select(Attachment.conversation_id).where(Attachment.id == attachment_id))
    if conversation_id is None:
        return False
    conversation = conversations.lock(session, conversation_id)
    attachment = session.get(Attachment, attachment_id, populate_existing=True)
    if (
        attachment is None
        or conversation.data_key is None
        or attachment.scan != Scan.UNSCANNED
        or attachment.released_at
        or attachment.erased_at
    ):
        return False
    attachment.scan = scanned.scan
    message = session.get(Message, attachment.message_id) if attachment.message_id else None
    if message is not None:  # whoever looks at it is told to look again
        hint(session, str(conversation_id), changed=message.seq)
    if scanned.scan != Scan.REFUSED:
        return False
    attachment.erased_at = now()
    attachment.text_sealed = attachment.reading = None
    if message is not None:
        _tell(session, desk, conversation, say("file_infected_later", name=desk.vault.open(conversation, attachment.filename_sealed)))
    return True


def _tell(session: Session, desk: Desk, conversation: Conversation, words: str) -> None:
    """By letter too where there is an appeal: without one no letter has left."""
    if letters.newest_appeal(session, conversation):
        notices.tell(session, desk, conversation, words, letter=letters.INFECTED_FILE)
    else:
        conversations.append(session, desk.vault, conversation, Author.SYSTEM, words, meta={"kind": "notice"})
