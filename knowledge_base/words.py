"""Russian words: normal writing, tokens, lemmas, character n-grams."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pymorphy3

GRAMS = (3, 4, 5)
TOKEN = re.compile(r"[а-яa-z0-9]+")
LONGEST_WORD = 40  # of what someone leaning on the keyboard typed, no more is looked at


def normalise(text: str) -> str:
    """Lower case, compatibility forms folded, «ё» as «е»."""
    return unicodedata.normalize("NFKC", text).lower().replace("ё", "е")


def tokens(text: str) -> list[str]:
    """Words and numbers, normalised; hyphens separate."""
    return [word[:LONGEST_WORD] for word in TOKEN.findall(normalise(text))]


def lemmas(text: str) -> list[str]:
    return [lemma(word) for word in tokens(text)]


@lru_cache(maxsize=1)
def morphology() -> pymorphy3.MorphAnalyzer:
    return pymorphy3.MorphAnalyzer(lang="ru")


@lru_cache(maxsize=100_000)
def lemma(word: str) -> str:
    """The likeliest dictionary form of a normalised word."""
    return normalise(_likeliest(word).normal_form)


@lru_cache(maxsize=2_000)
def lexeme(word: str) -> tuple[str, ...]:
    """Every form of a normalised word's likeliest lexeme, normalised."""
    return tuple(normalise(form.word) for form in _likeliest(word).lexeme)


@lru_cache(maxsize=2_000)
def _likeliest(word: str) -> Any:
    return morphology().parse(word)[0]


def forms(word: str) -> Iterator[str]:
    """A normalised word, its lemma, then every form of its lexeme; lazily, for most words are found at once."""
    yield word
    yield lemma(word)
    yield from lexeme(word)


@lru_cache(maxsize=100_000)
def is_in_dictionary(word: str) -> bool:
    return bool(morphology().word_is_known(word))


def grams(text: str) -> list[str]:
    """Character n-grams inside word borders: they see through endings, typos and word formation."""
    found: list[str] = []
    for word in tokens(text):
        found += word_grams(word)
    return found


def word_grams(word: str) -> list[str]:
    """Of one normalised word."""
    bordered = f" {word} "
    return [bordered[at : at + size] for size in GRAMS for at in range(len(bordered) - size + 1)]
