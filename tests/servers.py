"""Real PostgreSQL and Redis for tests: processes of their own on free loopback ports, in temporary folders."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from core.database import Database
from tests.stack import free_port, wait_for

_START_SECONDS = 60
_STOP_SECONDS = 20
_TEMPLATE = "otklik_template"


class Server:
    """A process that is stopped with the test. ``user``: whom it runs as where the tests run as root; ``group``: if not of that name."""

    def __init__(self, name: str, user: str | None = None, group: str | None = None) -> None:
        self.user = user if os.geteuid() == 0 else None
        self.group = (group or user) if self.user else None
        self.port = free_port()
        # Not pytest's own folder: another user may not enter that one.
        self.folder = Path(tempfile.mkdtemp(prefix=f"otklik-{name}-"))
        if self.user:
            shutil.chown(self.folder, self.user, self.group)
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, command: list[str]) -> None:
        with (self.folder / "output.txt").open("ab") as output:
            code = subprocess.run(
                command, cwd=self.folder, stdout=output, stderr=output, user=self.user, group=self.group, check=False
            ).returncode
        assert code == 0, (self.folder / "output.txt").read_text()

    def start(self, command: list[str]) -> None:
        with (self.folder / "output.txt").open("ab") as output:
            self._process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, user=self.user, group=self.group
            )
        wait_for(f"{command[0]}; its output is in {self.folder}", lambda: self.ended() or self.answers(), _START_SECONDS)
        assert not self.ended(), (self.folder / "output.txt").read_text()

    def ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        if self._process is None:
            return
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process = None

    def remove(self) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


class Postgres(Server):
    """A cluster without durability, and databases cloned from a template that has the desk's schema."""

    def __init__(self) -> None:
        super().__init__("postgres", "postgres")
        programs = _postgres_programs()
        data = str(self.folder / "data")
        collation = ["--locale-provider=icu", "--icu-locale=ru-RU"] if _major(programs) >= 15 else ["--locale=C.UTF-8"]
        self.run([str(programs / "initdb"), "-D", data, "-U", "app", "-A", "trust", "-E", "UTF8", *collation, "--no-sync"])
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}"]
        options += ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=200"]
        self.start([str(programs / "postgres"), "-D", data, *(part for option in options for part in ("-c", option))])
        wait_for("PostgreSQL to take work", self._takes_work)
        self.execute(f"CREATE DATABASE {_TEMPLATE}")
        template = Database(self.url(_TEMPLATE))
        template.upgrade()
        template.close()

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://app@127.0.0.1:{self.port}/{name}"

    def execute(self, command: str) -> None:
        with psycopg.connect(host="127.0.0.1", port=self.port, user="app", dbname="postgres", autocommit=True) as connection:
            connection.execute(command.encode())

    def _takes_work(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            self.execute("SELECT 1")
            return True
        return False

    @contextlib.contextmanager
    def database(self, *, empty: bool = False) -> Iterator[str]:
        """The name of a database of the test's own, with the desk's tables or ``empty``."""
        name = f"otklik_{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name}" + ("" if empty else f" TEMPLATE {_TEMPLATE}"))
        try:
            yield name
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextlib.contextmanager
    def down(self, name: str) -> Iterator[None]:
        """Inside the ``with`` the database drops its connections and takes none."""
        self.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608 - ours
        try:
            yield
        finally:
            self.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")


class RedisServer(Server):
    """Redis without persistence. It may be stopped and begun again on its port."""

    def __init__(self) -> None:
        super().__init__("redis")
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.begin()

    def begin(self) -> None:
        options = f"--port {self.port} --bind 127.0.0.1 --appendonly no --dir {self.folder}".split()
        self.start(["redis-server", *options, "--save", ""])
        wait_for("Redis to take work", self._takes_work)

    def _takes_work(self) -> bool:
        with contextlib.suppress(Exception), Redis.from_url(self.url) as client:
            return bool(client.ping())
        return False


def _postgres_programs() -> Path:
    """The folder of the newest initdb: Debian keeps each version in one of its own, off the PATH."""
    found = list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return max(found, key=lambda path: int(path.parts[4])).parent
    on_path = shutil.which("initdb")
    if on_path is None:
        pytest.fail("there is no PostgreSQL; 'make test' installs it")
    return Path(on_path).resolve().parent


def _major(programs: Path) -> int:
    told = subprocess.run([str(programs / "postgres"), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\) (\d+)", told)
    assert found, told
    return int(found[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer()
    try:
        yield server
    finally:
        server.remove()
