"""A phone number, Russian unless it begins with + and another country's code."""

import re
from itertools import chain

import phonenumbers

from core.finding import digits_of
from core.settings import Settings
from handoff.fields.fault import FieldFault
from handoff.fields.writing import LETTER, plain

_RUN = re.compile(r"\+?\(?[0-9](?:[\s().\-/]*[0-9])*")
_SHORTEST = 5  # of what is taken for a try at a number: «после 18» is not
_LETTER_FOR_A_DIGIT = re.compile(rf"[0-9]-?{LETTER}-?[0-9]|[0-9]{{2}}{LETTER}{{1,2}}(?!{LETTER})")
_EXTENSION = re.compile(r"\b(?:доб(?:авочн\w*)?|вн(?:утр\w*)?|ext)\b\.?\s*[0-9]", re.IGNORECASE)
_EIGHT_AFTER_PLUS = re.compile(r"\+\s?(?=8[\s(\-]*9)")  # +8 9…: no country has it, everybody means 8 9…

_TOO_LONG, _TOO_SHORT = phonenumbers.ValidationResult.TOO_LONG, phonenumbers.ValidationResult.TOO_SHORT
_WITHOUT_CODE = phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY


def parse_phone(text: str, settings: Settings) -> str:
    """E.164: «+79215550142». Faults: missing, letters, short, long, wrong, extension, several, ours."""
    line = _EIGHT_AFTER_PLUS.sub("", plain(text))
    if _EXTENSION.search(line):
        raise FieldFault("phone", "phone_extension")
    runs = [run for run in _RUN.findall(line) if len(digits_of(run)) >= _SHORTEST]
    if not runs:
        raise FieldFault("phone", "phone_missing" if not re.search("[0-9]", line) else "phone_short")
    valid = {number for run in runs if (number := _read(run))} or set(filter(None, map(_read, chain(*map(str.split, runs)))))
    if len(valid) > 1:
        raise FieldFault("phone", "phone_several")
    if not valid:
        raise FieldFault("phone", _fault(line, max(runs, key=lambda run: len(digits_of(run)))))
    number = valid.pop()
    if number[-10:] == digits_of(settings.hotline)[-10:]:
        raise FieldFault("phone", "phone_ours")
    return number


def _parsed(run: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(run, "RU")
    except phonenumbers.NumberParseException:
        return None


def _read(run: str) -> str | None:
    number = _parsed(run)
    if number is None or not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _fault(line: str, run: str) -> str:
    if _LETTER_FOR_A_DIGIT.search(line):
        return "phone_letters"
    digits = digits_of(run)
    if not run.startswith("+") or digits.startswith("7"):
        whole = 11 if digits[0] in "78" else 10
        return "phone_short" if len(digits) < whole else "phone_long" if len(digits) > whole else "phone_wrong"
    number = _parsed(run)
    reason = phonenumbers.is_possible_number_with_reason(number) if number else None
    if reason in (_TOO_SHORT, _WITHOUT_CODE):
        return "phone_short"
    return "phone_long" if reason == _TOO_LONG else "phone_wrong"
