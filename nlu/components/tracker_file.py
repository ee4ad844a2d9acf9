"""The tracker store of an embedded desk: one SQLite file in WAL mode, so that reading (recovery) and writing do not wait for each other."""

from typing import Any, Optional

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from sqlalchemy import event


class TrackerFile(SQLTrackerStore):
    """Named in endpoints.yml; ``db`` is the file's path, and its folder must exist."""

    def __init__(self, domain: Optional[Domain] = None, event_broker: Optional[EventBroker] = None, **settings: Any) -> None:
        super().__init__(domain=domain, event_broker=event_broker, dialect="sqlite", **settings)
        event.listen(self.engine, "connect", _prepare)


def _prepare(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    # A turn that is lost with the power is sent again: the record is the gateway's database.
    connection.execute("PRAGMA synchronous=NORMAL")
