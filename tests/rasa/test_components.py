"""Components inside Rasa, run by Rasa's own Python: ``PYTHONPATH=. .venv-rasa/bin/python -m unittest discover tests/rasa``."""

import sqlite3
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from jsonschema import ValidationError
from rasa.core.actions.action import RemoteAction
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.shared.utils.common import class_from_module_path
from rasa.utils.endpoints import EndpointConfig

from nlu.components import action_replies
from nlu.components.action_replies import ActionReplies, reply_validator

GOOD: dict[str, Any] = {"events": [{"event": "slot", "name": "offered", "value": None}], "responses": [{"text": "Здравствуйте"}]}
MALFORMED: tuple[Any, ...] = ({"events": {}}, {"events": [{"event": "unknown"}]}, {"events": [], "responses": ["text"]}, [], None)


class ActionRepliesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.rasas_own = action_replies._check_as_rasa_does
        self.addCleanup(setattr, RemoteAction, "_validate_action_result", self.rasas_own)
        reply_validator.cache_clear()
        ActionReplies.create({}, mock.Mock(), mock.Mock(), ExecutionContext(GraphSchema({})))
        self.action = RemoteAction("action_answer_question", EndpointConfig("http://127.0.0.1"))

    def test_loading_the_component_installs_the_check(self) -> None:
        self.assertIsNot(RemoteAction._validate_action_result, self.rasas_own)

    def test_a_good_reply_passes(self) -> None:
        self.assertIs(self.action._validate_action_result(GOOD), True)

    def test_a_malformed_reply_is_rejected_as_rasa_rejects_it(self) -> None:
        for reply in MALFORMED:
            with self.subTest(reply=reply):
                with self.assertRaises(ValidationError) as ours:
                    self.action._validate_action_result(reply)
                with self.assertRaises(ValidationError) as rasas:
                    self.rasas_own(self.action, reply)
                self.assertEqual(ours.exception.message, rasas.exception.message)
                self.assertIn("Failed to validate Action server response from API", ours.exception.message)

    def test_the_schema_is_prepared_once(self) -> None:
        with mock.patch.object(RemoteAction, "action_response_format_spec", side_effect=AssertionError("prepared again")):
            for _ in range(3):
                self.action._validate_action_result(GOOD)

    def test_messages_pass_through(self) -> None:
        messages = [mock.Mock()]
        self.assertIs(ActionReplies().process(messages), messages)


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


if __name__ == "__main__":
    unittest.main()
