"""The life of an article on each database: created, changed, restored; each change a revision, no change without one."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from core.desk import Desk
from core.errors import Problem
from core.events import ARTICLES
from core.models import Article, ArticleRevision
from knowledge_base import articles, editing, importing
from knowledge_base.candidate import Candidate
from knowledge_base.content import Content
from knowledge_base.editing import ContentRefused
from knowledge_base.shelf import Shelf

PASSWORD = Content(
    title="Как сменить пароль",
    section="account",
    text="Откройте профиль.\n\n- Нажмите «Сменить пароль».",
    aliases=("забыл пароль", "как поменять пароль"),
)
CODE = Content(title="Не приходит код", section="account", text="Подождите две минуты.", aliases=("где код",), related=("password",))


def create(
    desk: Desk, slug: str = "password", content: Content = PASSWORD, author: str = "ivanova", reason: str = "новая"
) -> ArticleRevision:
    return desk.database.write(editing.create, desk.settings, slug, content, author, reason)


def change(desk: Desk, content: Content, based_on: int = 1, slug: str = "password", author: str = "petrova") -> ArticleRevision | None:
    return desk.database.write(editing.change, desk.settings, slug, content, author, "уточнение", based_on)


def find(desk: Desk, slug: str = "password") -> Article:
    return desk.database.read(editing.find, slug)


def numbers(desk: Desk, slug: str = "password") -> list[int]:
    return [revision.number for revision in desk.database.read(editing.revisions, slug)]


def faults(caught: pytest.ExceptionInfo[ContentRefused]) -> list[str]:
    return [fault.field for fault in caught.value.faults]


def test_a_new_article_and_its_first_revision(desk: Desk) -> None:
    written = create(
        desk, content=replace(PASSWORD, text="  Откройте профиль.  \r\nНажмите. \n", aliases=(" забыл  пароль ", "Забыл пароль!", ""))
    )
    article = find(desk)
    assert (article.text, article.aliases, article.published, article.revision) == (
        "Откройте профиль.\nНажмите.",
        ["забыл пароль"],
        True,
        1,
    )
    assert (written.number, written.author, written.reason) == (1, "ivanova", "новая")
    (stored,) = desk.database.read(editing.revisions, "password")
    assert Content.of(stored) == Content.of(article)


def test_a_change_is_a_revision_and_no_change_is_none(desk: Desk) -> None:
    create(desk)
    assert change(desk, replace(PASSWORD, text=PASSWORD.text + "\n")) is None
    written = change(desk, replace(PASSWORD, text="Новые слова."))
    assert written is not None
    assert (written.number, written.author, find(desk).revision, find(desk).text) == (2, "petrova", 2, "Новые слова.")
    assert numbers(desk) == [2, 1]
    assert desk.database.read(editing.revision, "password", 1).text == PASSWORD.text


def test_who_saw_an_older_revision_is_told_and_stores_nothing(desk: Desk) -> None:
    create(desk)
    change(desk, replace(PASSWORD, title="Первая правка"))
    with pytest.raises(Problem, match="409") as caught:
        change(desk, replace(PASSWORD, title="Вторая правка"), author="sidorov")
    assert "petrova" in caught.value.detail
    assert (find(desk).title, numbers(desk)) == ("Первая правка", [2, 1])
    assert change(desk, replace(PASSWORD, title="Первая правка")) is None  # both wanted the same


def test_of_two_that_change_at_once_one_is_told(desk: Desk) -> None:
    create(desk)

    def attempt(name: str) -> str:
        try:
            change(desk, replace(PASSWORD, title=f"Правка {name}"), author=name)
        except Problem as problem:
            return problem.key
        return "written"

    with ThreadPoolExecutor(4) as threads:
        outcomes = sorted(threads.map(attempt, ("one", "two", "three", "four")))
    assert outcomes == ["article_changed_meanwhile"] * 3 + ["written"]
    assert numbers(desk) == [2, 1]


def test_of_two_that_create_at_once_one_is_told(desk: Desk) -> None:
    def attempt(name: str) -> list[str]:
        try:
            create(desk, content=replace(PASSWORD, title=name))
        except ContentRefused as refused:
            return [fault.field for fault in refused.faults]
        return []

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(attempt, ("one", "two"))) == [[], ["slug"]]
    assert numbers(desk) == [1]


def test_an_earlier_revision_is_restored_as_a_new_one(desk: Desk) -> None:
    create(desk)
    change(desk, replace(PASSWORD, text="Ошибка.", aliases=()))
    written = desk.database.write(editing.restore, desk.settings, "password", 1, "ivanova", "вернуть", 2)
    assert written is not None
    assert (written.number, written.reason, Content.of(find(desk))) == (3, "вернуть", PASSWORD)
    assert desk.database.write(editing.restore, desk.settings, "password", 1, "ivanova", "ещё раз", 2) is None
    with pytest.raises(Problem, match="404 article_revision_not_found"):
        desk.database.write(editing.restore, desk.settings, "password", 9, "ivanova", "нет такой", 3)


def test_what_was_changed_meanwhile_is_not_restored_over(desk: Desk) -> None:
    create(desk)
    change(desk, replace(PASSWORD, text="Ошибка."))
    change(desk, replace(PASSWORD, text="Уже исправлено."), 2, author="import")
    with pytest.raises(Problem, match="409 article_changed_meanwhile") as caught:
        desk.database.write(editing.restore, desk.settings, "password", 1, "ivanova", "вернуть", 2)
    assert "её изменили (импорт): теперь это редакция 3" in caught.value.detail
    assert find(desk).text == "Уже исправлено."


def test_a_restored_revision_is_checked_as_any_other(desk: Desk) -> None:
    create(desk)
    change(desk, replace(PASSWORD, aliases=()))
    create(desk, "code", replace(CODE, aliases=("Забыл пароль?",)))
    with pytest.raises(ContentRefused) as caught:
        desk.database.write(editing.restore, desk.settings, "password", 1, "ivanova", "вернуть", 2)
    assert faults(caught) == ["aliases"]
    assert "Не приходит код" in caught.value.faults[0].message


def test_an_alias_more(desk: Desk) -> None:
    create(desk)
    create(desk, "code", CODE)
    written = desk.database.write(editing.add_alias, desk.settings, "password", " не помню  пароль ", "petrova", "из вопросов")
    assert written is not None
    assert find(desk).aliases == [*PASSWORD.aliases, "не помню пароль"]
    assert desk.database.write(editing.add_alias, desk.settings, "password", "Не помню пароль?", "petrova", "из вопросов") is None
    for alias in ("где код", "", "x" * 201, "<b>код</b>"):
        with pytest.raises(ContentRefused) as caught:
            desk.database.write(editing.add_alias, desk.settings, "password", alias, "petrova", "из вопросов")
        assert faults(caught) == ["aliases"]
    with pytest.raises(Problem, match="404 article_not_found"):
        desk.database.write(editing.add_alias, desk.settings, "nothing", "вопрос", "petrova", "из вопросов")
    assert numbers(desk) == [2, 1]


def test_all_faults_are_told_at_once_and_nothing_is_stored(desk: Desk) -> None:
    create(desk)
    wrong = Content("", "nowhere", "Откройте\n<b>профиль</b>", aliases=("новая", "забыл пароль"), related=("code", "cod"))
    with pytest.raises(ContentRefused) as caught:
        create(desk, "code", wrong, reason=" ")
    assert [(fault.field, fault.line) for fault in caught.value.faults] == [
        ("title", 1),
        ("section", 1),
        ("text", 2),
        ("aliases", 2),
        ("related", 1),
        ("related", 2),
        ("reason", 1),
    ]
    assert caught.value.document()["status"] == 422
    assert desk.database.read(lambda session: list(Shelf.read(session).titles)) == ["password"]
    with pytest.raises(ContentRefused) as caught:
        create(desk, "password", replace(CODE, related=()))
    assert faults(caught) == ["slug"]


def test_the_last_published_article_stays(desk: Desk) -> None:
    create(desk, "draft", replace(CODE, related=(), published=False))
    create(desk)
    with pytest.raises(ContentRefused) as caught:
        change(desk, replace(PASSWORD, published=False))
    assert faults(caught) == ["published"]
    assert [article.slug for article in desk.database.read(articles.published)] == ["password"]
    change(desk, replace(CODE, related=()), slug="draft")
    assert change(desk, replace(PASSWORD, published=False)) is not None


@pytest.mark.parametrize("slug", ["no\x00thing", "НЕТ", "a" * 200, ""])
def test_an_address_that_cannot_be_one_is_not_looked_for(desk: Desk, slug: str) -> None:
    with pytest.raises(Problem, match="404"):
        find(desk, slug)
    with pytest.raises(ContentRefused) as caught:
        create(desk, slug)
    assert faults(caught) == ["slug"]


async def test_a_change_is_told_after_the_commit_and_a_refusal_is_not(desk: Desk) -> None:
    with desk.events.subscribe(ARTICLES) as hints:
        await asyncio.to_thread(create, desk)
        assert await hints.get(5) is not None
        with pytest.raises(ContentRefused):
            await asyncio.to_thread(change, desk, replace(PASSWORD, title=""))
        await asyncio.to_thread(change, desk, PASSWORD)
        assert await hints.get(0.1) is None


def race(desk: Desk, first: Callable[[Session], object], second: Callable[[Session], object]) -> None:
    """Runs ``second`` while the transaction of ``first`` has done all its work and is not committed."""
    done, ended = threading.Event(), threading.Event()

    def linger(session: Session) -> None:
        first(session)
        done.set()
        ended.wait(0.3)  # the second waits all that time, or it looked at what will not be true

    writer = threading.Thread(target=desk.database.write, args=(linger,))
    writer.start()
    assert done.wait(30)
    try:
        desk.database.write(second)
    finally:
        ended.set()
        writer.join(30)


def test_of_two_writers_one_gets_the_alias(desk: Desk) -> None:
    def begin(session: Session, slug: str) -> None:
        editing.create(session, desk.settings, slug, replace(PASSWORD, aliases=("забыл пароль",)), "ivanova", "новая")

    with pytest.raises(ContentRefused) as refused:
        race(desk, lambda session: begin(session, "first"), lambda session: begin(session, "second"))
    assert faults(refused) == ["aliases"]


def test_two_writers_cannot_withdraw_the_last_two(desk: Desk) -> None:
    create(desk)
    create(desk, "code", CODE)

    def withdraw(session: Session, slug: str, content: Content) -> None:
        editing.change(session, desk.settings, slug, replace(content, published=False), "ivanova", "снята", 1)

    with pytest.raises(ContentRefused) as refused:
        race(desk, lambda session: withdraw(session, "password", PASSWORD), lambda session: withdraw(session, "code", CODE))
    assert faults(refused) == ["published"]


def test_an_import_waits_for_an_editor(desk: Desk, tmp_path: Path) -> None:
    create(desk)
    candidate = Candidate(tmp_path / "code.md", 1, "code", CODE.title, CODE.text, section="account", aliases=CODE.aliases)
    plans: list[importing.Plan] = []

    def add(session: Session) -> None:
        editing.add_alias(session, desk.settings, "password", CODE.aliases[0], "ivanova", "уточнение")

    def take(session: Session) -> None:
        plans.append(importing.take(session, desk.settings, [candidate], importing.Options("petrova", "импорт"))[0])

    race(desk, add, take)
    assert [made.refusals for made in plans] == [1]
