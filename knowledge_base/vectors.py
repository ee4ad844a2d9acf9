"""The vectors of an index: passages in FAISS, for finding candidates; parts beside them, for looking closer at these."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from knowledge_base.embedder import Embedder, unit
from knowledge_base.lexical import Floats, Ints

STATIC_WEIGHT = 0.5  # of the static vector beside the sentence vector: what ranks candidates, and later the fused score
_FEW = 500  # passages that are kept unpacked too, 3 KB each
_FLAT = 10_000  # passages: of more, an inverted file looks at the nearest cells only
_CELLS_LOOKED_AT = 24
_BATCH = 2048
_LANES = 16  # FAISS reads dimensions by so many at once, if their number is a multiple; else one by one
_MOST_TRAINED_ON = 60_000
_IN_CACHE = 128  # parts that are unpacked at a time: all at once would pass through memory

# Each search is one thread's: matrices so small are multiplied faster by one than by several that wait for each other.
faiss.omp_set_num_threads(1)  # of the thread that imports this, which builds; ``nearest`` sets its own
threadpool_limits(1, "blas")


@dataclass(frozen=True)
class Meaning:
    """A text's vectors. sentence, static: shape (dimensions,) each."""

    sentence: Floats
    static: Floats


class PassageVectors:
    """Sentence and static vector of each passage, side by side."""

    def __init__(self, index: Any, sentence_dimensions: int) -> None:
        self._index, self._split = index, sentence_dimensions
        if isinstance(index, faiss.IndexIVF):
            index.nprobe = _CELLS_LOOKED_AT
            index.make_direct_map()
        self._unpacked = index.reconstruct_n(0, index.ntotal) if index.ntotal <= _FEW else None

    @classmethod
    def of(cls, sentence: Floats, static: Floats) -> "PassageVectors":
        joined = _side_by_side(sentence, STATIC_WEIGHT * static)
        number, dimensions = joined.shape
        if number <= _FLAT:
            index: Any = faiss.index_factory(dimensions, "SQfp16", faiss.METRIC_INNER_PRODUCT)
        else:
            cells = int(4 * np.sqrt(number))
            index = faiss.index_factory(dimensions, f"IVF{cells},SQfp16", faiss.METRIC_INNER_PRODUCT)
        index.train(joined[np.linspace(0, number - 1, min(number, _MOST_TRAINED_ON)).astype(int)])
        index.add(joined)
        return cls(index, sentence.shape[1])

    def fits(self, sentence: int, static: int) -> bool:
        """Whether it holds vectors of embedders of so many dimensions."""
        return self._split == sentence and int(self._index.d) == _padded(sentence + static)

    def nearest(self, meaning: Meaning, number: int) -> tuple[Ints, Floats]:
        """The passages whose two cosines, weighted, sum up highest, and these sums."""
        asked = _side_by_side(meaning.sentence[None, :], meaning.static[None, :])
        faiss.omp_set_num_threads(1)  # OpenMP has a number for each calling thread: its helpers would only wait, and busily
        sums, rows = self._index.search(asked, min(number, self._index.ntotal))
        found = rows[0] >= 0
        return rows[0][found].astype(np.intp), sums[0][found]

    def cosines(self, meaning: Meaning, passages: Ints) -> tuple[Floats, Floats]:
        """With the sentence vector and with the static one, shape (len(passages),) each."""
        unpacked = self._unpacked
        stored = self._index.reconstruct_batch(passages.astype(np.int64)) if unpacked is None else unpacked[passages]
        sentence = stored[:, : self._split] @ meaning.sentence
        static = stored[:, self._split : self._split + len(meaning.static)] @ meaning.static
        return sentence, static / np.float32(STATIC_WEIGHT)

    def sentence_vectors(self) -> NDArray[np.float16]:
        """All of them, shape (passages, dimensions)."""
        stored = self._index.reconstruct_batch(np.arange(self._index.ntotal))
        return np.asarray(stored[:, : self._split], dtype=np.float16)

    def save(self, path: Path) -> None:
        faiss.write_index(self._index, str(path))

    @classmethod
    def load(cls, path: Path, sentence_dimensions: int) -> "PassageVectors":
        return cls(faiss.read_index(str(path)), sentence_dimensions)


def _padded(dimensions: int) -> int:
    return -(-dimensions // _LANES) * _LANES


def _side_by_side(sentence: Floats, static: Floats) -> Floats:
    """Rows of both, filled up with zeros."""
    split, dimensions = sentence.shape[1], sentence.shape[1] + static.shape[1]
    joined = np.zeros((len(sentence), _padded(dimensions)), dtype=np.float32)
    joined[:, :split] = sentence
    joined[:, split:dimensions] = static
    return joined


class Parts:
    """The sentence vector of each part, a byte a dimension: a cosine is off by less than .01."""

    def __init__(self, keys: NDArray[np.uint64], rows: NDArray[np.int8], scales: Floats) -> None:
        self.keys, self.rows, self.scales = keys, rows, scales

    @classmethod
    def of(cls, texts: list[str], vectors: NDArray[np.float16]) -> "Parts":
        scales = np.maximum(np.abs(vectors).max(axis=1), 1e-6).astype(np.float32) / 127
        rows = np.empty(vectors.shape, dtype=np.int8)
        for start in range(0, len(rows), _BATCH):
            span = slice(start, start + _BATCH)
            rows[span] = np.rint(vectors[span] / scales[span, None])
        return cls(text_keys(texts), rows, scales)

    def cosines(self, vector: Floats, parts: Ints) -> Floats:
        """Of the given parts, shape (len(parts),)."""
        cosines = np.empty(len(parts), dtype=np.float32)
        for start in range(0, len(parts), _IN_CACHE):
            span = slice(start, start + _IN_CACHE)
            np.dot(self.rows.take(parts[span], axis=0).astype(np.float32), vector, out=cosines[span])
        return cosines * self.scales[parts]

    def vectors(self) -> NDArray[np.float16]:
        return np.asarray(self.rows * self.scales[:, None], dtype=np.float16)


class KeptVectors:
    """Sentence vectors by the text that they are of, half precision: what did not change is not encoded again."""

    def __init__(self, keys: NDArray[np.uint64], vectors: NDArray[np.float16]) -> None:
        self.keys, self.vectors = keys, vectors

    def encode(self, texts: list[str], embedder: Embedder) -> NDArray[np.float16]:
        """Shape (texts, dimensions): those known looked up, the rest encoded."""
        vectors = np.empty((len(texts), embedder.dimensions), dtype=np.float16)
        rows = [self._row_of.get(text_key(text)) for text in texts]
        new = [at for at, row in enumerate(rows) if row is None]
        known = [(at, row) for at, row in enumerate(rows) if row is not None]
        if known:
            vectors[[at for at, _ in known]] = self.vectors[[row for _, row in known]]
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            vectors[batch] = embedder.encode([texts[at] for at in batch])
        return vectors

    @cached_property
    def _row_of(self) -> dict[int, int]:
        return {int(key): row for row, key in enumerate(self.keys)}

    @classmethod
    def nothing(cls, dimensions: int) -> "KeptVectors":
        return cls(np.zeros(0, np.uint64), np.zeros((0, dimensions), np.float16))


def text_keys(texts: list[str]) -> NDArray[np.uint64]:
    return np.array([text_key(text) for text in texts], dtype=np.uint64)


def text_key(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def turned(vectors: NDArray[np.float16], matrix: Floats) -> NDArray[np.float16]:
    """Rows times ``matrix``, of unit length again."""
    return np.asarray(unit(vectors.astype(np.float32) @ matrix), dtype=np.float16)
