"""One index for the whole session: building it loads torch."""

from pathlib import Path

import pytest

from core.models import Article
from core.settings import ROOT
from knowledge_base.articles import read_folder
from knowledge_base.building import build
from knowledge_base.search import Search


@pytest.fixture(scope="session")
def articles() -> list[Article]:
    return read_folder(ROOT / "knowledge_base" / "articles")


@pytest.fixture(scope="session")
def index_dir(articles: list[Article], tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("index")
    build(articles, directory)
    return directory


@pytest.fixture(scope="session")
def search(index_dir: Path) -> Search:
    return Search(index_dir)
