"""Russian words and the two indexes made of them: BM25 over lemmas, TF-IDF over character n-grams."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pymorphy3
import scipy.sparse as sparse
from numpy.typing import NDArray

Floats = NDArray[np.float32]

K1, B = 1.2, 0.5  # BM25: measured, the surface is flat around them
GRAMS = (3, 4, 5)
_WORD = re.compile(r"[а-яa-z0-9]+")
_LONGEST_WORD = 40  # of what someone leaning on the keyboard typed, no more is looked at


def normalise(text: str) -> str:
    return text.lower().replace("ё", "е")


def tokens(text: str) -> list[str]:
    """Words and numbers, normalised; hyphens separate."""
    return [word[:_LONGEST_WORD] for word in _WORD.findall(normalise(text))]


def lemmas(text: str) -> list[str]:
    return [lemma(word) for word in tokens(text)]


@lru_cache(maxsize=1)
def morphology() -> pymorphy3.MorphAnalyzer:
    return pymorphy3.MorphAnalyzer(lang="ru")


@lru_cache(maxsize=100_000)
def lemma(word: str) -> str:
    """The likeliest dictionary form of a normalised word."""
    return normalise(morphology().parse(word)[0].normal_form)


def grams(text: str) -> list[str]:
    """Character n-grams inside word borders: they see through endings, typos and word formation."""
    found: list[str] = []
    for word in tokens(text):
        bordered = f" {word} "
        found += [bordered[at : at + size] for size in GRAMS for at in range(len(bordered) - size + 1)]
    return found


class Matrix:
    """Terms × texts, sparse, with an IDF for each term: what both indexes are stored as."""

    def __init__(self, vocabulary: dict[str, int], idf: Floats, unseen_idf: float, weights: sparse.csr_matrix) -> None:
        self.vocabulary, self.idf, self.unseen_idf, self.weights = vocabulary, idf, unseen_idf, weights

    @property
    def texts(self) -> int:
        return int(self.weights.shape[1])

    def sums(self, terms: dict[str, float]) -> Floats:
        """For each text the sum of weight × factor over the given terms, shape (texts,)."""
        known = [(self.vocabulary[term], factor) for term, factor in terms.items() if term in self.vocabulary]
        if not known:
            return np.zeros(self.texts, dtype=np.float32)
        rows, factors = zip(*known, strict=True)
        picked = self.weights[list(rows)]
        return np.asarray(picked.T @ np.array(factors, dtype=np.float32), dtype=np.float32)

    def idf_of(self, term: str) -> float:
        row = self.vocabulary.get(term)
        return self.unseen_idf if row is None else float(self.idf[row])

    def save(self, path: Path) -> None:
        """Writes ``path``.npz and ``path``.json."""
        with path.with_suffix(".npz").open("wb") as file:
            csr = self.weights
            np.savez(file, data=csr.data, indices=csr.indices, indptr=csr.indptr, shape=csr.shape, idf=self.idf, unseen=self.unseen_idf)
        path.with_suffix(".json").write_text(json.dumps(list(self.vocabulary), ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Matrix":
        stored = np.load(path.with_suffix(".npz"))
        weights = sparse.csr_matrix((stored["data"], stored["indices"], stored["indptr"]), shape=tuple(stored["shape"]))
        vocabulary = {term: row for row, term in enumerate(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))}
        return cls(vocabulary, stored["idf"], float(stored["unseen"]), weights)


def bm25(texts: list[str]) -> Matrix:
    """Weights are whole BM25 contributions: a query's score is their sum."""
    counts, vocabulary, frequency = _count(texts, lemmas)
    idf = np.log1p((len(texts) - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)
    unseen = float(np.log1p((len(texts) + 0.5) / 0.5))
    lengths = np.asarray(counts.sum(axis=0)).ravel()
    norms = K1 * (1 - B + B * lengths / max(float(lengths.mean()), 1.0))
    entries = counts.tocoo()
    values = idf[entries.row] * entries.data * (K1 + 1) / (entries.data + norms[entries.col])
    return Matrix(vocabulary, idf, unseen, sparse.csr_matrix((values.astype(np.float32), (entries.row, entries.col)), shape=counts.shape))


def tfidf(texts: list[str]) -> Matrix:
    """Weights are L2-normalised per text: a normalised query's score is the cosine."""
    counts, vocabulary, frequency = _count(texts, grams)
    idf = (np.log((1 + len(texts)) / (1 + frequency)) + 1).astype(np.float32)
    entries = counts.tocoo()
    values = (1 + np.log(entries.data)) * idf[entries.row]
    norms = np.sqrt(np.bincount(entries.col, values**2, minlength=len(texts)))
    values = values / np.maximum(norms[entries.col], 1e-9)
    unseen = float(np.log(1 + len(texts)) + 1)
    return Matrix(vocabulary, idf, unseen, sparse.csr_matrix((values.astype(np.float32), (entries.row, entries.col)), shape=counts.shape))


def gram_terms(matrix: Matrix, text: str) -> dict[str, float]:
    """A query's factors for a ``tfidf`` matrix; of unit length over the grams that the matrix knows."""
    factors = {gram: (1 + np.log(n)) * matrix.idf_of(gram) for gram, n in Counter(grams(text)).items() if gram in matrix.vocabulary}
    length = np.sqrt(sum(factor**2 for factor in factors.values()))
    return {gram: factor / length for gram, factor in factors.items()}


def _count(texts: Iterable[str], terms: Callable[[str], list[str]]) -> tuple[sparse.csr_matrix, dict[str, int], Floats]:
    """Counts (terms × texts), vocabulary and document frequency. Terms are numbered in order of appearance: reproducible."""
    vocabulary: dict[str, int] = {}
    rows, columns, values = [], [], []
    column = -1
    for column, text in enumerate(texts):
        for term, count in Counter(terms(text)).items():
            rows.append(vocabulary.setdefault(term, len(vocabulary)))
            columns.append(column)
            values.append(float(count))
    counts = sparse.csr_matrix((values, (rows, columns)), shape=(len(vocabulary), column + 1), dtype=np.float32)
    frequency = np.diff(counts.indptr).astype(np.float32)
    return counts, vocabulary, frequency
