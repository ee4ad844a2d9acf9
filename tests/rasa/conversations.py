"""Whole conversations with the trained model, the action server being one that answers anything an action may, always the same."""

import asyncio
import random
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import numpy
from aiohttp import web
from aiohttp.test_utils import TestServer
from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.core.tracker_store import TrackerStore
from rasa.utils.endpoints import EndpointConfig

from nlu import shortcuts

MODEL = "models/otklik.tar.gz"
# Each leads somewhere else in the rules; forms are begun, left, interrupted and gone back to.
SAID = [
    *("здравствуйте", "как восстановить пароль", "хочу подать обращение", "где моё обращение", "да", "нет", "спасибо", "абракадабра", ""),
    *("/file_appeal", "/cancel", "/affirm", "/deny", "/request_operator", "/rate_helpful", "/restart", "/back", "/unknown_intent"),
    *('/ask_question{"article": "password"}', '/inform{"value": "email"}', "Иванов Иван", "pdsnils1", "это безобразие!"),
]
FORMS = ("appeal_form", "status_form", "repeat_form", "expedite_form", "higher_form")
SLOTS = ("offered", "consent", "snils", "problem", "requested_slot", "candidates")


class Actions:
    """An action server; ``calls`` is what it was sent."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    async def answer(self, request: web.Request) -> web.Response:
        call = await request.json()
        self.calls.append(call)
        chance = random.Random(f"{call['next_action']} {call['tracker']['latest_message']['text']} {len(self.calls)}")  # noqa: S311
        fate = chance.random()
        if fate < 0.06:
            return web.json_response({"action_name": call["next_action"], "error": "not now"}, status=400)
        if fate < 0.1:
            return web.json_response({}, status=500)
        if fate < 0.14:
            return web.json_response({"events": [{"event": "slot", "name": 5}]})
        return web.json_response({"events": _events(chance, call["next_action"]), "responses": _responses(chance)})


def _events(chance: random.Random, action: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = [
        {"event": "slot", "name": name, "value": chance.choice([None, "email", ["one", "two"], True]), "timestamp": None}
        for name in chance.sample(SLOTS, chance.randrange(3))
    ]
    if action.startswith("validate_"):
        events.append({"event": "slot", "name": "requested_slot", "value": chance.choice([None, "snils", "email", "problem"])})
    more: list[dict[str, Any]] = [
        {"event": "active_loop", "name": chance.choice((None, *FORMS))},
        {"event": "followup", "name": chance.choice(("action_listen", *FORMS))},
        {"event": "reset_slots"},
        {"event": "action_execution_rejected", "name": action, "policy": None, "confidence": None},
    ]
    return events + chance.sample(more, chance.choice((0, 0, 0, 1, 2)))


def _responses(chance: random.Random) -> list[dict[str, Any]]:
    return chance.choice([[], [{"text": "Хорошо."}], [{"response": "utter_greet"}, {"custom": {"do": "nothing", "fields": {}}}]])


@contextmanager
def shortcuts_installed() -> Iterator[None]:
    """As nlu/serve.py has them; taken back at the end."""
    with ExitStack() as stack:
        for part in shortcuts.PARTS:
            for owner, name, _ours in part.REPLACED:
                stack.enter_context(mock.patch.object(owner, name, getattr(owner, name, None), create=True))
        shortcuts.install()
        yield


def converse(store: TrackerStore, conversations: int, turns: int) -> "tuple[list[Any], list[dict[str, Any]]]":
    """The replies, and what actions were sent; what the store keeps is the rest of the outcome."""
    return asyncio.run(_converse(store, conversations, turns))


async def _converse(store: TrackerStore, conversations: int, turns: int) -> "tuple[list[Any], list[dict[str, Any]]]":
    actions = Actions()
    application = web.Application()
    application.router.add_post("/webhook", actions.answer)
    replies = []
    async with TestServer(application) as server:
        agent = Agent.load(
            MODEL, tracker_store=store, action_endpoint=EndpointConfig(str(server.make_url("/webhook")), enable_selective_domain=True)
        )
        for number in range(conversations):
            chance = random.Random(number)  # noqa: S311
            for turn in range(turns):
                numpy.random.seed(turn)
                said = UserMessage(
                    chance.choice(SAID), CollectingOutputChannel(), f"sender-{number}", input_channel="rest", message_id=f"{number}-{turn}"
                )
                replies.append(await agent.handle_message(said))
    return replies, actions.calls


def without_moments(value: Any) -> Any:
    """Without what differs between any two runs."""
    if isinstance(value, dict):
        return {name: without_moments(each) for name, each in value.items() if not re.search("timestamp|event_time", name)}
    return [without_moments(each) for each in value] if isinstance(value, list) else value
