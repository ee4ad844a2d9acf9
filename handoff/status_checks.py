"""How often somebody may ask about appeals, and how many guesses at a proof they have: on the status page and in the chat."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.errors import not_found
from core.limits import SHARED_ADDRESS, Counters, Guesses, SharedRateLimit
from core.settings import Settings

T = TypeVar("T")

# One asker must not be able to use up what all may ask about a number, and so keep its citizen out.
_ASKERS_PER_NUMBER = 5


class StatusChecks:
    """``who`` asks is an address or a conversation; each is counted by itself, and each number over all of them."""

    def __init__(self, counters: Counters, settings: Settings) -> None:
        per_minute = settings.status_checks_per_minute
        self._asker_limit = SharedRateLimit(counters, "status of address", per_minute)
        self._number_limit = SharedRateLimit(counters, "status of number", per_minute * _ASKERS_PER_NUMBER)
        free, most, lock = settings.guesses_free, settings.guesses_most, settings.guess_lock_seconds
        # Many people share an address: it has more guesses than one pair has.
        self._pair_guesses = Guesses(counters, "status guesses at number", free, most, lock)
        self._asker_guesses = Guesses(counters, "status guesses of address", free * SHARED_ADDRESS, most * SHARED_ADDRESS, lock)

    async def run(self, who: str, number: str | None, look: Callable[[], Awaitable[T | None]]) -> T:
        """What ``look`` finds under ``number`` (as ``read_number`` returned it). Problem 404 when that is None, 429."""
        pair = f"{number}\n{who}"
        await self._asker_limit.check(who)
        await self._asker_guesses.check(who)
        if number is not None:
            await self._pair_guesses.check(pair)
            await self._number_limit.check(number)
            await self._pair_guesses.count(pair)
        found = await look()
        if found is None:
            await self._asker_guesses.count(who)
            raise not_found("appeal_not_found")
        await self._pair_guesses.forgive(pair)
        return found
