"""What nlu/shortcuts puts in place of Rasa's own has the same outcome."""

import asyncio
import json
import logging
import sqlite3
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import aiohttp
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer
from jsonschema import ValidationError
from rasa.core.actions import action
from rasa.core.actions.action import RemoteAction
from rasa.core.tracker_store import SQLTrackerStore
from rasa.engine.exceptions import GraphComponentException, GraphRunError
from rasa.engine.graph import ExecutionContext, GraphComponent, GraphSchema, SchemaNode
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.domain import ActionNotFoundException, Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    BotUttered,
    ConversationPaused,
    Event,
    FollowupAction,
    LoopInterrupted,
    Restarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from rasa.shared.core.slots import AnySlot
from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity
from rasa.shared.exceptions import RasaException
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

from nlu.components.tracker_file import TrackerFile
from nlu.shortcuts import action_calls, action_connections
from nlu.shortcuts.graph_runner import OrderedGraphRunner
from tests.rasa.conversations import converse, shortcuts_installed, without_moments

CONVERSATIONS, TURNS = 25, 16
# As the server has it: without, each turn's debug lines are printed.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


class ConversationsTest(unittest.TestCase):
    """The same conversations with Rasa's own and with what serves."""

    rasas: ClassVar[tuple[list[Any], list[dict[str, Any]], list[tuple[Any, ...]]]]
    ours: ClassVar[tuple[list[Any], list[dict[str, Any]], list[tuple[Any, ...]]]]

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        logging.disable(logging.CRITICAL)  # the action server fails on purpose
        cls.addClassCleanup(logging.disable, logging.NOTSET)
        path = Path(folder.name)
        cls.rasas = cls.outcome(SQLTrackerStore(db=str(path / "rasas.db")), path / "rasas.db")
        with shortcuts_installed():
            cls.ours = cls.outcome(TrackerFile(db=str(path / "ours.db")), path / "ours.db")

    @staticmethod
    def outcome(store: SQLTrackerStore, path: Path) -> tuple[list[Any], list[dict[str, Any]], list[tuple[Any, ...]]]:
        replies, calls = converse(store, CONVERSATIONS, TURNS)
        with sqlite3.connect(str(path)) as connection:
            rows = connection.execute("SELECT sender_id, type_name, intent_name, action_name, data FROM events ORDER BY id").fetchall()
        store.engine.dispose()
        return replies, calls, [(*row[:-1], without_moments(json.loads(row[-1]))) for row in rows]

    def test_replies_are_the_same(self) -> None:
        self.assertEqual(self.ours[0], self.rasas[0])

    def test_trackers_are_the_same(self) -> None:
        for at, (ours, rasas) in enumerate(zip(self.ours[2], self.rasas[2], strict=True)):
            self.assertEqual(ours, rasas, f"event {at}")

    def test_actions_are_sent_the_same_but_for_earlier_turns(self) -> None:
        for ours, rasas in zip(self.ours[1], self.rasas[1], strict=True):
            sent, all_events = ours["tracker"].pop("events"), rasas["tracker"].pop("events")
            begins = max((at for at, event in enumerate(all_events) if event["event"] == "user"), default=0)
            self.assertEqual(without_moments(sent), without_moments(all_events[begins:]))
            self.assertEqual(ours.pop("domain"), {})
            self.assertEqual(without_moments(ours), without_moments(rasas))

    def test_the_conversations_go_everywhere(self) -> None:
        kinds = {row[1] for row in self.rasas[2]}
        self.assertLessEqual({"active_loop", "action_execution_rejected", "followup", "reset_slots", "restart", "rewind"}, kinds)
        self.assertGreater(len({row[3] for row in self.rasas[2] if row[1] == "action"}), 20)


