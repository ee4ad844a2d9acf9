"""`python -m knowledge_base marks`: how citizens marked the answers."""

import argparse
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.models import Article
from core.settings import SettingsError, settings_or_exit
from knowledge_base import marks
from knowledge_base.desk_reading import has_desk, read_desk

Tell = Callable[[str], None]


def add_command(commands: Any, tell: Tell) -> None:
    """``tell`` prints a line."""
    telling = commands.add_parser("marks", help="how many citizens each article has helped, and how many not")
    telling.add_argument("--json", action="store_true", help="one JSON list instead of a table")
    telling.set_defaults(command=partial(marks_command, tell=tell))


def marks_command(arguments: argparse.Namespace, tell: Tell) -> None:
    settings = settings_or_exit()
    if not has_desk(settings):
        raise SettingsError(f"there is no desk in {settings.data_dir}: nothing is marked")
    rows = read_desk(settings, _rows)
    if arguments.json:
        tell(json.dumps(rows, ensure_ascii=False))
        return
    tell("helpful  unhelpful  article")
    for row in rows:
        tell(f"{row['helpful']:7}  {row['unhelpful']:9}  {row['article']:<28} {row['title']}")


def _rows(session: Session) -> list[dict[str, Any]]:
    """Those that helped least first; the title is empty for an article that is not there any more."""
    titles = {row.slug: row.title for row in session.execute(select(Article.slug, Article.title))}
    found = sorted(marks.counts(session).items(), key=lambda item: (-item[1].unhelpful, item[1].helpful, item[0]))
    return [{"article": slug, "title": titles.get(slug, ""), "helpful": one.helpful, "unhelpful": one.unhelpful} for slug, one in found]
