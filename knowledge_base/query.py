"""What a citizen typed, made readable: alphabet, spelling, spacing and slang repaired before anything is searched for."""

from dataclasses import dataclass
from functools import lru_cache

from knowledge_base.keyboard import in_russian
from knowledge_base.spelling import SHORTEST, Speller
from knowledge_base.synonyms import Synonyms
from knowledge_base.words import LONGEST_WORD, TOKEN, is_in_dictionary, lemma, normalise, tokens

LONGEST = 4000  # characters: a message's limit; of a longer text the rest is not looked at
_NOT = "не"
_SMALL_WORDS = frozenset("в во до за из изо к ко на над не ни о об от по под при про с со у без для".split())  # noqa: SIM905 - readable
_SHORTEST_PART = 3
_KNOWN_WORDS = 20_000


@dataclass(frozen=True)
class Query:
    """text: as it was meant, for people and encoders. words, lemmas: of it. changes: what was written and what it was taken for."""

    text: str
    words: list[str]
    lemmas: list[str]
    changes: tuple[tuple[str, str], ...] = ()


class Reader:
    def __init__(self, speller: Speller, synonyms: Synonyms) -> None:
        self.speller, self._synonyms = speller, synonyms
        self._right = lru_cache(maxsize=_KNOWN_WORDS)(self._repair)

    def read(self, text: str) -> Query:
        """Never raises, whatever the text."""
        written = normalise(text[:LONGEST])[:LONGEST].encode("utf-8", "replace").decode()  # half a surrogate pair is no text
        meant = in_russian(written, self._is_meant)
        changes = [] if meant == written else [(written, meant)]
        pieces: list[str] = []
        at = 0
        for found in TOKEN.finditer(meant):
            word = found[0]
            gap = meant[at : found.start()]
            joined = pieces[-1] + word if pieces and gap.isspace() else ""
            if joined and self._belong_together(pieces[-1], word, joined):
                changes.append((f"{pieces[-1]} {word}", joined))
                pieces[-1] = joined
            else:
                right = self._right(word)
                if right != word:
                    changes.append((word, right))
                pieces += [gap, right]
            at = found.end()
        repaired = "".join([*pieces, meant[at:]])
        words = tokens(repaired)
        return Query(repaired.strip(), words, [lemma(word) for word in words], tuple(changes))

    def _repair(self, word: str) -> str:
        if len(word) > LONGEST_WORD:
            return word
        if not self._is_strange(word):
            return self.speller.correct(word) or word  # of the dictionary, and yet perhaps a slip
        if word.startswith(_NOT) and self._is_known(word[len(_NOT) :]) and len(word) >= SHORTEST + len(_NOT):
            rest = word[len(_NOT) :]
            return f"{_NOT} {self.speller.correct(rest) or rest}"
        return self.speller.correct(word) or self._split(word) or word

    def _split(self, word: str) -> str | None:
        for at in range(1, len(word) - _SHORTEST_PART + 1):
            first, second = word[:at], word[at:]
            if (first in _SMALL_WORDS or (at >= _SHORTEST_PART and self.speller.is_own(first))) and self.speller.is_own(second):
                return f"{first} {second}"
        return None

    def _belong_together(self, first: str, second: str, joined: str) -> bool:
        own = self.speller.is_own
        return own(joined) and first not in _SMALL_WORDS and not (own(first) and own(second))

    def _is_strange(self, word: str) -> bool:
        return len(word) >= SHORTEST and not self._is_known(word)

    def _is_known(self, word: str) -> bool:
        return self.speller.knows(word) or word in self._synonyms.words or is_in_dictionary(word)

    def _is_meant(self, word: str) -> bool:
        """Whether a word makes sense as it is; in the other alphabet it may have a slip too."""
        if len(word) > LONGEST_WORD or (len(word) == 1 and word.isascii()):
            return False
        return self._is_known(word) or (len(word) >= SHORTEST and self._right(word) != word)
