"""What the help section shows of the articles in the database, on either one."""

from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from bot.help_catalog import Catalog
from core.desk import Desk
from core.models import Article


def add(desk: Desk, slug: str, title: str, **values: Any) -> None:
    fields = {"section": "account", "aliases": [], "related": [], "text": "Текст.", "updated": date(2026, 11, 1), **values}
    desk.database.write(lambda session: session.add(Article(slug=slug, title=title, **fields)))


def publish(session: Session, slug: str, published: bool) -> None:
    article = session.get_one(Article, slug)
    article.published, article.revision = published, article.revision + 1


def titles(desk: Desk, catalog: Catalog) -> list[str]:
    return [entry.title for entry in desk.database.read(catalog.entries)]


def test_the_catalog_follows_every_change(desk: Desk) -> None:
    catalog = Catalog()
    assert titles(desk, catalog) == [] and desk.database.read(catalog.chapters) == []
    add(desk, "b", "Ёлка")
    add(desk, "a", "Жалоба", related=["b", "gone"])
    add(desk, "c", "ель", published=False)
    assert titles(desk, catalog) == ["Ёлка", "Жалоба"]
    desk.database.write(publish, "c", True)
    assert titles(desk, catalog) == ["Ёлка", "ель", "Жалоба"]
    desk.database.write(publish, "b", False)
    assert titles(desk, catalog) == ["ель", "Жалоба"]
    assert desk.database.read(catalog.article, "b") is None


def test_what_is_read_next_comes_in_the_author_s_order_then_of_the_section(desk: Desk) -> None:
    add(desk, "a", "А", related=["d", "gone", "c"])
    for slug, section in (("b", "account"), ("c", "privacy"), ("d", "letters"), ("e", "privacy")):
        add(desk, slug, slug, section=section)
    found = desk.database.read(Catalog().article, "a")
    assert found and [entry.slug for entry in found[1]] == ["d", "c", "b"]
