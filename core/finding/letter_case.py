"""Capitals as a book would have them: what tells names from other words goes by them, and a shouted or a typed-in-haste text has none."""

import re

from core.finding.name_parts import LIKELY, SURNAME_END, Word, is_plain
from core.finding.name_words import NEVER
from core.finding.words import read

_SHOUTED = re.compile(r"(?<![A-Za-zА-Яа-яЁё.])[А-ЯЁ]{2,40}(?:-[А-ЯЁ]{2,40})?(?![A-Za-zА-Яа-яЁё])")
_SMALL = re.compile(r"[а-яё]")
_INITIALS = re.compile(r"(?:[А-ЯЁ]\. ?){2}$")
_INITIAL = re.compile(r" [А-ЯЁ]\.")
_ROLES = {"NOUN", "ADJF", "ADJS"}
_FEWEST_LETTERS = 4  # of a shouted word that no dictionary has: a shorter one is an abbreviation


def calm(text: str) -> str:
    """«ОТВЕТЬТЕ ИВАНОВУ» as «ответьте Иванову»; as long as it was."""
    shouted = list(_SHOUTED.finditer(text))
    if not shouted:
        return text
    share = [_share(match) for match in shouted]
    for order in (range(len(shouted)), reversed(range(len(shouted)))):
        previous = None
        for place in order:  # what stands beside a name may be one
            if previous is not None and share[previous] == "name" and share[place] == "perhaps" and _touch(shouted, previous, place):
                share[place] = "name"
            previous = place
    for place, match in enumerate(shouted):
        behind = _INITIALS.search(text[max(0, match.start() - 6) : match.start()])
        named = (
            place > 0
            and share[place - 1] == "name"
            and behind is not None
            and match.start() - shouted[place - 1].end() <= len(behind[0]) + 1
        )
        if behind and not named and _ROLES & read(match[0]).parts and match[0].lower() not in NEVER:
            share[place] = "name"
    characters = list(text)
    whole = len(_SMALL.findall(text)) * 4 < len(text)
    for match, kind in zip(shouted, share, strict=True):
        word = match[0]
        if kind == "name":
            word = word.title()
        elif kind == "word" or (kind == "perhaps" and (whole or read(word).known)):
            word = word.lower()
        characters[match.start() : match.end()] = word
    return "".join(characters)


def _touch(words: list[re.Match[str]], one: int, other: int) -> bool:
    first, second = sorted((one, other))
    return words[second].start() - words[first].end() == 1


def _share(match: re.Match[str]) -> str:
    """What a shouted word is: a name, perhaps one beside a name, an abbreviation, any other word."""
    word, reading = match[0].lower(), read(match[0])
    if word in NEVER:
        return "word" if reading.known else "abbreviation"
    if _ROLES & reading.parts and _INITIAL.match(match.string, match.end()):
        return "name"
    if reading.known:
        if reading.person >= 0.05 or {"Name", "Surn", "Patr"} & reading.parts:
            return "name"
        return "perhaps" if reading.given or (_ROLES & reading.parts and (reading.surname or SURNAME_END.search(word))) else "word"
    if (
        reading.listed
        or reading.first >= LIKELY
        or (SURNAME_END.search(word) and len(word) > _FEWEST_LETTERS)
        or reading.patronymic >= LIKELY
    ):
        return "name"
    return "perhaps" if len(word) >= _FEWEST_LETTERS else "abbreviation"


def with_capitals(text: str, pairs: list[tuple[Word, Word]], found: list[tuple[int, int]]) -> str:
    """``text`` with capitals where two words side by side look like somebody's: natasha goes by them."""
    for left, right in pairs:
        pair = (left, right)
        if any(word.never or word.foreign or word.text.istitle() or len(word.text) < 3 or is_plain(word) for word in pair):
            continue
        if any(start < right.end and left.start < end for start, end in found):
            continue
        if any(SURNAME_END.search(word.lower) for word in pair):
            text = text[: left.start] + left.text.title() + text[left.end : right.start] + right.text.title() + text[right.end :]
    return text
