"""The database of a desk, for commands that only read it."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from core.database import open_database
from core.settings import Settings

T = TypeVar("T")


def has_desk(settings: Settings) -> bool:
    """Whether there is a database to read: opening one would make it."""
    return bool(settings.database_url) or settings.database_file.exists()


def read_desk(settings: Settings, work: Callable[[Session], T]) -> T:
    """What ``work`` reads in one transaction. Raises SettingsError if the database cannot be used."""
    database = open_database(settings)
    try:
        return database.read(work)
    finally:
        database.close()
