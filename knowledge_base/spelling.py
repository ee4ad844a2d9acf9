"""A speller over the index's own words: what is near in letters or in sound to a word that nobody knows.

Candidates share a deletion with the word (symmetric deletion, as in SymSpell), of its letters or of how it sounds; they are then
compared by optimal string alignment.
"""

import re
import zlib
from array import array
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from knowledge_base.words import is_in_dictionary

SHORTEST = 4  # letters: too many words are near to a shorter one
_LETTERS = re.compile(r"[а-я]+")
_LIKE_SOUND = 0.6  # the cost of a word that sounds the same, in edits
_SLIP = 0.85  # that of a letter left out, doubled or swapped with the next; another letter costs 1
_OTHER_START = 0.4  # people get the first letter right
_OWN_WORD = 0.5  # how much nearer a word of the articles is than another word of the language
_RARE = 0.3  # how much farther the rarest word is than the commonest
_LONG_ENOUGH = 6  # letters: from here a word of the dictionary may be a slip too («преходит» for «приходит»)

# Vowels that are not heard apart without stress, consonants that are not before others or at the end, signs that are not heard at all.
_CLOSED = "(?=[бвгджзкпстфхцчшщ]|$)"
_SOUNDS = [(re.compile(pattern), sound) for pattern, sound in (
    ("ть?ся", "ца"), ("стн", "сн"), ("здн", "зн"), ("[сз]ч", "щ"), ("тч", "ч"), ("дц|тц|тс", "ц"), ("(?<=[ое])г(?=о$)", "в"),
    ("[ьъ]", ""), ("о", "а"), ("[еэыя]", "и"), ("и[ий]+", "и"), ("й", "и"), ("ю", "у"), (f"б{_CLOSED}", "п"), (f"в{_CLOSED}", "ф"),
    (f"г{_CLOSED}", "к"), (f"д{_CLOSED}", "т"), (f"ж{_CLOSED}", "ш"), (f"з{_CLOSED}", "с"), (r"(.)\1+", r"\1"),
)]  # fmt: skip


def sound(word: str) -> str:
    """A key that is the same for spellings that sound alike."""
    for pattern, heard in _SOUNDS:
        word = pattern.sub(heard, word)
    return word


class Speller:
    """``words``: every form that may be meant, those of the articles first; ``own``: how many these are. ``fresh``: forms that are right
    but that no slip leads to yet."""

    def __init__(self, words: list[str], own: int, keys: NDArray[np.uint32], rows: NDArray[np.uint32], fresh: Iterable[str] = ()) -> None:
        self.words, self.own, self.fresh = words, own, frozenset(fresh)
        self._rows_of = {word: row for row, word in enumerate(words)}
        self.keys, self.rows = keys, rows

    @classmethod
    def of(cls, own: Iterable[str], common: Iterable[str]) -> "Speller":
        """own: forms of the articles' words. common: other words of the language, which keep a word from being taken for one of them.

        Of both the most frequent come first.
        """
        first = list(dict.fromkeys(word for word in own if not word.isdigit()))
        others = dict.fromkeys(word for word in common if not word.isdigit())
        taken = set(first)
        words = first + [word for word in others if word not in taken]
        # Other words keep their letters only: that they sound alike is no reason to take a word for one of them.
        found = array("I")
        ends = [0]
        for row, word in enumerate(words):
            if len(word) >= SHORTEST - 1:
                found.extend(set(_keys(word) if row < len(first) else _letter_keys("", word)))
            ends.append(len(found))
        keys = np.array(found, dtype=np.uint32)
        order = np.argsort(keys, kind="stable")
        return cls(words, len(first), keys[order], np.repeat(np.arange(len(words), dtype=np.uint32), np.diff(ends))[order])

    def knows(self, word: str) -> bool:
        return word in self._rows_of or word in self.fresh

    def is_own(self, word: str) -> bool:
        """Whether it is a form of a word of the articles."""
        return self._rows_of.get(word, self.own) < self.own or word in self.fresh

    def correct(self, word: str) -> str | None:
        """The word that is probably meant; None where ``word`` needs no correction or has none."""
        if len(word) < SHORTEST or not _LETTERS.fullmatch(word) or self.knows(word):
            return None
        if is_in_dictionary(word):
            return self._sounding_like(word) if len(word) >= _LONG_ENOUGH else None
        most = 1.0 if len(word) < 6 else 1.4 if len(word) < 8 else 2.0
        heard = sound(word)
        best, least = None, most + _OTHER_START
        for row in self._near(word):
            candidate = self.words[row]
            edits = OSA.distance(word, candidate, score_cutoff=2)
            cost = float(edits)
            if edits == 1 and (len(candidate) != len(word) or sorted(candidate) == sorted(word)):
                cost = _SLIP
            rarity = _RARE * row / len(self.words) - (_OWN_WORD if row < self.own else 0)
            if min(cost, _LIKE_SOUND) + rarity >= least:
                continue  # however it sounds
            apart = OSA.distance(heard, sound(candidate), score_cutoff=1) if edits <= 3 else 2
            cost = min(cost, _LIKE_SOUND + apart)
            if cost > most:
                continue
            cost += _OTHER_START if candidate[0] != word[0] and apart else 0
            cost += rarity
            if cost < least:
                best, least = candidate, cost
        return best

    def _sounding_like(self, word: str) -> str | None:
        heard = sound(word)
        near = (self.words[row] for row in self._near(word) if row < self.own)
        return next((other for other in near if sound(other) == heard and OSA.distance(word, other, score_cutoff=1) <= 1), None)

    def _near(self, word: str) -> list[int]:
        keys = np.array(sorted(set(_keys(word))), dtype=np.uint32)
        starts, ends = np.searchsorted(self.keys, keys, "left"), np.searchsorted(self.keys, keys, "right")
        return sorted({int(row) for start, end in zip(starts, ends, strict=True) for row in self.rows[start:end]})


def _keys(word: str) -> Iterator[int]:
    yield from _letter_keys("", word)
    yield from _letter_keys("~", sound(word))


def _letter_keys(mark: str, writing: str) -> Iterator[int]:
    marked = mark + writing
    yield zlib.crc32(marked.encode())
    for at in range(len(mark), len(marked)):
        yield zlib.crc32((marked[:at] + marked[at + 1 :]).encode())
