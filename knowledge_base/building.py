"""The one builder: a version is written in a temporary sibling, renamed into place, and only then pointed at."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.models import Article
from knowledge_base import index, tuning
from knowledge_base.embedder import STATIC, Embedder, HubEmbedder, StaticEmbedder
from knowledge_base.index import FORMAT, MANIFEST, MODEL, POINTER, Index, IndexRefused
from knowledge_base.passages import Texts, cut

KEPT = 2  # old versions, for readers that are slow to notice
_SOURCES = ("lexical.py", "passages.py", "embedder.py", "index.py", "tuning.py")

Progress = Callable[[str], None]


def build(
    articles: list[Article],
    directory: Path,
    embedder_model: str = "",
    *,
    tuned: bool = True,
    retune: bool = True,
    progress: Progress = lambda _: None,
) -> Path:
    """Builds ``directory/<version>/`` and points at it; what exists already is only pointed at. Returns the version's folder.

    tuned: whether the static embedder learns from the articles. retune: false after an edit, when the present embedder is kept and
    nothing imports torch. Waits for another builder. Raises IndexRefused without articles.
    """
    if not articles:
        raise IndexRefused("there are no articles to build an index of")
    articles = sorted(articles, key=lambda article: article.slug)
    texts = [cut(article) for article in articles]
    directory.mkdir(parents=True, exist_ok=True)
    with _only_builder(directory, progress):
        for leftover in directory.glob(".building-*"):
            shutil.rmtree(leftover)
        present = None if retune or embedder_model else _present_model(directory)
        hub = HubEmbedder(embedder_model) if embedder_model else None
        if hub is not None:
            name = hub.name
        elif present is not None:
            name = StaticEmbedder(present).name
        else:
            name = f"{STATIC}-{tuning.fingerprint(texts, tuned)}"
        version = _version(articles, name)
        folder = directory / version
        if _is_whole(folder):
            progress(f"Index {version} exists already: nothing to build.")
            os.utime(folder)
        else:
            work = directory / f".building-{version}"
            work.mkdir()
            embedder = hub or _static(texts, present, work / MODEL, tuned, progress)
            progress(f"Indexing {len(articles)} articles …")
            Index.of(articles, texts, embedder).save(work)
            _seal(work, version, embedder.name, embedder_model, digest(articles))
            if folder.exists():  # half-written by some accident
                shutil.rmtree(folder)
            work.rename(folder)
            _sync(directory)
            progress(f"Index {version} is ready.")
        _point(directory, version)
        _remove_old(directory, version)
    return folder


def _static(texts: list[Texts], present: Path | None, folder: Path, tuned: bool, progress: Progress) -> Embedder:
    if present is not None:
        progress("Keeping the present embedder …")
        shutil.copytree(present, folder)
    else:
        progress(f"Making the embedder{' and tuning it on the articles' if tuned else ''} (about 15 seconds) …")
        tuning.make(texts, folder, tuned)
    return StaticEmbedder(folder)


def _present_model(directory: Path) -> Path | None:
    try:
        folder = directory / index.current_version(directory)
        index.read_manifest(folder)
    except IndexRefused:
        return None
    return folder / MODEL if (folder / MODEL).is_dir() else None


def made_of(directory: Path) -> str | None:
    """The ``digest`` of the articles that the present index was made of; None where there is no whole one."""
    try:
        return str(index.read_manifest(directory / index.current_version(directory)).get("articles"))
    except IndexRefused:
        return None


def digest(articles: list[Article]) -> str:
    """Of all in the articles that an index holds; their order does not count."""
    found = hashlib.sha256()
    for article in sorted(articles, key=lambda article: article.slug):
        found.update(repr((article.slug, article.title, article.section, list(article.aliases), article.text)).encode())
    return found.hexdigest()


def _version(articles: list[Article], embedder: str) -> str:
    """Follows from the articles, this code and the embedder: the same of all three is the same index."""
    found = hashlib.sha256(f"{FORMAT} {embedder} {digest(articles)}".encode())
    for name in _SOURCES:
        found.update((Path(__file__).parent / name).read_bytes())
    return found.hexdigest()[:16]


def _is_whole(folder: Path) -> bool:
    try:
        index.read_manifest(folder)
    except IndexRefused:
        return False
    return True


def _seal(work: Path, version: str, embedder: str, embedder_model: str, articles: str) -> None:
    """Syncs every file and writes the manifest, which makes the folder whole, last."""
    files = {str(path.relative_to(work)): path.stat().st_size for path in sorted(work.rglob("*")) if path.is_file()}
    manifest = {
        "format": FORMAT,
        "version": version,
        "embedder": embedder,
        "embedder_model": embedder_model,
        "articles": articles,
        "files": files,
    }
    for name in files:
        _sync(work / name)
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
