"""The one builder: a version is written in a temporary sibling, renamed into place, and only then pointed at."""

import fcntl
import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.models import Article
from knowledge_base import tuning, versions
from knowledge_base.arrays import map_arrays
from knowledge_base.assembly import Encoders, assemble, readable, spell, spell_on
from knowledge_base.calibrating import calibrate
from knowledge_base.calibration import Calibration
from knowledge_base.embedder import AdaptedEmbedder, Embedder, StaticEmbedder, embedder_name, sentence_embedder
from knowledge_base.index import Index, IndexRefused
from knowledge_base.lexical import Floats
from knowledge_base.outsiders import outsiders
from knowledge_base.passages import Texts, cut, without_sentences
from knowledge_base.spelling import Speller
from knowledge_base.synonyms import FILE as SYNONYMS
from knowledge_base.synonyms import Synonyms, read_synonyms
from knowledge_base.vectors import KeptVectors, text_keys, turned
from knowledge_base.versions import CALIBRATION, FORMAT, MANIFEST, MATRIX, MODEL, POINTER
from knowledge_base.words import lemma

_MOST_PARTS = 300_000  # of more, titles, aliases and passages only
_MOST_LEARNT_FROM = 5_000  # articles, drawn by lot: what the sentence embedder is turned by
KEPT = 2  # old versions, for readers that are slow to notice
# What an index follows from, beside articles, synonyms and embedder.
_SOURCES = (
    "arrays.py", "assembly.py", "calibrating.py", "calibration.py", "embedder.py", "index.py", "keyboard.py", "lexical.py",
    "packaged_encoder.py", "passages.py", "query.py", "spelling.py", "synonyms.py", "vectors.py", "versions.py", "words.py",
    "out_of_scope.txt",
)  # fmt: skip

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Learnt:
    """What a version's embedders know, and the vectors that they made."""

    matrix: Floats
    kept: KeptVectors
    speller: Speller
    calibration: Calibration | None = None


def build(
    articles: list[Article],
    directory: Path,
    embedder_model: str = "",
    *,
    tuned: bool = True,
    retune: bool = True,
    synonyms_file: Path = SYNONYMS,
    progress: Progress = lambda _: None,
) -> Path:
    """Builds ``directory/<version>/`` and points at it; what exists already is only pointed at. Returns the version's folder.

    tuned: whether the embedders learn from the articles. retune: false after an edit, when the present ones and their calibration are kept
    and nothing imports torch. Waits for another builder. Raises IndexRefused without articles, SynonymsError.
    """
    if not articles:
        raise IndexRefused("there are no articles to build an index of")
    articles = sorted(articles, key=lambda article: article.slug)
    texts = [cut(article) for article in articles]
    synonyms = read_synonyms(synonyms_file)
    directory.mkdir(parents=True, exist_ok=True)
    with _only_builder(directory, progress):
        for leftover in directory.glob(".building-*"):
            shutil.rmtree(leftover)
        present = None if retune else _present(directory, embedder_model)
        learnt_from = _learnt_from(present, texts, tuned)
        version = _version(articles, synonyms, embedder_model, learnt_from)
        folder = directory / version
        if _is_whole(folder):
            progress(f"Index {version} exists already: nothing to build.")
            os.utime(folder)
        else:
            work = directory / f".building-{version}"
            work.mkdir()
            index = _write(articles, texts, synonyms, embedder_model, tuned, present, work, progress)
            described: dict[str, object] = {
                "version": version,
                "program": _program(),
                "embedder_model": embedder_model,
                "inner": embedder_name(embedder_model),
                "embedders": [index.sentence.name, index.static.name],
                "learnt_from": learnt_from,
                "articles": digest(articles),
            }
            _seal(work, described)
            if folder.exists():  # half-written by some accident
                shutil.rmtree(folder)
            work.rename(folder)
            _sync(directory)
            progress(f"Index {version} is ready.")
        _point(directory, version)
        _remove_old(directory, version)
    return folder


def _write(
    articles: list[Article], texts: list[Texts], synonyms: Synonyms, embedder_model: str, tuned: bool, present: Path | None, work: Path,
    progress: Progress,
) -> Index:  # fmt: skip
    if present is None:
        progress(f"Making the static embedder{' and tuning it on the articles' if tuned else ''} (about 10 seconds) …")
        tuning.make(texts, work / MODEL, tuned)
    else:
        shutil.copytree(present / MODEL, work / MODEL)
    if sum(len(text.parts) for text in texts) > _MOST_PARTS:
        texts = without_sentences(texts)
    inner = sentence_embedder(embedder_model)
    progress(f"Reading {len(articles)} articles …")
    learnt = _learn(texts, inner, tuned) if present is None else _keep(present, inner, texts)
    encoders = Encoders(AdaptedEmbedder(inner, learnt.matrix), StaticEmbedder(work / MODEL))
    index = assemble(articles, texts, encoders, learnt.kept, synonyms, learnt.speller, outsiders())
    calibration = learnt.calibration or calibrate(articles, texts, encoders, learnt.kept, synonyms, learnt.speller, progress)
    calibration.save(work / CALIBRATION)
    versions.save(index, text_keys(readable(texts)), learnt.matrix, work)
    return index


