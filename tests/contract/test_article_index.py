"""The index follows the articles, whoever changed them, on each database; the builder is the real one."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from bot import article_index
from bot.article_index import ArticleIndex
from core.database import open_database
from core.desk import Desk
from core.models import Article
from core.working_time import MOSCOW
from knowledge_base import articles, editing
from knowledge_base.building import build, made_of
from knowledge_base.content import Content
from knowledge_base.index import MANIFEST, POINTER
from knowledge_base.search import Search
from tests.stack import wait_for

PASSWORD = Content("Как сменить пароль", "account", "Откройте профиль и нажмите «Сменить пароль».", ("забыл пароль",))
CODE = Content("Не приходит код", "account", "Подождите две минуты и запросите код ещё раз.", ("где код",))


def rows() -> list[Article]:
    return [
        Article(slug=slug, title=c.title, section=c.section, text=c.text, aliases=list(c.aliases), updated=date(2026, 11, 20))
        for slug, c in (("code", CODE), ("password", PASSWORD))
    ]


@pytest.fixture(scope="module")
def first_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of both articles; making an embedder takes long."""
    folder = tmp_path_factory.mktemp("index")
    build(rows(), folder, tuned=False)
    return folder


@pytest.fixture
def search(desk: Desk, first_index: Path) -> Search:
    """Of a desk with both articles."""
    desk.database.write(articles.seed, rows())
    shutil.copytree(first_index, desk.settings.index_dir)
    return Search(desk.settings.index_dir)


@contextlib.asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[None]:
    task = asyncio.create_task(ArticleIndex(desk).run_forever())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(what: str, is_true: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_for, what, is_true)


def change(session: Session, desk: Desk, text: str, *, published: bool = True) -> None:
    article = editing.find(session, "password")
    content = replace(Content.of(article), text=text, published=published)
    editing.change(session, desk.settings, "password", content, "ivanova", "правка", article.revision)


def serves(search: Search, text: str) -> Callable[[], bool]:
    def look() -> bool:
        article = search.article("password")
        return article is not None and article.text == text

    return look


def builds(log: Sequence[Mapping[str, Any]]) -> list[object]:
    return [entry["event"] for entry in log if str(entry["event"]).startswith("article_index_")]


async def test_edits_are_served_by_one_build_and_what_is_the_same_is_not_built(desk: Desk, search: Search) -> None:
    with capture_logs() as log:
        async with running(desk):
            assert not await ArticleIndex(desk).is_stale()
            for text in ("Первые слова.", "Вторые слова.", "Третьи слова."):
                await desk.database.write_soon(change, desk, text)
            await until("the new words", serves(search, "Третьи слова."))
            await asyncio.sleep(2 * desk.settings.sweep_seconds)
    assert 1 <= builds(log).count("article_index_built") <= 2  # the edits that came while the first one ran share the second
    assert not await ArticleIndex(desk).is_stale()


async def test_what_another_process_wrote_is_noticed_and_a_draft_is_not_served(desk: Desk, search: Search) -> None:
    other = open_database(desk.settings)  # as the command line: nobody hears its hints
    try:
        async with running(desk):
            await asyncio.sleep(0.5)
            other.write(change, desk, PASSWORD.text, published=False)
            await until("the article to be gone", lambda: search.article("password") is None)
            assert search.article("code") is not None
            assert "password" not in [hit.slug for hit in search.search("забыл пароль").hits]
    finally:
        other.close()


async def test_every_host_follows_with_an_index_of_its_own(desk: Desk, search: Search, first_index: Path, tmp_path: Path) -> None:
    its_own = {"data_dir": tmp_path / "elsewhere", "database_url": desk.settings.database}
    elsewhere = replace(desk, settings=desk.settings.model_copy(update=its_own))
    shutil.copytree(first_index, elsewhere.settings.index_dir)
    other = Search(elsewhere.settings.index_dir)
    async with running(desk), running(elsewhere):
        await desk.database.write_soon(change, desk, "Слова для всех.")
        await until("the new words here", serves(search, "Слова для всех."))
        await until("the new words there", serves(other, "Слова для всех."))


async def test_a_crash_between_commit_and_build_is_caught_up_at_the_start(desk: Desk, search: Search) -> None:
    desk.database.write(change, desk, "Написано перед сбоем.")
    async with running(desk):
        await until("the new words", serves(search, "Написано перед сбоем."))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the database has no part in it
async def test_while_builds_fail_the_last_index_serves_and_an_edit_is_tried_at_once(
    desk: Desk, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(article_index, "_FIRST_PAUSE_SECONDS", 600.0)
    before = made_of(desk.settings.index_dir)
    lock = desk.settings.index_dir / ".lock"
    lock.unlink()
    lock.mkdir()  # no builder can take it
    with capture_logs() as log:
        async with running(desk):
            await desk.database.write_soon(change, desk, "Новые слова.")
            await until("the failure", lambda: "article_index_failed" in builds(log))
            await asyncio.sleep(2 * desk.settings.sweep_seconds)
            assert builds(log) == ["article_index_failed"]
            assert made_of(desk.settings.index_dir) == before
            assert search.search("забыл пароль").hits[0].slug == "password"
            lock.rmdir()
            await desk.database.write_soon(change, desk, "Самые новые слова.")
            await until("the newest words", serves(search, "Самые новые слова."))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the database has no part in it
async def test_a_broken_index_is_made_anew(desk: Desk, search: Search) -> None:
    assert search.article("code") is not None
    version = (desk.settings.index_dir / POINTER).read_text()
    (desk.settings.index_dir / version / MANIFEST).write_text("{")
    assert await ArticleIndex(desk).is_stale()


async def test_a_desk_without_articles_builds_nothing(desk: Desk) -> None:
    assert not await ArticleIndex(desk).is_stale()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the database has no part in it
async def test_at_night_the_embedder_is_tuned_and_gives_way_to_an_edit(desk: Desk, search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [datetime(2026, 11, 24, 3, 59, 59, tzinfo=MOSCOW)]
    monkeypatch.setattr(article_index, "now", lambda: clock[0])

    def embedder() -> str:
        return (desk.settings.index_dir / (desk.settings.index_dir / POINTER).read_text() / "embedder" / "fingerprint").read_text()

    untuned = embedder()
    async with running(desk):
        await asyncio.sleep(0.5)
        clock[0] += timedelta(minutes=1)
        await asyncio.sleep(desk.settings.sweep_seconds + 1)  # the tuning is under way
        await desk.database.write_soon(change, desk, "Написано ночью.")
        await until("the new words", serves(search, "Написано ночью."))
        assert embedder() == untuned
        await until("the tuning", lambda: embedder() != untuned)
        assert serves(search, "Написано ночью.")()
