"""The shipped articles, and questions to them by people who had not read them."""

from dataclasses import dataclass

import yaml

from benchmarks.measuring import ROOT
from core.models import Article
from core.settings import read_settings
from knowledge_base.articles import read_folder


@dataclass(frozen=True)
class Question:
    """article: the slug of the one that answers; None where none does."""

    text: str
    article: str | None


def shipped_articles() -> list[Article]:
    return [article for article in read_folder(read_settings().articles_dir) if article.published]


def blind_questions() -> list[Question]:
    rows = yaml.safe_load((ROOT / "tests/data/blind/search.yml").read_text(encoding="utf-8"))
    return [Question(row["question"], row["article"]) for row in rows]
