"""The days that a text names, as seen from today: «вчера», «в прошлую пятницу», «14 ноября», «три дня назад», «на прошлой неделе»."""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

_MONTHS = ["янв", "фев", "мар(?!м)", "апр", "ма[йяе]", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"]
_MONTH_WORD = rf"({'|'.join(_MONTHS)})[а-я]*\.?"
_WEEKDAYS = ["понед", "вторн", "сред[уыае](?![а-я])", "четверг", "пятниц", "суббот", "воскрес"]
_WEEKDAY = re.compile(rf"(?<![а-я])((?:в|во|с|со|с прошл\w+|(?:в|во) (?:прошл|минувш|эт)\w+) )?({'|'.join(_WEEKDAYS)})[а-я]*")
_BEFORE, _AFTER = r"(?<![0-9.,:/-])", r"(?![0-9:]|[./-][0-9])"
_NUMBERS = re.compile(rf"{_BEFORE}([0-3]?[0-9])[./]([01]?[0-9])(?:[./]((?:20)?[0-9]{{2}}))?(?: ?г(?:\.|ода?)?(?![а-я]))?{_AFTER}")
_ISO = re.compile(rf"{_BEFORE}(20[0-9]{{2}})-([01][0-9])-([0-3][0-9]){_AFTER}")
_IN_WORDS = re.compile(
    rf"(?<![0-9:.])([0-3]?[0-9])(?:-?(?:го|е|ого))? {_MONTH_WORD}"
    rf"(?:,? (20[0-9]{{2}})(?: ?г(?:\.|ода?)?(?![а-я]))?| (прошлого|этого) года)?(?![а-я0-9])"
)
_OF_MONTH = re.compile(r"(?<![0-9:.])([0-3]?[0-9])(?:-?(?:го|ого)(?: числа)?| числа)(?![а-я])")
_PART_OF_MONTH = re.compile(rf"(?<![а-я])в (начале|середине|конце) {_MONTH_WORD}(?: (прошлого) года)?")
_MONTH = re.compile(
    r"(?<![а-я])(?:в|весь) (янв|фев|март|апр|ма[ей](?![а-я])|июн|июл|авг|сент|окт|нояб|декаб)[а-я]*(?: (20[0-9]{2})| (прошлого) года)?"
)
_NAMED = re.compile(r"(?<![а-я])(сегодня\w*|вчера\w*|позавчера\w*|накануне|завтра\w*|послезавтра\w*)(?: дня)?")
_SHIFT = {"сегодня": 0, "вчера": 1, "позавчера": 2, "накануне": 1, "завтра": -1, "послезавтра": -2}
_UNITS = {"д": 1, "с": 1, "н": 7}
_AGO = re.compile(
    r"(?<![а-я0-9])(?:([0-9]{1,3}) )?(день|дня|дней|дне[йк]\w*|сутк\w+|суток|недел\w+|месяц\w*|год\w*|лет)"
    r"(?: ([0-9]{1,3}))? (?:тому )?назад"
)
_LASTING = re.compile(
    r"(?<![а-я])(?:уже|вот|больше|более) (?:как )?(?:([0-9]{1,3})(?:-?[а-я]{1,2})? )?(день|дня|дней|суток|недел\w+|месяц\w*)(?! назад)"
)
_LAST = re.compile(r"(?<![а-я])(?:на|в|с|за) (прошл\w+|эт\w+|той|предыдущ\w+) (недел\w+|месяц\w*|выходн\w+)|(?<![а-я])(?:на|в) (выходн\w+)")
_SINCE = re.compile(r"(?<![а-я])(?:с|со|начиная с)(?: самого)?$")
_YEAR = re.compile(r"(?<![а-я])в (?:(20[0-9]{2})|(прошлом)) году")
_THIRDS = {"начале": (1, 10), "середине": (11, 20), "конце": (21, 31)}


@dataclass(frozen=True)
class Days:
    """``first`` and ``last`` are the same for one day. ``start`` and ``end``: where in the text; ``lasting``: «с понедельника»."""

    first: date
    last: date
    start: int
    end: int
    lasting: bool = False


class UnrealDay(Exception):
    """The text names a day that no calendar has."""


def find_days(line: str, today: date) -> list[Days]:
    """By position, without overlaps. ``line`` is folded, with numbers in digits. Raises UnrealDay."""
    found: list[Days] = []
    for days in _all(line, today):
        if not any(days.start < other.end and other.start < days.end for other in found):
            found.append(days)
    return sorted(found, key=lambda days: days.start)


def _all(line: str, today: date) -> Iterator[Days]:
    """The surest writing first."""

    def one(match: re.Match[str], day: date, last: date | None = None, *, lasting: bool = False) -> Days:
        return Days(day, last or day, match.start(), match.end(), lasting or bool(_SINCE.search(line[: match.start()].rstrip())))

    for match in _ISO.finditer(line):
        yield one(match, _day(int(match[1]), int(match[2]), int(match[3])))
    for match in _IN_WORDS.finditer(line):
        month = _month(match[2])
        year = int(match[3]) if match[3] else today.year - 1 if match[4] == "прошлого" else None
        yield one(match, _recent(int(match[1]), month, year, today))
    for match in _NUMBERS.finditer(line):
        if match[3] is None and re.search(r"(?<![а-я])(?:в|около|примерно) $", line[: match.start()]):
            continue  # «в 9.15»
        if int(match[2]) > 12 and match[3] is None:
            continue
        year = None if match[3] is None else int(match[3]) if len(match[3]) == 4 else 2000 + int(match[3])
        yield one(match, _recent(int(match[1]), int(match[2]), year, today))
    for match in _OF_MONTH.finditer(line):
        yield one(match, _of_month(int(match[1]), today))
    for match in _PART_OF_MONTH.finditer(line):
        first, last = _whole_month(_month(match[2]), today.year - 1 if match[3] else None, today)
        start, end = _THIRDS[match[1]]
        yield one(match, first.replace(day=start), first.replace(day=min(end, last.day)))
    for match in _AGO.finditer(line):
        yield one(match, _ago(match[1] or match[3], match[2], today))
    for match in _LASTING.finditer(line):
        yield one(match, _ago(match[1], match[2], today), lasting=True)
    for match in _NAMED.finditer(line):
        stem = next(word for word in ("послезавтра", "позавчера", "завтра", "вчера", "сегодня", "накануне") if match[1].startswith(word))
        yield one(match, today - timedelta(days=_SHIFT[stem]))
    last_week = re.search(r"(?:прошл|предыдущ)\w+ недел", line)
    for match in _WEEKDAY.finditer(line):
        number = next(place for place, stem in enumerate(_WEEKDAYS) if re.match(stem, match[2]))
        back = (today.weekday() - number - 1) % 7 + 1
        if last_week:
            back = today.weekday() - number + 7
        elif back == 7 and "эт" in (match[1] or ""):
            back = 0
        yield one(match, today - timedelta(days=back), lasting=bool(re.match(r"со? ", match[1] or "")))
    for match in _LAST.finditer(line):
        yield one(match, *_last(match[1] or "прошл", match[2] or match[3], today))
    for match in _MONTH.finditer(line):
        year = int(match[2]) if match[2] else today.year - 1 if match[3] else None
        yield one(match, *_whole_month(_month(match[1]), year, today))
    for match in _YEAR.finditer(line):
        year = int(match[1] or today.year - 1)
        yield one(match, date(year, 1, 1), max(date(year, 1, 1), min(date(year, 12, 31), today)))


def _day(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise UnrealDay from None


def _month(word: str) -> int:
    return next(number for number, stem in enumerate(_MONTHS, 1) if re.match(stem, word))


def _recent(day: int, month: int, year: int | None, today: date) -> date:
    """Without a year the last such day."""
    if year is not None:
        return _day(year, month, day)
    found = _day(today.year if (month, day) != (2, 29) else today.year - today.year % 4, month, day)
    return found if found <= today else _day(found.year - 1, month, day)


def _of_month(day: int, today: date) -> date:
    if not 1 <= day <= 31:
        raise UnrealDay
    if day <= today.day:
        return today.replace(day=day)
    end = today.replace(day=1) - timedelta(days=1)
    return _day(end.year, end.month, day)


def _whole_month(month: int, year: int | None, today: date) -> tuple[date, date]:
    if year is None:
        year = today.year if month <= today.month else today.year - 1
    return date(year, month, 1), min(date(year, month, monthrange(year, month)[1]), max(today, date(year, month, 1)))


def _ago(count: str | None, unit: str, today: date) -> date:
    number = int(count or 1)
    if unit[0] in _UNITS:
        return today - timedelta(days=number * _UNITS[unit[0]])
    months = number if unit.startswith("мес") else 12 * number
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    return date(max(year, 1), month + 1, min(today.day, monthrange(max(year, 1), month + 1)[1]))


def _last(which: str, unit: str, today: date) -> tuple[date, date]:
    monday = today - timedelta(days=today.weekday())
    this = which.startswith("эт")
    if unit.startswith("нед"):
        return (monday, today) if this else (monday - timedelta(days=7), monday - timedelta(days=1))
    if unit.startswith("мес"):
        first = today.replace(day=1)
        return (first, today) if this else ((first - timedelta(days=1)).replace(day=1), first - timedelta(days=1))
    saturday = monday + timedelta(days=5) if today.weekday() >= 5 else monday - timedelta(days=2)
    return saturday, min(saturday + timedelta(days=1), today)
