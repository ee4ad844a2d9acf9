"""The shipped articles and one index of them for the whole session: making it loads torch and takes half a minute."""

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
def shipped_index(shipped_articles: list[Article], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index folder; who changes it takes a copy."""
    directory = tmp_path_factory.mktemp("shipped-index")
    build(shipped_articles, directory)
    return directory
