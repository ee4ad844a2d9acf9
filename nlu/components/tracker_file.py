"""The tracker store of an embedded desk: one SQLite file in WAL mode, so that reading (recovery) and writing do not wait for each other.

The connection is kept, as the last one that closes writes the whole log back, and so are the latest trackers: to read a tracker and
replay its events was a third of a turn. Nobody else writes the file.

It can forget a sender. Rasa has no call for that, and hides a store's errors: its FailSafeTrackerStore logs them, keeps the tracker in
memory and answers 200. So the gateway puts a tracker whose only event is a restart (PUT …/tracker/events), and gets it back paused if,
and only if, the sender is forgotten.
"""

import json
from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice
from typing import Any, Optional, Tuple

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ConversationPaused, Event, Restarted
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import QueuePool

_KEPT_TRACKERS = 128
_SELECT_ANY = "SELECT 1 FROM events WHERE sender_id = ? LIMIT 1"
_INSERT = "INSERT INTO events (sender_id, type_name, timestamp, intent_name, action_name, data) VALUES (?, ?, ?, ?, ?, ?)"


@dataclass
class Kept:
    """A tracker, and how many of its events are in the file. ``lent``: a turn is at it; if that fails, it is read anew."""

    tracker: DialogueStateTracker
    stored: int
    lent: bool


class TrackerFile(SQLTrackerStore):
    """Named in endpoints.yml; ``db`` is the file's path, and its folder must exist."""

    engine: Engine

    def __init__(self, domain: Optional[Domain] = None, event_broker: Optional[EventBroker] = None, **settings: Any) -> None:
        super().__init__(domain=domain, event_broker=event_broker, dialect="sqlite", **settings)
        # Rasa logs a store's errors, and theirs would quote the events: hide_parameters.
        self.engine = create_engine(self.engine.url, poolclass=QueuePool, hide_parameters=True)
        event.listen(self.engine, "connect", _prepare)
        self.sessionmaker.configure(bind=self.engine)
        self._connection = self.engine.raw_connection()
        self._kept: "OrderedDict[str, Kept]" = OrderedDict()

    async def retrieve(self, sender_id: str) -> Optional[DialogueStateTracker]:
        """The sender's tracker, to be changed and saved by the caller alone."""
        kept = self._kept.get(sender_id)
        if kept and not kept.lent:
            kept.lent = True
            return kept.tracker
        if not self._connection.execute(_SELECT_ANY, (sender_id,)).fetchone():
            return None  # a new one: to be told so by Rasa takes ten times as long
        tracker: Optional[DialogueStateTracker] = await super().retrieve(sender_id)
        if tracker:
            self._keep(tracker, lent=True)
        return tracker

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Stores a tracker; a lone restart asks to forget its sender."""
        if [type(each) for each in tracker.events] != [Restarted]:
            await self.stream_events(tracker)
            self._append(tracker)
            self._keep(tracker, lent=not tracker.events)  # a new one that has none yet is saved by whoever goes on with it
        elif self._forget(tracker.sender_id):
            tracker.update(ConversationPaused())

    def _append(self, tracker: DialogueStateTracker) -> None:
        """Rasa's rows without its session: one statement instead of an object that is tracked, flushed and expired for each event."""
        rows = [_row(tracker.sender_id, event) for event in islice(tracker.events, self._stored(tracker), None)]
        if rows:
            with self._connection.dbapi_connection as connection:  # commits, or takes back what was written
                connection.executemany(_INSERT, rows)

    def _stored(self, tracker: DialogueStateTracker) -> int:
        """How many of the tracker's events are in the file."""
        kept = self._kept.get(tracker.sender_id)
        if kept and kept.tracker is tracker:
            return kept.stored
        if not tracker.events:
            return 0
        with self.session_scope() as session:
            return int(self._event_query(session, tracker.sender_id, fetch_events_from_all_sessions=False).count())

    def _keep(self, tracker: DialogueStateTracker, *, lent: bool) -> None:
        self._kept[tracker.sender_id] = Kept(tracker, len(tracker.events), lent)
        self._kept.move_to_end(tracker.sender_id)
        if len(self._kept) > _KEPT_TRACKERS:
            self._kept.popitem(last=False)

    def _forget(self, sender_id: str) -> bool:
        """Deletes what is known of the sender; False while the write-ahead log, which holds it still, is in use."""
        self._kept.pop(sender_id, None)
        with self.engine.connect() as connection:
            connection.detach()  # of its own: no citizen's turn waits for it, and whoever asks asks again
            connection.execute("PRAGMA busy_timeout=0")
            connection.execute(self.SQLEvent.__table__.delete().where(self.SQLEvent.sender_id == sender_id))
            return not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]


def _row(sender_id: str, event: Event) -> Tuple[Any, ...]:
    """As Rasa's SQLTrackerStore.save fills it."""
    data = event.as_dict()
    intent = data.get("parse_data", {}).get("intent", {}).get("name")
    return sender_id, event.type_name, data.get("timestamp"), intent, data.get("name"), json.dumps(data)


def _prepare(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    # A turn that is lost with the power is sent again: the record is the gateway's database.
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA secure_delete=ON")
