"""What the finder speaks of: a piece of personal data in a text, and the answer to what was asked."""

import re
import unicodedata
from dataclasses import dataclass

LETTER = "[0-9A-Za-zА-Яа-яЁё]"  # of a word: a token has none beside it
_OTHER_DASHES = "\u2212\u00ad"
_MIXED = re.compile(r"[А-Яа-яЁё][A-Za-z]|[A-Za-z][А-Яа-яЁё]")
_MIXED_WORD = re.compile(r"(?<![A-Za-zА-Яа-яЁё])[ABCEHKMOPTXaceopxy]{0,40}[А-Яа-яЁё][А-Яа-яЁёABCEHKMOPTXaceopxy]{0,40}(?![A-Za-zА-Яа-яЁё])")
_LOOK_ALIKES = str.maketrans("ABCEHKMOPTXaceopxy", "АВСЕНКМОРТХасеорху")
_INVISIBLE = ("Cf", "Cc", "Mn")


@dataclass(frozen=True)
class Span:
    """A piece of personal data in a text: offsets in code points, end exclusive."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Expected:
    """The kind of personal data that was asked for, and the part of a text that answers."""

    kind: str
    part: str


def plain(text: str) -> tuple[str, list[int]]:
    """``text`` with one kind of space, dash and digit and without what is invisible, and where each character of it stood."""
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        if not character.isascii() or character < " ":
            category = unicodedata.category(character)
            if character in _OTHER_DASHES or category == "Pd":
                character = "-"
            elif category == "Nd":
                character = str(unicodedata.decimal(character))
            elif category == "Zs":
                character = " "
            elif category in _INVISIBLE and character not in "\n\t":
                continue
        characters.append(character)
        places.append(place)
    return _in_one_alphabet("".join(characters)), places


def _in_one_alphabet(text: str) -> str:
    """With Cyrillic letters for the Latin ones that look so, in words that have both: «Cнилс»."""
    if not _MIXED.search(text):
        return text
    return _MIXED_WORD.sub(lambda word: word[0].translate(_LOOK_ALIKES) if not word[0].isascii() else word[0], text)


def digits_of(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


def joined(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """By position; those that overlap are one."""
    united: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if united and start < united[-1][1]:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((start, end))
    return united
