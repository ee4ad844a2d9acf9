"""Files sealed in chunks, so that neither sealing nor opening ever holds one whole.

The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015; as in age): a salt of 32 bytes, then AES-256-GCM chunks of 64 KiB
under a key of this file alone. A chunk's nonce is its number and whether it is the last one: a chunk that was changed, swapped, dropped,
repeated or cut off opens no longer. The file's key is derived from the conversation's by that salt and the ids of both (keys.py).
"""

import os
from collections.abc import Callable, Iterator
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CHUNK_BYTES = 64 * 1024
SALT_BYTES = 32
_TAG_BYTES = 16

CipherOf = Callable[[bytes], AESGCM]  # salt → the file's own cipher


def seal(cipher_of: CipherOf, content: IO[bytes]) -> Iterator[bytes]:
    """What to store, in parts."""
    salt = os.urandom(SALT_BYTES)
    cipher = cipher_of(salt)
    yield salt
    for nonce, chunk in _chunks(content, CHUNK_BYTES):
        yield cipher.encrypt(nonce, chunk, None)


def open_sealed(cipher_of: CipherOf, sealed: IO[bytes]) -> Iterator[bytes]:
    """The content, chunk by chunk. ValueError at the first chunk that was not sealed so; those before it were."""
    salt = sealed.read(SALT_BYTES)
    if len(salt) != SALT_BYTES:
        raise ValueError("sealed, but cut off")
    cipher = cipher_of(salt)
    for nonce, chunk in _chunks(sealed, CHUNK_BYTES + _TAG_BYTES):
        try:
            yield cipher.decrypt(nonce, chunk, None)
        except InvalidTag:
            raise ValueError("sealed with another key or changed since") from None


def _chunks(source: IO[bytes], size: int) -> Iterator[tuple[bytes, bytes]]:
    """Nonce and chunk; at least one, and only the last may be shorter."""
    number, chunk = 0, source.read(size)
    while True:
        following = source.read(size)
        yield number.to_bytes(11) + (b"\x00" if following else b"\x01"), chunk
        if not following:
            return
        number, chunk = number + 1, following
