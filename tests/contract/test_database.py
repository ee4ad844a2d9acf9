"""Transactions, hints and the schema."""

import asyncio
import threading
from datetime import date
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.database import Database, hint
from core.desk import Desk
from core.events import Hint
from core.models import Article, Base
from tests.scenes import start_conversation


class Recorder:
    """Events that remember what was published, and what was stored by then."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.heard: list[tuple[Hint, list[str]]] = []

    def publish(self, heard: Hint) -> None:
        self.heard.append((heard, stored(self.desk)))


def add(session: Session, slug: str = "slug") -> None:
    session.add(Article(slug=slug, title="", section="", aliases=[], text="", updated=date(2026, 11, 23)))
    session.flush()


def stored(desk: Desk) -> list[str]:
    return desk.database.read(lambda session: [slug for (slug,) in session.query(Article.slug).order_by(Article.slug)])


def test_the_migrations_make_what_the_models_say(desk: Desk) -> None:
    def differences(session: Session) -> list[Any]:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))

    assert desk.database.read(differences) == []


def test_upgrading_again_changes_nothing(desk: Desk) -> None:
    desk.database.write(add)
    desk.database.upgrade()
    assert stored(desk) == ["slug"]


def test_a_write_that_raises_leaves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(desk)
    monkeypatch.setattr(desk.database, "_events", recorder)

    def fail(session: Session) -> None:
        add(session)
        hint(session, "topic")
        raise RuntimeError("after the write")

    with pytest.raises(RuntimeError, match="after the write"):
        desk.database.write(fail)
    assert stored(desk) == []
    assert recorder.heard == []
    desk.database.write(add)  # and the next one goes on
    assert stored(desk) == ["slug"]


def test_hints_are_published_after_the_commit_in_order(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(desk)
    monkeypatch.setattr(desk.database, "_events", recorder)

    def work(session: Session) -> None:
        hint(session, "first", number=1)
        add(session)
        hint(session, "second")
        assert recorder.heard == []

    desk.database.write(work)
    assert recorder.heard == [(Hint("first", {"number": 1}), ["slug"]), (Hint("second"), ["slug"])]


def test_what_a_write_returns_can_be_read_afterwards(desk: Desk) -> None:
    def make(session: Session) -> Article:
        add(session)
        return session.get_one(Article, "slug")

    assert desk.database.write(make).title == ""


def test_a_write_inside_a_read_fails(desk: Desk) -> None:
    if not desk.database.is_sqlite:
        pytest.skip("only SQLite has a reading connection of its own")
    with pytest.raises(DBAPIError, match="readonly"):
        desk.database.read(add)
    assert stored(desk) == []


def test_a_reader_does_not_see_what_is_not_committed(desk: Desk) -> None:
    written, seen = threading.Event(), threading.Event()

    def work(session: Session) -> None:
        add(session)
        written.set()
        assert seen.wait(30)

    writer = threading.Thread(target=desk.database.write, args=(work,))
    writer.start()
    assert written.wait(30)
    during = stored(desk)
    seen.set()
    writer.join(30)
    assert (during, stored(desk)) == ([], ["slug"])


async def test_a_write_once_begun_is_finished(desk: Desk) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(session: Session) -> None:
        begun.set()
        assert go_on.wait(30)
        add(session)

    task = asyncio.create_task(desk.database.write_soon(work))
    assert await asyncio.to_thread(begun.wait, 30)
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await desk.database.write_soon(lambda _session: None)  # writes go one after another
    assert stored(desk) == ["slug"]


async def test_others_commits_are_noticed_and_not_ones_own(desk: Desk) -> None:
    if not desk.database.is_sqlite:
        pytest.skip("elsewhere events travel")
    assert not await desk.database.changed_elsewhere()
    start_conversation(desk)
    assert not await desk.database.changed_elsewhere()
    other = Database(desk.settings.database)  # as another process would open it
    other.write(add)
    assert await desk.database.changed_elsewhere()
    assert not await desk.database.changed_elsewhere()
    other.read(lambda session: session.get(Article, "slug"))
    assert not await desk.database.changed_elsewhere()
    other.close()
