"""Attachments' contents in a local folder, sealed before they arrive here."""

import contextlib
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

_DRAFT = ".part"


class FolderBlobs:
    """One file per blob, two levels deep, readable by its owner only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, blob_id: uuid.UUID, content: bytes) -> None:
        """Written whole or not at all."""
        self.write(blob_id, [content])

    def write(self, blob_id: uuid.UUID, parts: Iterable[bytes]) -> None:
        """Written part by part, and there whole or not at all."""
        path = self._path(blob_id)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(_DRAFT)
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.writelines(parts)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def get(self, blob_id: uuid.UUID) -> bytes:
        """FileNotFoundError if there is none."""
        return self._path(blob_id).read_bytes()

    def open(self, blob_id: uuid.UUID) -> BinaryIO:
        """To read it part by part. FileNotFoundError if there is none."""
        return self._path(blob_id).open("rb")

    def delete(self, blob_id: uuid.UUID) -> None:
        """Nothing happens if it is gone already."""
        self._path(blob_id).unlink(missing_ok=True)

    def older_than(self, before: datetime) -> Iterator[list[uuid.UUID]]:
        """The blobs last written before then, folder by folder. Drafts that old, left over by a crash, are deleted on the way."""
        for folder in sorted(self._folder.glob("??")):
            found = []
            for path in folder.iterdir():
                with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                    if path.stat().st_mtime >= before.timestamp():
                        continue
                    if path.suffix == _DRAFT:
                        path.unlink()
                    elif re.fullmatch("[0-9a-f]{32}", path.name):  # else it is not ours
                        found.append(uuid.UUID(path.name))
            yield found

    def _path(self, blob_id: uuid.UUID) -> Path:
        name = blob_id.hex
        return self._folder / name[-2:] / name
