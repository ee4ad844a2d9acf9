"""What search reads: words, n-grams and vectors of the articles, and how near each is to a question."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from knowledge_base.embedder import Embedder, StaticEmbedder
from knowledge_base.lexical import Bm25, Floats, GramTfIdf, Ints, spans
from knowledge_base.passages import Texts
from knowledge_base.query import Query, Reader
from knowledge_base.synonyms import Synonyms
from knowledge_base.vectors import STATIC_WEIGHT, Meaning, Parts, PassageVectors
from knowledge_base.words import lemmas

# Of more articles, only those of the likeliest passages are looked at closely: by words and vectors, of the first by one or the other.
_LOOK_AT_ALL = 120
_FIRST, _LIKELIEST = 200, 60
_MANY, _BLOCK = 20_000, 64  # passages: of so many each block is looked at by its highest score first
_OUTSIDERS = 5  # the nearest texts that no article answers, averaged

# How much each of a match's channels counts in the score. Fixed weights beat learned and rank-based fusion; chosen on sets of four domains
# together (docs/search.md).
WEIGHTS = {"words": 1.2, "grams": 1.0, "whole": 1.0, "part": 0.8, "static": STATIC_WEIGHT}


class IndexRefused(Exception):
    """The index on disk cannot serve: absent, half-written, of another format or made with another embedder."""


@dataclass(frozen=True)
class Stored:
    """An article as it was when the index was built."""

    slug: str
    title: str
    section: str
    text: str


@dataclass(frozen=True)
class Match:
    """How near some articles are to a question, shape (len(articles),) each, from 0 to 1; and how strange it is to all of them.

    articles: their positions; those left out are farther. words: BM25 over lemmas and synonyms, as a share of what the question could
    reach at most. grams: cosine of character n-grams. whole: cosine with the passage. part: with the nearest phrase or sentence. static:
    with the passage, by the static embedder. length: the question's words. unseen: the share of its lemmas, by rarity, that no article
    holds. outside: its mean cosine with the nearest texts that no article answers.
    """

    articles: Ints
    words: Floats
    grams: Floats
    whole: Floats
    part: Floats
    static: Floats
    length: int
    unseen: float
    outside: float


_NOTHING = np.zeros(0, dtype=np.float32)
_NO_MATCH = Match(_NOTHING.astype(np.intp), _NOTHING, _NOTHING, _NOTHING, _NOTHING, _NOTHING, length=0, unseen=1.0, outside=1.0)


@dataclass(frozen=True)
class Layout:
    """Where each article's passages and parts lie, in the order of the articles: article n has the rows from bound n to bound n + 1."""

    passages: Ints
    parts: Ints

    @classmethod
    def of(cls, texts: list[Texts]) -> "Layout":
        return cls(_bounds(len(text.stretches) for text in texts), _bounds(len(text.parts) for text in texts))


@dataclass(frozen=True)
class Index:
    """Never changed, so that any number of threads may read it. Made by building.py, read by versions.py."""

    articles: list[Stored]
    layout: Layout
    words: Bm25
    grams: GramTfIdf
    passages: PassageVectors
    parts: Parts
    outsiders: Floats
    reader: Reader
    synonyms: Synonyms
    sentence: Embedder
    static: StaticEmbedder

    @cached_property
    def by_slug(self) -> dict[str, Stored]:
        return {article.slug: article for article in self.articles}

    def read(self, text: str) -> Query:
        return self.reader.read(text)

    def match(self, query: Query) -> Match:
        return self.match_all([query])[0]

    def match_all(self, queries: list[Query]) -> list[Match]:
        """A match for each query, encoded together. A query without a word matches nothing."""
        worded = [query for query in queries if query.words]
        matches = iter(self._match_worded(worded) if worded else [])
        return [next(matches) if query.words else _NO_MATCH for query in queries]

    def _match_worded(self, queries: list[Query]) -> list[Match]:
        plain = [" ".join(self.synonyms.in_plain_words(query.words, query.lemmas)) for query in queries]
        sentence = self.sentence.encode(plain)
        static = self.static.encode([query.text for query in queries])
        return [self._match(*one) for one in zip(queries, plain, map(Meaning, sentence, static), strict=True)]

    def _match(self, query: Query, plain: str, meaning: Meaning) -> Match:
        by_words = self.words.scores(query.lemmas + self.synonyms.terms(query.lemmas))
        articles = self._likely(by_words, meaning)
        passages, passage_starts = spans(self.layout.passages, articles)
        parts, part_starts = spans(self.layout.parts, articles)
        whole, static = self.passages.cosines(meaning, passages)
        outside = self.outsiders @ meaning.sentence
        outside = outside[_highest(outside, _OUTSIDERS)]
        return Match(
            articles=articles,
            words=_best(by_words[passages], passage_starts),
            grams=_best(self.grams.scores(f"{query.text} {plain}", passages), passage_starts),
            whole=_best(whole, passage_starts),
            part=_best(self.parts.cosines(meaning.sentence, parts), part_starts),
            static=_best(static, passage_starts),
            length=len(query.words),
            unseen=self.words.unseen(query.lemmas),
            outside=float(outside.mean()) if len(outside) else 0.0,
        )

    def _likely(self, by_words: Floats, meaning: Meaning) -> Ints:
        if len(self.articles) <= _LOOK_AT_ALL:
            return np.arange(len(self.articles))
        near, nearness = self.passages.nearest(meaning, _FIRST)
        is_near = np.zeros(len(by_words), dtype=bool)
        is_near[near] = True
        worded = _highest(by_words, _FIRST)
        passages = np.concatenate([near, worded[~is_near[worded]]])
        likeness = np.float32(WEIGHTS["words"]) * by_words[passages]
        likeness[: len(near)] += nearness
        likeness[len(near) :] += nearness.min(initial=0.0)  # at most, of those not found near
        likeliest = passages[_highest(likeness, _LIKELIEST)]
        is_likely = np.zeros(len(self.articles), dtype=bool)
        is_likely[np.searchsorted(self.layout.passages, likeliest, side="right") - 1] = True
        return np.flatnonzero(is_likely)


def lexical_terms(passage: str, synonyms: Synonyms) -> list[str]:
    found = lemmas(passage)
    return found + synonyms.terms(found)


def _bounds(lengths: Iterable[int]) -> Ints:
    return np.cumsum([0, *lengths]).astype(np.intp)


def _best(scores: Floats, starts: Ints) -> Floats:
    best = np.maximum.reduceat(scores, starts)
    return np.minimum(np.maximum(best, np.float32(0)), np.float32(1))


def _highest(scores: Floats, number: int) -> Ints:
    """The positions of the highest scores, in no order."""
    if number >= len(scores):
        return np.arange(len(scores))
    if len(scores) < _MANY or len(scores) < number * _BLOCK:
        return np.argpartition(scores, -number)[-number:]
    whole = len(scores) // _BLOCK * _BLOCK  # ``number`` blocks hold one that high each: nothing lower is wanted
    blocks = scores[:whole].reshape(-1, _BLOCK).max(axis=1)
    least = np.partition(blocks, -number)[-number]
    high = np.flatnonzero(scores > least)
    if len(high) < number:  # the others are equal, often nearly all: no word of the question stands in them
        return np.concatenate([high, np.flatnonzero(scores == least)[: number - len(high)]])
    return high[np.argpartition(scores[high], -number)[-number:]]
