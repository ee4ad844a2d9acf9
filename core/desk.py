"""The desk: what everything that serves people stands on, opened once per process."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.blobs import FolderBlobs
from core.database import Database, open_database
from core.events import Events, InProcessEvents
from core.events_redis import RedisEvents
from core.keys import open_keyring
from core.models import Conversation
from core.personal_data import Vault
from core.settings import PREFIX, Settings, SettingsError


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
    vault = Vault(open_keyring(settings), settings)
    events: Events = RedisEvents(settings.redis_url) if settings.redis_url else InProcessEvents()
    try:
        database = open_database(settings, events)
    except BaseException:
        if isinstance(events, RedisEvents):
            events.close()
        raise
    desk = Desk(
        settings=settings,
        database=database,
        events=events,
        vault=vault,
        blobs=FolderBlobs(settings.data_dir / "attachments"),
    )
    try:
        desk.database.read(_check_key, desk.vault)
    except BaseException:
        desk.close()
        raise
    return desk


def _check_key(session: Session, vault: Vault) -> None:
    """A desk with another desk's key would start, and could read nothing."""
    newest = session.scalar(select(Conversation).where(Conversation.data_key.is_not(None)).order_by(Conversation.id.desc()).limit(1))
    try:
        if newest is not None:
            vault.seal(newest, "")
    except ValueError:
        raise SettingsError(f"{PREFIX}MASTER_KEY: it is not the key that this database was written with") from None
