"""How often, and how many guesses: counted in this process."""

import contextlib

import pytest
from limits.storage import memory

from core import limits
from core.desk import Desk
from core.errors import Problem
from core.limits import Counters, Familiar, Guesses, RateLimit, SharedRateLimit

_LOCK = 900


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def time(self) -> float:
        return self.seconds

    monotonic = time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(limits, "time", clock)
    monkeypatch.setattr(memory, "time", clock)
    monkeypatch.setattr("limits.strategies.time", clock)
    return clock


@pytest.fixture
def guesses(desk: Desk, clock: Clock) -> Guesses:
    assert clock.seconds == 1000.0
    return Guesses(Counters(desk.vault, desk.settings), "passwords", free=3, most=6, lock_seconds=_LOCK)


def passes(limit: RateLimit, key: str = "a") -> bool:
    try:
        limit.check(key)
    except Problem:
        return False
    return True


async def wait_of(guesses: Guesses, key: str = "a") -> int:
    """Seconds that ``key`` has to wait."""
    try:
        await guesses.check(key)
    except Problem as problem:
        assert problem.status == 429
        return problem.retry_after or 0
    return 0


def test_lets_its_number_through_at_once(clock: Clock) -> None:
    limit = RateLimit(3)
    assert [passes(limit) for _ in range(5)] == [True, True, True, False, False]
    assert clock.seconds == 1000.0


def test_each_key_has_its_own(clock: Clock) -> None:
    limit = RateLimit(1)
    assert [passes(limit, key) for key in "abab"] == [True, True, False, False]
    assert clock.seconds == 1000.0


def test_counts_the_last_minute_whenever_it_began(clock: Clock) -> None:
    limit = RateLimit(6)
    for _ in range(6):
        assert passes(limit)
        clock.seconds += 5
    assert not passes(limit)  # 30 s after the first
    clock.seconds += 31
    assert [passes(limit), passes(limit)] == [True, False]
    clock.seconds += 3600
    assert sum(passes(limit) for _ in range(10)) == 6


def test_says_when_to_come_again(clock: Clock) -> None:
    limit = RateLimit(6)
    for _ in range(6):
        limit.check("a")
    clock.seconds += 52.5
    with pytest.raises(Problem) as caught:
        limit.check("a")
    assert (caught.value.status, caught.value.retry_after) == (429, 8)
    assert caught.value.detail == "Слишком много запросов. Попробуйте через 8 с."
    clock.seconds += 8
    assert passes(limit)


def test_a_refusal_takes_nothing(clock: Clock) -> None:
    limit = RateLimit(1)
    limit.check("a")
    assert not any(passes(limit) for _ in range(100))
    clock.seconds += 61
    assert passes(limit)


async def guess(guesses: Guesses, clock: Clock, count: int) -> list[tuple[bool, int]]:
    """Whether each of ``count`` guesses locks, and the wait after it; each is made once the wait before it is over."""
    outcomes = []
    for _ in range(count):
        clock.seconds += await wait_of(guesses)
        outcomes.append((await guesses.count("a"), await wait_of(guesses)))
    return outcomes


async def test_the_first_guesses_are_free_then_pauses_double_then_comes_a_lock(guesses: Guesses, clock: Clock) -> None:
    outcomes = await guess(guesses, clock, 7)
    assert [wait for _, wait in outcomes] == [0, 0, 0, 2, 4, _LOCK, _LOCK]
    assert await wait_of(guesses, "b") == 0


async def test_of_guesses_made_at_once_the_free_ones_pass_and_one_more(guesses: Guesses) -> None:
    passed = 0
    for _ in range(60):
        with contextlib.suppress(Problem):
            await guesses.count("a")
            passed += 1
    assert passed == 4


async def test_a_lock_ends_and_the_next_guess_locks_again(guesses: Guesses, clock: Clock) -> None:
    assert [locks for locks, _ in await guess(guesses, clock, 6)] == [False] * 5 + [True]
    clock.seconds += _LOCK + 1
    assert await wait_of(guesses) == 0
    assert await guesses.count("a")
    assert await wait_of(guesses) == _LOCK
    clock.seconds += 4 * _LOCK  # in the end it is forgotten
    assert not await guesses.count("a")
    assert await wait_of(guesses) == 0


async def test_a_right_answer_is_forgiven(guesses: Guesses, clock: Clock) -> None:
    await guess(guesses, clock, 5)
    await guesses.forgive("a")
    assert await wait_of(guesses) == 0
    await guesses.count("a")
    assert await wait_of(guesses) == 0


async def test_the_words_say_how_long(guesses: Guesses, clock: Clock) -> None:
    await guess(guesses, clock, 5)
    with pytest.raises(Problem) as caught:
        await guesses.check("a")
    assert caught.value.detail == "Слишком много неудачных попыток. Попробуйте через 4 с."
    await guess(guesses, clock, 1)
    with pytest.raises(Problem) as caught:
        await guesses.check("a")
    assert caught.value.detail == "Слишком много неудачных попыток. Попробуйте через 15 мин."


async def test_what_is_familiar_is_forgotten_in_the_end(desk: Desk, clock: Clock) -> None:
    familiar = Familiar(Counters(desk.vault, desk.settings), "logins", days=30)
    assert not await familiar.knows("a")
    await familiar.remember("a")
    assert (await familiar.knows("a"), await familiar.knows("b")) == (True, False)
    clock.seconds += 31 * 24 * 3600
    assert not await familiar.knows("a")


async def test_memory_holds_no_address_login_or_number(desk: Desk) -> None:
    counters = Counters(desk.vault, desk.settings)
    await SharedRateLimit(counters, "logins", 5).check("10.11.12.13 ivanova")
    await Guesses(counters, "logins", 0, 1, 5).count("10.11.12.13 ivanova")
    kept = f"{counters._local.events}{counters._local.storage}"
    assert kept.count("LIMIT") == 1 and "10.11.12.13" not in kept and "ivanova" not in kept
