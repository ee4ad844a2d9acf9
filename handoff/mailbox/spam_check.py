"""Whether a letter is spam, as SpamAssassin's spamd says (SPAMC protocol, command CHECK)."""

import math
import re
from dataclasses import dataclass

import structlog

from core.daemons import Daemon, DaemonAway
from core.settings import Settings

log = structlog.get_logger(__name__)

_MOST_BYTES = 262_144  # of a letter: spam is short, and rules take their time over what is long
_ANSWER = re.compile(rb"SPAMD/[0-9.]+ 0 EX_OK\r\n(?:[^\r\n]+\r\n)*?Spam: (True|False) ; (-?[0-9.]{1,12}) /", re.IGNORECASE)


@dataclass(frozen=True)
class SpamVerdict:
    is_spam: bool
    score: float


class SpamCheck:
    def __init__(self, settings: Settings) -> None:
        self._daemon = Daemon(settings.spamd_address, settings.spamd_seconds, b"PING SPAMC/1.5\r\n\r\n")
        self._score = settings.spam_score
        self.is_on = self._daemon.is_on

    async def check(self, raw: bytes) -> SpamVerdict | None:
        """None where spamd is off, away or says anything else. Never raises."""
        if not self.is_on:
            return None
        looked_at = raw[:_MOST_BYTES] + b"\r\n"  # it reads lines, and would wait for the end of the last one
        try:
            answer = await self._daemon.ask([b"CHECK SPAMC/1.5\r\nContent-length: %d\r\n\r\n" % len(looked_at), looked_at])
        except DaemonAway as away:
            log.warning("spamd_away", reason=str(away))
            return None
        found = _ANSWER.match(answer)
        score = _number(found[2]) if found else None
        if found is None or score is None:
            log.warning("spamd_did_not_check", answer=answer[:100].decode("ascii", "replace"))
            return None
        return SpamVerdict(score >= self._score if self._score else found[1].lower() == b"true", score)


def _number(digits: bytes) -> float | None:
    try:
        score = float(digits)
    except ValueError:
        return None
    return score if math.isfinite(score) else None
