"""Turns before an engine that fails in every way an engine can: never silence, never twice."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot import intake
from bot.dialogue_engine import Deed, EngineDown, EngineFailed, Recollection, Reply, Utterance
from bot.turns import Turns
from core import conversations
from core.desk import Desk, open_desk
from core.models import Conversation, Mode, Turn, TurnState, now
from tests.conftest import MakeSettings
from tests.scenes import change_mode

HELLO: Reply = (Utterance("Здравствуйте", meta={"kind": "smalltalk"}),)
Step = Reply | Exception


class ScriptedEngine:
    """An engine that plays a list of replies and failures, and remembers what it was asked."""

    def __init__(self, *script: Step) -> None:
        self.script = list(script)
        self.asked: list[tuple[str, str, str | None]] = []
        self.remembers = Recollection(seen=False)
        self.ready = True

    async def ask(self, sender: str, message_id: str, text: str, command: str | None) -> Reply:  # noqa: ARG002
        self.asked.append((sender, text, command))
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    async def recall(self, sender: str, message_id: str) -> Recollection:  # noqa: ARG002
        return self.remembers

    async def is_ready(self) -> bool:
        return self.ready


@pytest.fixture
def quick_desk(make_settings: MakeSettings) -> Desk:
    return open_desk(make_settings(engine_wait_seconds=2))


def begin(desk: Desk, text: str = "привет") -> tuple[uuid.UUID, uuid.UUID]:
    """A conversation with one accepted message: its id and its turn's."""

    def write(session: Session) -> tuple[uuid.UUID, uuid.UUID]:
        conversation, _ = conversations.start(session, desk.vault, "widget")
        intake.accept(session, desk, conversation.id, intake.Inbound("1", text), now())
        return conversation.id, session.scalars(select(Turn.id).where(Turn.conversation_id == conversation.id)).one()

    return desk.database.write(write)


def outcome(desk: Desk, conversation_id: uuid.UUID, turn_id: uuid.UUID) -> tuple[TurnState, Mode, list[str]]:
    """The turn's state, the conversation's mode, and the kinds of what was said after the citizen's message."""

    def read(session: Session) -> tuple[TurnState, Mode, list[str]]:
        said = conversations.messages_after(session, conversation_id, 1, 100)
        turn, conversation = session.get_one(Turn, turn_id), session.get_one(Conversation, conversation_id)
        return turn.state, conversation.mode, [message.meta["kind"] for message in said]

    return desk.database.read(read)


async def run(desk: Desk, engine: ScriptedEngine, text: str = "привет") -> tuple[TurnState, Mode, list[str]]:
    conversation_id, turn_id = begin(desk, text)
    await Turns(desk, engine).run(turn_id)
    return outcome(desk, conversation_id, turn_id)


ANSWERED = (TurnState.DONE, Mode.BOT, ["smalltalk"])
HANDED_OVER = (TurnState.HANDED_OVER, Mode.QUEUED, ["handoff"])


@pytest.mark.parametrize(
    ("script", "asked", "expected"),
    [
        ([HELLO], 1, ANSWERED),
        ([(), HELLO], 2, ANSWERED),
        ([(), ()], 2, HANDED_OVER),
        ([EngineFailed("timeout"), HELLO], 2, ANSWERED),
        ([EngineFailed("timeout"), EngineFailed("timeout")], 2, HANDED_OVER),
        ([EngineDown("refused"), HELLO], 2, ANSWERED),
        ([(Deed("erase_the_moon"),)], 1, HANDED_OVER),
        ([(*HELLO, Deed("erase_the_moon"))], 1, HANDED_OVER),
        ([(Deed("hand_over", {"reason": "citizen_asked"}),)], 1, (TurnState.DONE, Mode.QUEUED, ["handoff"])),
        ([(*HELLO, Deed("hand_over"))], 1, (TurnState.DONE, Mode.QUEUED, ["smalltalk", "handoff"])),
    ],
)
async def test_every_reply_ends_in_an_answer_or_a_person(
    quick_desk: Desk, script: list[Step], asked: int, expected: tuple[TurnState, Mode, list[str]]
) -> None:
    engine = ScriptedEngine(*script)
    assert await run(quick_desk, engine) == expected
    assert len(engine.asked) == asked


async def test_an_engine_that_stays_away_is_waited_for_and_then_a_person_called(quick_desk: Desk) -> None:
    engine = ScriptedEngine(EngineDown("refused"))
    engine.ready = False
    assert await run(quick_desk, engine) == HANDED_OVER


async def test_what_the_engine_has_answered_before_a_failure_is_taken_and_not_asked_again(quick_desk: Desk) -> None:
    engine = ScriptedEngine(EngineFailed("connection lost"))
    engine.remembers = Recollection(seen=True, finished=True, reply=HELLO)
    assert await run(quick_desk, engine) == ANSWERED
    assert len(engine.asked) == 1


