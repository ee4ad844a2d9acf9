"""What the classifier sees of a text. Nothing of Rasa is in here, so that benchmarks/understanding.py can try it elsewhere."""

import re
from collections import Counter
from functools import cached_property, lru_cache
from typing import Any, Iterable, List, Tuple

import numpy as np
import pymorphy3
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from nlu.components.reading import Reader

Floats = NDArray[Any]
Row = Tuple[Floats, Floats]  # columns that are not zero, and their values
_WORD = r"(?u)\b\w+\b|[?!]"  # a question's mark tells it from an act


class Features:
    """Texts to rows: TF-IDF of lemmas and pairs of lemmas, TF-IDF of runs of letters, each of length one."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=_WORD, sublinear_tf=True, dtype=np.float32)
        self.letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, dtype=np.float32)

    def fit(self, texts: Iterable[str]) -> "Features":
        read = [self.reader.read(text) for text in texts]
        self.words.fit(map(lemmatised, read))
        self.letters.fit(read)
        return self

    def transform(self, texts: List[str]) -> Tuple[csr_matrix, csr_matrix]:
        read = [self.reader.read(text) for text in texts]
        return self.words.transform(map(lemmatised, read)), self.letters.transform(read)

    def rows(self, text: str) -> Tuple[Row, Row]:
        """What ``transform`` gives for one text, without scikit-learn's checks and sparse matrices, which cost more than the counting."""
        words, letters = self._counting
        read = self.reader.read(text)
        return words.row(lemmatised(read)), letters.row(read)

    @cached_property
    def _counting(self) -> Tuple["Counting", "Counting"]:
        return Counting(self.words), Counting(self.letters)


class Counting:
    """A fitted vectorizer's work on one text."""

    def __init__(self, vectorizer: TfidfVectorizer) -> None:
        self._analyze = vectorizer.build_analyzer()
        self._columns = vectorizer.vocabulary_
        self._idf = vectorizer.idf_

    def row(self, text: str) -> Row:
        counts = Counter(gram for gram in self._analyze(text) if gram in self._columns)
        columns = np.fromiter((self._columns[gram] for gram in counts), dtype=np.intp, count=len(counts))
        values = (1 + np.log(np.fromiter(counts.values(), dtype=np.float32, count=len(counts)))) * self._idf[columns]
        return columns, values / (np.sqrt(values @ values) or 1)


def lemmatised(text: str) -> str:
    """Its words in their likeliest dictionary forms."""
    return " ".join(lemma(word) for word in re.findall(_WORD, text))


@lru_cache(maxsize=20_000)
def lemma(word: str) -> str:
    return str(_morphology().parse(word)[0].normal_form).replace("ё", "е")


@lru_cache(maxsize=1)
def _morphology() -> pymorphy3.MorphAnalyzer:
    return pymorphy3.MorphAnalyzer(lang="ru")
