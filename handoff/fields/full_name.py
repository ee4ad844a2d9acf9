"""A full name: two to four words, in the case in which names are written."""

import re

from core.settings import Settings
from handoff.fields.fault import FieldFault
from handoff.fields.name_likeness import PARTICLES, is_of_a_person, kinds_of_name, reads_as_speech, without_lead_in
from handoff.fields.writing import LETTER, in_one_alphabet, is_cyrillic, is_latin, plain

MIN_WORDS, MAX_WORDS = 2, 4
MAX_CHARACTERS = 120

_APOSTROPHES = re.compile("[’ʼ`´‘]")
_LABELS = re.compile(r"(?<![^\W\d_])(?:фамилия|имя|отчество)(?![^\W\d_])\s*[:\-]?", re.IGNORECASE)
_LABELLED = re.compile(rf"(?<![^\W\d_])(фам|им|отч)\w*\s?[:\-]?\s?({LETTER}+(?:-{LETTER}+)*)", re.IGNORECASE)
# What is said beside a name.
_ASIDE = re.compile(
    r"[\s,(]*(?:отчества (?:у меня )?(?:нет|не имею)|(?:у меня )?нет отчества|без отчества"
    r"|так (?:\w+ )?(?:в|по) паспорт\w*|спасибо|пожалуйста)\W*$",
    re.IGNORECASE,
)
_SURNAME_ENDING = re.compile(r"(?:[оеё]ва?|[иы]на?|ск(?:ий|ая)|цк(?:ий|ая)|енко|[аяи]н[ея]ц|ук|юк|дзе|швили|[аь]?ян)$")
_EDGES = ' .,;:-«»"()'
_SCOTTISH = re.compile(r"(?:Mc|Mac|O|Di|De|La|Le|Fitz)[A-Z][a-z]+")


def parse_full_name(text: str, settings: Settings) -> str:  # noqa: ARG001 - every parser takes the settings
    """«Лебедева Анна Сергеевна». Faults: missing, digits, initials, characters, alphabets, one_word, long, unlike."""
    line = _APOSTROPHES.sub("'", plain(text))
    line = _ASIDE.sub("", _in_named_order(line) or without_lead_in(line)[1])
    line = _LABELS.sub(" ", line).strip(_EDGES)
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
    name = in_normal_case(_surname_first(words))
    if sum(word not in PARTICLES for word in name.split()) > MAX_WORDS:
        raise FieldFault("full_name", "full_name_long")
    return name


def _in_named_order(line: str) -> str | None:
    """«Имя - Олег, отчество - Фомич, фамилия - Белый» → «Белый Олег Фомич»; None unless surname and name are called so."""
    parts = {label.lower(): word for label, word in _LABELLED.findall(line)}
    return " ".join(parts[label] for label in ("фам", "им", "отч") if label in parts) if {"фам", "им"} <= set(parts) else None


def _surname_first(words: list[str]) -> list[str]:
    """As papers have it, where the words tell which is which; else as written."""
    kinds = [kinds_of_name(word) for word in words]
    if len(words) == 3 and "Patr" in kinds[1] and "Patr" not in kinds[2]:
        return [words[2], *words[:2]]
    if len(words) == 2 and "Name" in kinds[0] and [_is_surname(*pair) for pair in zip(words, kinds, strict=True)] == [False, True]:
        return [words[1], words[0]]
    return words


def _is_surname(word: str, kinds: frozenset[str]) -> bool:
    return "Surn" in kinds or (_SURNAME_ENDING.search(word.lower()) is not None and not is_of_a_person(word))


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
