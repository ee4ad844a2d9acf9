"""What holds on every database that the desk runs on, and on every bus of hints."""

from collections.abc import Iterator

import pytest

from tests.servers import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Overrides the shared fixture, so that ``desk`` is opened over each database. Empty: SQLite in the test's own folder."""
    if request.param == "sqlite":
        yield ""
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database() as name:
        yield server.url(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of a database without tables."""
    if request.param == "sqlite":
        yield ""
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database(empty=True) as name:
        yield server.url(name)
