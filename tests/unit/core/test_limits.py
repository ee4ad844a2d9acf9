"""Token buckets."""

import pytest

from core import limits
from core.errors import Problem
from core.limits import RateLimit


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(limits, "time", clock)
    return clock


def passes(limit: RateLimit, key: str = "a") -> bool:
    try:
        limit.check(key)
    except Problem:
        return False
    return True


def test_lets_its_number_through_at_once(clock: Clock) -> None:
    limit = RateLimit(3)
    assert [passes(limit) for _ in range(5)] == [True, True, True, False, False]
    assert clock.seconds == 1000.0


def test_each_key_has_its_own(clock: Clock) -> None:
    limit = RateLimit(1)
    assert [passes(limit, key) for key in "abab"] == [True, True, False, False]
    assert clock.seconds == 1000.0


def test_refills_evenly_and_not_over_its_number(clock: Clock) -> None:
    limit = RateLimit(6)
    assert sum(passes(limit) for _ in range(10)) == 6
    clock.seconds += 10
    assert [passes(limit), passes(limit)] == [True, False]
    clock.seconds += 3600
    assert sum(passes(limit) for _ in range(10)) == 6


def test_says_when_to_come_again(clock: Clock) -> None:
    limit = RateLimit(6)
    for _ in range(6):
        limit.check("a")
    clock.seconds += 2.5
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
    clock.seconds += 60
    assert passes(limit)


def test_memory_is_bounded_by_forgetting_the_longest_unused(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_KEYS", 3)
    limit = RateLimit(1)
    assert [passes(limit, key) for key in "abcd"] == [True] * 4
    assert [passes(limit, key) for key in "bcd"] == [False] * 3
    assert clock.seconds == 1000.0
