"""A person takes over while a turn runs, at each point where the turn waits: not one bot message or deed after it."""

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import intake
from bot.dialogue_engine import RasaEngine
from bot.turns import Turns
from core import conversations
from core.desk import Desk, open_desk
from core.models import Author, Conversation, Effect, Mode, Operator, QueueEntry, Role, Turn, TurnState, now
from core.settings import read_settings
from handoff import operators, queue
from tests.stack import Stack

MOST_AWAITS = 400


class InterruptedAt:
    """Runs a coroutine and calls ``interrupt`` when it waits for the ``number``-th time, before what it waits for goes on."""

    def __init__(self, work: Coroutine[Any, Any, object], number: int, interrupt: Callable[[], None]) -> None:
        self._work = work
        self._number = number
        self._interrupt = interrupt
        self.waits = 0

    def __await__(self) -> Generator[Any, Any, None]:
        step: Callable[[], Any] = lambda: self._work.send(None)  # noqa: E731
        while True:
            try:
                awaited = step()
            except StopIteration:
                return
            self.waits += 1
            if self.waits == self._number:
                self._interrupt()
            try:
                value = yield awaited
            except BaseException as error:  # noqa: BLE001 - handed on to the coroutine
                raised = error
                step = lambda raised=raised: self._work.throw(raised)  # type: ignore[misc]  # noqa: E731
            else:
                step = lambda value=value: self._work.send(value)  # type: ignore[misc]  # noqa: E731


@pytest.fixture
def desk(stack: Stack, tmp_path: Path) -> Any:
    """A desk of the test's own in front of the running Rasa."""
    inner = dict(
        line.split("=", 1) for line in Path(f"/proc/{stack.pid('gateway')}/environ").read_text().split("\0") if line.startswith("OTKLIK_")
    )
    settings = read_settings(
        data_dir=tmp_path / "data",
        rasa_url=inner["OTKLIK_RASA_URL"],
        action_url=inner["OTKLIK_ACTION_URL"],
        rasa_token=inner["OTKLIK_RASA_TOKEN"],
    )
    desk = open_desk(settings)
    yield desk
    desk.close()


def begin(session: Session, desk: Desk, text: str) -> tuple[uuid.UUID, uuid.UUID]:
    """A conversation with one accepted message: its id and its turn's."""
    conversation, _ = conversations.start(session, desk.vault, "widget")
    intake.accept(session, desk, conversation.id, intake.Inbound("first", text), now())
    return conversation.id, session.scalars(select(Turn.id).where(Turn.conversation_id == conversation.id)).one()


@pytest.mark.parametrize("text", ["не приходит смс с кодом", "позовите оператора", "привет"])
async def test_nothing_of_the_bots_appears_after_a_takeover(desk: Desk, text: str) -> None:
    operator = desk.database.write(operators.add, "anna", "Анна", Role.OPERATOR, "support", operators.hash_password("long enough"))
    engine = RasaEngine(desk.settings)
    turns = Turns(desk, engine)
    interrupted = 0
    try:
        for number in range(1, MOST_AWAITS):
            conversation_id, turn_id = desk.database.write(begin, desk, text)

            def take_over(conversation_id: uuid.UUID = conversation_id, operator: Operator = operator) -> None:
                def claim(session: Session) -> None:
                    queue.claim(session, desk, conversations.lock(session, conversation_id), operator, now())

                desk.database.write(claim)

            run = InterruptedAt(turns.run(turn_id), number, take_over)
            await asyncio.wait_for(_await(run), 60)
            if run.waits < number:
                break
            interrupted += 1
            desk.database.read(check_silence, conversation_id, turn_id)
        else:
            pytest.fail("the turn never ran to its end")
    finally:
        await engine.close()
    # Claim, reading, engine, finish: a turn that waits less often than this was not interrupted where it matters.
    assert interrupted >= 4


async def _await(run: InterruptedAt) -> None:
    await run


def check_silence(session: Session, conversation_id: uuid.UUID, turn_id: uuid.UUID) -> None:
    conversation = session.get_one(Conversation, conversation_id)
    assert conversation.mode == Mode.OPERATOR
    messages = conversations.messages_after(session, conversation_id, 0, 100)
    joined = next(message.seq for message in messages if message.meta.get("kind") == "operator_joined")
    assert [message.meta for message in messages if message.seq > joined] == []
    turn = session.get_one(Turn, turn_id)
    said = [message for message in messages if message.author == Author.BOT or message.meta.get("kind") == "handoff"]
    # Either the turn had ended before, whole, or nothing of it is there and it waits.
    assert turn.state == (TurnState.DONE if said else TurnState.ACCEPTED)
    deeds = session.scalars(select(Effect.effect).where(Effect.turn_id == turn_id)).all()
    waits = session.scalars(select(QueueEntry).where(QueueEntry.conversation_id == conversation_id)).all()
    assert len(deeds) == len(waits) == sum(message.meta.get("kind") == "handoff" for message in said)
    assert all(wait.ended_at is not None for wait in waits)
