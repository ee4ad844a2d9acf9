"""Who may run a turn: one worker at a time, in order, and another once the lease has run out."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import cast

import pytest
from sqlalchemy import select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from bot import claims, intake
from bot.claims import Begun
from bot.dialogue_engine import DialogueEngine, Reply, Utterance
from bot.intake import Inbound
from bot.turns import Turns
from core import conversations
from core.desk import Desk
from core.models import Author, Mode, Turn, TurnState
from tests.scenes import MONDAY, change_mode, hand_over, in_threads, messages, reload, start_conversation, text_of, write_message
from tests.stack import wait_for

LEASE = timedelta(seconds=30)
REPLY = (Utterance("Ответ", meta={"kind": "answer"}),)


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    return start_conversation(desk)


def accept(desk: Desk, conversation_id: uuid.UUID, number: int = 1) -> uuid.UUID:
    """The id of the turn that an accepted message begins."""
    message = desk.database.write(intake.accept, desk, conversation_id, Inbound(f"m{number}", f"вопрос {number}"), MONDAY)
    return desk.database.read(lambda session: session.scalars(select(Turn.id).where(Turn.message_id == message.id)).one())


def claim(desk: Desk, turn_id: uuid.UUID, at: datetime = MONDAY) -> Begun | None:
    lease = uuid.uuid4().hex
    return desk.database.read(claims.read, desk, turn_id, lease)[0] if desk.database.write(claims.claim, desk, turn_id, lease, at) else None


def take(desk: Desk, turn_id: uuid.UUID, at: datetime = MONDAY) -> Begun:
    begun = claim(desk, turn_id, at)
    assert begun
    return begun


def renew(desk: Desk, begun: Begun, at: datetime) -> bool:
    return desk.database.write(claims.renew, desk, begun, at)


def finish(desk: Desk, begun: Begun, reply: Reply = REPLY, at: datetime = MONDAY) -> TurnState | None:
    """Ending a turn asks no engine."""
    return desk.database.write(Turns(desk, cast("DialogueEngine", None))._finish, begun, reply, at)


def claimable(desk: Desk, at: datetime = MONDAY) -> list[uuid.UUID]:
    return desk.database.read(claims.claimable, at)


def turn_of(desk: Desk, turn_id: uuid.UUID) -> Turn:
    return desk.database.read(lambda session: session.get_one(Turn, turn_id))


def test_one_of_many_workers_wins(desk: Desk, conversation_id: uuid.UUID) -> None:
    turn_id = accept(desk, conversation_id)
    begun = [found for found in in_threads(12, lambda _: claim(desk, turn_id)) if found]
    assert len(begun) == 1
    assert (begun[0].turn_id, begun[0].text, begun[0].attempts) == (turn_id, "вопрос 1", 1)
    assert begun[0].sender == f"{conversation_id}-1"


def test_a_conversations_turns_go_one_at_a_time_in_order(desk: Desk, conversation_id: uuid.UUID) -> None:
    first, second = accept(desk, conversation_id, 1), accept(desk, conversation_id, 2)
    other = accept(desk, start_conversation(desk))
    assert set(claimable(desk)) == {first, other}
    assert claim(desk, second) is None
    begun = take(desk, first)
    assert claim(desk, second) is None  # the first is running
    assert finish(desk, begun) == TurnState.DONE
    assert set(claimable(desk)) == {second, other}
    assert claim(desk, second)


def test_a_lease_that_runs_out_gives_the_turn_to_another(desk: Desk, conversation_id: uuid.UUID) -> None:
    turn_id = accept(desk, conversation_id)
    late = take(desk, turn_id)
    assert claim(desk, turn_id, MONDAY + LEASE) is None
    again = take(desk, turn_id, MONDAY + LEASE + timedelta(seconds=1))
    assert again.attempts == 2
    assert finish(desk, late) is None  # it comes back too late
    assert not renew(desk, late, MONDAY)
    assert messages(desk, conversation_id)[1:] == []
    assert finish(desk, again) == TurnState.DONE
    assert [text_of(desk, message) for message in messages(desk, conversation_id)] == ["вопрос 1", "Ответ"]


def test_a_renewed_lease_holds(desk: Desk, conversation_id: uuid.UUID) -> None:
    turn_id = accept(desk, conversation_id)
    assert renew(desk, take(desk, turn_id), MONDAY + LEASE)
    assert claim(desk, turn_id, MONDAY + LEASE + timedelta(seconds=29)) is None


def test_a_turn_ends_once(desk: Desk, conversation_id: uuid.UUID) -> None:
    turn_id = accept(desk, conversation_id)
    begun = take(desk, turn_id)
    assert sorted(map(str, in_threads(6, lambda _: finish(desk, begun)))) == ["None"] * 5 + ["done"]
    assert len(messages(desk, conversation_id)) == 2
    assert claim(desk, turn_id, MONDAY + timedelta(days=1)) is None
    ended = turn_of(desk, turn_id)
    assert (ended.finished_at, ended.lease_owner, ended.lease_until) == (MONDAY, None, None)


def test_after_a_takeover_nothing_of_the_turn_is_shown(desk: Desk, conversation_id: uuid.UUID) -> None:
    turn_id = accept(desk, conversation_id)
    begun = take(desk, turn_id)
    change_mode(desk, conversation_id, Mode.QUEUED)
    assert not renew(desk, begun, MONDAY)
    assert finish(desk, begun) == TurnState.DROPPED
    assert [message.author for message in messages(desk, conversation_id)] == [Author.CITIZEN]


def test_many_workers_never_run_two_turns_of_a_conversation_at_once(desk: Desk) -> None:
    ids = [start_conversation(desk) for _ in range(4)]
    turn_ids = {each: [accept(desk, each, number) for number in range(5)] for each in ids}
    under_way: set[uuid.UUID] = set()
    ended: dict[uuid.UUID, list[uuid.UUID]] = {each: [] for each in ids}
    collided: set[uuid.UUID] = set()
    watching = threading.Lock()

    def work(_number: int) -> None:
        while sum(map(len, ended.values())) < 20 and not collided:
            for each in ids:
                for turn_id in turn_ids[each]:  # also those that are not due
                    begun = claim(desk, turn_id)
                    if begun is None:
                        continue
                    with watching:
                        collided.update(under_way & {begun.conversation_id})
                        under_way.add(begun.conversation_id)
                    assert renew(desk, begun, MONDAY)
                    with watching:
                        under_way.discard(begun.conversation_id)
                        ended[each].append(turn_id)
                    assert finish(desk, begun) == TurnState.DONE

    in_threads(8, work)
    assert not collided
    assert ended == turn_ids
    for each in ids:
        assert [text_of(desk, message) for message in messages(desk, each)][5:] == ["Ответ"] * 5


@pytest.mark.parametrize("late", ["renew", "finish"])
def test_a_worker_whose_turn_is_taken_while_it_waits_lets_go(desk: Desk, conversation_id: uuid.UUID, late: str) -> None:
    if desk.database.is_sqlite:
        return  # there one writer at a time holds everything
    turn_id = accept(desk, conversation_id)
    slow = take(desk, turn_id)
    held, go_on = threading.Event(), threading.Event()

    def hold(session: Session) -> None:
        conversations.lock(session, conversation_id)
        held.set()
        assert go_on.wait(30)

    with ThreadPoolExecutor(2) as threads:
        threads.submit(desk.database.write, hold)
        assert held.wait(30)
        # The slow one sees a turn that is its own, then waits for the conversation.
        waiting = threads.submit(renew, desk, slow, MONDAY) if late == "renew" else threads.submit(finish, desk, slow)
        wait_for("the slow worker to wait", lambda: desk.database.read(is_somebody_waiting))
        quick = take(desk, turn_id, MONDAY + LEASE + timedelta(seconds=1))
        go_on.set()
        assert not waiting.result(30)
    assert finish(desk, quick) == TurnState.DONE
    assert [text_of(desk, message) for message in messages(desk, conversation_id)] == ["вопрос 1", "Ответ"]


def is_somebody_waiting(session: Session) -> bool:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return bool(session.scalar(sql(waiting)))


def test_a_question_that_nobody_answered_is_the_bots_again_when_it_is_back(desk: Desk, conversation_id: uuid.UUID) -> None:
    turn_id = accept(desk, conversation_id)
    begun = take(desk, turn_id)
    change_mode(desk, conversation_id, Mode.QUEUED)
    change_mode(desk, conversation_id, Mode.BOT)
    assert not renew(desk, begun, MONDAY)  # the epoch tells: it is not the same ownership
    assert finish(desk, begun) == TurnState.ACCEPTED
    assert [message.author for message in messages(desk, conversation_id)] == [Author.CITIZEN]
    assert finish(desk, take(desk, turn_id)) == TurnState.DONE


def test_an_operators_answer_is_not_followed_by_the_bots(desk: Desk, conversation_id: uuid.UUID) -> None:
    turn_id = accept(desk, conversation_id)
    begun = take(desk, turn_id)
    change_mode(desk, conversation_id, Mode.QUEUED)
    write_message(desk, conversation_id, "Помогу", Author.OPERATOR)
    change_mode(desk, conversation_id, Mode.BOT)
    assert finish(desk, begun) == TurnState.DROPPED


def test_an_empty_reply_ends_at_a_person(desk: Desk, conversation_id: uuid.UUID) -> None:
    begun = take(desk, accept(desk, conversation_id))
    assert finish(desk, begun, ()) == TurnState.HANDED_OVER
    assert reload(desk, conversation_id).mode == Mode.QUEUED
    assert messages(desk, conversation_id)[-1].meta["kind"] == "handoff"


def test_a_message_to_a_person_begins_no_turn(desk: Desk, conversation_id: uuid.UUID) -> None:
    hand_over(desk, conversation_id)
    desk.database.write(intake.accept, desk, conversation_id, Inbound("m1", "вопрос"), MONDAY)

    def count(session: Session) -> int:
        return session.query(Turn).count()

    assert desk.database.read(count) == 0
