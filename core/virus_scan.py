"""Whether a file holds a virus, as clamd says (INSTREAM, see man clamd). What it did not look at, or not at all of, is never called clean.

Not by aioclamd: it knows no sockets in the file system, and hops to a thread for each KiB.
"""

import asyncio
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from core.daemons import Daemon, DaemonAway
from core.models import Scan
from core.settings import Settings

log = structlog.get_logger(__name__)

_PART_BYTES = 131_072
_AT_ONCE = 4
_ANSWER = re.compile(r"stream: (?:(?P<signature>.{1,200}) )?(?P<word>OK|FOUND|ERROR)")
_NOT_ALL = "Heuristics.Limits.Exceeded"  # AlertExceedsMax: it gave up before the end


@dataclass(frozen=True)
class Scanned:
    """``signature``: the virus's name, where ``scan`` is REFUSED."""

    scan: Scan
    signature: str = ""


class VirusScan:
    def __init__(self, settings: Settings) -> None:
        self._daemon = Daemon(settings.clamd_address, settings.clamd_seconds, b"zPING\0")
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self.is_on = self._daemon.is_on

    async def scan(self, content: bytes) -> Scanned:
        """REFUSED, CLEAN, or UNSCANNED where clamd is off, away or says anything else. Never raises."""
        if not self.is_on:
            return Scanned(Scan.UNSCANNED)
        async with self._at_once:
            try:
                answer = _text(await self._daemon.ask(_instream(content)))
            except DaemonAway as away:
                log.warning("clamd_away", reason=str(away), size=len(content))
                return Scanned(Scan.UNSCANNED)
        found = _ANSWER.fullmatch(answer)
        signature = (found["signature"] or "") if found else ""
        if found and found["word"] == "OK":
            return Scanned(Scan.CLEAN)
        if found and found["word"] == "FOUND" and not signature.startswith(_NOT_ALL):
            return Scanned(Scan.REFUSED, signature)
        log.warning("clamd_did_not_scan", answer=answer[:200], size=len(content))  # the answer quotes nothing of the file
        return Scanned(Scan.UNSCANNED)

    async def answers(self) -> bool:
        """Whether clamd is there and ready."""
        return await self._daemon.answers()


def _instream(content: bytes) -> Iterator[bytes]:
    yield b"zINSTREAM\0"
    whole = memoryview(content)
    for start in range(0, len(content), _PART_BYTES):
        part = whole[start : start + _PART_BYTES]
        yield struct.pack("!L", len(part)) + part
    yield struct.pack("!L", 0)


def _text(answer: bytes) -> str:
    return answer.rstrip(b"\0\n").decode("utf-8", "replace")
