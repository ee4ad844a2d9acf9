"""Letters from the mailbox into the database: each is stored, sealed and committed before the mailbox shows it as read.

One gateway of several does it, under a lease. What is made of them is mail_intake.py's, which holds up none that come.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import structlog
from sqlalchemy.orm import Session

from bot.channels.imap import ImapMailbox
from bot.channels.mailbox import Found, Mailbox, MailboxDown, Original
from bot.channels.maildir import INCOMING, Maildir
from core import leases
from core.database import hint
from core.desk import Desk
from core.errors import DatabaseDown
from core.models import IncomingLetter
from core.web import place_of
from handoff.mailbox import incoming

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_LEASE = "mailbox"
_LEASE_SECONDS = 45.0
_RENEW_SECONDS = 15.0
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0
# What one transaction stores, and one command flags.
_AT_ONCE = 50
_BYTES_AT_ONCE = 8 * 1024**2


def choose_mailbox(desk: Desk) -> Mailbox:
    settings = desk.settings
    return ImapMailbox(desk) if settings.imap_host else Maildir(settings.mail_dir / INCOMING, settings.sweep_seconds)


class MailCollector:
    """The mailbox of one gateway process. ``state``: "ok", "elsewhere" (another gateway reads it), or why it cannot be read."""

    def __init__(self, desk: Desk, mailbox: Mailbox) -> None:
        self.state = "elsewhere"
        self._desk = desk
        self._mailbox = mailbox
        self._hold = leases.Hold(desk.database, _LEASE, _LEASE_SECONDS)
        self._thread = ThreadPoolExecutor(1, "mailbox")
        self._unstorable: set[str] = set()

    async def run_forever(self) -> None:
        """Collects while this gateway has the lease."""
        try:
            while True:
                with contextlib.suppress(DatabaseDown):
                    if await self._hold.take():
                        await self._serve()
                await asyncio.sleep(self._desk.settings.sweep_seconds)
        finally:
            await self._hold.give_back()

    async def _serve(self) -> None:
        work = asyncio.create_task(self._collect_forever())
        try:
            while await self._hold.take():
                ended, _ = await asyncio.wait([work], timeout=_RENEW_SECONDS)
                if ended:
                    return work.result()
        finally:
            work.cancel()
            self._mailbox.interrupt()
            await asyncio.gather(work, return_exceptions=True)
            await self._do(self._mailbox.close)
            self.state = "elsewhere"

    async def _collect_forever(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                await self.collect()
                pause = _FIRST_PAUSE_SECONDS
                await self._do(self._mailbox.wait)
            except MailboxDown as down:
                if self.state != down.state:  # said once, and not at each try
                    log.error("mailbox_down", state=down.state, reason=down.reason)
                self.state = down.state
                await asyncio.sleep(max(pause, down.pause_seconds))
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def collect(self) -> None:
        """Stores all that has come. MailboxDown, DatabaseDown."""
        while found := await self._do(self._mailbox.unseen):
            self._note_answer()
            stored = [await self._take(batch) for batch in _batches(found)]
            if not any(stored):
                break
        self._note_answer()

    def _note_answer(self) -> None:
        if self.state != "ok":
            self.state = "ok"
            log.info("mailbox_read")

    async def _take(self, batch: list[Found]) -> int:
        """Committed first, marked afterwards: a crash in between repeats what is recognised then. How many are stored."""
        originals = await self._do(self._mailbox.read, batch, self._desk.settings.max_letter_bytes)
        keys = await self._store(originals)
        await self._do(self._mailbox.mark, keys)
        return len(keys)

    async def _store(self, originals: list[Original]) -> list[str]:
        """Keys of those that are stored: all in one transaction, and where that fails each in its own."""
        if not originals:
            return []
        try:
            letters = await self._desk.database.write_soon(self._keep, originals)
        except DatabaseDown:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the next ones want to be stored too
            if len(originals) > 1:
                return [key for original in originals for key in await self._store([original])]
            if originals[0].key not in self._unstorable:
                self._unstorable.add(originals[0].key)
                log.error("letter_not_stored", error=type(error).__name__, at=place_of(error))
            return []
        for letter in letters:
            log.info("letter_stored", letter_id=str(letter.id), size=letter.size)
        return [original.key for original in originals]

    def _keep(self, session: Session, originals: list[Original]) -> list[IncomingLetter]:
        kept = [incoming.store(session, self._desk, one.raw, one.digest, one.size, one.received) for one in originals]
        self._mailbox.note(session, [original.key for original in originals])
        hint(session, incoming.TOPIC)
        return [letter for letter in kept if letter is not None]

    async def _do(self, work: Callable[P, T], *arguments: P.args, **more: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*arguments, **more))


def _batches(found: Iterable[Found]) -> Iterator[list[Found]]:
    """In their order, up to _AT_ONCE letters and about _BYTES_AT_ONCE together."""
    batch: list[Found] = []
    size = 0
    for letter in found:
        if batch and (len(batch) == _AT_ONCE or size + letter.size > _BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(letter)
        size += letter.size
    if batch:
        yield batch
