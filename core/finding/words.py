"""What the morphological dictionary says of a word. Loaded once, when first asked; answers are kept."""

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import pymorphy3

_NO_LETTERS = frozenset("-'’")
_SURNAME_CASE = re.compile(r"([ое]в|[иы]н)(?:а|у|ым|ой|е)$")


@dataclass(frozen=True)
class Reading:
    """How likely a word is a person's first name, patronymic and surname (0 to 1), and whether it is in the dictionary."""

    first: float
    patronymic: float
    last: float
    known: bool
    parts: frozenset[str]  # all grammemes of its readings
    other: float  # how likely it is anything but a name
    listed: bool = False  # not in the dictionary, but on the list of surnames
    surname: bool = False  # on the list of surnames, whatever else it is
    given: bool = False  # on the list of first names, whatever else it is

    @property
    def person(self) -> float:
        return self.first + self.patronymic + self.last


_FOREIGN = Reading(0, 0, 0, False, frozenset(), 0)


@lru_cache(maxsize=1)
def _morphology() -> pymorphy3.MorphAnalyzer:
    return pymorphy3.MorphAnalyzer(lang="ru")


@lru_cache(maxsize=1)
def _first_names() -> frozenset[str]:
    """7,600 first names of many peoples, from natasha (MIT)."""
    lines = files("natasha").joinpath("data/dict/first.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip().replace("ё", "е") for line in lines if len(line.strip()) > 2)


@lru_cache(maxsize=1)
def _last_names() -> frozenset[str]:
    """182,000 surnames, from natasha (MIT)."""
    return frozenset(files("natasha").joinpath("data/dict/last.txt").read_text(encoding="utf-8").replace("ё", "е").split())


@lru_cache(maxsize=50_000)
def read(word: str) -> Reading:
    """Of a word in any case; only Cyrillic ones are in the dictionary."""
    word = word.lower()[:40]
    if not all("а" <= letter <= "я" or letter in _NO_LETTERS or letter == "ё" for letter in word):
        return _FOREIGN
    analyser = _morphology()
    parses = analyser.parse(word)
    shares = {"Name": 0.0, "Patr": 0.0, "Surn": 0.0}
    other = 0.0
    has_surname = any("Surn" in parse.tag.grammemes for parse in parses)
    for parse in parses:
        kind = next((kind for kind in shares if kind in parse.tag.grammemes), None)
        if kind is None and "Poss" in parse.tag.grammemes and has_surname:
            kind = "Surn"  # «Ивановой» is Ivan's only in grammar
        if kind == "Name" and "plur" in parse.tag.grammemes:
            kind = "Surn"  # «каримов»: rarely many Karims
        if kind:
            shares[kind] += parse.score
        else:
            other += parse.score
    grammemes = frozenset(str(grammeme) for parse in parses for grammeme in parse.tag.grammemes)
    first, listed = shares["Name"], False
    if not analyser.word_is_known(word):  # a guess by its ending is worth little
        normal = {parse.normal_form.replace("ё", "е") for parse in parses} | {word.replace("ё", "е"), word[:-1]}
        first = 0.9 if len(word) > 3 and normal & _first_names() else 0.0
        if not first and len(word) > 3 and normal & _last_names():
            shares["Surn"], other, listed = max(shares["Surn"], 0.7), min(other, 0.2), True
    plain = word.replace("ё", "е")
    surname = bool({plain, _SURNAME_CASE.sub(r"\1", plain)} & _last_names())
    given = plain in _first_names()
    return Reading(first, shares["Patr"], shares["Surn"], bool(analyser.word_is_known(word)), grammemes, other, listed, surname, given)


def is_known(word: str, grammeme: str | None = None) -> bool:
    """Whether the dictionary has the word, or (with ``grammeme``) has it in that sense."""
    reading = read(word)
    return reading.known and (grammeme is None or grammeme in reading.parts)
