"""Engine, sessions and the one-writer rule.

Work is a plain function of a Session, run whole in one transaction in a thread: no transaction can stay open across an await.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.orm import Session

from core.events import Events, Hint
from core.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")

_READERS = 8
_POSTGRES_WRITERS = 8
_BUSY_TIMEOUT_MS = 10_000
_HINTS = "hints"


def hint(session: Session, topic: str, **data: Any) -> None:
    """Publishes a hint once ``session``'s transaction is committed."""
    session.info.setdefault(_HINTS, []).append(Hint(topic, data))


class Database:
    """One database. On SQLite there is one writing connection and a pool of reading ones (field-notes: 2-3x of ten writers)."""

    def __init__(self, url: str, events: Events | None = None) -> None:
        self._events = events
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        if self.is_sqlite:
            Path(make_url(url).database or "").parent.mkdir(parents=True, exist_ok=True)
            self._writer = create_engine(url, pool_size=1, max_overflow=0, pool_timeout=60, hide_parameters=True)
            self._reader = create_engine(url, pool_size=_READERS, max_overflow=2, hide_parameters=True)
            _configure_sqlite(self._writer, begin="BEGIN IMMEDIATE", reads_only=False)
            _configure_sqlite(self._reader, begin="BEGIN", reads_only=True)
        else:
            self._writer = self._reader = create_engine(
                url, pool_size=_READERS + _POSTGRES_WRITERS, pool_pre_ping=True, hide_parameters=True
            )
        self._write_threads = ThreadPoolExecutor(1 if self.is_sqlite else _POSTGRES_WRITERS, "database-writer")
        self._read_threads = ThreadPoolExecutor(_READERS, "database-reader")
        self._seen_version: int | None = None

    def write(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs ``work(session, …)`` in one writing transaction; an exception rolls it back. Objects stay readable afterwards."""
        with Session(self._writer, expire_on_commit=False) as session:
            with session.begin():
                result = work(session, *args, **kwargs)
            for heard in session.info.get(_HINTS, ()):
                if self._events:
                    self._events.publish(heard)
        return result

    def read(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs ``work(session, …)`` on one consistent view; on SQLite a write in it fails."""
        with Session(self._reader, expire_on_commit=False) as session, session.begin():
            return work(session, *args, **kwargs)

    async def write_soon(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``write`` in a thread. Once begun it is finished even if the awaiting task is cancelled."""
        return await _in_thread(self._write_threads, lambda: self.write(work, *args, **kwargs))

    async def read_soon(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``read`` in a thread."""
        return await _in_thread(self._read_threads, lambda: self.read(work, *args, **kwargs))

    async def changed_elsewhere(self) -> bool:
        """Whether another process has written since the last call. Only SQLite needs the question: elsewhere events travel."""
        if not self.is_sqlite:
            return False
        # data_version of a connection changes by others' commits only, and all of this process's commits go through this one.
        version = await _in_thread(self._write_threads, self._data_version)
        changed, self._seen_version = self._seen_version not in (None, version), version
        return changed

    def _data_version(self) -> int:
        connection = self._writer.raw_connection()
        try:
            row = connection.cursor().execute("PRAGMA data_version").fetchone()
            return int(row[0])
        finally:
            connection.close()

    def upgrade(self) -> None:
        """Brings the schema to the newest migration."""
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
        config.set_main_option("path_separator", "os")
        with self._writer.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        self._write_threads.shutdown()
        self._read_threads.shutdown()
        self._writer.dispose()
        self._reader.dispose()


def open_database(settings: Settings, events: Events | None = None) -> Database:
    """The desk's database, as configured, with its schema up to date."""
    database = Database(settings.database, events)
    database.upgrade()
    return database


async def _in_thread(threads: Executor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)


def _configure_sqlite(engine: Engine, *, begin: str, reads_only: bool) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself: "begin" below does
        connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # what was acknowledged survives a loss of power
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=ON")
        if reads_only:
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def begun(connection: Any) -> None:
        connection.exec_driver_sql(begin)
