"""The two indexes made of words: BM25 over lemmas, and TF-IDF over character n-grams.

They are read with numpy alone; only making them imports scipy.
"""

import json
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from knowledge_base.arrays import map_arrays, save_arrays
from knowledge_base.words import grams, tokens, word_grams

if TYPE_CHECKING:
    import scipy.sparse as sparse

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

K1, B = 1.2, 0.5  # BM25: measured, the surface is flat around them
# Of many passages, what stands in a good part of them tells little and costs most of the time.
_MANY, _COMMON = 20_000, 0.2
_FEW = 500  # passages whose n-grams may stand twice in memory, some 10 KB more for each
_TERMS = "terms.json"
_KNOWN_WORDS = 20_000


class Terms:
    """Terms in order of appearance, each with its IDF."""

    def __init__(self, names: list[str], idf: Floats, unseen_idf: float) -> None:
        self.names, self.idf, self.unseen_idf = names, idf, unseen_idf
        self._rows = {name: row for row, name in enumerate(names)}

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def row(self, name: str) -> int | None:
        return self._rows.get(name)

    def idf_of(self, name: str) -> float:
        row = self._rows.get(name)
        return self.unseen_idf if row is None else float(self.idf[row])


@dataclass(frozen=True)
class Rows:
    """A sparse matrix: row n holds ``values`` at ``columns``, both from bound n to bound n + 1."""

    bounds: NDArray[np.int64]
    columns: NDArray[np.integer]
    values: NDArray[np.floating]
    width: int

    @classmethod
    def of(cls, matrix: "sparse.csr_matrix", values: type[np.floating] = np.float32) -> "Rows":
        """values: in what precision they are kept."""
        width = int(matrix.shape[1])
        return cls(matrix.indptr.astype(np.int64), matrix.indices.astype(np.min_scalar_type(width)), matrix.data.astype(values), width)

    def times(self, vector: Floats, rows: Ints) -> Floats:
        """The products of some rows with a vector of shape (width,) that is mostly zeros; shape (len(rows),)."""
        begins, ends = self.bounds[rows], self.bounds[rows + 1]
        lengths = ends - begins
        if not lengths.any():
            return np.zeros(len(rows), dtype=np.float32)
        # Slices, since to pick so many single entries takes thrice as long; values of those only that count.
        columns = np.concatenate([self.columns[start:end] for start, end in zip(begins.tolist(), ends.tolist(), strict=True)])
        met = np.flatnonzero((vector != 0).take(columns))
        starts = np.cumsum(lengths) - lengths
        firsts = np.searchsorted(met, starts)
        numbers = np.diff(firsts, append=len(met))
        products = self.values[met + np.repeat(begins - starts, numbers)].astype(np.float32)
        products *= vector[columns[met]]
        # A row that meets nothing at the end begins at the one that is added.
        sums = np.add.reduceat(np.append(products, np.float32(0)), firsts)
        return np.where(numbers > 0, sums, 0).astype(np.float32)

    def sum_of(self, rows: NDArray[np.integer], weights: Floats) -> Floats:
        """The sum of some rows times their weights, shape (width,)."""
        entries, _ = spans(self.bounds, rows)
        products = self.values[entries] * np.repeat(weights, self.bounds[rows + 1] - self.bounds[rows])
        return np.bincount(self.columns[entries], products, self.width).astype(np.float32)

    def transposed(self) -> "Rows":
        """What stands in each column, in single precision."""
        order = np.argsort(self.columns, kind="stable")
        height = len(self.bounds) - 1
        rows = np.repeat(np.arange(height, dtype=np.min_scalar_type(height)), np.diff(self.bounds))
        bounds = np.concatenate([[0], np.cumsum(np.bincount(self.columns, minlength=self.width))])
        return Rows(bounds, rows[order], self.values[order].astype(np.float32), height)


class Bm25:
    """Terms × passages; each weight is a whole BM25 contribution (Robertson and Zaragoza 2009), so a query's score is their sum."""

    def __init__(self, terms: Terms, weights: Rows) -> None:
        self.terms, self._weights = terms, weights

    @classmethod
    def of(cls, passages: Iterable[list[str]]) -> "Bm25":
        """passages: the terms of each."""
        counts, names = count(passages)
        texts = counts.shape[0]
        frequency = np.bincount(counts.indices, minlength=len(names))
        idf = np.log1p((texts - frequency + 0.5) / (frequency + 0.5)).astype(np.float32)
        lengths = np.asarray(counts.sum(axis=1)).ravel()
        norms = K1 * (1 - B + B * lengths / max(float(lengths.mean()), 1.0))
        entries = counts.tocoo()
        entries.data = idf[entries.col] * entries.data * (K1 + 1) / (entries.data + norms[entries.row])
        terms = Terms(names, idf, float(np.log1p((texts + 0.5) / 0.5)))
        return cls(terms, Rows.of(entries.T.tocsr()))

    def scores(self, terms: Iterable[str]) -> Floats:
        """For each passage its BM25 as a share of what the terms could reach at most; shape (passages,), from 0 to 1."""
        width = self._weights.width
        scores = np.zeros(width, dtype=np.float32)
        asked = list(dict.fromkeys(terms))
        rows = np.array([row for row in map(self.terms.row, asked) if row is not None], dtype=np.intp)
        for start, end in zip(self._weights.bounds[rows].tolist(), self._weights.bounds[rows + 1].tolist(), strict=True):
            if width < _MANY or end - start < _COMMON * width:
                scores[self._weights.columns[start:end]] += self._weights.values[start:end]  # a passage stands once in a row
        most = sum(map(self.terms.idf_of, asked)) * (K1 + 1)
        if most:
            scores /= np.float32(most)
        return scores

    def unseen(self, terms: Iterable[str]) -> float:
        """The share of the terms, by rarity, that no passage holds."""
        asked = list(dict.fromkeys(terms))
        whole = sum(map(self.terms.idf_of, asked))
        return sum(self.terms.unseen_idf for term in asked if term not in self.terms) / whole if whole else 1.0

    def save(self, folder: Path) -> None:
        _save(folder, self.terms, self._weights)

    @classmethod
    def load(cls, folder: Path) -> "Bm25":
        return cls(*_load(folder))


