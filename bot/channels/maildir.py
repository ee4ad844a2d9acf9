"""The Maildir in which letters come (https://cr.yp.to/proto/maildir.html): one file each, moved from new/ to cur/ once it is kept."""

import hashlib
import os
import stat
import threading
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from bot.channels.mailbox import Found, MailboxDown, Original

log = structlog.get_logger(__name__)

INCOMING = "incoming"  # the Maildir in mail_dir
_FOLDERS = ("tmp", "new", "cur")
_FLAGS = ":2,"
_SEEN = "S"
_CHUNK = 262_144


class Maildir:
    """Its keys are the files' paths in its folder. ``look_seconds``: how often it is looked into."""

    def __init__(self, folder: Path, look_seconds: float) -> None:
        self._folder = folder
        self._look_seconds = look_seconds
        self._interrupted = threading.Event()
        self._unreadable: set[str] = set()

    def unseen(self) -> list[Found]:
        """Those that a mail program moved and nobody has read, too. Makes the folders, for their owner only."""
        try:
            for name in ("", *_FOLDERS):
                (self._folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
            files = [*self._files("new"), *(file for file in self._files("cur") if _SEEN not in file.name.rpartition(_FLAGS)[2])]
        except OSError as error:
            raise MailboxDown("unreachable", type(error).__name__) from None
        found = sorted((*_modified_and_size(file), file) for file in files)
        return [Found(str(file.relative_to(self._folder)), size) for _, size, file in found]

    def read(self, found: Sequence[Found], most_bytes: int) -> list[Original]:
        originals = []
        for letter in found:
            try:
                originals.append(self._read(letter.key, most_bytes))
            except OSError as error:
                if letter.key not in self._unreadable:
                    self._unreadable.add(letter.key)
                    log.error("letter_unreadable", error=type(error).__name__)
        return originals

    def _read(self, key: str, most_bytes: int) -> Original:
        """OSError if it cannot be read. What is no plain file is none."""
        descriptor = os.open(self._folder / key, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as source:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise OSError("it is no file")
            digest = hashlib.sha256()
            kept: list[bytes] = []
            size = 0
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                kept.append(chunk[: max(most_bytes - size, 0)])
                size += len(chunk)
        received = min(datetime.fromtimestamp(found.st_mtime, UTC), datetime.now(UTC))
        return Original(key, b"".join(kept), digest.digest(), size, received)

    def note(self, session: Session, keys: Collection[str]) -> None:
        """Nothing: a file's place and flags say it all."""

    def mark(self, keys: Collection[str]) -> None:
        """Moves them to cur/ as read."""
        for key in keys:
            name, _, flags = Path(key).name.partition(_FLAGS)
            try:
                (self._folder / key).rename(self._folder / "cur" / f"{name}{_FLAGS}{''.join(sorted({*flags, _SEEN}))}")
            except FileNotFoundError:  # somebody else has moved it: it is found again under its new name
                continue
            except OSError as error:
                raise MailboxDown("unreachable", type(error).__name__) from None

    def wait(self) -> None:
        self._interrupted.wait(self._look_seconds)

    def interrupt(self) -> None:
        self._interrupted.set()

    def close(self) -> None:
        self._interrupted.clear()

    def _files(self, name: str) -> Iterator[Path]:
        return (file for file in (self._folder / name).iterdir() if not file.name.startswith("."))


def _modified_and_size(file: Path) -> tuple[float, int]:
    try:
        found = file.lstat()
    except OSError:
        return 0.0, 0
    return found.st_mtime, found.st_size
