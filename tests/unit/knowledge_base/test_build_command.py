"""`python -m knowledge_base build` on standby."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from core.database import open_database
from core.models import Article
from core.settings import PREFIX, ROOT
from knowledge_base import articles
from knowledge_base.__main__ import desk_articles
from knowledge_base.index import IndexRefused
from tests.conftest import MakeSettings


def test_a_builder_on_standby_ends_with_who_started_it(tmp_path: Path) -> None:
    environment = {**os.environ, f"{PREFIX}DATA_DIR": str(tmp_path / "data")}
    command = [sys.executable, "-m", "knowledge_base", "build", "--standby"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    assert not (tmp_path / "data").exists()


def test_drafts_alone_are_no_reason_to_take_the_folder(make_settings: MakeSettings) -> None:
    settings = make_settings()
    assert len(desk_articles(settings)) > 200
    database = open_database(settings)
    (article, *_) = articles.read_folder(settings.articles_dir)
    article.published = False
    database.write(articles.seed, [article])
    with pytest.raises(IndexRefused, match="no article is published"):
        desk_articles(settings)

    def publish(session: Session) -> None:
        session.get_one(Article, article.slug).published = True

    database.write(publish)
    assert [one.slug for one in desk_articles(settings)] == [article.slug]
    database.close()