GOOD: dict[str, Any] = {"events": [{"event": "slot", "name": "offered", "value": None}], "responses": [{"text": "Здравствуйте"}]}
FIT: tuple[Any, ...] = (
    GOOD,
    {},
    {"events": [{"event": "slot", "name": "offered", "value": 1, "timestamp": None, "metadata": {}, "more": 1}, {"event": "reset_slots"}]},
    {"events": [{"event": "user", "text": None, "parse_data": {"intent": {"confidence": 1}, "entities": [{"entity": "a", "value": 1}]}}]},
)
# What the schema asks of it is Rasa's to look at.
INVOLVED: dict[str, Any] = {"events": [{"event": "user", "parse_data": {"response_selector": {"all_retrieval_intents": []}}}]}
MALFORMED: tuple[Any, ...] = (
    {"events": {}},
    {"events": [{"event": "unknown"}]},
    {"events": [{"event": ["slot"]}]},
    {"events": [{"name": "offered", "value": None}]},
    {"events": [{"event": "slot", "name": "offered"}]},
    {"events": [{"event": "slot", "name": "offered", "value": None, "timestamp": "now"}]},
    {"events": [{"event": "slot", "name": "offered", "value": None, "timestamp": True}]},
    {"events": [{"event": "action", "name": 1}]},
    {"events": [{"event": "user", "parse_data": {"entities": [{"entity": "a"}]}}]},
    {"events": [{"event": "user", "parse_data": {"response_selector": []}}]},
    {"events": ["slot"]},
    {"events": [], "responses": ["text"]},
    [],
    None,
)


class ActionCallsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.action = RemoteAction("action_answer_question", EndpointConfig("http://127.0.0.1"))

    def test_a_reply_that_fits_passes(self) -> None:
        with mock.patch.object(action_calls, "_check_as_rasa_does", side_effect=AssertionError("Rasa was asked")):
            for reply in FIT:
                self.assertIs(action_calls._validate_action_result(self.action, reply), True, reply)
        for reply in FIT:
            self.assertIs(action_calls._check_as_rasa_does(self.action, reply), True, reply)
        self.assertIs(action_calls._validate_action_result(self.action, INVOLVED), True)

    def test_a_malformed_reply_is_rejected_as_rasa_rejects_it(self) -> None:
        for reply in MALFORMED:
            with self.subTest(reply=reply):
                with self.assertRaises(ValidationError) as ours:
                    action_calls._validate_action_result(self.action, reply)
                with self.assertRaises(ValidationError) as rasas:
                    action_calls._check_as_rasa_does(self.action, reply)
                self.assertEqual(ours.exception.message, rasas.exception.message)
                self.assertIn("Failed to validate Action server response from API", ours.exception.message)

    def test_the_schema_is_prepared_once(self) -> None:
        action_calls.reply_schemas()
        with mock.patch.object(RemoteAction, "action_response_format_spec", side_effect=AssertionError("prepared again")):
            for _ in range(3):
                action_calls._validate_action_result(self.action, GOOD)

    def test_a_call_carries_the_domain_only_where_an_action_wants_it(self) -> None:
        domain = Domain.from_yaml("""
            version: "3.1"
            actions:
            - action_plain
            - action_curious: {send_domain: true}
            """)
        endpoint = EndpointConfig("http://127.0.0.1", enable_selective_domain=True)
        tracker = DialogueStateTracker.from_events("one-1", [UserUttered("one"), ActionExecuted("action_listen"), UserUttered("two")])
        plain = action_calls._action_call_format(RemoteAction("action_plain", endpoint), tracker, domain)
        self.assertEqual(plain["domain"], {})
        self.assertEqual([event["text"] for event in plain["tracker"]["events"]], ["two"])
        curious = action_calls._action_call_format(RemoteAction("action_curious", endpoint), tracker, domain)
        self.assertIn("actions", curious["domain"])
        self.assertEqual(len(curious["tracker"]["events"]), 3)


Handler = Callable[[web.Request], Any]


