"""The production calendar and the deadlines counted by it."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.models import AppealKind
from core.settings import Settings
from core.working_time import MOSCOW, due, expedite_check_by, in_words, is_working_day, opening_after, start_of

# Government decrees on moved days off: 10.08.2023 N 1314, 04.10.2024 N 1335, 24.09.2025 N 1466; 2027 as the holidays library has it.
WEEKDAYS_OFF = {
    2024: "01.01 02.01 03.01 04.01 05.01 08.01 23.02 08.03 29.04 30.04 01.05 09.05 10.05 12.06 04.11 30.12 31.12",
    2025: "01.01 02.01 03.01 06.01 07.01 08.01 01.05 02.05 08.05 09.05 12.06 13.06 03.11 04.11 31.12",
    2026: "01.01 02.01 05.01 06.01 07.01 08.01 09.01 23.02 09.03 01.05 11.05 12.06 04.11 31.12",
    2027: "01.01 04.01 05.01 06.01 07.01 08.01 22.02 23.02 08.03 03.05 10.05 14.06 04.11 05.11 31.12",
}
WORKING_SATURDAYS = {2024: "27.04 02.11 28.12", 2025: "01.11", 2026: "", 2027: "20.02"}
WORKING_DAYS = {2024: 248, 2025: 247, 2026: 247, 2027: 247}


def days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=count) for count in range((date(year + 1, 1, 1) - first).days)]


@pytest.mark.parametrize("year", WEEKDAYS_OFF)
def test_the_production_calendar(shipped: Settings, year: int) -> None:
    days = days_of(year)
    off = [f"{day:%d.%m}" for day in days if day.weekday() < 5 and not is_working_day(day, shipped)]
    working = [f"{day:%d.%m}" for day in days if day.weekday() >= 5 and is_working_day(day, shipped)]
    assert " ".join(off) == WEEKDAYS_OFF[year]
    assert " ".join(working) == WORKING_SATURDAYS[year]
    assert sum(is_working_day(day, shipped) for day in days) == WORKING_DAYS[year]


def at(text: str) -> datetime:
    """«DD.MM.YYYY HH:MM» in Moscow."""
    return datetime.strptime(text, "%d.%m.%Y %H:%M").replace(tzinfo=MOSCOW)


@pytest.mark.parametrize(
    ("received", "start"),
    [
        ("23.11.2026 08:59", "23.11.2026 09:00"),
        ("23.11.2026 09:00", "23.11.2026 09:00"),
        ("23.11.2026 13:37", "23.11.2026 13:37"),
        ("23.11.2026 17:59", "23.11.2026 17:59"),
        ("23.11.2026 18:00", "24.11.2026 09:00"),
        ("23.11.2026 00:00", "23.11.2026 09:00"),
        ("27.11.2026 18:00", "30.11.2026 09:00"),  # Friday evening
        ("28.11.2026 12:00", "30.11.2026 09:00"),  # Saturday
        ("01.11.2025 10:00", "01.11.2025 10:00"),  # a working Saturday
        ("01.11.2025 18:30", "05.11.2025 09:00"),  # Sunday, a moved day off and a holiday follow
        ("31.12.2026 12:00", "11.01.2027 09:00"),
        ("30.12.2026 17:59", "30.12.2026 17:59"),
        ("30.12.2026 18:00", "11.01.2027 09:00"),
        ("20.02.2027 11:00", "20.02.2027 11:00"),
    ],
)
def test_when_an_appeal_starts(shipped: Settings, received: str, start: str) -> None:
    assert start_of(at(received), shipped) == at(start)


@pytest.mark.parametrize(
    ("kind", "received", "expected"),
    [
        # 24 hours on working days
        (AppealKind.SIMPLE, "27.11.2026 15:00", "30.11.2026 15:00"),  # service-rules: Friday to Monday
        (AppealKind.SIMPLE, "23.11.2026 10:00", "24.11.2026 10:00"),
        (AppealKind.SIMPLE, "23.11.2026 18:00", "25.11.2026 09:00"),
        (AppealKind.SIMPLE, "23.11.2026 08:59", "24.11.2026 09:00"),
        (AppealKind.SIMPLE, "30.12.2026 17:00", "11.01.2027 17:00"),
        (AppealKind.SIMPLE, "31.10.2025 12:00", "01.11.2025 12:00"),  # into a working Saturday
        (AppealKind.SIMPLE, "01.11.2025 12:00", "05.11.2025 12:00"),
        (AppealKind.SIMPLE, "27.04.2024 16:00", "02.05.2024 16:00"),
        # 18:00 of the third working day after the start
        (AppealKind.COMPLEX, "23.11.2026 10:00", "26.11.2026 18:00"),
        (AppealKind.COMPLEX, "23.11.2026 18:00", "27.11.2026 18:00"),
        (AppealKind.COMPLEX, "27.11.2026 17:59", "02.12.2026 18:00"),
        (AppealKind.COMPLEX, "30.10.2025 10:00", "05.11.2025 18:00"),  # 31.10, the working Saturday, 05.11
        (AppealKind.COMPLEX, "29.12.2026 10:00", "12.01.2027 18:00"),
        # … of the fifth
        (AppealKind.COMPLAINT, "23.11.2026 10:00", "30.11.2026 18:00"),
        (AppealKind.SUGGESTION, "23.11.2026 10:00", "30.11.2026 18:00"),
        (AppealKind.COMPLAINT, "22.11.2026 10:00", "30.11.2026 18:00"),  # Sunday: starts on Monday
        # clock hours from the receipt itself
        (AppealKind.URGENT, "23.11.2026 10:00", "23.11.2026 22:00"),
        (AppealKind.URGENT, "28.11.2026 20:00", "29.11.2026 08:00"),
        (AppealKind.URGENT, "31.12.2026 23:30", "01.01.2027 11:30"),
    ],
)
def test_when_an_appeal_is_due(shipped: Settings, kind: AppealKind, received: str, expected: str) -> None:
    assert due(kind, at(received), shipped) == at(expected)


def test_a_moment_counts_as_it_is_in_moscow(shipped: Settings) -> None:
    in_utc = datetime(2026, 11, 23, 5, 59, tzinfo=UTC)  # 08:59
    assert start_of(in_utc, shipped) == at("23.11.2026 09:00")
    assert due(AppealKind.SIMPLE, in_utc, shipped).utcoffset() == timedelta(hours=3)


def test_figures_are_settings(shipped: Settings) -> None:
    changed = shipped.model_copy(
        update={"due_simple_hours": 6, "due_complex_days": 1, "due_urgent_hours": 2, "work_starts": "08:00", "work_ends": "17:00"}
    )
    assert due(AppealKind.SIMPLE, at("23.11.2026 07:30"), changed) == at("23.11.2026 14:00")
    assert due(AppealKind.COMPLEX, at("23.11.2026 16:59"), changed) == at("24.11.2026 17:00")
    assert due(AppealKind.COMPLEX, at("23.11.2026 17:00"), changed) == at("25.11.2026 17:00")
    assert due(AppealKind.URGENT, at("23.11.2026 17:00"), changed) == at("23.11.2026 19:00")


MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 1), timezones=st.just(MOSCOW))
KINDS = st.sampled_from(AppealKind)


@given(MOMENTS, KINDS)
def test_due_is_after_the_start(shipped: Settings, received: datetime, kind: AppealKind) -> None:
    start = start_of(received, shipped)
    assert start >= received
    assert is_working_day(start.date(), shipped)
    assert due(kind, received, shipped) > (received if kind == AppealKind.URGENT else start)


@given(st.lists(MOMENTS, min_size=2, max_size=6), KINDS)
def test_who_came_first_is_due_first(shipped: Settings, moments: list[datetime], kind: AppealKind) -> None:
    dates = [due(kind, received, shipped) for received in sorted(moments)]
    assert dates == sorted(dates)


@given(MOMENTS, st.integers(1, 200))
def test_a_simple_question_takes_its_hours_of_working_days(shipped: Settings, received: datetime, hours: int) -> None:
    start = start_of(received, shipped)
    end = due(AppealKind.SIMPLE, received, shipped.model_copy(update={"due_simple_hours": hours}))
    midnights = [datetime.combine(start.date() + timedelta(days=n), datetime.min.time(), MOSCOW) for n in range((end - start).days + 2)]
    edges = [start, *(midnight for midnight in midnights if start < midnight < end), end]
    assert sum(((right - left) for left, right in pairwise(edges) if is_working_day(left.date(), shipped)), timedelta()) == timedelta(
        hours=hours
    )
    assert is_working_day((end - timedelta(microseconds=1)).date(), shipped)


@given(MOMENTS, st.sampled_from([AppealKind.COMPLEX, AppealKind.COMPLAINT, AppealKind.SUGGESTION]))
def test_days_are_counted_after_the_day_of_the_start(shipped: Settings, received: datetime, kind: AppealKind) -> None:
    start, end = start_of(received, shipped).date(), due(kind, received, shipped)
    between = [start + timedelta(days=count) for count in range(1, (end.date() - start).days + 1)]
    assert sum(is_working_day(day, shipped) for day in between) == (3 if kind == AppealKind.COMPLEX else 5)
    assert is_working_day(end.date(), shipped)
    assert f"{end:%H:%M}" == "18:00"


def test_says_a_moment_in_words() -> None:
    assert in_words(datetime(2026, 11, 24, 12, 5, tzinfo=UTC)) == "24 ноября 2026 года, 15:05 (по Москве)"
    assert in_words(datetime(2026, 12, 31, 21, 0, tzinfo=UTC)) == "1 января 2027 года, 00:00 (по Москве)"


@pytest.mark.parametrize(
    ("at", "opening"),
    [
        ((23, 10, 0), None),  # a Monday
        ((23, 9, 0), None),
        ((23, 8, 59), (23, 9, 0)),
        ((23, 18, 0), (24, 9, 0)),
        ((27, 18, 30), (30, 9, 0)),  # a Friday evening
        ((29, 12, 0), (30, 9, 0)),
    ],
)
def test_says_when_people_are_here_again(shipped: Settings, at: tuple[int, int, int], opening: tuple[int, int, int] | None) -> None:
    expected = datetime(2026, 11, *opening, tzinfo=MOSCOW) if opening else None
    assert opening_after(datetime(2026, 11, *at, tzinfo=MOSCOW), shipped) == expected


@pytest.mark.parametrize(("requested", "check_by"), [((23, 10), 24), ((23, 19), 25), ((27, 12), 30), ((28, 12), 31)])
def test_a_request_to_expedite_is_checked_within_a_working_day(shipped: Settings, requested: tuple[int, int], check_by: int) -> None:
    until = datetime(2026, 11, 1, 18, 0, tzinfo=MOSCOW) + timedelta(days=check_by - 1)
    assert expedite_check_by(datetime(2026, 11, *requested, tzinfo=MOSCOW), shipped) == until
