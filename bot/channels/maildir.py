"""The Maildir in which letters come (https://cr.yp.to/proto/maildir.html): one file each, moved from new/ to cur/ once it is kept."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

INCOMING = "incoming"  # the Maildir in mail_dir
_FOLDERS = ("tmp", "new", "cur")
_FLAGS = ":2,"
_SEEN = "S"
_CHUNK = 262_144


@dataclass(frozen=True)
class StoredFile:
    """A letter's file. ``raw``: as many of its bytes as are kept; ``digest``: SHA-256 of all of them; ``size``: how many there are."""

    raw: bytes
    digest: bytes
    size: int
    received: datetime


class Maildir:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self) -> None:
        """Makes the folders, for their owner only."""
        for name in ("", *_FOLDERS):
            (self._folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)

    def unseen(self) -> list[Path]:
        """The files that are not kept yet, oldest first; those that a mail program moved and nobody has read, too."""
        found = [*self._files("new"), *(file for file in self._files("cur") if _SEEN not in file.name.rpartition(_FLAGS)[2])]
        return [file for _, file in sorted((_modified(file), file) for file in found)]

    def read(self, file: Path, most_bytes: int) -> StoredFile:
        """OSError if it cannot be read. What is no plain file is none."""
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as source:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(f"{file.name} is no file")
            digest = hashlib.sha256()
            kept: list[bytes] = []
            size = 0
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                kept.append(chunk[: max(most_bytes - size, 0)])
                size += len(chunk)
        received = min(datetime.fromtimestamp(found.st_mtime, UTC), datetime.now(UTC))
        return StoredFile(b"".join(kept), digest.digest(), size, received)

    def mark_seen(self, file: Path) -> None:
        """Moves it to cur/ as read; only after what it holds is committed."""
        name, _, flags = file.name.partition(_FLAGS)
        file.rename(self._folder / "cur" / f"{name}{_FLAGS}{''.join(sorted({*flags, _SEEN}))}")

    def _files(self, name: str) -> Iterator[Path]:
        return (file for file in (self._folder / name).iterdir() if not file.name.startswith("."))


def _modified(file: Path) -> float:
    try:
        return file.lstat().st_mtime
    except OSError:
        return 0.0
