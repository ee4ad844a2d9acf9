"""Transactions, hints and the schema."""

import asyncio
import threading
import uuid
from datetime import date
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from core import conversations
from core.database import Database, hint, open_database
from core.desk import Desk, open_desk
from core.errors import DatabaseDown
from core.events import Hint
from core.models import Article, Author, Base
from core.settings import SettingsError
from tests.conftest import MakeSettings
from tests.scenes import in_threads, reload, start_conversation
from tests.servers import Postgres
from tests.stack import free_port, wait_for


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
    with pytest.raises(DBAPIError, match=r"read-?only"):
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
    assert await asyncio.to_thread(wait_for, "the write to be committed", lambda: stored(desk)) == ["slug"]


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


def test_who_comes_second_with_a_unique_value_finds_the_first(desk: Desk) -> None:
    ids = [start_conversation(desk), start_conversation(desk)]
    both_have_looked = threading.Barrier(2)

    def store(session: Session, conversation_id: uuid.UUID) -> uuid.UUID:
        conversation = conversations.lock(session, conversation_id)
        found = conversations.find_by_external_id(session, "widget", "update 7")
        if found is None and not desk.database.is_sqlite:  # there writers go one after another
            both_have_looked.wait(30)
        found = found or conversations.append(session, desk.vault, conversation, Author.CITIZEN, "привет", external_id="update 7")
        return found.id

    stored_as = in_threads(2, lambda number: desk.database.write(store, ids[number]))
    assert len(set(stored_as)) == 1
    assert sorted(reload(desk, each).last_seq for each in ids) == [0, 1]


def test_writers_that_hold_each_other_up_both_get_through(desk: Desk) -> None:
    ids = [start_conversation(desk), start_conversation(desk)]
    both_hold_one = threading.Barrier(2)
    runs: list[int] = []

    def write_to_both(session: Session, number: int) -> None:
        conversations.append(session, desk.vault, conversations.lock(session, ids[number]), Author.BOT, "первый")
        runs.append(number)
        if len(runs) <= 2 and not desk.database.is_sqlite:
            both_hold_one.wait(30)
        conversations.append(session, desk.vault, conversations.lock(session, ids[1 - number]), Author.BOT, "второй")

    in_threads(2, lambda number: desk.database.write(write_to_both, number))
    assert [reload(desk, each).last_seq for each in ids] == [2, 2]
    assert desk.database.is_sqlite or len(runs) >= 3  # PostgreSQL broke the deadlock, and the loser ran again


def test_a_violation_that_is_no_race_is_raised_once_and_for_all(desk: Desk) -> None:
    desk.database.write(add)
    with pytest.raises(IntegrityError):
        desk.database.write(add)
    assert stored(desk) == ["slug"]


def test_processes_that_start_together_make_one_schema(make_settings: MakeSettings, empty_database_url: str) -> None:
    settings = make_settings(database_url=empty_database_url)
    databases = in_threads(4, lambda _: open_database(settings))
    assert [database.read(lambda session: session.query(Article).count()) for database in databases] == [0] * 4
    for database in databases:
        database.close()


def test_a_database_that_does_not_let_us_in_is_told_in_one_line(make_settings: MakeSettings) -> None:
    with pytest.raises(SettingsError) as caught:
        open_database(make_settings(database_url=f"postgresql+psycopg://desk:open-sesame@127.0.0.1:{free_port()}/otklik"))
    line = str(caught.value)
    assert line.startswith("OTKLIK_DATABASE_URL: the database cannot be used: ")
    assert "\n" not in line
    assert "open-sesame" not in line


async def test_a_database_that_went_away_is_down_until_it_is_back(postgres: Postgres, make_settings: MakeSettings) -> None:
    with postgres.database() as name:
        desk = open_desk(make_settings(database_url=postgres.url(name)))
        begun, go_on = threading.Event(), threading.Event()

        def interrupted(session: Session) -> None:
            add(session)
            begun.set()
            assert go_on.wait(30)

        under_way = asyncio.create_task(desk.database.write_soon(interrupted))
        assert await asyncio.to_thread(begun.wait, 30)
        with postgres.down(name):
            go_on.set()
            with pytest.raises(DatabaseDown):
                await under_way
            for work in (desk.database.read_soon(lambda session: session.query(Article).count()), desk.database.write_soon(add)):
                with pytest.raises(DatabaseDown):
                    await work
        assert stored(desk) == []
        desk.database.write(add)
        assert stored(desk) == ["slug"]
        desk.close()
