"""Engine, sessions and the one-writer rule.

Work is a plain function of a Session, run whole in one transaction in a thread: no transaction can stay open across an await. On
PostgreSQL it may be run again from the start, in a new transaction, when it lost a race against another writer.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import ColumnElement, Engine, PoolProxiedConnection, create_engine, event, literal_column, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.errors import DatabaseDown
from core.events import Events, Hint
from core.settings import PREFIX, Settings, SettingsError

P = ParamSpec("P")
T = TypeVar("T")

_READERS = 8
_POSTGRES_WRITERS = 8
_BUSY_TIMEOUT_MS = 10_000
_HINTS = "hints"
# Unless the URL says otherwise: nobody waits long for a host that is gone, nor for the locks of a process that stands still.
_POSTGRES_CONNECTION = {
    "connect_timeout": 5,
    "tcp_user_timeout": 15_000,
    "keepalives_idle": 30,
    "application_name": "otklik",
    "options": "-c idle_in_transaction_session_timeout=30s",
}
# SQLSTATEs of a lost race: somebody stored the same unique value first, a deadlock was broken, a view is out of date.
_LOST_RACES = ("23505", "40P01", "40001")
_ATTEMPTS = 3
_PAUSE_SECONDS = 0.02  # after a lost race, for the winner to take what it waits for: else the loser may take it again
_LOCK = text("SELECT pg_advisory_xact_lock(:lock)")
_MIGRATION_LOCK = 0x07_0B_11_1C  # any number of our own: PostgreSQL's advisory locks are numbers


def hint(session: Session, topic: str, **data: Any) -> None:
    """Publishes a hint once ``session``'s transaction is committed."""
    hints = session.info.setdefault(_HINTS, [])
    if Hint(topic, data) not in hints:
        hints.append(Hint(topic, data))


def written_out(column: ColumnElement[T] | InstrumentedAttribute[T], values: Iterable[object]) -> list[ColumnElement[T]]:
    """Values of an enumeration as part of a statement: of a parameter SQLite cannot tell that it is what a partial index is for."""
    return [literal_column(f"'{value}'", column.type) for value in values]


def one_at_a_time(session: Session, lock: int) -> None:
    """Waits for other transactions that hold ``lock``, any number of the caller's own, and holds it to the end of this one.

    For rules about more rows than one, which row locks do not keep. On SQLite writers go one after another anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_LOCK, {"lock": lock})


class Database:
    """One database. On SQLite there is one writing connection and a pool of reading ones (field-notes: 2-3x of ten writers).

    On PostgreSQL writers run side by side and hold rows (``FOR UPDATE``) as long as their transaction lasts. Each call raises
    DatabaseDown when PostgreSQL does not answer.
    """

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
            given = make_url(url).query
            connection = {name: value for name, value in _POSTGRES_CONNECTION.items() if name not in given}
            self._writer = create_engine(
                url, pool_size=_READERS + _POSTGRES_WRITERS, pool_pre_ping=True, hide_parameters=True, connect_args=connection
            )
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._write_threads = ThreadPoolExecutor(1 if self.is_sqlite else _POSTGRES_WRITERS, "database-writer")
        self._read_threads = ThreadPoolExecutor(_READERS, "database-reader")
        self._seen_version: int | None = None

    def write(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs ``work(session, …)`` in one writing transaction; an exception rolls it back. Objects stay readable afterwards."""
        for attempt in range(1, _ATTEMPTS + 1):
            with Session(self._writer, expire_on_commit=False) as session:
                try:
                    with session.begin():
                        result = work(session, *args, **kwargs)
                except DBAPIError as error:
                    if attempt < _ATTEMPTS and getattr(error.orig, "sqlstate", None) in _LOST_RACES:
                        time.sleep(_PAUSE_SECONDS * attempt)
                        continue
                    raise self._told(error) from None
                for heard in session.info.get(_HINTS, ()):
                    if self._events:
                        self._events.publish(heard)
            break
        return result

    def read(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs ``work(session, …)`` on one consistent view; a write in it fails."""
        try:
            with Session(self._reader, expire_on_commit=False) as session, session.begin():
                return work(session, *args, **kwargs)
        except DBAPIError as error:
            raise self._told(error) from None

    async def write_soon(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``write`` in a thread. Once begun it is finished even if the awaiting task is cancelled."""
        return await _in_thread(self._write_threads, lambda: self.write(work, *args, **kwargs))

    async def read_soon(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``read`` in a thread."""
        return await _in_thread(self._read_threads, lambda: self.read(work, *args, **kwargs))

    async def read_at_once(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``read`` of a few rows by their keys, which is quicker than to go over to a thread and back. On SQLite, where no writer is waited
        for, it is done here and now; on PostgreSQL in a thread."""
        return self.read(work, *args, **kwargs) if self.is_sqlite else await self.read_soon(work, *args, **kwargs)

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

    async def empty_log_soon(self) -> bool:
        """Moves the write-ahead log into the database and empties it, so that what was deleted stands in neither.

        False if somebody reads from it at this moment: nobody is waited for. PostgreSQL's is its own: True.
        """
        return not self.is_sqlite or await _in_thread(self._write_threads, self._empty_log)

    def _empty_log(self) -> bool:
        connection = self._writer.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute("PRAGMA busy_timeout=0")  # whoever writes waits for this connection, which must not wait for readers
            try:
                row = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
            return int(row[0]) == 0
        finally:
            connection.close()

    def upgrade(self) -> None:
        """Brings the schema to the newest migration."""
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
        config.set_main_option("path_separator", "os")
        with self._writer.begin() as connection:
            if not self.is_sqlite:  # gateways that start together take turns
                connection.execute(_LOCK, {"lock": _MIGRATION_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def _told(self, error: DBAPIError) -> Exception:
        """What to raise instead of ``error``."""
        if not self.is_sqlite and isinstance(error, OperationalError | InterfaceError):
            return DatabaseDown(type(error.orig).__name__)
        return error

    def close(self) -> None:
        self._write_threads.shutdown()
        self._read_threads.shutdown()
        self._writer.dispose()
        self._reader.dispose()


def open_database(settings: Settings, events: Events | None = None) -> Database:
    """The desk's database, as configured, with its schema up to date. Raises SettingsError if it does not answer or let us in."""
    database = Database(settings.database, events)
    try:
        database.upgrade()
    except DBAPIError as error:
        database.close()
        raise SettingsError(f"{PREFIX}DATABASE_URL: the database cannot be used: {' '.join(str(error.orig).split())}") from None
    return database


async def _in_thread(threads: Executor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)


def _configure_sqlite(engine: Engine, *, begin: str, reads_only: bool) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself: "begin_it" does
        connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # what was acknowledged survives a loss of power
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=ON")
        if reads_only:
            connection.execute("PRAGMA query_only=ON")

    def begin_it(connection: PoolProxiedConnection) -> None:
        connection.cursor().execute(begin)

    # The dialect's, not an event of the engine, with which each statement looks for listeners.
    engine.dialect.do_begin = begin_it  # type: ignore[method-assign, assignment]
