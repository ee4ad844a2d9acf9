"""The shipped articles and one index of them for the whole session: making it loads torch and takes half a minute."""

import fcntl
from pathlib import Path

import pytest

from core.models import Article
from core.settings import ROOT
from knowledge_base.articles import read_folder
from knowledge_base.building import build


@pytest.fixture(scope="session")
def shipped_articles() -> list[Article]:
    return read_folder(ROOT / "knowledge_base" / "articles")


@pytest.fixture(scope="session")
def shipped_index(shipped_articles: list[Article], tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The index folder; who changes it takes a copy. Where tests share the processors, the first worker makes it for all."""
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent  # the session's; a worker's own folder is in it
    directory, made = shared / "shipped-index", shared / "shipped-index.made"
    with (shared / "shipped-index.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            build(shipped_articles, directory)
            made.touch()
    return directory
