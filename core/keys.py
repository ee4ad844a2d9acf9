"""Keys: a data key per conversation, wrapped by a master key. Erasing a conversation is destroying its data key.

AES-256-GCM throughout (NIST SP 800-38D) with a random 96-bit nonce; the conversation's id is authenticated with each ciphertext, so
that a sealed value cannot be moved to another conversation. A wrapped key names the master key that it wants (master_keys.py), so that
master keys can be changed under a running desk (key_rotation.py).

One more key, the index key, belongs to the whole desk: what must be equal everywhere is hashed with it. It lies in the database, wrapped
like a data key, and therefore stays the same when the master key changes.
"""

import base64
import hashlib
import hmac
import os
import secrets
import uuid
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core import sealed_files
from core.master_keys import ID_BYTES, KEY_BYTES, MasterKey, MasterKeys
from core.settings import Settings

_NONCE_BYTES = 12
_FORMAT = b"\x01"  # nonce, ciphertext
NAMED = b"\x02"  # of a wrapped key: the master key's id, nonce, ciphertext
_IN_CHUNKS = b"\x02"  # of a file: sealed_files.py
_CACHED_KEYS = 4096
_INDEX_KEY = b"index key"


class KeyDestroyed(Exception):
    """The conversation was erased: what was sealed with its key is gone."""


class Keyring:
    """Wraps, unwraps and uses data keys."""

    def __init__(self, master: MasterKeys | bytes) -> None:
        self.master = MasterKeys([master]) if isinstance(master, bytes) else master
        self._index_key: bytes | None = None
        self._unwrap = lru_cache(maxsize=_CACHED_KEYS)(self._unwrap_uncached)

    def new_data_key(self, conversation_id: uuid.UUID) -> bytes:
        """A fresh data key, wrapped."""
        return self._wrap(_new_key(), _of(conversation_id))

    def rewrapped(self, conversation_id: uuid.UUID, wrapped: bytes) -> bytes:
        """The same data key under the newest master key. ValueError if none of those known has wrapped it."""
        return self._wrap(self._unwrap_uncached(_of(conversation_id), wrapped), _of(conversation_id))

    def seal(self, conversation_id: uuid.UUID, wrapped: bytes | None, content: bytes) -> bytes:
        return _encrypt(AESGCM(self._key(conversation_id, wrapped)), content, b"data:" + conversation_id.bytes)

    def open(self, conversation_id: uuid.UUID, wrapped: bytes | None, sealed: bytes) -> bytes:
        """Raises KeyDestroyed after erasure, ValueError for what this key never sealed."""
        return _decrypt(AESGCM(self._key(conversation_id, wrapped)), sealed, b"data:" + conversation_id.bytes)

    def seal_file(self, conversation_id: uuid.UUID, wrapped: bytes | None, file_id: uuid.UUID, content: IO[bytes]) -> Iterator[bytes]:
        """A file's content to store, in parts. It can be opened as this file of this conversation only."""
        yield _IN_CHUNKS
        yield from sealed_files.seal(self._cipher_of_file(conversation_id, wrapped, file_id), content)

    def open_file(self, conversation_id: uuid.UUID, wrapped: bytes | None, file_id: uuid.UUID, sealed: IO[bytes]) -> Iterator[bytes]:
        """The content in parts. KeyDestroyed after erasure; ValueError where it was not sealed so, at the latest with the last part."""
        form = sealed.read(1)
        if form == _IN_CHUNKS:
            yield from sealed_files.open_sealed(self._cipher_of_file(conversation_id, wrapped, file_id), sealed)
        else:  # stored whole, before there were chunks
            yield self.open(conversation_id, wrapped, form + sealed.read())

    def _cipher_of_file(self, conversation_id: uuid.UUID, wrapped: bytes | None, file_id: uuid.UUID) -> sealed_files.CipherOf:
        key = self._key(conversation_id, wrapped)
        return lambda salt: AESGCM(_derived(key, b"file:" + conversation_id.bytes + file_id.bytes, salt))

    def fingerprint(self, conversation_id: uuid.UUID, wrapped: bytes | None, content: bytes) -> bytes:
        """Equal for equal content within one conversation, meaningless without its key (HMAC-SHA-256)."""
        key = hashlib.sha256(b"fingerprint:" + self._key(conversation_id, wrapped)).digest()
        return hmac.digest(key, content, "sha256")

    def new_index_key(self, *, of_master_key: bool) -> bytes:
        """An index key, wrapped. ``of_master_key``: the one that a desk used before index keys were stored, else a fresh one."""
        oldest = self.master.all()[-1].secret
        made = hmac.digest(oldest, b"hash of what leads to a conversation", "sha256") if of_master_key else _new_key()
        return self._wrap(made, _INDEX_KEY)

    def use_index_key(self, wrapped: bytes) -> None:
        """Raises ValueError if no known master key has wrapped it."""
        self._index_key = self._unwrap_uncached(_INDEX_KEY, wrapped)

    def rewrapped_index_key(self, wrapped: bytes) -> bytes:
        return self._wrap(self._unwrap_uncached(_INDEX_KEY, wrapped), _INDEX_KEY)

    @property
    def has_index_key(self) -> bool:
        return self._index_key is not None

    def keyed_hash(self, content: str) -> bytes:
        """Equal for equal content everywhere on this desk, meaningless without the index key (HMAC-SHA-256)."""
        return hmac.digest(self._desk_key(), content.encode(), "sha256")

    def derived_key(self, purpose: str) -> bytes:
        """32 bytes for one purpose of the whole desk, the same for ever (HKDF-SHA-256 of the index key)."""
        return _derived(self._desk_key(), b"desk:" + purpose.encode())

    def _desk_key(self) -> bytes:
        if self._index_key is None:
            raise RuntimeError("the index key was not read: blind_index.read_key")
        return self._index_key

    def _key(self, conversation_id: uuid.UUID, wrapped: bytes | None) -> bytes:
        if wrapped is None:
            raise KeyDestroyed(str(conversation_id))
        return self._unwrap(_of(conversation_id), wrapped)

    def _wrap(self, key: bytes, context: bytes) -> bytes:
        master = self.master.newest()
        return NAMED + master.id + _encrypt(master.cipher, key, context)

    def _unwrap_uncached(self, context: bytes, wrapped: bytes) -> bytes:
        if wrapped[:1] == NAMED:
            master = self.master.find(wrapped[1 : 1 + ID_BYTES])
            if master is None:
                raise ValueError("sealed with another key: a master key is missing")
            return _decrypt(master.cipher, wrapped[1 + ID_BYTES :], context)
        return self._unwrap_unnamed(context, wrapped, self.master.all())

    def _unwrap_unnamed(self, context: bytes, wrapped: bytes, masters: tuple[MasterKey, ...]) -> bytes:
        """Of the time when there was one master key: it is the oldest of those known, or not known at all."""
        for master in reversed(masters[1:]):
            try:
                return _decrypt(master.cipher, wrapped, context)
            except ValueError:
                continue
        return _decrypt(masters[0].cipher, wrapped, context)


