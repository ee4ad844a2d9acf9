"""Keys: a data key per conversation, wrapped by the master key. Erasing a conversation is destroying its data key.

AES-256-GCM throughout (NIST SP 800-38D) with a random 96-bit nonce; the conversation's id is authenticated with each ciphertext, so
that a sealed value cannot be moved to another conversation.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import uuid
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.settings import PREFIX, Settings, SettingsError

_KEY_BYTES = 32
_NONCE_BYTES = 12
_FORMAT = b"\x01"
_CACHED_KEYS = 4096


class KeyDestroyed(Exception):
    """The conversation was erased: what was sealed with its key is gone."""


class Keyring:
    """Wraps, unwraps and uses data keys."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != _KEY_BYTES:
            raise ValueError(f"a master key has {_KEY_BYTES} bytes")
        self._master = AESGCM(master_key)
        self._hash_key = hmac.digest(master_key, b"hash of what leads to a conversation", "sha256")
        self._unwrap = lru_cache(maxsize=_CACHED_KEYS)(self._unwrap_uncached)

    def new_data_key(self, conversation_id: uuid.UUID) -> bytes:
        """A fresh data key, wrapped."""
        return _encrypt(self._master, AESGCM.generate_key(bit_length=256), b"key:" + conversation_id.bytes)

    def seal(self, conversation_id: uuid.UUID, wrapped: bytes | None, content: bytes) -> bytes:
        return _encrypt(AESGCM(self._key(conversation_id, wrapped)), content, b"data:" + conversation_id.bytes)

    def open(self, conversation_id: uuid.UUID, wrapped: bytes | None, sealed: bytes) -> bytes:
        """Raises KeyDestroyed after erasure, ValueError for what this key never sealed."""
        return _decrypt(AESGCM(self._key(conversation_id, wrapped)), sealed, b"data:" + conversation_id.bytes)

    def fingerprint(self, conversation_id: uuid.UUID, wrapped: bytes | None, content: bytes) -> bytes:
        """Equal for equal content within one conversation, meaningless without its key (HMAC-SHA-256)."""
        key = hashlib.sha256(b"fingerprint:" + self._key(conversation_id, wrapped)).digest()
        return hmac.digest(key, content, "sha256")

    def keyed_hash(self, content: str) -> bytes:
        """Equal for equal content everywhere on this desk, meaningless without the master key (HMAC-SHA-256)."""
        return hmac.digest(self._hash_key, content.encode(), "sha256")

    def _key(self, conversation_id: uuid.UUID, wrapped: bytes | None) -> bytes:
        if wrapped is None:
            raise KeyDestroyed(str(conversation_id))
        return self._unwrap(conversation_id, wrapped)

    def _unwrap_uncached(self, conversation_id: uuid.UUID, wrapped: bytes) -> bytes:
        return _decrypt(self._master, wrapped, b"key:" + conversation_id.bytes)


def _encrypt(cipher: AESGCM, content: bytes, context: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return _FORMAT + nonce + cipher.encrypt(nonce, content, context)


def _decrypt(cipher: AESGCM, sealed: bytes, context: bytes) -> bytes:
    nonce, content = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    if sealed[:1] != _FORMAT:
        raise ValueError("sealed in an unknown format")
    try:
        return cipher.decrypt(nonce, content, context)
    except InvalidTag:
        raise ValueError("sealed with another key or changed since") from None


def open_keyring(settings: Settings) -> Keyring:
    """The keyring of the configured master key, or of the one in the data folder, made at first use."""
    given = settings.master_key.get_secret_value()
    encoded = given or secret_file(settings.data_dir / "master.key", lambda: base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode())
    try:
        return Keyring(base64.b64decode(encoded, validate=True))
    except (ValueError, binascii.Error):
        raise SettingsError(f"{PREFIX}MASTER_KEY: it wants {_KEY_BYTES} bytes in base64 ('openssl rand -base64 {_KEY_BYTES}')") from None


def secret_file(path: Path, make: Callable[[], str]) -> str:
    """The secret kept in ``path``; where there is none, what ``make()`` returns is written there for its owner's eyes only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written whole under another name and linked into place: two processes starting at once agree on one secret.
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
