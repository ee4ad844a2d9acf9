"""People's names: by dictionary and by the words around, in any case and in both alphabets, and by natasha where capitals are.

Words are looked at in runs that nothing but spaces, hyphens and underscores divides. A run of words becomes a name when enough of it
is sure: a patronymic, a first name beside a surname, a surname beside initials, what follows «меня зовут».
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from core.finding.initials import with_initials
from core.finding.letter_case import calm, with_capitals
from core.finding.lone_names import is_name_alone
from core.finding.name_cues import MOST_WORDS, announced, has_data, introduces_itself
from core.finding.name_parts import LIKELY, SURNAME_END, TITLE_BEFORE, Word, beside, cyrillic, is_called_after, is_plain, words_of
from core.finding.name_words import ASIAN, FAMOUS, FAMOUS_NAMES, NOT_BESIDE, OGLU, PARTICLES, PERSONS
from core.finding.ner import people
from core.finding.span import Span, joined


def find_names(text: str, taken: list[tuple[int, int]]) -> Iterator[Span]:
    """Spans of kind ``name``; they may overlap. ``taken``: what other finders have found, in order."""
    text = calm(text)
    words = [word for word in words_of(text) if not any(start < word.end and word.start < end for start, end in taken)]
    found: list[tuple[int, int]] = []
    found += announced(text, words, taken)
    found += _by_dictionary(text, words)
    found += with_initials(text)
    found += [(word.start, word.end) for word in words if introduces_itself(text, word) or has_data(text, word, taken)]
    if _is_worth_asking(words, found):
        found += _by_natasha(text, words)
    capitalised = with_capitals(text, [pair for pair in pairwise(words) if beside(text, *pair)], found)
    if capitalised != text:
        found += [
            (start, end)
            for start, end in _by_natasha(capitalised, words_of(capitalised))
            if any(SURNAME_END.search(word) for word in capitalised[start:end].lower().split()) and " " in capitalised[start:end]
        ]
    found += _mentioned_again(words, found)
    for start, end in joined(found):
        if not _is_a_title(text, start):
            yield Span("name", start, end)


def _mentioned_again(words: list[Word], found: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Surnames of the people named, where they stand alone: «хасанов... вернее, хасанов булат ринатович»."""
    surnames = {word.lower for word in words if word.last and not is_plain(word) and any(a <= word.start < b for a, b in found)}
    return ((word.start, word.end) for word in words if word.lower in surnames and len(word.text) > 3)


def _is_a_title(text: str, start: int) -> bool:
    return TITLE_BEFORE.search(text[max(0, start - 30) : start]) is not None


def _by_dictionary(text: str, words: list[Word]) -> Iterator[tuple[int, int]]:
    for first, last in _runs(text, words):
        place = first
        while place <= last:
            length = next((size for size in range(min(MOST_WORDS, last - place + 1), 0, -1) if _is_name(text, words, place, size)), 0)
            if length >= 3 and _begins_with_another(text, words, place, length):
                place += 1
            if length:
                yield words[place].start, words[place + length - 1].end
            place += length or 1


def _begins_with_another(text: str, words: list[Word], place: int, length: int) -> bool:
    """«Ветврач Гульнара Фаритовна Сабитова»: whether the name is whole without its first word, and with the next one."""
    if place + length >= len(words) or not words[place + 2].patronymic or words[place].surely_last:
        return False
    following = words[place + length]
    return (
        beside(text, words[place + length - 1], following)
        and following.last
        and not is_plain(following)
        and following.capital is words[place + 1].capital
        and _is_name(text, words, place + 1, length)
    )


def _runs(text: str, words: list[Word]) -> Iterator[tuple[int, int]]:
    start = 0
    for place in range(1, len(words) + 1):
        if place == len(words) or not beside(text, words[place - 1], words[place]):
            yield start, place - 1
            start = place


