"""Components inside Rasa, run by Rasa's own Python: ``PYTHONPATH=. .venv-rasa/bin/python -m unittest discover tests/rasa``."""

import asyncio
import sqlite3
import tempfile
import unittest
from pathlib import Path
from typing import Any

from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.utils.common import class_from_module_path

from nlu.components import tracker_file


class TrackerFileTest(unittest.TestCase):
    def test_the_name_in_endpoints_yml_is_found(self) -> None:
        # Rasa takes a store in memory, with a warning only, when it is not: every dialogue would be lost at a restart.
        endpoints = Path("endpoints.yml").read_text(encoding="utf-8")
        name = "nlu.components.tracker_file.TrackerFile"
        self.assertIn(f"type: {name}", endpoints)
        self.assertEqual(class_from_module_path(name).__name__, "TrackerFile")

    def test_the_file_is_in_wal_mode(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tracker.db"
            store = class_from_module_path("nlu.components.tracker_file.TrackerFile")(db=str(path), host=None)
            store.engine.connect().close()
            connection = sqlite3.connect(str(path))
            self.addCleanup(connection.close)
            self.assertEqual(connection.execute("PRAGMA journal_mode").fetchone()[0], "wal")


class ForgettingTest(unittest.TestCase):
    """As Rasa has the store: inside of the one that hides its errors."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = str(self.folder / "tracker.db")
        self.store = FailSafeTrackerStore(class_from_module_path("nlu.components.tracker_file.TrackerFile")(db=self.path, host=None))
        for sender in ("one-1", "one-2"):
            self.say(sender, f"words of {sender}")

    def say(self, sender: str, words: str) -> None:
        asyncio.run(self.store.save(DialogueStateTracker.from_events(sender, [UserUttered(words)])))

    def forget(self, sender: str) -> bool:
        """As the call's handler does it, and what the gateway reads in its answer."""
        tracker = DialogueStateTracker.from_dict(sender, [{"event": "restart"}], [])
        asyncio.run(self.store.save(tracker))
        return bool(tracker.current_state()["paused"])

    def held(self) -> bytes:
        return b"".join(file.read_bytes() for file in self.folder.iterdir())

    def connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None)
        self.addCleanup(connection.close)
        return connection

    def test_a_sender_is_forgotten(self) -> None:
        self.assertTrue(self.forget("one-1"))
        self.assertTrue(self.forget("one-1"))
        self.assertEqual(list(asyncio.run(self.store.keys())), ["one-2"])
        self.assertNotIn(b"words of one-1", self.held())  # nor in the write-ahead log
        self.assertIn(b"words of one-2", self.held())

    def test_a_locked_file_is_not_taken_for_forgotten(self) -> None:
        other = self.connect()
        other.execute("BEGIN IMMEDIATE")
        self.assertFalse(self.forget("one-1"))
        other.execute("ROLLBACK")
        self.assertIn(b"words of one-1", self.held())
        self.assertTrue(self.forget("one-1"))

    def test_a_log_in_use_is_not_taken_for_forgotten(self) -> None:
        other = self.connect()
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM events").fetchone()
        self.assertFalse(self.forget("one-1"))
        self.assertIn(b"words of one-1", self.held())
        other.execute("COMMIT")
        self.assertTrue(self.forget("one-1"))
        self.assertNotIn(b"words of one-1", self.held())

    def test_a_new_tracker_without_events_forgets_nothing(self) -> None:
        # Rasa saves one when it finds none, and finds none also when reading failed.
        asyncio.run(self.store.save(DialogueStateTracker.from_events("one-1", [])))
        self.assertEqual(set(asyncio.run(self.store.keys())), {"one-1", "one-2"})

    def test_an_error_quotes_no_event(self) -> None:
        self.connect().execute("CREATE TRIGGER refuse BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'refused'); END")
        with self.assertLogs("rasa", "ERROR") as logged:
            self.say("one-3", "words of one-3")
        self.assertIn("refused", "".join(logged.output))
        self.assertNotIn("words of one-3", "".join(logged.output))


class KeptTrackersTest(unittest.TestCase):
    """A tracker that was saved is not read from the file again, and what is in the file is the same."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = str(Path(folder.name) / "tracker.db")
        self.store = self.open()

    def open(self) -> Any:
        store = class_from_module_path("nlu.components.tracker_file.TrackerFile")(db=self.path, host=None, domain=Domain.empty())
        self.addCleanup(store.engine.dispose)
        return store

    def say(self, words: str) -> DialogueStateTracker:
        """A turn: the tracker is taken, grows and is saved."""
        tracker = asyncio.run(self.store.get_or_create_tracker("one-1", append_action_listen=False))
        tracker.update(UserUttered(words))
        asyncio.run(self.store.save(tracker))
        return tracker

    def in_file(self) -> list[str]:
        return [event.text for event in asyncio.run(self.open().retrieve("one-1")).events]

    def test_turns_go_on_with_the_same_tracker(self) -> None:
        self.assertIs(self.say("one"), self.say("two"))
        self.assertEqual(self.in_file(), ["one", "two"])

    def test_what_a_failed_turn_left_in_the_tracker_is_gone(self) -> None:
        self.say("one")
        asyncio.run(self.store.retrieve("one-1")).update(UserUttered("half a turn"))
        self.assertEqual([event.text for event in self.say("two").events], ["one", "two"])
        self.assertEqual(self.in_file(), ["one", "two"])

    def test_a_forgotten_sender_is_new(self) -> None:
        self.say("one")
        asyncio.run(self.store.save(DialogueStateTracker.from_dict("one-1", [{"event": "restart"}], [])))
        self.assertEqual([event.text for event in self.say("two").events], ["two"])
        self.assertEqual(self.in_file(), ["two"])

    def test_the_last_ones_are_kept(self) -> None:
        for number in range(tracker_file._KEPT_TRACKERS + 1):
            asyncio.run(self.store.save(DialogueStateTracker.from_events(f"sender-{number}", [UserUttered("one")])))
        self.assertEqual(len(self.store._kept), tracker_file._KEPT_TRACKERS)
        self.assertNotIn("sender-0", self.store._kept)


if __name__ == "__main__":
    unittest.main()
