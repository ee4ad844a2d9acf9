"""Numbers in words, as people say dates and hours: «третьего» → 3, «двадцать первого» → 21."""

import re
from functools import lru_cache

from handoff.fields.writing import LETTER, is_cyrillic
from knowledge_base.words import morphology

_UNITS = [
    "один первый",
    "два второй двое пара",
    "три третий трое",
    "четыре четвёртый четверо",
    "пять пятый",
    "шесть шестой",
    "семь седьмой",
    "восемь восьмой",
    "девять девятый",
    "десять десятый",
    "одиннадцать одиннадцатый",
    "двенадцать двенадцатый",
    "тринадцать тринадцатый",
    "четырнадцать четырнадцатый",
    "пятнадцать пятнадцатый",
    "шестнадцать шестнадцатый",
    "семнадцать семнадцатый",
    "восемнадцать восемнадцатый",
    "девятнадцать девятнадцатый",
]
_TENS = [
    "двадцать двадцатый",
    "тридцать тридцатый",
    "сорок сороковой",
    "пятьдесят пятидесятый",
    "шестьдесят шестидесятый",
    "семьдесят семидесятый",
    "восемьдесят восьмидесятый",
    "девяносто девяностый",
]
_VALUES = {word.replace("ё", "е"): value for value, words in enumerate(_UNITS, 1) for word in words.split()}
_VALUES |= {word: 10 * value for value, words in enumerate(_TENS, 2) for word in words.split()}
_WORD = re.compile(rf"{LETTER}+")
_TENS_AND_UNIT = re.compile(r"(?<![0-9])([2-9])0 ([1-9])(?![0-9])")
_LONGEST = 20
_HALF = re.compile(r"(?<![а-я])пол(?=(?:перв|втор|трет|четверто|пят|шест|седьм|восьм|девят|десят|одиннадц|двенадц))")


def in_digits(line: str) -> str:
    """A folded line with the number words from 1 to 99 in digits."""
    line = _HALF.sub("пол ", line)
    found = False

    def replace(word: re.Match[str]) -> str:
        nonlocal found
        value = _value_of(word[0])
        found = found or value is not None
        return word[0] if value is None else str(value)

    written = _WORD.sub(replace, line)
    return _TENS_AND_UNIT.sub(r"\1\2", written) if found else line


@lru_cache(maxsize=10_000)
def _value_of(word: str) -> int | None:
    if not 3 <= len(word) <= _LONGEST or not all(map(is_cyrillic, word)):
        return None
    lemmas = (parse.normal_form.replace("ё", "е") for parse in morphology().parse(word))
    return next((_VALUES[lemma] for lemma in lemmas if lemma in _VALUES), None)