async def test_what_the_engine_has_half_done_is_asked_anew_in_a_new_episode(quick_desk: Desk) -> None:
    engine = ScriptedEngine(EngineFailed("connection lost"), HELLO)
    engine.remembers = Recollection(seen=True)
    assert await run(quick_desk, engine) == ANSWERED
    assert [sender.rpartition("-")[2] for sender, _, _ in engine.asked] == ["1", "2"]


async def test_a_dead_workers_turn_is_looked_up_before_it_is_asked(quick_desk: Desk) -> None:
    conversation_id, turn_id = begin(quick_desk)
    quick_desk.database.write(lambda session: session.execute(update(Turn).values(attempts=1)))
    engine = ScriptedEngine()
    engine.remembers = Recollection(seen=True, finished=True, reply=HELLO)
    await Turns(quick_desk, engine).run(turn_id)
    assert outcome(quick_desk, conversation_id, turn_id) == ANSWERED
    assert engine.asked == []


async def test_a_turn_that_keeps_killing_its_worker_goes_to_a_person(quick_desk: Desk) -> None:
    conversation_id, turn_id = begin(quick_desk)
    quick_desk.database.write(lambda session: session.execute(update(Turn).values(attempts=5)))
    engine = ScriptedEngine(HELLO)
    await Turns(quick_desk, engine).run(turn_id)
    assert outcome(quick_desk, conversation_id, turn_id) == HANDED_OVER
    assert engine.asked == []


async def test_a_finished_turn_is_not_run_again(quick_desk: Desk) -> None:
    conversation_id, turn_id = begin(quick_desk)
    engine = ScriptedEngine(HELLO, HELLO)
    turns = Turns(quick_desk, engine)
    await turns.run(turn_id)
    await turns.run(turn_id)
    assert outcome(quick_desk, conversation_id, turn_id) == ANSWERED
    assert len(engine.asked) == 1


async def test_a_worker_that_lost_its_lease_shows_nothing(quick_desk: Desk) -> None:
    conversation_id, turn_id = begin(quick_desk)

    class Thief(ScriptedEngine):
        async def ask(self, sender: str, message_id: str, text: str, command: str | None) -> Reply:
            quick_desk.database.write(lambda session: session.execute(update(Turn).values(lease_owner="another")))
            return await super().ask(sender, message_id, text, command)

    await Turns(quick_desk, Thief(HELLO)).run(turn_id)
    assert outcome(quick_desk, conversation_id, turn_id) == (TurnState.RUNNING, Mode.BOT, [])


async def test_a_question_that_people_gave_back_is_asked_anew_with_all_patience(quick_desk: Desk) -> None:
    conversation_id, turn_id = begin(quick_desk)

    def accept_long_ago(session: Session) -> None:
        session.execute(update(Turn).values(created_at=now() - timedelta(hours=2)))

    class TakenOver(ScriptedEngine):
        async def ask(self, sender: str, message_id: str, text: str, command: str | None) -> Reply:
            if not self.asked:
                change_mode(quick_desk, conversation_id, Mode.QUEUED)
            return await super().ask(sender, message_id, text, command)

    quick_desk.database.write(accept_long_ago)
    engine = TakenOver(HELLO, (), HELLO)
    turns = Turns(quick_desk, engine)
    await turns.run(turn_id)
    await turns.run(turn_id)
    assert outcome(quick_desk, conversation_id, turn_id) == (TurnState.ACCEPTED, Mode.QUEUED, [])
    assert len(engine.asked) == 1
    change_mode(quick_desk, conversation_id, Mode.BOT)
    await turns.run(turn_id)
    assert outcome(quick_desk, conversation_id, turn_id) == ANSWERED
    assert [sender.rpartition("-")[2] for sender, _, _ in engine.asked] == ["1", "2", "2"]


QUESTION = (Utterance("Помогло?", [{"title": "Да", "command": "/affirm"}]),)


@pytest.mark.parametrize(
    ("replies", "episode"),
    [([HELLO] * 2, 1), ([HELLO] * 3, 2), ([QUESTION] * 5, 1), ([*[QUESTION] * 4, HELLO], 2), ([QUESTION] * 6, 2)],
)
async def test_a_long_episode_ends_where_nothing_is_asked(make_settings: MakeSettings, replies: list[Reply], episode: int) -> None:
    desk = open_desk(make_settings(episode_turns=3))
    engine = ScriptedEngine(*replies)
    conversation_id, turn_id = begin(desk)
    turns = Turns(desk, engine)
    for number in range(len(replies)):

        def accept(session: Session, number: int = number) -> uuid.UUID:
            intake.accept(session, desk, conversation_id, intake.Inbound(f"more {number}", "привет"), now())
            return session.scalars(select(Turn.id).order_by(Turn.seq.desc())).first() or uuid.UUID(int=0)

        await turns.run(turn_id)
        turn_id = desk.database.write(accept)
    conversation = desk.database.read(lambda session: session.get_one(Conversation, conversation_id))
    assert conversation.episode == episode


async def test_the_engine_sees_tokens_only(quick_desk: Desk) -> None:
    engine = ScriptedEngine(HELLO)
    await run(quick_desk, engine, "снилс 112-233-445 95")
    assert [text for _, text, _ in engine.asked] == ["снилс pdsnils1"]
