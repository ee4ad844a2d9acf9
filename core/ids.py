"""Identifiers and secrets: UUIDv7 for rows (ordered by time), random strings for what must not be guessed."""

import hashlib
import secrets
import time
import uuid

_ACCESS_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no 0/O, 1/I: read aloud on the hotline


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, 74 random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def new_token() -> str:
    """A bearer token: 256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def new_access_code() -> str:
    """What opens an appeal's status page: 8 characters, 40 random bits."""
    return "".join(secrets.choice(_ACCESS_ALPHABET) for _ in range(8))


def token_hash(token: str) -> bytes:
    """What is stored of a bearer token: SHA-256 (the token itself has 256 random bits, so no salt is needed)."""
    return hashlib.sha256(token.encode()).digest()


def digest(external_id: str) -> str:
    """What is stored of an id that somebody else made: it tells two apart, and holds nothing of what they put into it."""
    return hashlib.sha256(external_id.encode()).hexdigest()