class ActionConnectionsTest(unittest.TestCase):
    """A call and what comes of it, ours and Rasa's."""

    def call(self, handler: Handler | None, calls: int = 1, **options: Any) -> list[Any]:
        """What comes of each call, an exception too. Without a handler nobody listens."""

        async def run() -> list[Any]:
            application = web.Application()
            if handler:
                application.router.add_post("/webhook", handler)
            async with TestServer(application) as server:
                endpoint = EndpointConfig(str(server.make_url("/webhook")))
                if handler is None:
                    await server.close()
                found = []
                for request in [action_connections._request, action_connections._request_as_rasa_does]:
                    for _ in range(calls):
                        try:
                            found.append(await request(endpoint, method="post", json={"Имя": "один"}, compress=False, **options))
                        except Exception as error:  # noqa: BLE001
                            found.append(error)
                for connection in vars(endpoint).get("kept_connections", ()):
                    connection.close()
            return found

        return asyncio.run(run())

    def assert_alike(self, handler: Handler | None, kind: type, **options: Any) -> None:
        ours, rasas = self.call(handler, **options)
        self.assertIsInstance(ours, kind)
        self.assertIsInstance(rasas, kind)
        self.assertEqual(vars(ours).get("text"), vars(rasas).get("text"))

    def test_what_is_sent_and_what_comes_back(self) -> None:
        async def echo(request: web.Request) -> web.Response:
            return web.json_response({"sent": await request.json(), "type": request.content_type, "long": "слово " * 50_000})

        ours, rasas = self.call(echo)
        self.assertEqual(ours, rasas)
        self.assertEqual(ours["sent"], {"Имя": "один"})

    def test_an_answer_in_chunks(self) -> None:
        async def stream(request: web.Request) -> web.StreamResponse:
            answer = web.StreamResponse(headers={"Content-Type": "application/json; charset=utf-8"})
            await answer.prepare(request)
            for part in ('{"a"', ': "б', '"}'):
                await answer.write(part.encode())
                await asyncio.sleep(0)
            return answer

        self.assertEqual(self.call(stream), [{"a": "б"}, {"a": "б"}])

    def test_what_is_no_json_is_nothing(self) -> None:
        async def text(_request: web.Request) -> web.Response:
            return web.Response(text="{}")

        async def empty(_request: web.Request) -> web.Response:
            return web.Response(content_type="application/json")

        self.assertEqual(self.call(text), [None, None])
        self.assertEqual(self.call(empty), [None, None])

    def test_errors_are_those_that_rasa_expects(self) -> None:
        async def refuse(_request: web.Request) -> web.Response:
            return web.json_response({"action_name": "action_one"}, status=400)

        async def hang_up(request: web.Request) -> None:
            assert request.transport
            request.transport.close()

        async def babble(request: web.Request) -> None:
            assert request.transport
            request.transport.write(b"no HTTP at all\r\n\r\n")

        async def sleep(_request: web.Request) -> None:
            await asyncio.sleep(5)

        self.assert_alike(refuse, ClientResponseError)
        self.assert_alike(hang_up, aiohttp.ClientConnectionError)
        self.assert_alike(babble, aiohttp.ClientError)
        self.assert_alike(sleep, asyncio.TimeoutError, timeout=0.05)
        self.assert_alike(None, aiohttp.ClientConnectionError)

    def test_calls_share_a_connection_until_it_breaks(self) -> None:
        peers: list[Any] = []

        async def answer(request: web.Request) -> web.Response:
            assert request.transport
            peers.append(request.transport.get_extra_info("peername"))
            return web.json_response({}, headers={"Connection": "close"} if len(peers) == 2 else {})

        self.assertEqual(self.call(answer, calls=4)[:4], [{}] * 4)
        first, second, third, fourth = peers[:4]
        self.assertEqual((first, third), (second, fourth))
        self.assertNotEqual(second, third)


class LookupsTest(unittest.TestCase):
    def test_an_event_that_rasa_does_not_know_is_refused_each_time(self) -> None:
        with shortcuts_installed():
            self.assertIs(Event.resolve_by_type("slot"), SlotSet)
            for _ in range(2):
                with self.assertRaises(ValueError):
                    Event.resolve_by_type("unknown")

    def test_each_domain_has_its_own(self) -> None:
        full, empty = Domain.from_yaml("{version: '3.1', actions: [action_one]}"), Domain.empty()
        with shortcuts_installed():
            for _ in range(2):
                self.assertEqual((full.is_empty(), empty.is_empty()), (False, True))
                self.assertIsInstance(action.action_for_name_or_text("action_one", full, None), RemoteAction)
                with self.assertRaises(ActionNotFoundException):
                    action.action_for_name_or_text("action_one", empty, None)

    def test_an_action_calls_the_server_that_it_was_asked_for(self) -> None:
        domain = Domain.from_yaml("{version: '3.1', actions: [action_one]}")
        servers = [EndpointConfig("http://127.0.0.1:1"), EndpointConfig("http://127.0.0.1:2")]
        with shortcuts_installed():
            for server in servers * 2:
                self.assertIs(action.action_for_name_or_text("action_one", domain, server).action_endpoint, server)


