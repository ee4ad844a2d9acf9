"""When it happened: «вчера вечером», «14 ноября около трёх», «час назад» become days and hours of Moscow, as vague as they were told."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.settings import Settings
from core.working_time import MOSCOW
from handoff.fields.clock_times import find_clock_time
from handoff.fields.fault import FieldFault
from handoff.fields.number_words import in_digits
from handoff.fields.occurrence import Occurrence
from handoff.fields.past_days import Days, UnrealDay, find_days
from handoff.fields.writing import folded

_HOURS_AGO = re.compile(
    r"(?<![а-я0-9])(?:(пол ?часа|полтора часа)"
    r"|(?:([0-9]{1,3}) )?(час\w{0,2}|мин(?:ут\w*)?)(?: ([0-9]{1,3}))?(?: примерно)?) (?:тому )?назад"
)
_JUST_NOW = re.compile(r"(?<![а-я])(?:только что|сейчас|прямо сейчас|минуту назад|вот-вот|до сих пор прямо сейчас)(?![а-я])")
# In a story a day is not always the trouble's.
_ANOTHERS = re.compile(
    r"(?<![а-я])(?:от|до|на|родил\w*|рожд\w*|д\.?р\.?|подал\w*|подан\w*|подава\w*"
    r"|оформ\w*|отправ\w*|зарегистр\w*|записан\w*|выдан\w*)(?: [а-я]+){0,1} ?$"
)
_SINCE_THIS_MORNING = re.compile(r"(?<![а-я])с (?:самого )?(?:утра|вечера|ночи|обеда)")
_MOST_CHARACTERS = 200  # of an answer; a longer text is a story


def parse_occurred_at(text: str, settings: Settings, *, now: datetime | None = None) -> Occurrence:  # noqa: ARG001 - as every parser
    """The days and hours that ``text`` tells. Faults: missing, unreal, future."""
    now = (now or datetime.now(UTC)).astimezone(MOSCOW)
    line = in_digits(folded(text[:_MOST_CHARACTERS]))
    if ago := _HOURS_AGO.search(line):
        return _at(now - _length(ago), about=True)
    try:
        days = find_days(line, now.date())
    except UnrealDay:
        raise FieldFault("occurred_at", "occurred_at_unreal") from None
    except OverflowError:
        raise FieldFault("occurred_at", "occurred_at_missing") from None
    told = _told(line, days, now)
    if told is None:
        if _JUST_NOW.search(line):
            return _at(now, about=True)
        raise FieldFault("occurred_at", "occurred_at_missing")
    if told.earliest > now:
        raise FieldFault("occurred_at", "occurred_at_future")
    return told


def find_occurred_at(text: str, settings: Settings, *, now: datetime | None = None) -> Occurrence | None:
    """The one day that a story names, with the hours beside it, if it may be the trouble's."""
    moment = (now or datetime.now(UTC)).astimezone(MOSCOW)
    found = []
    for sentence in re.split(r"(?<=[^.0-9][.!?;])\s|\n", folded(text)):
        line = in_digits(sentence)
        try:
            days = find_days(line, moment.date())
        except (UnrealDay, OverflowError):
            return None
        if any(_ANOTHERS.search(line[: day.start].rstrip() + " ") for day in days):
            continue
        found += [sentence] if len(days) == 1 else [sentence] * len(days)
    if len(found) != 1:
        return None
    try:
        return parse_occurred_at(found[0], settings, now=moment)
    except FieldFault:
        return None


def _told(line: str, days: list[Days], now: datetime) -> Occurrence | None:
    rest = line
    for day in reversed(days):
        rest = f"{rest[: day.start]} , {rest[day.end :]}"
    clock = find_clock_time(rest)
    if not days and clock is None:
        return None
    today = now.date()
    day = _day_meant(days) if days else Days(today, today, 0, 0, lasting=_SINCE_THIS_MORNING.search(line) is not None)
    told = Occurrence(day.first, day.last, lasting=day.lasting)
    if len(days) > 1 and days[1].first > day.first and day.lasting:  # «с понедельника по среду»
        told = replace(told, last=days[1].first, lasting=False)
    if clock is None or told.first != told.last:
        return told
    told = replace(told, start=clock.start, end=clock.end, about=clock.about, part=clock.part)
    if clock.guessed and told.earliest > now and clock.start.hour >= 12:
        moment = clock.start.replace(hour=clock.start.hour - 12)
        told = replace(told, start=moment, end=moment)
    if not days and told.earliest > now:
        yesterday = today - timedelta(days=1)
        told = replace(told, first=yesterday, last=yesterday)
    return told


def _day_meant(days: list[Days]) -> Days:
    """The first; «на прошлой неделе во вторник» is the Tuesday."""
    first = days[0]
    inside = (day for day in days[1:] if day.first == day.last and first.first <= day.first <= first.last != first.first)
    return next(inside, first)


def _length(ago: re.Match[str]) -> timedelta:
    if ago[1]:
        return timedelta(minutes=30 if ago[1].replace(" ", "") == "полчаса" else 90)
    number = int(ago[2] or ago[4] or 1)
    return timedelta(hours=number) if ago[3].startswith("час") else timedelta(minutes=number)


def _at(moment: datetime, *, about: bool) -> Occurrence:
    clock = moment.time().replace(second=0, microsecond=0)
    return Occurrence(moment.date(), moment.date(), clock, clock, about=about)
