"""An appeal's number: how it is written, and how it is understood from what people write."""

import re
from functools import lru_cache

from core.settings import Settings
from handoff.fields.fault import FieldFault
from handoff.fields.writing import plain

_BETWEEN = r"[ ._/\-]{1,3}"
_MAYBE = r"[ ._/\-]{0,3}"
_ORDINAL = r"(?:[1-9][0-9]{6,8}|[0-9]{6})"  # six digits with leading noughts, or more without
# What stands for a letter of the prefix on the other keyboard, by sound or by look.
_PAIRS = "АA БB ВVB ГG ДD ЕE ЗZ ИI КK ЛL МM НNH ОO ПP РRP СSC ТT УUY ФF ХXH ЦC ЫY ЭE"
_LATIN = {pair[0]: pair[1:] for pair in _PAIRS.split()}


def luhn_digit(digits: str) -> int:
    """The check digit that makes ``digits`` pass Luhn's test (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return -total % 10


def format_number(prefix: str, year: int, ordinal: int) -> str:
    """ОБ-2026-000417-9: prefix, year, number within the year, Luhn digit over both."""
    digits = f"{year}{ordinal:06d}"
    return f"{prefix}-{year}-{ordinal:06d}-{luhn_digit(digits)}"


def read_number(text: str, settings: Settings) -> str | None:
    """The first appeal number in a text, as ``format_number`` writes it; None without one.

    Prefix, dashes and capitals may be missing or others; digits without prefix and dashes count if they are the whole text, or follow
    «обращение». Fault: appeal_number_mistyped, if there is one but for its digits.
    """
    line = "".join(str(int(sign)) if sign.isdecimal() else sign for sign in plain(text))
    is_mistyped = False
    for pattern in _patterns(settings.appeal_prefix):
        for found in pattern.finditer(line):
            digits = re.sub(r"[^0-9]", "", found["digits"])
            year, ordinal = int(digits[:4]), int(digits[4:-1])
            number = format_number(settings.appeal_prefix, year, ordinal)
            if year >= 2000 and digits == f"{year}{ordinal:06d}{number[-1]}":
                return number
            is_mistyped = True
    if is_mistyped:
        raise FieldFault("appeal_number", "appeal_number_mistyped")
    return None


@lru_cache(maxsize=8)
def _patterns(prefix: str) -> tuple[re.Pattern[str], ...]:
    """From the surest writing to the one that could be another number (of a phone, an application)."""
    named = rf"(?<!\w)(?:(?P<prefix>{''.join(map(_as_typed, prefix))})|обращени\w{{0,3}}){_MAYBE}№?{_MAYBE}"
    century = "(?(prefix)[0-9]{2}|20)"  # after the prefix whatever follows is meant as a year
    check = rf"(?:{_BETWEEN}[0-9](?!-?[0-9])|[0-9](?! ?-?[0-9]))"
    anyhow = rf"[0-9](?:{_MAYBE}[0-9]){{8,11}}"
    written = (
        rf"{named}(?P<digits>{century}[0-9]{{2}}{_MAYBE}{_ORDINAL}{check})",
        rf"(?<!\w)(?<!\w-)(?P<digits>20[0-9]{{2}}{_BETWEEN}{_ORDINAL}{_BETWEEN}[0-9])(?!-?[0-9])",
        rf"{named}(?P<digits>(?(prefix)[0-9]{_MAYBE}[0-9]|2{_MAYBE}0){_MAYBE}{anyhow})(?!{_MAYBE}[0-9])",
        rf"^№?{_MAYBE}(?P<digits>2{_MAYBE}0{_MAYBE}{anyhow})$",
    )
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in written)


def _as_typed(letter: str) -> str:
    """A pattern of one letter of the prefix."""
    capital = letter.upper()
    twins = _LATIN.get(capital, "") + "".join(russian for russian, latin in _LATIN.items() if capital in latin)
    return f"[{re.escape(letter + twins)}]"
