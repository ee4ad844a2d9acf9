"""What a letter goes through before anything is made of it: floods and spam wait in quarantine, one with a virus is returned.

A scanner that is away holds up nothing: its letter goes on unchecked, which is noted; its files stay closed until they are scanned.
"""

import asyncio
import uuid

import structlog

from core.desk import Desk
from core.files import INFECTED
from core.models import Scan
from core.virus_scan import VirusScan
from core.words import say
from handoff.mailbox import quarantine
from handoff.mailbox.handling import RefusedFile
from handoff.mailbox.letter import Letter
from handoff.mailbox.quarantine import Standing
from handoff.mailbox.spam_check import SpamCheck

log = structlog.get_logger(__name__)


class LetterChecks:
    def __init__(self, desk: Desk, virus_scan: VirusScan) -> None:
        self._desk = desk
        self._virus_scan = virus_scan
        self._spam_check = SpamCheck(desk.settings)

    async def hold_back(self, letter_id: uuid.UUID, letter: Letter, raw: bytes) -> bool:
        """Puts a flood's letter and spam into quarantine; whether it did. What a program wrote is not answered anyway."""
        if letter.automatic is not None or letter.sender is None:
            return False
        database = self._desk.database
        standing = await database.read_soon(quarantine.standing, self._desk, letter_id, letter)
        if standing == Standing.FLOOD:
            return await self._hold(letter_id, letter, quarantine.FLOOD)
        if standing == Standing.TRUSTED or not self._spam_check.is_on:
            return False
        verdict = await self._spam_check.check(raw)
        if verdict is None:
            log.warning("letter_not_checked_for_spam", letter_id=str(letter_id))
            await database.write_soon(quarantine.note_not_checked, letter_id)
            return False
        return verdict.is_spam and await self._hold(letter_id, letter, quarantine.SPAM, verdict.score)

    async def _hold(self, letter_id: uuid.UUID, letter: Letter, why: str, score: float | None = None) -> bool:
        preview = await asyncio.to_thread(quarantine.preview_of, letter, self._desk.settings)
        is_held = await self._desk.database.write_soon(quarantine.hold, self._desk, letter_id, letter, why, preview, score)
        log.info("letter_quarantined", letter_id=str(letter_id), why=why, score=score)
        return is_held

    async def find_virus(self, letter_id: uuid.UUID, letter: Letter, raw: bytes) -> list[RefusedFile] | None:
        """None if clamd finds nothing in the whole letter; else the files in which it is, which may be none of those that we know.

        The whole letter is scanned, because it holds more than the files that are taken: letters within it, archives, pictures inside of
        a text. ``core/files.py`` scans each file besides, as we decode it: a letter may be built so that two programs read it differently.
        """
        if letter.automatic is not None:
            return None
        scanned = await self._virus_scan.scan(raw)
        if scanned.scan != Scan.REFUSED:
            return None
        log.warning("letter_infected", letter_id=str(letter_id), signature=scanned.signature, size=len(raw))
        files = letter.files[: self._desk.settings.message_attachments]
        infected = [(await self._virus_scan.scan(file.content)).scan == Scan.REFUSED for file in files]
        return [
            RefusedFile(file.name or say("file_name"), say(INFECTED), is_infected=True)
            for file, is_infected in zip(files, infected, strict=True)
            if is_infected
        ]
