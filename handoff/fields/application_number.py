"""The number of an application made elsewhere: what it looks like is a setting."""

import re

from core.finding import digits_of
from core.personal_data import find, snils_is_valid
from core.settings import Settings
from handoff.fields.fault import FieldFault
from handoff.fields.writing import plain

_INN_10 = (2, 4, 10, 3, 5, 9, 4, 6, 8)
_INN_12 = ((7, 2, 4, 10, 3, 5, 9, 4, 6, 8), (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8))
_SPACED = re.compile(r"(?<=[0-9])[ \-](?=[0-9])")
_APPEAL_NUMBER = re.compile(r"(?:об|ob)[\s\-]*20[0-9]{2}|(?<![0-9])20[0-9]{2}[\s\-][0-9]{6}[\s\-][0-9](?![0-9])", re.IGNORECASE)
_MARK = "№ "  # what a number asked for may go without


def inn_is_valid(digits: str) -> bool:
    """The check digits of a taxpayer's number: ten digits of an organisation, twelve of a person (order ММВ-7-6/435@)."""
    if not re.fullmatch(r"[0-9]{10}|[0-9]{12}", digits):
        return False
    numbers = [int(digit) for digit in digits]
    weights = (_INN_10,) if len(digits) == 10 else _INN_12
    return all(sum(map(int.__mul__, row, numbers)) % 11 % 10 == numbers[len(row)] for row in weights)


def find_application_number(text: str, settings: Settings) -> str | None:
    """The first number in a text that names an application (a letter, its subject); None without one."""
    return next((number for number in _numbers(text, settings) if not inn_is_valid(number)), None)


def parse_application_number(text: str, settings: Settings) -> str:
    """The number alone, as the setting finds it. Faults: missing, length, inn, appeal (ours), personal, several."""
    line = plain(text)
    named = find_application_number(line, settings)
    if named:
        return named
    if _APPEAL_NUMBER.search(line):
        raise FieldFault("application_number", "application_number_appeal")
    if _numbers(line, settings):
        raise FieldFault("application_number", "application_number_inn")
    runs = re.findall(r"[0-9]+(?:[ \-][0-9]+)*", line)
    bare = [number for run in runs for number in _numbers(_MARK + digits_of(run), settings)]
    if not bare:
        if not runs:
            raise FieldFault("application_number", "application_number_missing")
        raise FieldFault("application_number", "application_number_length", {"count": max(len(digits_of(run)) for run in runs)})
    if _is_personal(line, settings):
        raise FieldFault("application_number", "application_number_personal")
    numbers = {number for number in bare if not inn_is_valid(number)}
    if not numbers:
        raise FieldFault("application_number", "application_number_inn")
    if len(numbers) > 1:
        raise FieldFault("application_number", "application_number_several")
    return numbers.pop()


def _is_personal(line: str, settings: Settings) -> bool:
    """Whether a number that nobody calls an application's is written like a phone or a SNILS."""
    found = [(span.kind, line[span.start : span.end]) for span in find(line, settings)]
    return any(kind == "phone" or (kind == "snils" and (not text.isdigit() or snils_is_valid(text))) for kind, text in found)


def _numbers(text: str, settings: Settings) -> list[str]:
    """What the setting finds, digits joined: «заявление № 1234 5678 90»."""
    return [found[1] for found in re.finditer(settings.application_number_pattern, _SPACED.sub("", plain(text)), re.IGNORECASE)]
