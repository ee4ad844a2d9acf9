"""The desk: what everything that serves people stands on, opened once per process."""

from dataclasses import dataclass

from core.blobs import FolderBlobs
from core.database import Database, open_database
from core.events import Events, InProcessEvents
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


def open_desk(settings: Settings) -> Desk:
    """Opens database (schema brought up to date), vault and attachment folder."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    settings.data_dir.chmod(0o700)
    events = InProcessEvents()
    return Desk(
        settings=settings,
        database=open_database(settings, events),
        events=events,
        vault=Vault(open_keyring(settings), settings),
        blobs=FolderBlobs(settings.data_dir / "attachments"),
    )
