"""What Rasa gets for a call of an action, as rasa-sdk's own server answers it."""

import json
from typing import Any

import httpx
import pytest
import structlog
from rasa_sdk import ActionExecutionRejection, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher

from actions.endpoint import Endpoint
from actions.guard import Events
from actions.handoff import DeclineOffer

SAID = "Меня зовут Иванов"


async def refuses(_dispatcher: CollectingDispatcher, _tracker: Tracker, _domain: dict[str, Any]) -> Events:
    raise ActionExecutionRejection("action_refuses", "не сейчас")


async def breaks(_dispatcher: CollectingDispatcher, tracker: Tracker, _domain: dict[str, Any]) -> Events:
    raise ValueError(tracker.latest_message["text"])


async def repeats(dispatcher: CollectingDispatcher, tracker: Tracker, _domain: dict[str, Any]) -> Events:
    dispatcher.utter_message(text=tracker.latest_message["text"])
    return [SlotSet("problem", tracker.latest_message["text"])]


@pytest.fixture
def endpoint() -> Endpoint:
    executor = ActionExecutor()
    executor.register_action(DeclineOffer())
    for action in (refuses, breaks, repeats):
        executor.register_function(f"action_{action.__name__}", action)
    return Endpoint(executor)


async def ask(endpoint: Endpoint, method: str, path: str, content: bytes = b"") -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(endpoint), base_url="http://actions") as client:
        return await client.request(method, path, content=content)


def call(action: str | None, text: str = SAID, **changed: Any) -> bytes:
    tracker = {"sender_id": "0198-abc-3", "slots": {"offered": "no_answer"}, "latest_message": {"text": text}, "events": []}
    return json.dumps({"next_action": action, "sender_id": "0198-abc-3", "tracker": tracker, "domain": {}, **changed}).encode()


async def test_an_action_is_answered_with_its_events_and_responses(endpoint: Endpoint) -> None:
    answer = await ask(endpoint, "POST", "/webhook", call("action_decline_offer"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    body = answer.json()
    assert body["events"] == [{"event": "slot", "timestamp": None, "name": "offered", "value": None}]
    assert [response["response"] for response in body["responses"]] == ["utter_declined"]


async def test_half_a_surrogate_pair_comes_back_as_it_came(endpoint: Endpoint) -> None:
    answer = await ask(endpoint, "POST", "/webhook", call("action_repeats", "\ud83d и всё"))
    assert json.loads(answer.content)["events"][0]["value"] == "\ud83d и всё"


@pytest.mark.parametrize(
    ("content", "status", "body"),
    [
        (call("action_refuses"), 400, {"error": "не сейчас", "action_name": "action_refuses"}),
        (call("action_x"), 404, {"error": "No registered action found for name 'action_x'.", "action_name": "action_x"}),
        (call("action_breaks"), 500, {"error": "ValueError", "action_name": "action_breaks"}),
        (call("action_repeats", tracker={}), 500, {"error": "KeyError", "action_name": "action_repeats"}),
        (call(None), 200, None),
        (b"{", 400, {"error": "Invalid body request"}),
        (b"\xff", 400, {"error": "Invalid body request"}),
        (b"[]", 400, {"error": "Invalid body request"}),
        (b"", 400, {"error": "Invalid body request"}),
    ],
)
async def test_what_cannot_be_done_is_told(endpoint: Endpoint, content: bytes, status: int, body: Any) -> None:
    answer = await ask(endpoint, "POST", "/webhook", content)
    assert (answer.status_code, answer.json()) == (status, body)


async def test_a_call_without_a_domain_is_asked_for_one(endpoint: Endpoint) -> None:
    answer = await ask(endpoint, "POST", "/webhook", call("action_repeats", domain=None))
    assert answer.status_code == 449


async def test_a_failure_is_logged_without_what_was_said(endpoint: Endpoint) -> None:
    with structlog.testing.capture_logs() as logged:
        answer = await ask(endpoint, "POST", "/webhook", call("action_breaks"))
    (event,) = logged
    assert (event["event"], event["action"], event["sender"], event["error"]) == (
        "action_call_failed",
        "action_breaks",
        "0198-abc-3",
        "ValueError",
    )
    assert "test_endpoint.py:" in event["place"]
    assert SAID not in str(event) + answer.text


async def test_health_and_the_list_of_actions(endpoint: Endpoint) -> None:
    assert (await ask(endpoint, "GET", "/health")).json() == {"status": "ok"}
    assert {"name": "action_decline_offer"} in (await ask(endpoint, "GET", "/actions")).json()
    assert (await ask(endpoint, "GET", "/webhook")).status_code == 404
    assert (await ask(endpoint, "GET", "/")).status_code == 404
