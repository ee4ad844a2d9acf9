"""A full name: two to four words, in the case in which names are written."""

import re

from core.settings import Settings
from handoff.fields.fault import FieldFault
from handoff.fields.name_likeness import PARTICLES, reads_as_speech, without_lead_in
from handoff.fields.writing import in_one_alphabet, is_cyrillic, is_latin, plain

MIN_WORDS, MAX_WORDS = 2, 4
MAX_CHARACTERS = 120

_APOSTROPHES = re.compile("[’ʼ`´‘]")
_LABELS = re.compile(r"(?<![^\W\d_])(?:фамилия|имя|отчество)(?![^\W\d_])\s*[:\-]?", re.IGNORECASE)
_EDGES = ' .,;:-«»"()'
_SCOTTISH = re.compile(r"(?:Mc|Mac|O|Di|De|La|Le|Fitz)[A-Z][a-z]+")


def parse_full_name(text: str, settings: Settings) -> str:  # noqa: ARG001 - every parser takes the settings
    """«Лебедева Анна Сергеевна». Faults: missing, digits, initials, characters, alphabets, one_word, long, unlike."""
    line = _APOSTROPHES.sub("'", plain(text))
    line = _LABELS.sub(" ", without_lead_in(line)[1]).strip(_EDGES)
    line = re.sub(r"\s*-\s*", "-", line)
    if not any(sign.isalpha() for sign in line):
        raise FieldFault("full_name", "full_name_digits" if re.search(r"\d", line) else "full_name_missing")
    if len(line) > MAX_CHARACTERS:
        raise FieldFault("full_name", "full_name_long")
    if re.search(r"\d", line):
        raise FieldFault("full_name", "full_name_digits")
    if "?" in line:
        raise FieldFault("full_name", "full_name_unlike")
    words = [in_one_alphabet(word.strip("-'")) for word in re.split(r"[\s,;.]+", line) if word.strip("-'")]
    _check_letters(words)
    if any(len(word) == 1 for word in words):
        raise FieldFault("full_name", "full_name_initials")
    if reads_as_speech(words):
        raise FieldFault("full_name", "full_name_unlike")
    if len(words) < MIN_WORDS:
        raise FieldFault("full_name", "full_name_one_word")
    name = in_normal_case(words)
    if sum(word not in PARTICLES for word in name.split()) > MAX_WORDS:
        raise FieldFault("full_name", "full_name_long")
    return name


def _check_letters(words: list[str]) -> None:
    for word in words:
        if any(not (is_cyrillic(sign) or is_latin(sign)) or not sign.isalpha() for sign in re.sub("['-]", "", word)):
            raise FieldFault("full_name", "full_name_characters")
        if any(map(is_cyrillic, word)) and any(map(is_latin, word)):
            raise FieldFault("full_name", "full_name_alphabets")


def in_normal_case(words: list[str]) -> str:
    """Capitals where names have them. A particle is small unless its capital is meant: beside other small letters."""
    letters = "".join(words)
    case_is_meant = not (letters.islower() or letters.isupper())
    return " ".join(_word_in_case(word, case_is_meant) for word in words)


def _word_in_case(word: str, case_is_meant: bool) -> str:
    if _SCOTTISH.fullmatch(word):
        return word
    return "-".join(_part_in_case(part, place > 0, case_is_meant) for place, part in enumerate(word.split("-")))


def _part_in_case(part: str, joined: bool, case_is_meant: bool) -> str:
    if part.lower() in PARTICLES and (part.islower() or not case_is_meant):
        return part.lower()
    if joined and len(part) == 1:
        return part.lower()  # Ортега-и-Гассет
    before, apostrophe, after = part.partition("'")
    if apostrophe and len(before) <= 2 and before:  # О'Коннор, but Лук'янов
        return f"{_capital(before)}'{_capital(after)}"
    return _capital(part)


def _capital(part: str) -> str:
    return part[:1].title() + part[1:].lower().replace("i\u0307", "i")  # what a Turkish «İ» becomes
