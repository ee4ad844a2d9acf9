"""A birth date: a real day between 1900 and today."""

import re
from datetime import UTC, date, datetime

from core.settings import Settings
from core.working_time import MOSCOW
from handoff.fields.fault import FieldFault
from handoff.fields.number_words import in_digits
from handoff.fields.writing import folded

EARLIEST_YEAR = 1900

# Beginnings: every case and the usual short forms. «Марта» before «мая» is told by its «р».
_MONTHS = ["янв", "фев", "мар", "апр", "ма[йяею]", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"]
_ROMAN = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"]

_BEFORE, _AFTER = r"(?<![0-9])(?<![0-9][./\-])", r"(?![0-9])(?![./\-][0-9])"
_NUMBERS = re.compile(rf"{_BEFORE}([0-9]{{1,2}})\s?[./\-,\s]\s?([0-9]{{1,2}})\s?[./\-,\s]\s?([0-9]{{4}}|[0-9]{{2}}){_AFTER}")
_YEAR_FIRST = re.compile(rf"{_BEFORE}([0-9]{{4}})[./\-]([0-9]{{1,2}})[./\-]([0-9]{{1,2}}){_AFTER}")
_TOGETHER = re.compile(r"(?<![0-9])([0-9]{2})([0-9]{2})([0-9]{4})(?![0-9])")
_MONTH_IN_WORDS = re.compile(r"(?<![0-9])([0-9]{1,2})(?:\s?-?\s?(?:го|е|ое))?[\s.,/\-]*([а-я]{3,8})[\s.,/\-]*([0-9]{4}|[0-9]{2})(?![0-9])")
_ROMAN_MONTH = re.compile(r"(?<![0-9])([0-9]{1,2})[\s./\-]+([ivxх]{1,4})[\s./\-]+([0-9]{4}|[0-9]{2})(?![0-9])")


def parse_birth_date(text: str, settings: Settings, *, today: date | None = None) -> date:  # noqa: ARG001 - every parser takes the settings
    """The day, whatever words stand around it. A year of two digits is read where it can be of one century only.

    Faults: missing, year (which century?), unreal, future, early, several.
    """
    today = today or datetime.now(UTC).astimezone(MOSCOW).date()
    found = set(_days(in_digits(folded(text))))
    if not found:
        raise FieldFault("birth_date", "birth_date_missing")
    if len(found) > 1:
        raise FieldFault("birth_date", "birth_date_several")
    year, month, day = found.pop()
    if len(year) == 2 and int(year) > today.year % 100:
        year = f"19{year}"
    if len(year) != 4:
        raise FieldFault("birth_date", "birth_date_year")
    if int(year) < EARLIEST_YEAR:
        raise FieldFault("birth_date", "birth_date_early", {"year": EARLIEST_YEAR})
    try:
        value = date(int(year), month, int(day))
    except ValueError:
        raise FieldFault("birth_date", "birth_date_unreal") from None
    if value > today:
        raise FieldFault("birth_date", "birth_date_future")
    return value


def _days(line: str) -> list[tuple[str, int, str]]:
    """(year, month, day) as written, the month in numbers."""
    found = [(year, int(month), day) for year, month, day in _YEAR_FIRST.findall(line)]
    for pattern in (_NUMBERS, _TOGETHER):
        found += [(year, int(month), day) for day, month, year in pattern.findall(line)]
    for day, word, year in _MONTH_IN_WORDS.findall(line):
        month = next((number for number, start in enumerate(_MONTHS, 1) if re.match(start, word)), None)
        if month:
            found.append((year, month, day))
    for day, roman, year in _ROMAN_MONTH.findall(line):
        numeral = roman.replace("х", "x")  # the Cyrillic letter is on the keyboard at hand
        if numeral in _ROMAN:
            found.append((year, _ROMAN.index(numeral) + 1, day))
    return found
