"""The tracker store of an embedded desk: one SQLite file in WAL mode, so that reading (recovery) and writing do not wait for each other.

It can forget a sender. Rasa has no call for that, and hides a store's errors: its FailSafeTrackerStore logs them, keeps the tracker in
memory and answers 200. So the gateway puts a tracker whose only event is a restart (PUT …/tracker/events), and gets it back paused if,
and only if, the sender is forgotten.
"""

from typing import Any, Optional

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ConversationPaused, Restarted
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy import event


class TrackerFile(SQLTrackerStore):
    """Named in endpoints.yml; ``db`` is the file's path, and its folder must exist."""

    def __init__(self, domain: Optional[Domain] = None, event_broker: Optional[EventBroker] = None, **settings: Any) -> None:
        super().__init__(domain=domain, event_broker=event_broker, dialect="sqlite", **settings)
        self.engine.hide_parameters = True  # Rasa logs a store's errors, and theirs would quote the events
        event.listen(self.engine, "connect", _prepare)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Stores a tracker; a lone restart asks to forget its sender."""
        if [type(each) for each in tracker.events] != [Restarted]:
            await super().save(tracker)
        elif self._forget(tracker.sender_id):
            tracker.update(ConversationPaused())

    def _forget(self, sender_id: str) -> bool:
        """Deletes what is known of the sender; False while the write-ahead log, which holds it still, is in use."""
        with self.session_scope() as session:
            session.execute("PRAGMA busy_timeout=0")  # of this connection: no citizen's turn waits for it, and whoever asks asks again
            session.query(self.SQLEvent).filter(self.SQLEvent.sender_id == sender_id).delete(synchronize_session=False)
            session.commit()
        with self.engine.connect() as connection:
            connection.execute("PRAGMA busy_timeout=0")
            return not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]


def _prepare(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    # A turn that is lost with the power is sent again: the record is the gateway's database.
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA secure_delete=ON")
