"""SNILS: eleven digits, the last two of which check the others."""

import re
from collections.abc import Iterable

from core.finding import digits_of
from core.personal_data import snils_is_valid
from core.settings import Settings
from handoff.fields.fault import FieldFault
from handoff.fields.writing import LETTER, plain

_SIGNS = r"[\s().,_/\-]*"
_RUN = re.compile(rf"[0-9](?:{_SIGNS}[0-9])*")
# As it is printed: told apart from other numbers beside it.
_PRINTED = re.compile(r"(?<![0-9])[0-9]{3}[\s\-]?[0-9]{3}[\s\-]?[0-9]{3}[\s\-]{0,3}[0-9]{2}(?![0-9])")
# A letter or two where digits are meant: «9О», «S95», «112-ЗЗ-445». A longer word is a word beside the number.
_LETTER_FOR_A_DIGIT = re.compile(rf"[0-9]-?{LETTER}{{1,2}}(?!{LETTER})|(?<!{LETTER}){LETTER}{{1,2}}-?[0-9]")

_LOOK_ALIKE = str.maketrans("оОoOзЗlI", "00003311")


def parse_snils(text: str, settings: Settings) -> str:  # noqa: ARG001 - every parser takes the settings
    """«112-233-445 95». Faults: missing, letters, length, checksum, several."""
    line = plain(text)
    runs = [digits_of(run) for run in _RUN.findall(line)]
    if not runs:
        raise FieldFault("snils", "snils_missing")
    valid = _valid([*runs, *map(digits_of, _PRINTED.findall(line))])
    if not valid:  # «9О», «ЗЗ»: the check digits tell whether that is what was meant
        valid = _valid(map(digits_of, _RUN.findall(line.translate(_LOOK_ALIKE))))
    if len(valid) > 1:
        raise FieldFault("snils", "snils_several")
    if valid:
        digits = valid.pop()
        return f"{digits[:3]}-{digits[3:6]}-{digits[6:9]} {digits[9:]}"
    longest = max(runs, key=len)
    if len(longest) == 11:
        raise FieldFault("snils", "snils_checksum")
    if _LETTER_FOR_A_DIGIT.search(line):
        raise FieldFault("snils", "snils_letters")
    raise FieldFault("snils", "snils_length", {"count": len(longest)})


def _valid(numbers: Iterable[str]) -> set[str]:
    return {digits for digits in numbers if snils_is_valid(digits) and len(set(digits)) > 1}  # zeros alone pass the sum
