"""Whether a letter is built to be read: parts within parts without end would stop the reader, not the letter."""

import re

MOST_PARTS = 200
DEEPEST = 30
MOST_HEADER_BYTES = 262_144

_BOUNDARY = re.compile(rb"boundary\s*=\s*(?:\"([^\"\r\n]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE)
_ENCLOSING = re.compile(rb"^content-type\s*:\s*(?:message/|multipart/)", re.IGNORECASE | re.MULTILINE)
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")


class Overbuilt(Exception):
    """The letter has too many parts, or too deep ones, or headers too long."""


def check(raw: bytes) -> None:
    """Raises Overbuilt. It counts what could be parts, without building any."""
    end = _END_OF_HEADERS.search(raw)
    if (end.start() if end else len(raw)) > MOST_HEADER_BYTES:
        raise Overbuilt("headers")
    boundaries: set[bytes] = set()
    for found in _BOUNDARY.finditer(raw):
        boundaries.add(found[1] or found[2])
        if len(boundaries) > DEEPEST:
            raise Overbuilt("depth")
    for count, _ in enumerate(_ENCLOSING.finditer(raw), 1):
        if count > DEEPEST:
            raise Overbuilt("depth")
    parts = sum(raw.count(b"\n--" + boundary) for boundary in boundaries)
    if parts > MOST_PARTS:
        raise Overbuilt("parts")


def head_of(raw: bytes) -> bytes:
    """The headers, as far as they are read of a letter that is overbuilt."""
    end = _END_OF_HEADERS.search(raw, 0, MOST_HEADER_BYTES)
    return raw[: end.end()] if end else raw[:MOST_HEADER_BYTES].rpartition(b"\n")[0] + b"\n\n"
