"""Surnames that stand alone: in file names and signatures, behind a role, where a surname is changed."""

import re

from core.finding.name_parts import LIKELY, SURE, SURNAME_END, Word, cyrillic, is_called_after, is_plain
from core.finding.name_words import FAMOUS, LETTERS, PERSONS
from core.finding.words import read

_DATIVE = re.compile(r"(?:[оеё]ву|ину|[оеё]вым|иным)$")
_WORD_BEFORE = re.compile(rf"([{LETTERS}]+)[ «\"]{{1,2}}$")
_MASCULINE = re.compile(r"(?:[оеё]в|[иы]н|енко|ян|дзе|швили|[чщнт]ук|ский)$")
_FAMILY_NAME_CHANGES = re.compile(
    r"(?:фамили\w{1,2}|девич\w{2,3}|бывш\w{2}|после брака|замуж\w{0,3}|раньше была?)[^\d\n.!?]{1,30}$", re.IGNORECASE
)


def is_name_alone(text: str, word: Word) -> bool:
    if word.never or len(word.text) < 3 or word.lower in FAMOUS or is_called_after(text, word):
        return False
    in_a_file_name = (
        re.match(r"[\w() -]{0,40}\.(?:pdf|jpe?g|png|docx?|heic|tiff?|zip|rar)(?!\w)", text[word.end :], re.IGNORECASE) is not None
    )
    if word.foreign:
        return in_a_file_name and ((word.reading.last >= SURE and word.reading.other < LIKELY) or word.surely_first)
    if in_a_file_name and (word.surely_last or word.surely_first):
        return True
    before = _WORD_BEFORE.search(text[max(0, word.start - 30) : word.start])
    of_a_person = before is not None and before[1].lower() in PERSONS and word.capital
    if of_a_person and before and _may_follow_a_role(before[1].lower(), word):
        return True
    if word.capital and word.last and not is_plain(word) and _FAMILY_NAME_CHANGES.search(text[max(0, word.start - 40) : word.start]):
        return True
    if (
        not word.surely_last
        or not (word.reading.known or _DATIVE.search(word.lower))
        or "Geox" in word.reading.parts
        or _is_a_day(text, word)
    ):
        return False
    line = text[text.rfind("\n", 0, word.start) + 1 : (text.find("\n", word.end) + 1 or len(text) + 1) - 1]
    if len(line.split()) <= 2:
        return True  # all that is said, or a signature
    if word.capital and _DATIVE.search(word.lower) and {"datv", "ablt"} & word.reading.parts:
        return True  # «отказ Нурбекову»: no street is in these cases
    nominative = word.capital and _MASCULINE.search(cyrillic(word.text)) is not None
    return of_a_person or (nominative and _stands_for_a_person(text, word))


def _may_follow_a_role(role: str, word: Word) -> bool:
    """«врач Гусев», «адвокат Резник»; after a mere preposition more is wanted."""
    living = word.reading.surname and "anim" in word.reading.parts
    return (len(role) > 3 or role == "ип") and ((word.last and SURNAME_END.search(word.lower) is not None) or living)


def _is_a_day(text: str, word: Word) -> bool:
    """«Ильин день», «Петров пост», «Гаврилов Посад»: somebody's in grammar only."""
    following = re.match(r" ([А-Яа-яё]{3,20})", text[word.end : word.end + 22])
    begins = not text[: word.start].strip() or text[: word.start].rstrip()[-1] in ".!?"
    return following is not None and begins and {"NOUN", "nomn", "masc", "inan"} <= read(following[1]).parts


def _stands_for_a_person(text: str, word: Word) -> bool:
    """Of a surname alone: not «театр Вахтангова», «на Кирова», whose first words are nouns and prepositions of places."""
    before = _WORD_BEFORE.search(text[max(0, word.start - 30) : word.start])
    if before is None or before[1].lower() in PERSONS:
        return True
    reading = read(before[1].lower())
    return not {"NOUN", "PREP", "ADJF"} & reading.parts and reading.known
