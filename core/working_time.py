"""The production calendar and deadline arithmetic (service-rules, "How a deadline is counted"). Moscow time throughout.

The calendar is that of the library, with the days of ``calendar_file`` put over it.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import overload
from zoneinfo import ZoneInfo

import holidays

from core.calendar_file import read_overrides
from core.models import AppealKind
from core.settings import Settings
from core.words import plural

MOSCOW = ZoneInfo("Europe/Moscow")
# Days that an hourly clock may stand still in a row: the longest holidays have eleven.
_LONGEST_BREAK_DAYS = 31


@lru_cache(maxsize=1)
def _calendar() -> holidays.HolidayBase:
    return holidays.country_holidays("RU", language="ru")


def is_working_day(day: date, settings: Settings) -> bool:
    """By the Russian production calendar, with its moved days off and working Saturdays, unless the desk's own file says otherwise."""
    own = read_overrides(settings.calendar_file)
    return day in own.working_days or (day not in own.days_off and bool(_calendar().is_working_day(day)))


def seconds_until(clock_time: str, at: datetime) -> float:
    """From ``at`` to the next moment of that time of day in Moscow."""
    hour, minute = map(int, clock_time.split(":"))
    local = at.astimezone(MOSCOW)
    following = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return ((following if following > local else following + timedelta(days=1)) - local).total_seconds()


def start_of(received: datetime, settings: Settings) -> datetime:
    """When an appeal received at ``received`` (aware) starts: at once in working hours, else at the next opening."""
    moment = received.astimezone(MOSCOW)
    opening, closing = time.fromisoformat(settings.work_starts), time.fromisoformat(settings.work_ends)
    if is_working_day(moment.date(), settings):
        if opening <= moment.time() < closing:
            return moment
        if moment.time() < opening:
            return _at(moment.date(), opening)
    return _at(_next_working_day(moment.date(), settings), opening)


def due(kind: AppealKind, received: datetime, settings: Settings) -> datetime:
    """The date by which an appeal of ``kind`` received at ``received`` (aware) is answered; Moscow time."""
    if kind == AppealKind.URGENT:
        return hours_after(received, settings.due_urgent_hours)
    start = start_of(received, settings)
    if kind == AppealKind.SIMPLE:
        return _add_hours_of_working_days(start, settings)
    days = settings.due_complex_days if kind == AppealKind.COMPLEX else settings.due_complaint_days
    return _end_of_working_day_after(start.date(), days, settings)


def expedite_check_by(requested: datetime, settings: Settings) -> datetime:
    """Until when a request to expedite is checked."""
    return _end_of_working_day_after(start_of(requested, settings).date(), settings.due_expedited_check_days, settings)


def hours_after(moment: datetime, hours: int) -> datetime:
    """By the clock, day off or not; Moscow time."""
    return (moment.astimezone(UTC) + timedelta(hours=hours)).astimezone(MOSCOW)


def moved(due_at: datetime, began: datetime, ended: datetime) -> datetime:
    """A due date after a wait for the citizen from ``began`` to ``ended``: later by exactly the length of the wait by the clock, whichever
    clock the date was counted on. Several waits add up.

    What was left at the beginning of the wait, or was late already, is so at its end. So a moved date may fall on a night or a day off, as
    an urgent one does: it is not moved on to working time, since that would be a second reason for a later date.
    """
    return (due_at.astimezone(UTC) + (ended - began)).astimezone(MOSCOW)


def opening_after(at: datetime, settings: Settings) -> datetime | None:
    """When people are here again; None while they are."""
    opening = start_of(at, settings)
    return opening if opening > at else None


def _end_of_working_day_after(day: date, count: int, settings: Settings) -> datetime:
    for _ in range(count):
        day = _next_working_day(day, settings)
    return _at(day, time.fromisoformat(settings.work_ends))


def _add_hours_of_working_days(start: datetime, settings: Settings) -> datetime:
    """The clock runs through the whole of a working day and stands still on a day off. Moscow has no daylight saving since 2014."""
    moment, left = start, timedelta(hours=settings.due_simple_hours)
    while True:
        midnight = _at(moment.date() + timedelta(days=1), time(0))
        if midnight - moment >= left:
            return moment + left
        left -= midnight - moment
        moment = _at(_next_working_day(moment.date(), settings), time(0))


def _next_working_day(day: date, settings: Settings) -> date:
    for _ in range(_LONGEST_BREAK_DAYS):
        day += timedelta(days=1)
        if is_working_day(day, settings):
            return day
    raise ValueError("the production calendar has no working day within a month")


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, MOSCOW)


_MONTHS = ["января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"]


@overload
def moscow_stamp(moment: datetime) -> str: ...
@overload
def moscow_stamp(moment: None) -> None: ...
def moscow_stamp(moment: datetime | None) -> str | None:
    """As api.md shows times: RFC 3339 with Moscow's offset."""
    return moment.astimezone(MOSCOW).isoformat() if moment else None


def in_words(moment: datetime) -> str:
    """«24 ноября 2026 года, 15:00 (по Москве)»."""
    local = moment.astimezone(MOSCOW)
    return f"{day_in_words(local)}, {local:%H:%M} (по Москве)"


def length_in_words(length: timedelta) -> str:
    """«2 дня 3 часа», «40 минут», «меньше минуты»: two units at most."""
    minutes = int(length.total_seconds()) // 60
    days, hours = plural(minutes // 1440, "день", "дня", "дней"), plural(minutes // 60 % 24, "час", "часа", "часов")
    if minutes >= 1440:
        return f"{days} {hours}" if minutes // 60 % 24 else days
    left = plural(minutes % 60, "минута", "минуты", "минут")
    if minutes >= 60:
        return f"{hours} {left}" if minutes % 60 else hours
    return left if minutes else "меньше минуты"


def day_in_words(day: date) -> str:
    """«24 ноября 2026 года»."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year} года"


def days_in_words(first: date, last: date) -> str:
    """«с 9 по 15 ноября 2026 года»."""
    if first.year != last.year:
        return f"с {day_in_words(first)} по {day_in_words(last)}"
    month = "" if first.month == last.month else f" {_MONTHS[first.month - 1]}"
    return f"с {first.day}{month} по {day_in_words(last)}"