class GramTfIdf:
    """Passages × n-grams, each row of unit length: the score is the cosine.

    Of many passages it is read row by row, for candidates only; of few by the n-grams asked for, which are fewer than a candidate's own.
    """

    def __init__(self, terms: Terms, weights: Rows) -> None:
        self.terms, self._weights = terms, weights
        self._by_gram = weights.transposed() if len(weights.bounds) <= _FEW else None
        self._rows_of = lru_cache(maxsize=_KNOWN_WORDS)(self._look_up)

    @classmethod
    def of(cls, passages: Iterable[str]) -> "GramTfIdf":
        import scipy.sparse as sparse

        words_of, words = count(map(tokens, passages))
        grams_of, names = count(map(grams, words))
        counts = (words_of @ grams_of).tocsr()
        texts = counts.shape[0]
        frequency = np.bincount(counts.indices, minlength=len(names))
        idf = (np.log((1 + texts) / (1 + frequency)) + 1).astype(np.float32)
        counts.data = ((1 + np.log(counts.data)) * idf[counts.indices]).astype(np.float32)
        lengths = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
        scale = sparse.diags(1 / np.maximum(lengths, 1e-9), dtype=np.float32)
        return cls(Terms(names, idf, float(np.log(1 + texts) + 1)), Rows.of((scale @ counts).tocsr(), np.float16))

    def scores(self, text: str, passages: Ints) -> Floats:
        """Cosines of the given passages, shape (len(passages),). The text's length counts only what some passage holds."""
        known = list(map(self._rows_of, tokens(text)))
        if not any(map(len, known)):
            return np.zeros(len(passages), dtype=np.float32)
        rows, numbers = np.unique(np.concatenate(known), return_counts=True)
        weights = (1 + np.log(numbers)) * self.terms.idf[rows]
        weights /= np.linalg.norm(weights)
        if self._by_gram:
            return self._by_gram.sum_of(rows, weights)[passages]
        asked = np.zeros(self._weights.width, dtype=np.float32)
        asked[rows] = weights
        return self._weights.times(asked, passages)

    def _look_up(self, word: str) -> NDArray[np.int32]:
        rows = map(self.terms.row, word_grams(word))
        return np.array([row for row in rows if row is not None], dtype=np.int32)

    def save(self, folder: Path) -> None:
        _save(folder, self.terms, self._weights)

    @classmethod
    def load(cls, folder: Path) -> "GramTfIdf":
        return cls(*_load(folder))


def spans(bounds: NDArray[np.int64], rows: NDArray[np.integer]) -> tuple[Ints, Ints]:
    """All positions of the given rows, one row after the other, and where each row begins among them."""
    lengths = bounds[rows + 1] - bounds[rows]
    starts = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) + np.repeat(bounds[rows] - starts, lengths), starts


def count(texts: Iterable[list[str]]) -> "tuple[sparse.csr_matrix, list[str]]":
    """How often each term stands in each text, shape (texts, terms), and the terms in order of appearance: reproducible."""
    import scipy.sparse as sparse

    numbers: dict[str, int] = {}
    columns = array("i")
    ends = [0]
    for text in texts:
        columns.extend([numbers.setdefault(term, len(numbers)) for term in text])
        ends.append(len(columns))
    ones = np.ones(len(columns), dtype=np.float32)
    counts = sparse.csr_matrix(
        (ones, np.frombuffer(columns, dtype=np.int32), np.array(ends, dtype=np.int64)), shape=(len(ends) - 1, len(numbers))
    )
    counts.sum_duplicates()
    return counts, list(numbers)


def _save(folder: Path, terms: Terms, weights: Rows) -> None:
    save_arrays(folder, bounds=weights.bounds, columns=weights.columns, values=weights.values, idf=terms.idf)
    rest = {"width": weights.width, "unseen_idf": terms.unseen_idf, "names": terms.names}
    (folder / _TERMS).write_text(json.dumps(rest, ensure_ascii=False), encoding="utf-8")


def _load(folder: Path) -> tuple[Terms, Rows]:
    arrays = map_arrays(folder)
    rest = json.loads((folder / _TERMS).read_text(encoding="utf-8"))
    weights = Rows(arrays["bounds"], arrays["columns"], arrays["values"], rest["width"])
    return Terms(rest["names"], arrays["idf"], rest["unseen_idf"]), weights
