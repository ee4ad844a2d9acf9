"""Puts an index together from articles and encoders; in memory only."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.models import Article
from knowledge_base.embedder import Embedder, StaticEmbedder
from knowledge_base.index import Index, Layout, Stored, lexical_terms
from knowledge_base.lexical import Bm25, Floats, GramTfIdf
from knowledge_base.passages import Texts
from knowledge_base.query import Reader
from knowledge_base.spelling import Speller
from knowledge_base.synonyms import Synonyms
from knowledge_base.vectors import KeptVectors, Parts, PassageVectors
from knowledge_base.words import is_in_dictionary, lemma, lexeme, tokens

_STRANGE_ENOUGH = 0.4  # a text that no article answers is no example of these if it is nearer than this to some passage


@dataclass(frozen=True)
class Encoders:
    sentence: Embedder
    static: StaticEmbedder


def assemble(
    articles: list[Article],
    texts: list[Texts],
    encoders: Encoders,
    kept: KeptVectors,
    synonyms: Synonyms,
    speller: Speller,
    strangers: list[str],
) -> Index:
    """kept: vectors of ``encoders.sentence`` that need no encoding again. strangers: texts that no article answers."""
    lexical = [passage for text in texts for passage in text.lexical_passages]
    parts = [part for text in texts for part in text.parts]
    passages = kept.encode(readable(texts), encoders.sentence)
    return Index(
        articles=[Stored(article.slug, article.title, article.section, article.text) for article in articles],
        layout=Layout.of(texts),
        words=Bm25.of(lexical_terms(passage, synonyms) for passage in lexical),
        grams=GramTfIdf.of(lexical),
        passages=PassageVectors.of(passages.astype(np.float32), encoders.static.encode(lexical)),
        parts=Parts.of(parts, kept.encode(parts, encoders.sentence)),
        outsiders=_strange_to(passages, kept.encode(strangers, encoders.sentence)),
        reader=Reader(speller, synonyms),
        synonyms=synonyms,
        sentence=encoders.sentence,
        static=encoders.static,
    )


def readable(texts: list[Texts]) -> list[str]:
    """All passages as an encoder reads them."""
    return [passage for text in texts for passage in text.readable_passages]


def spell(texts: list[Texts], common: list[str]) -> Speller:
    """A speller that knows every form of the articles' words. common: the language's words, by frequency.

    Aliases are written as people write, slips and all: a strange word that only they hold counts if nothing else may be meant by it.
    """
    written = Counter(word for text in texts for part in (*text.phrases[:1], *text.stretches) for word in tokens(part))
    aliases = Counter(word for text in texts for phrase in text.phrases[1:] for word in tokens(phrase))
    strange = {word for word in aliases if word not in written and not is_in_dictionary(word)}
    written.update({word: number for word, number in aliases.items() if word not in strange})
    right = Speller.of(_forms(written), [])
    written.update({word: aliases[word] for word in strange if right.correct(word) is None})
    return Speller.of(_forms(written), common)


def spell_on(speller: Speller, texts: list[Texts]) -> Speller:
    """After an edit: the same speller, which takes no new word for a slip. Slips of new words are mended once it is made anew."""
    words = {word for text in texts for part in (*text.phrases, *text.stretches) for word in tokens(part)}
    new = {word for word in words if not speller.knows(word) and (is_in_dictionary(word) or speller.correct(word) is None)}
    return Speller(speller.words, speller.own, speller.keys, speller.rows, speller.fresh.union(*map(lexeme, new)))


def _forms(seen: Counter[str]) -> list[str]:
    """The words and all forms of their lexemes, the most frequent words first."""
    every = dict.fromkeys(seen)
    for stem in {lemma(word): None for word in seen}:
        every.update(dict.fromkeys(lexeme(stem)))
    return sorted(every, key=lambda word: (-seen[word], word))


def _strange_to(passages: NDArray[np.float16], examples: NDArray[np.float16]) -> Floats:
    nearest = np.zeros(len(examples), dtype=np.float32)
    wanted = examples.astype(np.float32)
    for at in range(0, len(passages), 4096):
        np.maximum(nearest, (wanted @ passages[at : at + 4096].astype(np.float32).T).max(axis=1), out=nearest)
    return wanted[nearest < _STRANGE_ENOUGH]