def _is_name(text: str, words: list[Word], place: int, size: int) -> bool:
    run = words[place : place + size]
    if size == 1:
        return is_name_alone(text, run[0])
    if any(word.never for word in run) or (len({word.capital for word in run}) > 1 and not any(word.lower in PARTICLES for word in run)):
        return False
    if size <= 4 and run[0].lower in ASIAN and all(word.text.istitle() and len(word.text) < 8 for word in run) and size > 1:
        return (size > 2 or len(run[0].text) > 2) and all(
            word.foreign is run[0].foreign and (word.foreign or not is_plain(word)) for word in run[1:]
        )
    if any(word.lower in ("ибн", "бин", "бен", "аль", "эль") for word in run[1:-1]):
        return all(word.capital or word.lower in PARTICLES for word in run) and run[0].capital and run[-1].capital
    if any(word.foreign for word in run):
        if any(word.patronymic and word.reading.known for word in run) and all(word.foreign and word.perhaps for word in run):
            return size <= 3
        ends = any(SURNAME_END.search(cyrillic(word.text)) for word in run)
        sure = any(word.surely_first and (word.reading.known or (ends and word.reading.given)) for word in run) and any(
            word.last or word.patronymic or word.lower in ASIAN for word in run
        )
        return (
            size <= 3
            and sure
            and all(word.foreign and (word.first or word.patronymic or word.last or word.lower in ASIAN) for word in run)
            and (run[0].capital or all(word.reading.known for word in run))
        )
    patronymics = sum(word.patronymic for word in run)
    rest = [word for word in run if not word.patronymic]
    if patronymics:
        capital = all(word.capital for word in run)
        others = [word for word in rest if word.lower not in PARTICLES]
        fits = all(
            word.perhaps
            or word.able
            or (word.reading.surname and "ADJS" in word.reading.parts)
            or (capital and (not is_plain(word) or _may_be_a_surname(text, word)))
            for word in others
        )
        return fits and bool(others) and len(others) <= (3 if any(word.lower in OGLU for word in run) else 2)
    following = words[place + size] if place + size < len(words) else None
    if size > 3 or (following is not None and following.patronymic and beside(text, run[-1], following)):
        return False
    firsts = [word for word in run if word.first]
    if not firsts and size == 2:  # «Панфилова Любовь»: sure by what stands beside
        firsts = [
            word
            for word in run
            if ("Name" in word.reading.parts or (word.capital and word.reading.given)) and not word.surely_last and len(word.text) > 2
        ]
        if not any(
            (word.surely_last or (word.capital and word.last)) and SURNAME_END.search(word.lower) for word in run if word not in firsts
        ):
            firsts = []
    if not firsts:
        return False
    capital = all(word.capital for word in run)
    if is_called_after(text, run[0]) or _is_famous(run):
        return False
    if not capital and not any(word.reading.known or SURNAME_END.search(word.lower) for word in run):
        return False  # «темку плиз»: words of nobody's dictionary
    if capital and size == 2 and run[0].surely_first and run[1].text.istitle() and _fits_a_first_name(run[1]):
        return True  # «Саша Белый»
    if capital and size == 2 and run[1].surely_first and _may_be_a_surname(text, run[0]) and _agree(*run):
        return True  # «Верхового Юрия»
    for first in firsts:
        others = [word for word in run if word is not first]
        sure = all(
            word.reading.last >= LIKELY or (word.last and (capital or first.surely_first)) or (word.surely_first and size == 3)
            for word in others
        )
        strong = first.surely_first or capital or all(word.surely_last for word in others)
        named = any(word.last for word in others)
        if sure and strong and named and (capital or all(word.surely_last or first.surely_first for word in others)):
            return True
    return False


def _fits_a_first_name(word: Word) -> bool:
    parts = word.reading.parts
    return not {"VERB", "PREP", "CONJ"} & parts and (
        bool({"ADJF", "anim", "Surn"} & parts) or word.reading.surname or not word.reading.known
    )


def _agree(left: Word, right: Word) -> bool:
    """Of «Верхового Юрия»: an adjective or a living being, in the name's case, that begins no sentence."""
    cases = {"nomn", "gent", "datv", "accs", "ablt", "loct"}
    return "ADJF" in left.reading.parts and bool(cases & left.reading.parts & right.reading.parts)


def _is_famous(run: list[Word]) -> bool:
    stems = FAMOUS_NAMES
    return len(run) == 2 and any(run[0].lower.startswith(first) and run[1].lower.startswith(last) for first, last in stems)


def _may_be_a_surname(text: str, word: Word) -> bool:
    """«Первый» of «… Первый Пётр Ильич», «Соловей»: a word beside a patronymic whose capital no sentence gave, or a living being's."""
    if not {"ADJF", "NOUN"} & word.reading.parts or word.lower in NOT_BESIDE or word.lower in PERSONS:
        return False
    begins = re.search(r"(?:^|[.!?\n])\s*$", text[max(0, word.start - 5) : word.start]) is not None
    return not begins or {"NOUN", "anim", "nomn"} <= word.reading.parts or "ADJF" in word.reading.parts


def _is_worth_asking(words: list[Word], found: list[tuple[int, int]]) -> bool:
    """Whether a word with a capital that no ordinary word has is left: natasha goes by capitals."""
    return any(
        word.capital and not word.never and not is_plain(word) and not any(start <= word.start < end for start, end in found)
        for word in words
    )


def _is_another(word: Word) -> bool:
    """A word that natasha took in for its capital only."""
    return is_plain(word) or not (word.reading.person or word.reading.given or word.reading.surname or SURNAME_END.search(word.lower))


def _by_natasha(text: str, words: list[Word]) -> Iterator[tuple[int, int]]:
    for start, end in people(text):
        inside = [word for word in words if start <= word.start and word.end <= end]
        while inside and (inside[0].never or not inside[0].capital):
            inside = inside[1:]
        while inside and (inside[-1].never or not inside[-1].capital):
            inside = inside[:-1]
        while len(inside) > 2 and _is_another(inside[0]) and any(word.first or word.patronymic for word in inside[1:]):
            inside = inside[1:]
        while len(inside) > 2 and _is_another(inside[-1]) and any(word.first or word.patronymic for word in inside[:-1]):
            inside = inside[:-1]
        if not inside or _is_famous(inside) or is_called_after(text, inside[0]):
            continue
        if len(inside) == 1:
            word = inside[0]
            if word.lower in FAMOUS or word.foreign or "Geox" in word.reading.parts or len(word.text) < 3:
                continue
            if not is_name_alone(text, word):
                continue
        elif sum(is_plain(word) for word in inside) > len(inside) / 2 or any(
            re.search(r"[^ .'’-]", text[a.end : b.start]) for a, b in pairwise(inside)
        ):
            continue
        yield inside[0].start, inside[-1].end
