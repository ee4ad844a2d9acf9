"""The shipped articles, and questions to them by people who had not read them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

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


def write_task(folder: Path) -> None:
    """Both in BEIR's layout."""
    articles = [
        {"_id": article.slug, "title": article.title, "aliases": article.aliases, "text": article.text} for article in shipped_articles()
    ]
    questions = dict(enumerate(blind_questions()))
    (folder / "qrels").mkdir(parents=True)
    _write(folder / "corpus.jsonl", (json.dumps(article, ensure_ascii=False) for article in articles))
    _write(folder / "queries.jsonl", (json.dumps({"_id": at, "text": found.text}, ensure_ascii=False) for at, found in questions.items()))
    _write(folder / "qrels" / "test.tsv", (f"{at}\t{found.article}\t1" for at, found in questions.items() if found.article))


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
