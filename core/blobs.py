"""Attachments' contents in a local folder, sealed before they arrive here."""

import os
import uuid
from pathlib import Path


class FolderBlobs:
    """One file per blob, two levels deep, readable by its owner only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, blob_id: uuid.UUID, content: bytes) -> None:
        """Written whole or not at all."""
        path = self._path(blob_id)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(".part")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def get(self, blob_id: uuid.UUID) -> bytes:
        """FileNotFoundError if there is none."""
        return self._path(blob_id).read_bytes()

    def delete(self, blob_id: uuid.UUID) -> None:
        """Nothing happens if it is gone already."""
        self._path(blob_id).unlink(missing_ok=True)

    def _path(self, blob_id: uuid.UUID) -> Path:
        name = blob_id.hex
        return self._folder / name[-2:] / name
