"""How often one client may do a thing, and how many guesses at a secret it has. Counted in this process, or in Redis for all gateways.

What is counted are keyed hashes: neither memory nor Redis holds an address, a login, a SNILS or a number.
"""

import asyncio
import math
import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from core.errors import Problem, too_many
from core.personal_data import Vault
from core.settings import Settings

log = structlog.get_logger(__name__)

T = TypeVar("T")
Storage = MemoryStorage | RedisStorage

_REDIS_SECONDS = 0.5  # how long an answer is waited for
_REDIS_PAUSE_SECONDS = 5.0  # how long this process counts by itself after one that did not come
# Guesses are remembered this many times as long as a lock lasts: whoever goes on after a lock is locked again at once.
_MEMORY_LOCKS = 4
SHARED_ADDRESS = 10  # an address may be a whole office's: so many times the guesses of one person


class RateLimit:
    """Lets ``per_minute`` through in any minute, for each key by itself, as this process sees it."""

    def __init__(self, per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(per_minute)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def check(self, key: str) -> None:
        """Counts one. Problem 429 with the seconds until the next one passes; what is refused is not counted."""
        _check(self._limiter, self._item, key)


class Counters:
    """Where a desk's limits are counted: in Redis if there is one, in this process if not or while it does not answer."""

    def __init__(self, vault: Vault, settings: Settings) -> None:
        self._hash = vault.keyed_hash
        self._local = MemoryStorage()
        self._redis: RedisStorage | None = None
        self._redis_again_at = 0.0
        self._url = settings.redis_url

    def key(self, name: str, key: str) -> str:
        return self._hash(f"limit {name}\n{key}").hex()

    async def run(self, work: Callable[[Storage], T]) -> T:
        """``work(storage)`` off the event loop where it may wait for the network."""
        if self._url and time.monotonic() >= self._redis_again_at:
            try:
                return await asyncio.to_thread(lambda: work(self._shared()))
            except StorageError as error:
                self._redis_again_at = time.monotonic() + _REDIS_PAUSE_SECONDS
                log.warning("limits_interrupted", error=type(error.storage_error).__name__)
        return work(self._local)

    def _shared(self) -> RedisStorage:
        if self._redis is None:
            waits = {"socket_timeout": _REDIS_SECONDS, "socket_connect_timeout": _REDIS_SECONDS}
            self._redis = RedisStorage(self._url, wrap_exceptions=True, key_prefix="otklik-limits", **waits)  # type: ignore[arg-type]
        return self._redis


class SharedRateLimit:
    """A RateLimit that all gateways count together. ``name`` tells it from others."""

    def __init__(self, counters: Counters, name: str, per_minute: int) -> None:
        self._counters = counters
        self._name = name
        self._item = RateLimitItemPerMinute(per_minute)

    async def check(self, key: str) -> None:
        """As RateLimit.check."""
        hashed = self._counters.key(self._name, key)
        await self._counters.run(lambda storage: _check(MovingWindowRateLimiter(storage), self._item, hashed))


class Guesses:
    """Slows down who guesses at a secret, then locks them out for a while. Each key by itself; all gateways count together.

    The first ``free`` guesses cost nothing; each one after that a pause that doubles from 2 s; from number ``most`` on, ``lock_seconds``. A
    right answer during a pause is refused like a wrong one.
    """

    def __init__(self, counters: Counters, name: str, free: int, most: int, lock_seconds: int) -> None:
        self._counters = counters
        self._name = name
        self._free = free
        self._most = most
        self._lock_seconds = lock_seconds

    async def check(self, key: str) -> None:
        """Problem 429 while ``key`` has to wait."""
        _, pause = self._keys(key)

        def look(storage: Storage) -> float:
            return max(1.0, storage.get_expiry(pause) - time.time()) if storage.get(pause) else 0  # Redis tells whole seconds

        seconds = await self._counters.run(look)
        if seconds > 0:
            raise _too_many_guesses(math.ceil(seconds))

    async def count(self, key: str) -> bool:
        """Counts a guess, best before it is looked at. True for the one that locks ``key``. Problem 429 for one that lost the race: of
        those made at once only the free ones pass, and one more, which begins the pause.
        """
        count, pause = self._keys(key)

        def add(storage: Storage) -> tuple[int, float]:
            number = storage.incr(count, self._lock_seconds * _MEMORY_LOCKS)
            seconds = self._pause(number)
            is_first = not seconds or storage.incr(pause, seconds) == 1  # counted as one step: only one of them is the first
            return number, 0 if is_first else max(1.0, storage.get_expiry(pause) - time.time())

        number, seconds = await self._counters.run(add)
        if seconds:
            raise _too_many_guesses(math.ceil(seconds))
        return number >= self._most

    async def forgive(self, key: str) -> None:
        """Forgets the guesses of ``key``: the answer was right."""
        keys = self._keys(key)

        def clear(storage: Storage) -> None:
            for name in keys:
                storage.clear(name)

        await self._counters.run(clear)

    def _keys(self, key: str) -> tuple[str, str]:
        hashed = self._counters.key(self._name, key)
        return f"{hashed}:guesses", f"{hashed}:pause"

    def _pause(self, number: int) -> int:
        if number <= self._free:
            return 0
        return self._lock_seconds if number >= self._most else min(2 ** (number - self._free), self._lock_seconds)


class Familiar:
    """What was seen within ``days``: where an operator has logged in from."""

    def __init__(self, counters: Counters, name: str, days: int) -> None:
        self._counters = counters
        self._name = name
        self._seconds = days * 24 * 3600

    async def knows(self, key: str) -> bool:
        hashed = self._counters.key(self._name, key)
        return await self._counters.run(lambda storage: storage.get(hashed)) > 0

    async def remember(self, key: str) -> None:
        hashed = self._counters.key(self._name, key)

        def put(storage: Storage) -> None:
            storage.clear(hashed)
            storage.incr(hashed, self._seconds)

        await self._counters.run(put)


def _check(limiter: MovingWindowRateLimiter, item: RateLimitItemPerMinute, key: str) -> None:
    if not limiter.hit(item, key):
        waits = limiter.get_window_stats(item, key).reset_time - time.time()
        raise too_many(max(1, math.floor(waits) + 1))


def _too_many_guesses(seconds: int) -> Problem:
    minutes = math.ceil(seconds / 60)
    key = "too_many_guesses" if seconds < 120 else "too_many_guesses_minutes"
    return Problem(429, key, {"seconds": seconds, "minutes": minutes}, retry_after=seconds)
