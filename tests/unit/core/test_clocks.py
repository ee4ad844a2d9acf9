"""All clocks over 2024–2027 against a slow reference that goes hour by hour and minute by minute, and knows nothing of ours.

Its calendar is the production calendar as the decrees give it (test_working_time.py), written out day by day.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.models import AppealKind
from core.settings import Settings
from core.working_time import MOSCOW, due, expedite_check_by, hours_after, length_in_words, moved
from tests.unit.core.test_working_time import WEEKDAYS_OFF, WORKING_SATURDAYS

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OFFSET = timedelta(hours=3)  # of Moscow, all these years


@cache
def works(day: date) -> bool:
    year = day.year
    if f"{day:%d.%m}" in WORKING_SATURDAYS[year].split():
        return True
    return day.weekday() < 5 and f"{day:%d.%m}" not in WEEKDAYS_OFF[year].split()


def is_open(moment: datetime) -> bool:
    return works(moment.date()) and 9 <= moment.hour < 18


def reference_start(received: datetime) -> datetime:
    """Minute by minute until somebody is there. Plain Moscow times, without a zone."""
    moment = received
    while not is_open(moment):
        following = moment.replace(second=0, microsecond=0) + MINUTE
        moment = following if works(following.date()) else following.replace(hour=23, minute=59)
    return moment


def reference_simple(received: datetime) -> datetime:
    """Minutes of working days, one after the other, and what is left of the first and last one."""
    moment, left = reference_start(received), 24 * HOUR
    while left > timedelta():
        step = min(MINUTE, left)
        if works(moment.date()):
            left -= step
        moment += step
        if left == timedelta():
            break
    return moment


def reference_days(received: datetime, count: int) -> datetime:
    """18:00 of the count-th working day after the day of the start."""
    moment = reference_start(received).replace(hour=18, minute=0, second=0, microsecond=0)
    while count:
        moment += DAY
        count -= works(moment.date())
    return moment


REFERENCES: dict[AppealKind, Callable[[datetime], datetime]] = {
    AppealKind.SIMPLE: reference_simple,
    AppealKind.COMPLEX: lambda received: reference_days(received, 3),
    AppealKind.COMPLAINT: lambda received: reference_days(received, 5),
    AppealKind.SUGGESTION: lambda received: reference_days(received, 5),
    AppealKind.URGENT: lambda received: received + 12 * HOUR,
}
# Moscow times without a zone; the last receipt's dates lie within 2027.
RECEIPTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 1))
# The edges that rules are about: the minute before, of and after an opening or closing, midnight.
EDGES = st.builds(
    lambda day, minutes: datetime.combine(day, datetime.min.time()) + timedelta(minutes=minutes),
    st.dates(date(2024, 1, 1), date(2027, 12, 1)),
    st.sampled_from([0, 1, 539, 540, 541, 1079, 1080, 1081, 1439]),
)
MOMENTS = RECEIPTS | EDGES


def in_moscow(plain: datetime) -> datetime:
    return plain.replace(tzinfo=MOSCOW)


@pytest.mark.parametrize("kind", AppealKind)
@given(received=MOMENTS)
def test_each_clock_is_the_reference_s(shipped: Settings, kind: AppealKind, received: datetime) -> None:
    found = due(kind, in_moscow(received), shipped)
    assert found == in_moscow(REFERENCES[kind](received))
    assert found > in_moscow(received)
    assert found == due(kind, (received - OFFSET).replace(tzinfo=UTC), shipped)  # whatever zone it is told in


@pytest.mark.parametrize("kind", AppealKind)
@given(first=MOMENTS, later=st.timedeltas(timedelta(), 30 * DAY))
def test_who_comes_later_is_due_no_earlier(shipped: Settings, kind: AppealKind, first: datetime, later: timedelta) -> None:
    second = min(first + later, datetime(2027, 12, 1))
    if second >= first:
        assert due(kind, in_moscow(first), shipped) <= due(kind, in_moscow(second), shipped)


@given(requested=MOMENTS)
def test_a_request_to_expedite_is_checked_by_the_reference_s_day(shipped: Settings, requested: datetime) -> None:
    assert expedite_check_by(in_moscow(requested), shipped) == in_moscow(reference_days(requested, 1))


@given(confirmed=MOMENTS, hours=st.integers(1, 48))
def test_clock_hours_are_hours_of_the_clock(confirmed: datetime, hours: int) -> None:
    assert hours_after(in_moscow(confirmed), hours) == in_moscow(confirmed + hours * HOUR)


@given(
    received=MOMENTS,
    kind=st.sampled_from(AppealKind),
    stretches=st.lists(st.tuples(*[st.timedeltas(timedelta(), 20 * DAY)] * 2), max_size=4),
)
def test_the_clock_stands_still_for_as_long_as_is_waited(
    shipped: Settings, received: datetime, kind: AppealKind, stretches: list[tuple[timedelta, timedelta]]
) -> None:
    """A clock of its own, which is stopped and started, shows the same as the date that moves."""
    promised = due(kind, in_moscow(received), shipped)
    due_at, moment, waited = promised, in_moscow(received), timedelta()
    for until, length in stretches:
        began = (moment.astimezone(UTC) + until).astimezone(MOSCOW)
        left = due_at - began  # negative: it was late before
        moment = (began.astimezone(UTC) + length).astimezone(MOSCOW)
        due_at = moved(due_at, began, moment)
        waited += length
        assert due_at - moment == left
        assert due_at >= promised
    assert due_at - promised == waited


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (30 * timedelta(seconds=1), "меньше минуты"),
        (MINUTE, "1 минута"),
        (42 * MINUTE, "42 минуты"),
        (HOUR, "1 час"),
        (5 * HOUR + 11 * MINUTE, "5 часов 11 минут"),
        (DAY, "1 день"),
        (2 * DAY + 3 * HOUR + 59 * MINUTE, "2 дня 3 часа"),
        (21 * DAY + 21 * MINUTE, "21 день"),
    ],
)
def test_a_length_is_told_in_two_units(length: timedelta, words: str) -> None:
    assert length_in_words(length) == words