def _learn(texts: list[Texts], inner: Embedder, tuned: bool) -> Learnt:
    """Encodes everything, and turns it towards what the articles tell apart."""
    passages, parts = readable(texts), [part for text in texts for part in text.parts]
    everything = list(dict.fromkeys([*parts, *passages, *outsiders()]))
    vectors = KeptVectors.nothing(inner.dimensions).encode(everything, inner)
    matrix = np.eye(inner.dimensions, dtype=np.float32)
    if tuned:
        row_of = {text: row for row, text in enumerate(everything)}
        learnt_from = random.Random(tuning.SEED).sample(texts, min(len(texts), _MOST_LEARNT_FROM))  # noqa: S311 - a shuffle, not a secret
        of_parts = [vectors[[row_of[part] for part in text.parts]].astype(np.float32) for text in learnt_from]
        of_wholes = [vectors[[row_of[passage] for passage in text.readable_passages]].astype(np.float32) for text in learnt_from]
        matrix = tuning.turn(of_parts, of_wholes)
    return Learnt(matrix, KeptVectors(text_keys(everything), turned(vectors, matrix)), spell(texts, tuning.common_words()))


def _keep(present: Path, inner: Embedder, texts: list[Texts]) -> Learnt:
    """What the present version learnt, with the vectors of texts that it holds already."""
    index = versions.read(present, inner)
    keys = np.concatenate([index.parts.keys, map_arrays(present / versions.ARRAYS)["passage_keys"]])
    vectors = np.concatenate([index.parts.vectors(), index.passages.sentence_vectors()])
    kept, calibration = KeptVectors(keys, vectors), Calibration.read(present / CALIBRATION)
    return Learnt(np.load(present / MATRIX), kept, spell_on(index.reader.speller, texts), calibration)


def warm_up(embedder_model: str = "") -> None:
    """Loads what every build needs, for a builder that waits."""
    sentence_embedder(embedder_model).encode(["готово"])
    lemma("готово")


def made_of(directory: Path) -> str | None:
    """The ``digest`` of the articles that the present index was made of; None where there is no whole one."""
    try:
        return str(versions.read_manifest(directory / versions.current_version(directory)).get("articles"))
    except IndexRefused:
        return None


def digest(articles: list[Article]) -> str:
    """Of all in the articles that an index holds; their order does not count."""
    found = hashlib.sha256()
    for article in sorted(articles, key=lambda article: article.slug):
        found.update(repr((article.slug, article.title, article.section, list(article.aliases), article.text)).encode())
    return found.hexdigest()


def _present(directory: Path, embedder_model: str) -> Path | None:
    """The current version's folder, if what it learnt can be kept: this program made it, with the embedder that is wanted now."""
    try:
        folder = directory / versions.current_version(directory)
        manifest = versions.read_manifest(folder)
    except IndexRefused:
        return None
    wanted = (embedder_model, embedder_name(embedder_model), _program())
    return folder if tuple(map(manifest.get, ("embedder_model", "inner", "program"))) == wanted else None


def _program() -> str:
    """A digest of the code and data that an index follows from, beside articles and synonyms."""
    found = hashlib.sha256()
    for name in _SOURCES:
        found.update((Path(__file__).parent / name).read_bytes())
    return found.hexdigest()[:16]


def _version(articles: list[Article], synonyms: Synonyms, embedder_model: str, learnt_from: str) -> str:
    """Follows from the articles, the synonyms, this code, the embedder and what it learnt from."""
    made_of = (FORMAT, _program(), embedder_name(embedder_model), learnt_from, digest(articles), synonyms.groups)
    return hashlib.sha256(repr(made_of).encode()).hexdigest()[:16]


def _learnt_from(present: Path | None, texts: list[Texts], tuned: bool) -> str:
    return tuning.fingerprint(texts, tuned) if present is None else str(versions.read_manifest(present)["learnt_from"])


def _is_whole(folder: Path) -> bool:
    try:
        versions.read_manifest(folder)
    except IndexRefused:
        return False
    return True


def _seal(work: Path, described: dict[str, object]) -> None:
    """Syncs every file and writes the manifest, which makes the folder whole, last."""
    files = {str(path.relative_to(work)): path.stat().st_size for path in sorted(work.rglob("*")) if path.is_file()}
    for name in files:
        _sync(work / name)
    manifest = {"format": FORMAT, **described, "files": files}
    (work / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
    _sync(work / MANIFEST)
    for folder in (*(path for path in work.rglob("*") if path.is_dir()), work):
        _sync(folder)


def _point(directory: Path, version: str) -> None:
    pointer = directory / POINTER
    if pointer.is_file() and pointer.read_text(encoding="ascii").strip() == version:
        return
    fresh = directory / f".{POINTER}"
    fresh.write_text(version, encoding="ascii")
    _sync(fresh)
    fresh.replace(pointer)
    _sync(directory)


def _remove_old(directory: Path, version: str) -> None:
    old = [folder for folder in directory.iterdir() if folder.is_dir() and (folder / MANIFEST).is_file() and folder.name != version]
    for folder in sorted(old, key=lambda folder: folder.stat().st_mtime_ns)[:-KEPT]:
        shutil.rmtree(folder)


@contextmanager
def _only_builder(directory: Path, progress: Progress) -> Iterator[None]:
    with (directory / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("Another builder is at work: waiting for it …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
