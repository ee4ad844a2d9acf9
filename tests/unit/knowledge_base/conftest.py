"""The shipped articles, their index, and a search in it."""

from pathlib import Path

import pytest

from core.models import Article
from knowledge_base.search import Search


@pytest.fixture(scope="session")
def articles(shipped_articles: list[Article]) -> list[Article]:
    return shipped_articles


@pytest.fixture(scope="session")
def index_dir(shipped_index: Path) -> Path:
    return shipped_index


@pytest.fixture(scope="session")
def search(index_dir: Path) -> Search:
    return Search(index_dir)
