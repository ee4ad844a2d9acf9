"""The desk: what everything that serves people stands on, opened once per process."""

from dataclasses import dataclass

from core import blind_index, key_rotation
from core.blobs import FolderBlobs
from core.database import Database, open_database
from core.events import Events, InProcessEvents
from core.events_redis import RedisEvents
from core.keys import open_keyring
from core.personal_data import Vault
from core.settings import Settings


@dataclass(frozen=True)
class Desk:
    settings: Settings
    database: Database
    events: Events
    vault: Vault
    blobs: FolderBlobs

    def close(self) -> None:
        self.database.close()
        if isinstance(self.events, RedisEvents):
            self.events.close()


def open_desk(settings: Settings) -> Desk:
    """Opens database (schema brought up to date), events, vault and attachment folder. Raises SettingsError."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    settings.data_dir.chmod(0o700)
    open_keyring(settings)  # what is wrong with it is said before anything is opened
    events: Events = RedisEvents(settings.redis_url) if settings.redis_url else InProcessEvents()
    try:
        database = open_database(settings, events)
    except BaseException:
        if isinstance(events, RedisEvents):
            events.close()
        raise
    try:
        vault = open_vault(settings, database)
    except BaseException:
        database.close()
        if isinstance(events, RedisEvents):
            events.close()
        raise
    return Desk(
        settings=settings,
        database=database,
        events=events,
        vault=vault,
        blobs=FolderBlobs(settings.data_dir / "attachments"),
    )


def open_vault(settings: Settings, database: Database) -> Vault:
    """The vault over an open database, with all the keys that this wants. Raises SettingsError if one is missing."""
    keyring = open_keyring(settings)
    key_rotation.check(database, keyring)
    database.write(blind_index.read_key, keyring)
    return Vault(keyring, settings)
