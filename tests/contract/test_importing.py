"""Articles from files into a desk and out of it again, on each database."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.desk import Desk
from core.settings import ROOT
from knowledge_base import articles, editing, importing, sources
from knowledge_base.candidate import ArticleError
from knowledge_base.content import Content
from knowledge_base.exporting import write_folder
from knowledge_base.importing import Options, Plan

SHIPPED = ROOT / "knowledge_base" / "articles"

Import = Callable[..., Plan]


@pytest.fixture
def take(desk: Desk, tmp_path: Path) -> Import:
    """``take("a.csv", "content", **options)`` writes that file and imports it."""

    def run(name: str, content: str | bytes | None = None, **options: Any) -> Plan:
        path = tmp_path / name
        if content is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        given = Options("import", "Импорт", **options)
        return desk.database.write(importing.take, desk.settings, list(sources.read(path)), given)[0]

    return run


def new(plan: Plan) -> list[str]:
    return [one.candidate.slug for one in plan.wanted if one.article is None]


def changed(plan: Plan) -> list[str]:
    return [one.candidate.slug for one in plan.wanted if one.article is not None]


def refused(plan: Plan) -> list[str]:
    """``file:line: words`` without the folder."""
    return [f"{error.path.name}:{error.line}: {error.problem}" for error in plan.refused]


def stored(desk: Desk, slug: str) -> Content:
    return Content.of(desk.database.read(editing.find, slug))


def edit(desk: Desk, slug: str, **changes: Any) -> None:
    article = desk.database.read(editing.find, slug)
    content = replace(Content.of(article), **changes)
    desk.database.write(editing.change, desk.settings, slug, content, "ivanova", "правка", article.revision)


def test_a_round_trip_of_what_ships_changes_nothing(desk: Desk, take: Import, tmp_path: Path) -> None:
    desk.database.write(articles.seed, articles.read_folder(SHIPPED, desk.settings))
    edit(desk, "access-code", text="Правка: «да».\n\n- раз", published=False)
    folder = tmp_path / "export"
    count = write_folder(desk.database.read(articles.stored), folder)
    assert count == len(list(SHIPPED.glob("*.md")))
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    plan = take("export")
    assert (len(plan.unchanged), plan.wanted, plan.is_clean) == (count, [], True)
    assert write_folder(desk.database.read(articles.stored), folder) == 0
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_an_export_fills_an_empty_desk_with_the_same(desk: Desk, take: Import, tmp_path: Path) -> None:
    plan = take("export/a.md", "---\nslug: a\ntitle: Раз\nsection: account\naliases: []\ndraft: true\nupdated: 2025-01-02\n---\nТекст.\n")
    assert new(plan) == ["a"]
    write_folder(desk.database.read(articles.stored), tmp_path / "again")
    assert (tmp_path / "again" / "a.md").read_bytes() == (tmp_path / "export" / "a.md").read_bytes()


def test_csv(desk: Desk, take: Import) -> None:
    plan = take(
        "a.csv",
        "\ufeffslug;title;section;text;aliases\n"
        'password;Как сменить пароль;account;"Откройте профиль.\n\n- Нажмите ""Сменить"".";забыл пароль|как поменять\n'
        ";Не приходит код;account;Подождите.;\n"
        "\n"
        ";Без раздела;;Текст.;\n"
        'bad;Плохая;nowhere;"<script>alert(1)</script>";\n'
        "password;Ещё раз;account;Текст.;\n"
        "short;Мало\n"
        'quote;Кавычка;account;"Текст\n',
    )
    assert new(plan) == ["password", "ne-prikhodit-kod"]
    assert [error.split(": ")[0] for error in refused(plan)] == ["a.csv:9", "a.csv:10", "a.csv:11", "a.csv:7", "a.csv:8", "a.csv:8"]
    assert [words in error for words, error in zip(("taken by", "3 cells fewer", "bad CSV"), refused(plan), strict=False)] == [True] * 3
    assert plan.refusals == 5
    assert stored(desk, "password") == Content(
        "Как сменить пароль", "account", 'Откройте профиль.\n\n- Нажмите "Сменить".', ("забыл пароль", "как поменять")
    )
    assert new(take("a.csv", "title,text\nБез раздела,Текст\n", section="account")) == ["bez-razdela"]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.csv", "", "empty"),
        ("a.csv", "title,tekst\n", "'tekst' is unknown"),
        ("a.csv", "title,title,text\n", "'title' is unknown or there twice"),
        ("a.csv", "slug,title\n", "'text' is missing"),
        ("a.csv", "title,text\nЗаголовок,Текст".encode("cp1251"), r"a\.csv:2: the file is not UTF-8"),
        ("a.docx", "x", "not read"),
    ],
)
def test_a_file_that_cannot_be_read_at_all(take: Import, name: str, content: str | bytes, problem: str) -> None:
    with pytest.raises(ArticleError, match=problem):
        take(name, content)


def test_a_folder_without_articles(take: Import) -> None:
    with pytest.raises(ArticleError, match="not read"):
        take("folder/readme.txt", "не статья")
    with pytest.raises(ArticleError, match="no file of an article"):
        take("folder")


def test_jsonl(desk: Desk, take: Import) -> None:
    records: list[Any] = [
        {"_id": "doc-1", "title": "Раз", "text": "Текст раз.", "aliases": ["один"], "metadata": {}},
        {"_id": "DOC_2", "title": "Два", "text": "Текст два.", "section": "payments"},
        {"_id": 3, "title": "Три", "text": "Текст три."},
        {"_id": "4", "title": "Четыре"},
        {"_id": "5", "title": "Пять", "text": "Текст.", "aliases": "один"},
        ["шесть"],
    ]
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    plan = take("a.jsonl", "\n".join([*lines, "{", "[" * 100_000, ""]), section="account")
    assert new(plan) == ["doc-1", "doc-2", "3"]
    assert [error.split(": ", 1)[0] for error in refused(plan)] == [f"a.jsonl:{line}" for line in (4, 5, 6, 7, 8)]
    assert stored(desk, "doc-2").section == "payments"
    assert stored(desk, "doc-1").aliases == ("один",)


def test_a_folder_of_markdown_and_html(desk: Desk, take: Import) -> None:
    (desk.settings.data_dir.parent / "site").mkdir()
    files: dict[str, str | bytes] = {
        "ours.md": "---\nslug: ours\ntitle: Наша\nsection: account\nrelated: [Plain_File]\nupdated: 2026-01-02\n---\nТекст **как есть**.\n",
        "inner/Plain_File.markdown": "# Чужая\n\nТекст **жирный**.\n",
        "page.html": "<title>Страница</title><p>Раз<script>x</script>",
        "old.htm": '<meta charset="windows-1251"><h1>Старая</h1><p>Раз'.encode("cp1251"),
        "wrong.htm": '<meta charset="utf-8"><h1>Старая</h1><p>Раз'.encode("cp1251"),
        "links.html": "<h1>Ссылки</h1>\n<p>Раз\n<p><a href='https://evil.ru'>туда</a>",
        "untitled.md": "Текст без заголовка.",
        "tags.md": "# Разметка\n\nРаз\n\n<iframe src=x>",
        "huge.md": "# Большая\n\n" + "слово " * 200_000,
        "notes.txt": "не статья",
    }
    for name, content in files.items():
        path = desk.settings.data_dir.parent / "site" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    plan = take("site", section="support")
    assert sorted(new(plan)) == ["old", "page", "plain-file"]
    assert sorted(error.split(": ", 1)[0] for error in refused(plan)) == [
        "huge.md:1",
        "links.html:3",
        "ours.md:5",  # refers to an address that is none
        "tags.md:5",
        "untitled.md:1",
        "wrong.htm:1",
    ]
    assert stored(desk, "plain-file") == Content("Чужая", "support", "Текст жирный.")
    assert (stored(desk, "page").text, stored(desk, "old").title) == ("Раз", "Старая")


CSV = "slug,title,section,text\npassword,Пароль,account,{}\n"


def test_what_is_the_same_is_no_revision(desk: Desk, take: Import) -> None:
    take("a.csv", CSV.format("Раз."))
    assert take("a.csv").unchanged == ["password"]
    assert changed(take("a.csv", CSV.format("Два."))) == ["password"]
    assert [(r.number, r.author, r.imported) for r in desk.database.read(editing.revisions, "password")] == [
        (2, "import", True),
        (1, "import", True),
    ]


def test_what_was_changed_here_is_not_overwritten_silently(desk: Desk, take: Import) -> None:
    take("a.csv", CSV.format("Раз."))
    edit(desk, "password", aliases=("забыл пароль",), text="Правлено здесь.")
    assert take("a.csv").unchanged == ["password"]  # the file has nothing new
    plan = take("a.csv", CSV.format("Новое в файле."))
    assert ([(candidate.slug, newest.author) for candidate, newest in plan.changed_here], plan.is_clean) == (
        [("password", "ivanova")],
        False,
    )
    assert stored(desk, "password").text == "Правлено здесь."
    assert changed(take("a.csv", overwrite=True)) == ["password"]
    assert stored(desk, "password") == Content("Пароль", "account", "Новое в файле.", ("забыл пароль",))  # the file tells no aliases
    assert changed(take("a.csv", CSV.format("Ещё новее."))) == ["password"]


def test_what_was_created_here_is_not_overwritten_silently(desk: Desk, take: Import) -> None:
    desk.database.write(editing.create, desk.settings, "password", Content("Здесь", "account", "Текст."), "ivanova", "новая")
    assert len(take("a.csv", CSV.format("Раз.")).changed_here) == 1
    assert stored(desk, "password").title == "Здесь"


def test_articles_of_one_import_may_refer_to_each_other_and_hand_an_alias_over(desk: Desk, take: Import) -> None:
    header = "slug,title,section,text,aliases,related\n"
    assert new(take("a.csv", header + "a,А,account,Т.,раз|два,b\nb,Б,account,Т.,три,a\n")) == ["a", "b"]
    assert changed(take("a.csv", header + "a,А,account,Т.,раз,b\nb,Б,account,Т.,три|два,a\n")) == ["a", "b"]
    plan = take("a.csv", header + "a,А,nowhere,Т.,,b\nb,Б,account,Т.,раз,a\nc,В,account,Т.,,d\nd,Г,account,,,\n")
    assert plan.wanted == []  # a is refused, so b may not have its alias; d is refused, so c may not refer to it
    assert [error.split(": ", 1)[0] for error in refused(plan)] == ["a.csv:2", "a.csv:5", "a.csv:3", "a.csv:4"]
    assert stored(desk, "b").aliases == ("три", "два")


def test_drafts(desk: Desk, take: Import) -> None:
    take("a.csv", CSV.format("Раз."))
    take("b.csv", "slug,title,section,text\ncode,Код,account,Текст\npassword,Пароль,account,Два.\n", published=False)
    assert (stored(desk, "code").published, stored(desk, "password").published) == (False, True)
    plan = take("password.md", "---\ntitle: Пароль\ndraft: true\n---\nДва.\n")
    assert (plan.refusals, stored(desk, "password").published) == (1, True)  # it is the last published one