def wrapped_by(key_id: bytes) -> bytes:
    """What a key begins with that the master key ``key_id`` has wrapped."""
    return NAMED + key_id


def _of(conversation_id: uuid.UUID) -> bytes:
    return b"key:" + conversation_id.bytes


def _new_key() -> bytes:
    return AESGCM.generate_key(bit_length=8 * KEY_BYTES)


def _derived(key: bytes, purpose: bytes, salt: bytes | None = None) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt, b"otklik:" + purpose).derive(key)


def _encrypt(cipher: AESGCM, content: bytes, context: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return _FORMAT + nonce + cipher.encrypt(nonce, content, context)


def _decrypt(cipher: AESGCM, sealed: bytes, context: bytes) -> bytes:
    nonce, content = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    if sealed[:1] != _FORMAT or len(nonce) != _NONCE_BYTES:
        raise ValueError("sealed in an unknown format")
    try:
        return cipher.decrypt(nonce, content, context)
    except InvalidTag:
        raise ValueError("sealed with another key or changed since") from None


def open_keyring(settings: Settings) -> Keyring:
    """The keyring of the configured master keys, or of those in the data folder, where one is made at first use. Raises SettingsError."""
    given = settings.master_key.get_secret_value()
    if given:
        return Keyring(MasterKeys.written(given))
    path = settings.data_dir / "master.key"
    secret_file(path, lambda: base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode())
    return Keyring(MasterKeys.in_file(path))


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
