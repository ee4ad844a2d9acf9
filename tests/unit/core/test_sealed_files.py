"""Files sealed in chunks: what goes in comes back, and nothing that was tampered with comes out whole."""

import io
import tracemalloc
import uuid
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.keys import KeyDestroyed, Keyring
from core.sealed_files import CHUNK_BYTES, SALT_BYTES

ONE, OTHER, FILE, OTHER_FILE = (uuid.UUID(int=number) for number in range(1, 5))
KEYRING = Keyring(b"k" * 32)
WRAPPED = KEYRING.new_data_key(ONE)
OTHER_WRAPPED = KEYRING.new_data_key(OTHER)
HEADER = 1 + SALT_BYTES
SEALED_CHUNK = CHUNK_BYTES + 16
SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7]


def sealed(content: bytes) -> bytes:
    return b"".join(KEYRING.seal_file(ONE, WRAPPED, FILE, io.BytesIO(content)))


def opened(stored: bytes) -> bytes:
    return b"".join(KEYRING.open_file(ONE, WRAPPED, FILE, io.BytesIO(stored)))


def pattern(size: int) -> bytes:
    """No two chunks of it are alike."""
    return b"".join(number.to_bytes(8) for number in range(size // 8 + 1))[:size]


def chunks(stored: bytes) -> tuple[bytes, list[bytes]]:
    return stored[:HEADER], [stored[at : at + SEALED_CHUNK] for at in range(HEADER, len(stored), SEALED_CHUNK)]


CONTENT = pattern(3 * CHUNK_BYTES + 1000)
STORED = sealed(CONTENT)


@pytest.mark.parametrize("size", SIZES)
def test_opens_what_it_sealed_at_every_edge(size: int) -> None:
    content = pattern(size)
    stored = sealed(content)
    assert opened(stored) == content
    assert len(stored) == HEADER + size + 16 * max(1, -(-size // CHUNK_BYTES))


@settings(max_examples=30)
@given(st.integers(0, 3 * CHUNK_BYTES), st.binary(min_size=8, max_size=64))
def test_opens_what_it_sealed(size: int, seed: bytes) -> None:
    content = (seed * (size // len(seed) + 1))[:size]
    stored = sealed(content)
    assert opened(stored) == content
    assert seed not in stored


def test_the_same_content_is_sealed_differently_each_time() -> None:
    first, second = chunks(sealed(CONTENT))[1], chunks(sealed(CONTENT))[1]
    assert not set(first) & set(second)


@given(st.integers(0, len(STORED) - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed(place: int, change: int) -> None:
    changed = bytearray(STORED)
    changed[place] ^= change
    with pytest.raises(ValueError, match="sealed"):
        opened(bytes(changed))


@given(st.integers(0, len(STORED) - 1))
def test_a_file_cut_off_anywhere_is_noticed(length: int) -> None:
    with pytest.raises(ValueError, match="sealed"):
        opened(STORED[:length])


@given(st.binary(min_size=1, max_size=2 * CHUNK_BYTES))
def test_something_added_is_noticed(more: bytes) -> None:
    with pytest.raises(ValueError, match="sealed"):
        opened(STORED + more)


@pytest.mark.parametrize(
    "order",
    [
        [1, 0, 2, 3],
        [0, 2, 1, 3],
        [0, 1, 3, 2],
        [0, 2, 3],
        [1, 2, 3],
        [0, 1, 2],
        [0],
        [3],
        [0, 0, 1, 2, 3],
        [0, 1, 1, 2, 3],
        [0, 1, 2, 3, 3],
    ],
    ids=str,
)
def test_a_swapped_dropped_or_repeated_chunk_is_noticed(order: list[int]) -> None:
    header, parts = chunks(STORED)
    assert len(parts) == 4
    with pytest.raises(ValueError, match="sealed"):
        opened(header + b"".join(parts[number] for number in order))


def test_a_chunk_of_another_file_is_noticed() -> None:
    header, parts = chunks(STORED)
    _, foreign = chunks(sealed(CONTENT))
    with pytest.raises(ValueError, match="sealed"):
        opened(header + b"".join([parts[0], foreign[1], *parts[2:]]))


def test_what_comes_before_a_fault_is_genuine() -> None:
    changed = bytearray(STORED)
    changed[HEADER + SEALED_CHUNK + 5] ^= 1
    parts = KEYRING.open_file(ONE, WRAPPED, FILE, io.BytesIO(bytes(changed)))
    assert next(parts) == CONTENT[:CHUNK_BYTES]
    with pytest.raises(ValueError, match="changed since"):
        next(parts)


@pytest.mark.parametrize(
    ("conversation_id", "wrapped", "file_id"),
    [(OTHER, OTHER_WRAPPED, FILE), (ONE, WRAPPED, OTHER_FILE), (ONE, KEYRING.new_data_key(ONE), FILE)],
    ids=["another conversation", "another file of it", "another data key"],
)
def test_a_file_opens_in_its_own_place_only(conversation_id: uuid.UUID, wrapped: bytes, file_id: uuid.UUID) -> None:
    with pytest.raises(ValueError, match="sealed with another key"):
        list(KEYRING.open_file(conversation_id, wrapped, file_id, io.BytesIO(STORED)))


def test_a_file_stored_whole_can_still_be_opened() -> None:
    assert opened(KEYRING.seal(ONE, WRAPPED, CONTENT)) == CONTENT


@pytest.mark.parametrize("stored", [b"", b"\x01", b"\x02", b"\x02" + bytes(31), b"\x02" + bytes(32), b"\x03" + bytes(100)], ids=len)
def test_what_was_never_sealed_is_refused(stored: bytes) -> None:
    with pytest.raises(ValueError, match="sealed"):
        opened(stored)


def test_a_destroyed_key_opens_and_seals_nothing() -> None:
    with pytest.raises(KeyDestroyed):
        list(KEYRING.open_file(ONE, None, FILE, io.BytesIO(STORED)))
    with pytest.raises(KeyDestroyed):
        list(KEYRING.seal_file(ONE, None, FILE, io.BytesIO(b"content")))


class Endless(io.BytesIO):
    """A file of ``size`` zeros that is nowhere."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.left = size

    def read(self, size: int | None = -1, /) -> bytes:
        count = self.left if size is None or size < 0 else min(self.left, size)
        self.left -= count
        return bytes(count)


class Joined(io.BytesIO):
    """The parts as they come, as a file."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        super().__init__()
        self._parts, self._rest = parts, b""

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = size or 0
        while len(self._rest) < wanted and (part := next(self._parts, b"")):
            self._rest += part
        taken, self._rest = self._rest[:wanted], self._rest[wanted:]
        return taken


def test_a_large_file_is_never_held_whole() -> None:
    size = 64 * CHUNK_BYTES
    tracemalloc.start()
    try:
        stored = Joined(KEYRING.seal_file(ONE, WRAPPED, FILE, Endless(size)))
        total = sum(map(len, KEYRING.open_file(ONE, WRAPPED, FILE, stored)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == size
    assert peak < 16 * CHUNK_BYTES