class TrackerCopiesTest(unittest.TestCase):
    EVENTS = (
        *(ActionExecuted("action_listen"), UserUttered("one"), ActiveLoop("form"), SlotSet("one", 1), FollowupAction("action_one")),
        *(ActionExecuted("action_one"), ActionExecutionRejected("form"), BotUttered("two"), UserUtteranceReverted()),
        *(ActiveLoop("form"), LoopInterrupted(True), Restarted(), SlotSet("two", 2), ConversationPaused()),
    )

    def state(self, tracker: DialogueStateTracker) -> Any:
        return tracker.current_state(EventVerbosity.ALL), {name: vars(slot) for name, slot in tracker.slots.items()}

    def test_a_copy_is_what_a_replay_gives(self) -> None:
        tracker = DialogueStateTracker("one-1", [AnySlot("one", []), AnySlot("two", [], initial_value=0)])
        rasas_copy = DialogueStateTracker.copy
        with shortcuts_installed():
            for event in self.EVENTS:
                tracker.update(event)
                tracker.clear_followup_action()  # as Rasa does once it has taken it
                self.assertEqual(self.state(tracker.copy()), self.state(rasas_copy(tracker)), event)

    def test_what_happens_to_a_copy_happens_to_nothing_else(self) -> None:
        tracker = DialogueStateTracker("one-1", [AnySlot("one", [])])
        tracker.update(ActiveLoop("form"))
        with shortcuts_installed():
            before = self.state(tracker.copy())
            for event in (SlotSet("one", 1), LoopInterrupted(True), ActionExecutionRejected("form")):
                tracker.copy().update(event)
            self.assertEqual(self.state(tracker.copy()), before)
        self.assertEqual(self.state(tracker), before)


class Adding(GraphComponent):
    """A node that adds what it is given, and fails in the way that its input asks for."""

    @classmethod
    def create(cls, *_: Any, **__: Any) -> "Adding":
        return cls()

    def add(self, one: Any, other: Any = 0) -> Any:
        if isinstance(one, Exception):
            raise one
        return one + other


class GraphRunnerTest(unittest.TestCase):
    def run_both(self, schema: GraphSchema, inputs: dict[str, Any], targets: list[str]) -> list[Any]:
        found = []
        for runner in (OrderedGraphRunner, DaskGraphRunner):
            try:
                found.append(runner.create(schema, mock.Mock(), ExecutionContext(schema)).run(inputs, targets))
            except Exception as error:  # noqa: BLE001
                found.append(error)
        return found

    @staticmethod
    def node(**needs: str) -> SchemaNode:
        return SchemaNode(needs=needs, uses=Adding, constructor_name="create", fn="add", config={}, eager=True, is_target=True)

    def test_each_node_runs_once_after_what_it_needs(self) -> None:
        schema = GraphSchema(
            {
                "last": self.node(one="left", other="right"),
                "right": self.node(one="first", other="given"),
                "left": self.node(one="first"),
                "first": self.node(one="given"),
            }
        )
        for targets in (["last"], ["right", "left"], []):
            ours, rasas = self.run_both(schema, {"given": 2}, targets)
            self.assertEqual(ours, rasas)
            self.assertTrue(ours)

    def test_errors_are_rasas(self) -> None:
        schema = GraphSchema({"first": self.node(one="given"), "last": self.node(one="first")})
        for inputs, kind in (
            ({"given": ValueError("broken")}, GraphComponentException),
            ({"given": RasaException("broken")}, RasaException),
            ({}, GraphRunError),
            ({"given": "first"}, GraphRunError),
        ):
            ours, rasas = self.run_both(schema, inputs, ["last"])
            self.assertIs(type(ours), kind)
            self.assertEqual((type(ours), str(ours)), (type(rasas), str(rasas)))


if __name__ == "__main__":
    unittest.main()
