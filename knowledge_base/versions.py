"""Versions of the index on disk: each a folder that is written aside, put in place by renaming, and never changed after."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge_base.arrays import map_arrays, save_arrays
from knowledge_base.calibration import Calibration
from knowledge_base.embedder import AdaptedEmbedder, Embedder, StaticEmbedder, sentence_embedder
from knowledge_base.index import Index, IndexRefused, Layout, Stored
from knowledge_base.lexical import Bm25, Floats, GramTfIdf
from knowledge_base.query import Reader
from knowledge_base.spelling import Speller
from knowledge_base.synonyms import Synonyms
from knowledge_base.vectors import Parts, PassageVectors

FORMAT = 3
POINTER = "current"
MANIFEST = "manifest.json"
MODEL = "embedder"  # the static embedder's folder inside a version
MATRIX = "turn.npy"
CALIBRATION = "calibration.json"
ARRAYS = "arrays"


def save(index: Index, passage_keys: NDArray[np.uint64], matrix: Floats, folder: Path) -> None:
    """Writes all but the static embedder's folder, which is there already, the calibration and the manifest."""
    _write(folder / "articles.json", [asdict(article) for article in index.articles])
    index.words.save(folder / "words")
    index.grams.save(folder / "grams")
    index.passages.save(folder / "passages.faiss")
    np.save(folder / MATRIX, matrix)
    _write(folder / "synonyms.json", index.synonyms.groups)
    speller = index.reader.speller
    _write(folder / "speller.json", {"own": speller.own, "words": speller.words, "fresh": sorted(speller.fresh)})
    save_arrays(
        folder / ARRAYS,
        passage_bounds=index.layout.passages,
        part_bounds=index.layout.parts,
        passage_keys=passage_keys,
        part_keys=index.parts.keys,
        part_rows=index.parts.rows,
        part_scales=index.parts.scales,
        outsiders=index.outsiders,
        speller_keys=speller.keys,
        speller_rows=speller.rows,
    )


def load(directory: Path, embedder_model: str = "") -> tuple[Index, Calibration]:
    """The version that the pointer names. ``embedder_model`` is the setting of that name. Raises IndexRefused."""
    folder = directory / current_version(directory)
    manifest = read_manifest(folder)
    made_with = str(manifest["embedder_model"])
    if made_with != embedder_model:
        made, wanted = made_with or "packaged", embedder_model or "packaged"
        raise IndexRefused(f"index {folder.name} was made with embedder {made!r}, the setting says {wanted!r}: build it again")
    embedder = sentence_embedder(embedder_model)
    try:
        index = read(folder, embedder)
        index.match(index.read("готово"))  # what does not fit together fails here, not when a citizen asks
        if manifest["embedders"] != [index.sentence.name, index.static.name]:
            raise IndexRefused(f"index {folder.name} was made with another {embedder_model or 'packaged'} embedder: build it again")
        return index, Calibration.read(folder / CALIBRATION)
    except IndexRefused:
        raise
    except Exception as error:  # whatever is wrong with it, the last good one goes on serving
        raise IndexRefused(f"index {folder.name} cannot be read: {type(error).__name__} {' '.join(str(error).split())}") from error


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


def read(folder: Path, inner: Embedder) -> Index:
    """One version's folder over the sentence embedder that it was made with, before it was turned."""
    sentence = AdaptedEmbedder(inner, np.load(folder / MATRIX))
    synonyms = Synonyms(_load(folder / "synonyms.json"))
    spelling = _load(folder / "speller.json")
    arrays = map_arrays(folder / ARRAYS)
    speller = Speller(spelling["words"], spelling["own"], arrays["speller_keys"], arrays["speller_rows"], spelling["fresh"])
    index = Index(
        articles=[Stored(**record) for record in _load(folder / "articles.json")],
        layout=Layout(arrays["passage_bounds"], arrays["part_bounds"]),
        words=Bm25.load(folder / "words"),
        grams=GramTfIdf.load(folder / "grams"),
        passages=PassageVectors.load(folder / "passages.faiss", sentence.dimensions),
        parts=Parts(arrays["part_keys"], arrays["part_rows"], arrays["part_scales"]),
        outsiders=arrays["outsiders"],
        reader=Reader(speller, synonyms),
        synonyms=synonyms,
        sentence=sentence,
        static=StaticEmbedder(folder / MODEL),
    )
    if not index.passages.fits(index.sentence.dimensions, index.static.dimensions):
        raise IndexRefused(f"index {folder.name} holds vectors of other dimensions than its embedders make: build it again")
    return index


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def _load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
