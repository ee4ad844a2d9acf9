"""What reading articles refuses, and seeding."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from core.models import Article, ArticleRevision, Base
from core.settings import Settings
from knowledge_base.articles import ArticleError, published, read_folder, seed, stored
from knowledge_base.content import Content
from knowledge_base.front_matter import format_article, parse

GOOD = """---
slug: password
title: Как сменить пароль
section: account
aliases: [раз, два, три, четыре, пять]
updated: 2026-11-20
---
Откройте профиль.
"""


@pytest.mark.parametrize(
    ("change", "line", "problem"),
    [
        (("slug: password\n", ""), 6, "'slug' is missing"),
        (("slug: password", "slug: 2026"), 2, "'slug' must be text"),
        (("slug: password", "slug: other"), 2, "differs from the file's name"),
        (("slug: password", "slug: password\nslug: password"), 3, "'slug' is there twice"),
        (("title: Как", "title: Вход: как"), 3, "bad YAML"),
        (("title: Как", f"title: {'[' * 5000}"), 2, "too deeply nested"),
        (("title: Как", "title: <b>Как"), 3, "Разметка HTML"),
        (("section: account\n", ""), 6, "'section' is missing"),
        (("section: account", "section: Вход"), 4, "Раздела «Вход» нет"),
        (("updated:", "related: вход\nupdated:"), 6, "list of slugs"),
        (("updated:", "related: [password]\nupdated:"), 6, "с ней самой"),
        (("updated:", "related: [login]\nupdated:"), 6, "Статьи с адресом «login» нет"),
        (("updated:", "draft: да\nupdated:"), 6, "true or false"),
        (("[раз, два, три, четыре, пять]", "раз"), 5, "list of texts"),
        (("[раз, два, три, четыре, пять]", "\n  - раз\n  - <i>два"), 7, "Разметка HTML"),
        (("2026-11-20", "вчера"), 6, "must be a date"),
        (("2026-11-20", "2026-13-40"), 2, "bad YAML"),
        (("updated:", "updatd:"), 6, "unknown field"),
        (("Откройте профиль.\n", ""), 8, "has no text"),
        (("профиль.", "профиль.\n\n<script>alert(1)</script>"), 10, "уберите «<script>»"),
        (("Откройте", "\n\nСм. https://evil.ru\n\nОткройте"), 10, "evil.ru"),
        (("Откройте", "я" * 20_001), 8, "в тексте 20010 знаков"),
        (("Откройте", "я" * 600_000), 1, "larger than 1,048,576 bytes"),
        (("---\nslug", "slug"), 1, "must begin with"),
    ],
)
def test_a_broken_article_is_named_with_its_line(
    tmp_path: Path, shipped: Settings, change: tuple[str, str], line: int, problem: str
) -> None:
    file = tmp_path / "password.md"
    file.write_text(GOOD.replace(*change), encoding="utf-8")
    with pytest.raises(ArticleError) as caught:
        read_folder(tmp_path, shipped)
    assert (caught.value.path, caught.value.line) == (file, line)
    assert problem.casefold() in str(caught.value).casefold()


def test_a_file_in_another_encoding_is_named_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "password.md").write_bytes("---\nslug: password\ntitle: Пароль\n".encode("cp1251"))
    with pytest.raises(ArticleError, match=r"password\.md:3: the file is not UTF-8"):
        read_folder(tmp_path)


def test_two_articles_with_one_alias_are_refused(tmp_path: Path, shipped: Settings) -> None:
    (tmp_path / "password.md").write_text(GOOD, encoding="utf-8")
    (tmp_path / "second.md").write_text(GOOD.replace("slug: password", "slug: second").replace("[раз", "[шесть"), encoding="utf-8")
    with pytest.raises(ArticleError, match=r"second\.md:5: .*«два» уже есть у статьи «Как сменить пароль» \(password\)"):
        read_folder(tmp_path, shipped)


def test_a_slug_taken_twice_names_both_files(tmp_path: Path) -> None:
    (tmp_path / "password.md").write_text(GOOD, encoding="utf-8")
    (tmp_path / "second.md").write_text(GOOD, encoding="utf-8")
    with pytest.raises(ArticleError, match=r"second\.md:2: .*taken by password\.md"):
        read_folder(tmp_path)


def test_seeding_fills_an_empty_table_only(tmp_path: Path) -> None:
    (tmp_path / "password.md").write_text(GOOD, encoding="utf-8")
    (tmp_path / "draft.md").write_text(
        GOOD.replace("slug: password", "slug: draft").replace("updated", "draft: true\nupdated"), encoding="utf-8"
    )
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        assert seed(session, read_folder(tmp_path)) == 2
        session.commit()
        assert [article.slug for article in published(session)] == ["password"]
        assert [(row.slug, row.number, row.author) for row in session.scalars(select(ArticleRevision))] == [
            ("draft", 1, "seed"),
            ("password", 1, "seed"),
        ]
        stored(session)[0].text = "Изменено редактором."
        session.commit()
        assert seed(session, read_folder(tmp_path)) == 0
        assert [article.text for article in stored(session)] == ["Изменено редактором.", "Откройте профиль."]
    engine.dispose()


def test_what_ships_comes_back_from_an_export(articles: list[Article], tmp_path: Path, shipped: Settings) -> None:
    for article in articles:
        (tmp_path / f"{article.slug}.md").write_text(format_article(article), encoding="utf-8")
    again = read_folder(tmp_path, shipped)
    assert [Content.of(article) for article in again] == [Content.of(article) for article in articles]
    assert [format_article(article) for article in again] == [(tmp_path / f"{article.slug}.md").read_text("utf-8") for article in again]


@pytest.mark.parametrize(
    "word",
    [
        "да: нет",
        "- раз",
        "yes",
        "1",
        "2026-11-20",
        "#1",
        'Он: "да"',
        "a, b",
        "[раз]",
        "{",
        "'",
        "@",
        "",
        "раз #два",
        "\x85\u2028\ufeff😀",
        "null",
    ],
)
def test_any_words_come_back_as_they_were(tmp_path: Path, word: str) -> None:
    text = f"--- {word}\n---\n\n {word}\u2028x"
    article = Article(slug="a", title=word, section="account", aliases=[word] if word else [], text=text, updated=date(2026, 1, 2))
    article.related, article.published = ["b", "1"], False
    file = tmp_path / "a.md"
    file.write_text(format_article(article), encoding="utf-8")
    candidate = parse(file, file.read_text(encoding="utf-8"), required=())
    assert (candidate.title, list(candidate.aliases or ()), candidate.text) == (word, article.aliases, text)
    assert (candidate.related, candidate.published, candidate.updated) == (("b", "1"), False, date(2026, 1, 2))
