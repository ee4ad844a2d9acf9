"""Letters in: something is made of each that is stored, or it is parked. One bad letter holds up no other.

One gateway of several does it, under a lease. How letters come to be stored: mail_collector.py.
"""

import asyncio
import uuid

import structlog
from sqlalchemy.orm import Session

from bot.channels.letter_checks import LetterChecks
from core import leases
from core.desk import Desk
from core.errors import DatabaseDown, Problem, too_large, wrong_type
from core.facts import size_words
from core.files import INFECTED, Files
from core.models import LetterState, now
from core.web import place_of
from core.words import say
from handoff.mailbox import handling, incoming
from handoff.mailbox.handling import RefusedFile
from handoff.mailbox.infected import send_back
from handoff.mailbox.letter import File, Letter, read_letter, read_sender
from handoff.mailbox.sender_fields import sender_fields

log = structlog.get_logger(__name__)

_LEASE = "mail_intake"
_LEASE_SECONDS = 60.0


class MailIntake:
    """What becomes of the letters, in one gateway process."""

    def __init__(self, desk: Desk, files: Files) -> None:
        self._desk = desk
        self._files = files
        self._checks = LetterChecks(desk, files.virus_scan)
        self._hold = leases.Hold(desk.database, _LEASE, _LEASE_SECONDS)

    async def run_forever(self) -> None:
        await leases.work_while_held(self._desk, self._hold, incoming.TOPIC, self.run_once)

    async def run_once(self) -> None:
        """Makes of all that waits what becomes of it; what fails is tried again the next time. DatabaseDown."""
        tried: set[uuid.UUID] = set()
        while found := [one for one in await self._desk.database.read_soon(incoming.waiting) if one not in tried]:
            await self._process_all(found)
            tried.update(found)
            if not await self._hold.take():
                return

    async def _process_all(self, letter_ids: list[uuid.UUID]) -> None:
        """Some at once, so that one that takes its time holds up no other; those of one sender, who may go on with the first, in order."""
        free = asyncio.Semaphore(self._desk.settings.letters_at_once)

        async def process(of_one: list[uuid.UUID]) -> None:
            for letter_id in of_one:
                async with free:
                    await self._process_guarded(letter_id)

        by_sender = await self._desk.database.read_soon(self._by_sender, letter_ids)
        tasks = [asyncio.create_task(process(of_one)) for of_one in by_sender]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _by_sender(self, session: Session, letter_ids: list[uuid.UUID]) -> list[list[uuid.UUID]]:
        found: dict[object, list[uuid.UUID]] = {}
        for letter_id in letter_ids:
            row = incoming.find(session, letter_id)
            try:
                sender: object = row and read_sender(incoming.raw_of(self._desk, row))
            except Exception:  # noqa: BLE001 - it will fail by itself, when its turn comes
                sender = letter_id
            found.setdefault(sender, []).append(letter_id)
        return list(found.values())

    async def _process_guarded(self, letter_id: uuid.UUID) -> None:
        try:
            await self.process(letter_id)
        except DatabaseDown:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the next ones want to be read too
            where = f"{type(error).__name__} at {place_of(error)}"
            is_parked = await self._desk.database.write_soon(incoming.note_failure, letter_id, where)
            log.error("letter_parked" if is_parked else "letter_failed", letter_id=str(letter_id), error=where)

    async def process(self, letter_id: uuid.UUID) -> None:
        """Makes of a stored letter what becomes of it; does nothing if that was done."""
        desk = self._desk
        row = await desk.database.read_soon(incoming.find, letter_id)
        if row is None or row.state != LetterState.NEW:
            return
        raw = incoming.raw_of(desk, row)
        letter, told = await asyncio.to_thread(self._read, raw)
        if await self._checks.hold_back(letter_id, letter, raw):
            return
        infected = await self._checks.find_virus(letter_id, letter, raw)
        conversation_id = await desk.database.write_soon(handling.begin, desk, letter_id, letter)
        outcome = None
        if conversation_id is not None and infected is None:
            is_cut = row.size > desk.settings.max_letter_bytes
            file_ids, refused = await self._accept_files(conversation_id, letter.files, is_cut=is_cut)
            infected = [file for file in refused if file.is_infected] or None
            if infected is None:
                outcome = await desk.database.write_soon(handling.finish, desk, letter_id, letter, told, file_ids, refused, now())
        if conversation_id is not None and infected is not None:  # what was taken of it is never sent: the sweep deletes it
            outcome = await desk.database.write_soon(send_back, desk, letter_id, infected, now())
        log.info("letter_processed", letter_id=str(letter_id), automatic=letter.automatic, outcome=outcome)

    def _read(self, raw: bytes) -> tuple[Letter, dict[str, str]]:
        """The letter, and what it tells of its sender: apart from any transaction, because it takes its time."""
        letter = read_letter(raw, self._desk.settings)
        return letter, {} if letter.automatic else sender_fields(letter, self._desk.settings)

    async def _accept_files(
        self, conversation_id: uuid.UUID, files: list[File], *, is_cut: bool
    ) -> tuple[list[uuid.UUID], list[RefusedFile]]:
        """Takes the files as the widget's upload does, up to what one message may hold; what is not taken, and why."""
        settings = self._desk.settings
        taken: list[uuid.UUID] = []
        refused: list[RefusedFile] = []
        left = settings.max_message_bytes
        for file in files:
            try:
                if is_cut:
                    raise too_large("letter_too_large", limit=size_words(settings.max_letter_bytes))
                if len(file.content) > left:
                    raise too_large("attachments_too_large", limit=size_words(settings.max_message_bytes))
                if len(taken) == settings.message_attachments:
                    raise wrong_type("too_many_attachments", limit=settings.message_attachments)
                attachment = await self._files.accept(conversation_id, file.name, file.content)
            except Problem as problem:
                refused.append(RefusedFile(file.name or say("file_name"), problem.detail, is_infected=problem.key == INFECTED))
            else:
                taken.append(attachment.id)
                left -= max(len(file.content), attachment.size)
        return taken, refused
