"""Master keys: one or several, newest first, from the environment or from a file that may change under a running desk."""

import base64
import binascii
import contextlib
import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.settings import PREFIX, SettingsError

log = structlog.get_logger(__name__)

KEY_BYTES = 32
ID_BYTES = 8
_WANTS = f"{PREFIX}MASTER_KEY: it wants {KEY_BYTES} bytes in base64 ('openssl rand -base64 {KEY_BYTES}')"


@dataclass(frozen=True)
class MasterKey:
    """``id`` tells which one it is and nothing of the key: what it has wrapped begins with it."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"a master key has {KEY_BYTES} bytes")

    @property
    def id(self) -> bytes:
        return hashlib.sha256(b"id of a master key:" + self.secret).digest()[:ID_BYTES]

    @property
    def cipher(self) -> AESGCM:
        return AESGCM(self.secret)


class MasterKeysUnknown(Exception):
    """The key file has changed and cannot be read: which master key is the newest, and which ones are retired, is not known."""


class MasterKeys:
    """The keys that this process knows. With ``path`` it notices when the file has changed: before it wraps, and at an unknown id.

    While the changed file cannot be read, those known still open what they have wrapped. Nothing is wrapped by them: they may be retired.
    """

    def __init__(self, secrets_: Sequence[bytes], path: Path | None = None) -> None:
        self.path = path
        self._stamp = _stamp(path) if path else None
        self._is_current = True
        self._keys = tuple(map(MasterKey, secrets_))

    @classmethod
    def in_file(cls, path: Path) -> "MasterKeys":
        """One key a line; empty lines and those that begin with # do not count. Raises SettingsError."""
        keys = cls([], path)  # the stamp first: a change in between is noticed later
        keys._keys = tuple(map(MasterKey, _read(path)))
        return keys

    @classmethod
    def written(cls, text: str) -> "MasterKeys":
        """Separated by commas. Raises SettingsError."""
        return cls(_decode(text))

    def all(self) -> tuple[MasterKey, ...]:
        """Newest first."""
        self._notice()
        return self._keys

    def newest(self) -> MasterKey:
        """What everything new is wrapped by. Raises MasterKeysUnknown."""
        keys = self.all()
        if not self._is_current:
            raise MasterKeysUnknown(f"the key file {self.path} has changed and cannot be read")
        return keys[0]

    def find(self, key_id: bytes) -> MasterKey | None:
        for keys in (self._keys, self.all()):
            for key in keys:
                if key.id == key_id:
                    return key
        return None

    def _notice(self) -> None:
        if self.path is None:
            return
        try:
            stamp = _stamp(self.path)
            if stamp != self._stamp:
                self._keys, self._stamp = tuple(map(MasterKey, _read(self.path))), stamp
                log.info("master_keys_changed", newest=self._keys[0].id.hex(), count=len(self._keys))
            self._is_current = True
        except (OSError, SettingsError) as error:  # what is known opens on
            self._is_current = False
            log.error("master_key_file_unreadable", error=type(error).__name__)


def add_newest(path: Path) -> MasterKey:
    """Puts a fresh key before those in the file."""
    with _rewriting(path):
        key = MasterKey(secrets.token_bytes(KEY_BYTES))
        _write(path, [key.secret, *_read(path)])
    return key


def remove(path: Path, ids: Sequence[bytes]) -> None:
    """Takes keys out of the file."""
    with _rewriting(path):
        _write(path, [secret for secret in _read(path) if MasterKey(secret).id not in ids])


@contextlib.contextmanager
def _rewriting(path: Path) -> Iterator[None]:
    """One at a time: two that read, change and write at once would lose a key."""
    with path.with_name(f".{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, keys: list[bytes]) -> None:
    """Whole or not at all, its owner's as before."""
    owner = path.stat()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        if os.geteuid() == 0:  # root's hand must not lock the desk's user out
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        file.writelines(base64.b64encode(key).decode() + "\n" for key in keys)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)  # without this the old name could come back after a loss of power
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(path: Path) -> list[bytes]:
    lines = (line.strip() for line in path.read_text().splitlines())
    return _decode(",".join(line for line in lines if line and not line.startswith("#")))


def _decode(text: str) -> list[bytes]:
    try:
        keys = [base64.b64decode(written, validate=True) for written in re.split(r"\s*,\s*", text.strip().strip(","))]
    except (ValueError, binascii.Error):
        raise SettingsError(_WANTS) from None
    if any(len(key) != KEY_BYTES for key in keys):
        raise SettingsError(_WANTS)
    return list(dict.fromkeys(keys))


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size
