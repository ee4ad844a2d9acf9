"""kill -9 of each process while a turn runs: the citizen gets an answer or a person, once."""

import os
import signal
from typing import Any

import pytest

from tests.stack import Citizen, Stack, wait_for

QUESTION = "не приходит смс с кодом"


def replies(citizen: Citizen, seq: int) -> list[dict[str, Any]]:
    """What answers the message ``seq``, the notice of a restart aside."""
    return [message for message in citizen.messages() if message["in_reply_to"] == seq and message["meta"]["kind"] != "notice"]


def check_answered_once(citizen: Citizen, seq: int) -> None:
    citizen.wait_until_answered(90)
    answers = replies(citizen, seq)
    assert [answer["meta"]["kind"] for answer in answers] in (["answer"], ["handoff"])
    assert citizen.mode == ("queued" if answers[0]["meta"]["kind"] == "handoff" else "bot")
    seqs = [message["seq"] for message in citizen.messages()]
    assert seqs == list(range(1, len(seqs) + 1))


@pytest.mark.parametrize("frozen", ["rasa", "actions"])
@pytest.mark.parametrize("killed", ["rasa", "actions", "gateway"])
def test_a_turn_survives_the_death_of_a_process(stack: Stack, citizen: Citizen, frozen: str, killed: str) -> None:
    # Standing still, one process holds the turn inside the engine until the other one is dead.
    with stack.frozen(frozen):
        sent = citizen.send(QUESTION)
        wait_for("the turn to be under way", lambda: citizen.poll()["answering"])
        os.kill(stack.pid(killed), signal.SIGKILL)
    stack.wait_until_ready()
    check_answered_once(citizen, sent["seq"])
    # What the desk said of it: the child's end and its restart.
    names = {"rasa": "Rasa", "actions": "The action server", "gateway": "The gateway"}
    assert f"{names[killed]} ended (signal SIGKILL), starting it again" in stack.output.read_text()


def test_messages_sent_while_rasa_is_away_are_answered_in_order(stack: Stack, citizen: Citizen) -> None:
    os.kill(stack.pid("rasa"), signal.SIGKILL)
    first = citizen.send("как восстановить пароль")
    second = citizen.send(QUESTION)
    stack.wait_until_ready()
    citizen.wait_until_answered(90)
    answers = [message for message in citizen.messages() if message["meta"].get("kind") == "answer"]
    assert [answer["in_reply_to"] for answer in answers] == [first["seq"], second["seq"]]


def test_a_person_is_reachable_while_rasa_is_away(stack: Stack, citizen: Citizen) -> None:
    with stack.frozen("rasa"):
        os.kill(stack.pid("rasa"), signal.SIGKILL)
        sent = citizen.send(QUESTION)
        wait_for("the offer of a person", lambda: any(m["meta"].get("kind") == "notice" for m in citizen.messages()), 20)
        citizen.press("Позвать оператора")
        assert citizen.mode == "queued"
    stack.wait_until_ready()
    citizen.wait_until_answered()
    assert replies(citizen, sent["seq"]) == []  # a person has taken over: the bot is silent
    assert [m["meta"]["kind"] for m in citizen.messages() if m["author"] == "system"] == ["notice", "handoff"]
