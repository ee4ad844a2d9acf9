"""What tests of every kind share: settings, a desk and some citizens."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import hypothesis
import pytest

from core.desk import Desk, open_desk
from core.settings import PREFIX, Settings, read_settings
from tests.data.personas import PERSONAS, Persona
from tests.mail_servers import dovecot
from tests.scanners import clamd, clamd_server, spamd, spamd_server
from tests.servers import postgres, redis_server
from tests.shipped_index import shipped_articles, shipped_index
from tests.stack import citizen, operator, running_stack, stack

# One stack, one index and one of each server for the session, whichever folder asks first.
__all__ = [
    "citizen",
    "clamd",
    "clamd_server",
    "dovecot",
    "operator",
    "postgres",
    "redis_server",
    "running_stack",
    "shipped_articles",
    "shipped_index",
    "spamd",
    "spamd_server",
    "stack",
]

# No deadline: the machine may be busy with other tests. No database: a failing example belongs into a table of cases.
hypothesis.settings.register_profile("otklik", deadline=None, database=None)
hypothesis.settings.load_profile("otklik")


class MakeSettings(Protocol):
    def __call__(self, **overrides: Any) -> Settings: ...


@pytest.fixture
def make_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeSettings:
    """Settings as shipped with a data folder of the test's own; the developer's environment does not count."""
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)

    def make(**overrides: Any) -> Settings:
        return read_settings(**{"data_dir": tmp_path / "data", **overrides})

    return make


@pytest.fixture
def database_url() -> str:
    """Empty: SQLite in the data folder. The contract tests name others."""
    return ""


@pytest.fixture
def desk(make_settings: MakeSettings, database_url: str) -> Iterator[Desk]:
    """An open desk without conversations or operators."""
    opened = open_desk(make_settings(database_url=database_url))
    yield opened
    opened.close()


@pytest.fixture
def personas() -> tuple[Persona, ...]:
    return PERSONAS
