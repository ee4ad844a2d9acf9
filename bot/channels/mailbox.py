"""Where letters lie until they are stored: a folder over IMAP, or a Maildir. The port that the collector reads both by."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Found:
    """A letter that is not stored yet. ``key``: what its mailbox calls it; ``size``: about how many bytes it has."""

    key: str
    size: int


@dataclass(frozen=True)
class Original:
    """A letter as it came. ``raw``: as many of its bytes as are kept; ``digest``: SHA-256 of what tells it from others; ``size``: bytes in
    all."""

    key: str
    raw: bytes
    digest: bytes
    size: int
    received: datetime


class MailboxDown(Exception):
    """The mailbox cannot be read now. ``state``: what readiness says of it; ``pause_seconds``: how long to leave it alone at least."""

    def __init__(self, state: str, reason: str, pause_seconds: float = 0) -> None:
        super().__init__(f"{state}: {reason}")
        self.state = state
        self.reason = reason
        self.pause_seconds = pause_seconds


class Mailbox(Protocol):
    """Called from one thread of the collector's; only ``interrupt`` from another one. Each may raise MailboxDown."""

    def unseen(self) -> list[Found]:
        """Letters that are not stored, oldest first; perhaps not all of them."""

    def read(self, found: Sequence[Found], most_bytes: int) -> list[Original]:
        """Those of them that can be read; of each no more than ``most_bytes``. The others hold up nobody."""

    def note(self, session: Session, keys: Collection[str]) -> None:
        """What is to be remembered of these, in the transaction that stores them."""

    def mark(self, keys: Collection[str]) -> None:
        """Shows in the mailbox that they are stored; only after they are committed."""

    def wait(self) -> None:
        """Until there may be something new."""

    def interrupt(self) -> None:
        """Ends what the other thread waits for."""

    def close(self) -> None:
        """Lets go of it; the next call begins anew."""
