"""One version of what search reads: built aside, put in place by renaming, never changed after."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from core.models import Article
from knowledge_base import lexical
from knowledge_base.embedder import Embedder, HubEmbedder, StaticEmbedder
from knowledge_base.lexical import Floats, Matrix
from knowledge_base.passages import Texts

FORMAT = 1
POINTER = "current"
MANIFEST = "manifest.json"
MODEL = "embedder"  # the static embedder's folder inside a version
_DEEPEST = 4096  # nearest texts looked at; the rest count as if they were as near as the last of them

faiss.omp_set_num_threads(1)


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
    """How near each article is to a text, shape (articles,) each, from 0 to 1; and how strange the text is to all of them.

    words: BM25 over lemmas, as a share of what the text could reach at most. grams: cosine of character n-grams. meaning: cosine of the
    nearest phrase or sentence. length: the text's words. unseen: the share of its lemmas, by rarity, that no article holds.
    """

    words: Floats
    grams: Floats
    meaning: Floats
    length: int
    unseen: float


class Index:
    """Immutable, so that any number of threads may read it. Built by ``Index.of``, or read by ``load``."""

    def __init__(self, articles: list[Stored], words: Matrix, grams: Matrix, dense: Any, owners: dict[str, NDArray[Any]]) -> None:
        self.articles = articles
        self.by_slug = {article.slug: article for article in articles}
        self.embedder: Embedder | None = None
        self._words, self._grams, self._dense = words, grams, dense
        self._passage_starts, self._text_owners = owners["passage_starts"], owners["text_owners"]

    @classmethod
    def of(cls, articles: list[Article], texts: list[Texts], embedder: Embedder) -> "Index":
        passages = [passage for text in texts for passage in text.passages]
        starts = np.cumsum([0] + [len(text.passages) for text in texts[:-1]])
        short = [part for text in texts for part in (*text.phrases, *text.sentences)]
        owners = np.repeat(np.arange(len(texts)), [len(text.phrases) + len(text.sentences) for text in texts])
        dense = faiss.IndexFlatIP(embedder.dimensions)
        for at in range(0, len(short), 1024):
            dense.add(embedder.encode(short[at : at + 1024]))
        stored = [Stored(article.slug, article.title, article.section, article.text) for article in articles]
        index = cls(stored, lexical.bm25(passages), lexical.tfidf(passages), dense, {"passage_starts": starts, "text_owners": owners})
        index.embedder = embedder
        return index

    def match(self, text: str) -> Match:
        """A text without a word matches nothing."""
        nothing = np.zeros(len(self.articles), dtype=np.float32)
        lemmas = dict.fromkeys(lexical.lemmas(text), 1.0)
        whole = sum(map(self._words.idf_of, lemmas))
        if whole <= 0:
            return Match(nothing, nothing, nothing, length=0, unseen=1.0)
        return Match(
            words=self._best_passage(self._words.sums(lemmas)) / (whole * (lexical.K1 + 1)),
            grams=self._best_passage(self._grams.sums(lexical.gram_terms(self._grams, text))),
            meaning=self._nearest(text),
            length=len(lexical.tokens(text)),
            unseen=sum(self._words.unseen_idf for lemma in lemmas if lemma not in self._words.vocabulary) / whole,
        )

    def save(self, folder: Path) -> None:
        records = [asdict(article) for article in self.articles]
        (folder / "articles.json").write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
        self._words.save(folder / "words")
        self._grams.save(folder / "grams")
        faiss.write_index(self._dense, str(folder / "dense.faiss"))
        with (folder / "owners.npz").open("wb") as file:
            np.savez(file, passage_starts=self._passage_starts, text_owners=self._text_owners)

    @classmethod
    def read(cls, folder: Path, embedder: Embedder) -> "Index":
        records = json.loads((folder / "articles.json").read_text(encoding="utf-8"))
        owners = dict(np.load(folder / "owners.npz"))
        dense = faiss.read_index(str(folder / "dense.faiss"))
        index = cls([Stored(**record) for record in records], Matrix.load(folder / "words"), Matrix.load(folder / "grams"), dense, owners)
        index.embedder = embedder
        return index

    def _best_passage(self, scores: Floats) -> Floats:
        return np.asarray(np.maximum.reduceat(scores, self._passage_starts), dtype=np.float32)

    def _nearest(self, text: str) -> Floats:
        assert self.embedder is not None  # noqa: S101 - both constructors set it
        vector = self.embedder.encode([text])
        if not vector.any():
            return np.zeros(len(self.articles), dtype=np.float32)
        scores, rows = self._dense.search(vector, min(_DEEPEST, self._dense.ntotal))
        nearest = np.full(len(self.articles), scores[0, -1], dtype=np.float32)
        np.maximum.at(nearest, self._text_owners[rows[0]], scores[0])
        return np.clip(nearest, 0.0, 1.0)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a version's folder, once every file it lists is there in full. Raises IndexRefused."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        written, files = manifest["format"], dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError):
        raise IndexRefused(f"index {folder.name} is half-written: it has no readable {MANIFEST}") from None
    if written != FORMAT:
        raise IndexRefused(f"index {folder.name} has format {written}, this program reads {FORMAT}: build it again")
    for name, size in files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            raise IndexRefused(f"index {folder.name} is half-written: {name} is missing or short")
    return manifest


def current_version(directory: Path) -> str:
    """What the pointer names. Raises IndexRefused when there is none."""
    try:
        version = (directory / POINTER).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise IndexRefused(f"there is no index in {directory}: run python -m knowledge_base build") from None
    if not version.isalnum():
        raise IndexRefused(f"the pointer {directory / POINTER} names no version")
    return version


def load(directory: Path, embedder_model: str = "") -> Index:
    """The version the pointer names. ``embedder_model`` is the setting of that name. Raises IndexRefused."""
    folder = directory / current_version(directory)
    manifest = read_manifest(folder)
    made_with = str(manifest["embedder_model"])
    if made_with != embedder_model:
        made, wanted = made_with or "static", embedder_model or "static"
        raise IndexRefused(f"index {folder.name} was made with embedder {made!r}, the setting says {wanted!r}: build it again")
    try:
        embedder: Embedder = HubEmbedder(embedder_model) if embedder_model else StaticEmbedder(folder / MODEL)
        if embedder.name != manifest["embedder"]:
            raise IndexRefused(f"index {folder.name} was made with another {embedder_model or 'static embedder'}: build it again")
        return Index.read(folder, embedder)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise IndexRefused(f"index {folder.name} cannot be read: {' '.join(str(error).split())}") from error
