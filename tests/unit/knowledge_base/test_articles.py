"""The articles themselves, and what reading refuses."""

import re
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from core.models import Article, Base
from knowledge_base.articles import ArticleError, read_folder, seed, stored
from knowledge_base.lexical import normalise

GOOD = """---
slug: password
title: Как сменить пароль
section: account
aliases: [раз, два, три, четыре, пять]
updated: 2026-11-20
---
Откройте профиль.
"""


def test_there_are_enough_articles(articles: list[Article]) -> None:
    assert len(articles) >= 60
    assert all(len(article.aliases) >= 5 for article in articles)
    assert len({article.title for article in articles}) == len(articles)


def test_lengths(articles: list[Article]) -> None:
    assert [(a.slug, len(a.text)) for a in articles if not 200 <= len(a.text) <= 1800] == []


def test_placeholders_are_known_facts(articles: list[Article]) -> None:
    from core.facts import NAMES

    assert [(a.slug, name) for a in articles for name in re.findall(r"\[\[(.*?)\]\]", a.text + a.title) if name not in NAMES] == []


def test_no_alias_is_nearly_another_articles(articles: list[Article]) -> None:
    aliases = [(article.slug, alias, _trigrams(alias)) for article in articles for alias in article.aliases]
    near = [
        (one, alias, other, twin)
        for at, (one, alias, grams) in enumerate(aliases)
        for other, twin, others in aliases[at + 1 :]
        if one != other and len(grams & others) > 0.8 * len(grams | others)
    ]
    assert near == []


@pytest.mark.parametrize(
    ("change", "line", "problem"),
    [
        (("slug: password\n", ""), 6, "'slug' is missing"),
        (("slug: password", "slug: other"), 2, "differs from the file's name"),
        (("title: Как", "title: Вход: как"), 3, "bad YAML"),
        (("section: account\n", ""), 6, "'section' is missing"),
        (("section: account", "section: Вход"), 4, "there is no section 'Вход'"),
        (("updated:", "related: вход\nupdated:"), 6, "list of slugs"),
        (("[раз, два, три, четыре, пять]", "раз"), 5, "list of texts"),
        (("2026-11-20", "вчера"), 6, "must be a date"),
        (("2026-11-20", "2026-13-40"), 2, "bad YAML"),
        (("updated:", "updatd:"), 6, "unknown field"),
        (("Откройте профиль.\n", ""), 7, "has no text"),
        (("---\nslug", "slug"), 1, "must begin with"),
    ],
)
def test_a_broken_article_is_named_with_its_line(tmp_path: Path, change: tuple[str, str], line: int, problem: str) -> None:
    file = tmp_path / "password.md"
    file.write_text(GOOD.replace(*change), encoding="utf-8")
    with pytest.raises(ArticleError) as caught:
        read_folder(tmp_path)
    assert (caught.value.path, caught.value.line) == (file, line)
    assert problem in str(caught.value)


def test_a_slug_taken_twice_names_both_files(tmp_path: Path) -> None:
    (tmp_path / "password.md").write_text(GOOD, encoding="utf-8")
    (tmp_path / "second.md").write_text(GOOD, encoding="utf-8")
    with pytest.raises(ArticleError, match=r"second\.md:2: .*taken by password\.md"):
        read_folder(tmp_path)


def test_seeding_fills_an_empty_table_only(tmp_path: Path) -> None:
    (tmp_path / "password.md").write_text(GOOD, encoding="utf-8")
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        assert seed(session, read_folder(tmp_path)) == 1
        session.commit()
        stored(session)[0].text = "Изменено редактором."
        session.commit()
        assert seed(session, read_folder(tmp_path)) == 0
        assert [article.text for article in stored(session)] == ["Изменено редактором."]
    engine.dispose()


def _trigrams(text: str) -> set[str]:
    text = f" {normalise(text)} "
    return {text[at : at + 3] for at in range(len(text) - 2)}
