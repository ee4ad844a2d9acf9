"""Who may run a turn: one worker at a time, in order, and another once the lease has run out."""

import re
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from sqlalchemy import event, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from bot import claims, intake
from bot.claims import Begun
from bot.dialogue_engine import DialogueEngine, Reply, Utterance
from bot.turns import Turns
from core import conversations
from core.desk import Desk
from core.models import Author, Mode, Turn, TurnState, now
from handoff import queue
from tests.scenes import (
    MONDAY,
    accept,
    add_operator,
    change_mode,
    hand_over,
    in_threads,
    locked,
    messages,
    reload,
    return_to_bot,
    start_conversation,
    text_of,
    write_message,
)
from tests.stack import wait_for

LEASE = timedelta(seconds=30)
REPLY = (Utterance("Ответ", meta={"kind": "answer"}),)


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    return start_conversation(desk)


def begin(desk: Desk, conversation_id: uuid.UUID, number: int = 1) -> uuid.UUID:
    """The id of the turn that an accepted message begins."""
    message = accept(desk, conversation_id, f"вопрос {number}", f"m{number}")
    return desk.database.read(lambda session: session.scalars(select(Turn.id).where(Turn.message_id == message.id)).one())


def claim(desk: Desk, turn_id: uuid.UUID, at: datetime = MONDAY) -> Begun | None:
    lease = uuid.uuid4().hex
    return (
        desk.database.write(claims.read, desk, turn_id, lease)[0] if desk.database.write(claims.claim, desk, turn_id, lease, at) else None
    )


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
    turn_id = begin(desk, conversation_id)
    begun = [found for found in in_threads(12, lambda _: claim(desk, turn_id)) if found]
    assert len(begun) == 1
    assert (begun[0].turn_id, begun[0].text, begun[0].attempts) == (turn_id, "вопрос 1", 1)
    assert begun[0].sender == f"{conversation_id}-1"


def test_a_conversations_turns_go_one_at_a_time_in_order(desk: Desk, conversation_id: uuid.UUID) -> None:
    first, second = begin(desk, conversation_id, 1), begin(desk, conversation_id, 2)
    other = begin(desk, start_conversation(desk))
    assert set(claimable(desk)) == {first, other}
    assert claim(desk, second) is None
    begun = take(desk, first)
    assert claim(desk, second) is None  # the first is running
    assert finish(desk, begun) == TurnState.DONE
    assert set(claimable(desk)) == {second, other}
    assert claim(desk, second)


def test_the_next_turn_is_begun_with_what_makes_it_next(desk: Desk, conversation_id: uuid.UUID) -> None:
    def accept_and_begin(session: Session, number: int) -> Begun | None:
        intake.accept(session, desk, conversation_id, intake.Inbound(f"m{number}", f"вопрос {number}"), MONDAY)
        return claims.begin_next(session, desk, conversations.find(session, conversation_id), MONDAY)

    def end(begun: Begun) -> tuple[TurnState | None, Begun | None]:
        return desk.database.write(Turns(desk, cast("DialogueEngine", None))._end, begun, REPLY, MONDAY)

    first = desk.database.write(accept_and_begin, 1)
    assert first and (first.text, first.attempts) == ("вопрос 1", 1)
    assert claim(desk, first.turn_id) is None
    assert desk.database.write(accept_and_begin, 1) is None  # the same message once more
    assert desk.database.write(accept_and_begin, 2) is None  # it waits for the first
    state, second = end(first)
    assert state == TurnState.DONE
    assert second and (second.text, second.attempts) == ("вопрос 2", 1)
    assert renew(desk, second, MONDAY)
    assert end(second) == (TurnState.DONE, None)
    change_mode(desk, conversation_id, Mode.QUEUED)
    assert desk.database.write(accept_and_begin, 3) is None


async def test_what_cannot_be_opened_goes_to_a_person(desk: Desk, conversation_id: uuid.UUID) -> None:
    def accept_and_begin(session: Session) -> Begun | None:
        message = intake.accept(session, desk, conversation_id, intake.Inbound("m1", "вопрос"), MONDAY)
        message.text_sealed = b"torn"
        return claims.begin_next(session, desk, conversations.find(session, conversation_id), MONDAY)

    begun = desk.database.write(accept_and_begin)
    assert begun and begun.text is None
    assert await Turns(desk, cast("DialogueEngine", None))._answer(begun, now()) is None
    assert turn_of(desk, begun.turn_id).state == TurnState.HANDED_OVER
    assert reload(desk, conversation_id).mode == Mode.QUEUED


def test_a_lease_that_runs_out_gives_the_turn_to_another(desk: Desk, conversation_id: uuid.UUID) -> None:
    turn_id = begin(desk, conversation_id)
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
    turn_id = begin(desk, conversation_id)
    assert renew(desk, take(desk, turn_id), MONDAY + LEASE)
    assert claim(desk, turn_id, MONDAY + LEASE + timedelta(seconds=29)) is None


def test_a_turn_ends_once(desk: Desk, conversation_id: uuid.UUID) -> None:
    turn_id = begin(desk, conversation_id)
    begun = take(desk, turn_id)
    assert sorted(map(str, in_threads(6, lambda _: finish(desk, begun)))) == ["None"] * 5 + ["done"]
    assert len(messages(desk, conversation_id)) == 2
    assert claim(desk, turn_id, MONDAY + timedelta(days=1)) is None
    ended = turn_of(desk, turn_id)
    assert (ended.finished_at, ended.lease_owner, ended.lease_until) == (MONDAY, None, None)


def test_after_a_takeover_nothing_of_the_turn_is_shown(desk: Desk, conversation_id: uuid.UUID) -> None:
    turn_id = begin(desk, conversation_id)
    begun = take(desk, turn_id)
    change_mode(desk, conversation_id, Mode.QUEUED)
    assert not renew(desk, begun, MONDAY)
    assert finish(desk, begun) == TurnState.ACCEPTED
    assert [message.author for message in messages(desk, conversation_id)] == [Author.CITIZEN]


def test_many_workers_never_run_two_turns_of_a_conversation_at_once(desk: Desk) -> None:
    ids = [start_conversation(desk) for _ in range(4)]
    turn_ids = {each: [begin(desk, each, number) for number in range(5)] for each in ids}
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
    turn_id = begin(desk, conversation_id)
    slow = take(desk, turn_id)
    held, go_on = threading.Event(), threading.Event()

    def hold(session: Session) -> None:
        conversations.lock(session, conversation_id)
        held.set()
        assert go_on.wait(30)

    with ThreadPoolExecutor(2) as threads:
        holding = threads.submit(desk.database.write, hold)
        assert held.wait(30)
        # The slow one sees a turn that is its own, then waits for the conversation.
        waiting = threads.submit(renew, desk, slow, MONDAY) if late == "renew" else threads.submit(finish, desk, slow)
        wait_for("the slow worker to wait", lambda: desk.database.read(is_somebody_waiting))
        lease = uuid.uuid4().hex
        assert desk.database.write(claims.claim, desk, turn_id, lease, MONDAY + LEASE + timedelta(seconds=1))
        go_on.set()
        holding.result(30)
        assert not waiting.result(30)
    quick, _ = desk.database.write(claims.read, desk, turn_id, lease)  # it waits for the conversation too
    assert finish(desk, quick) == TurnState.DONE
    assert [text_of(desk, message) for message in messages(desk, conversation_id)] == ["вопрос 1", "Ответ"]


def is_somebody_waiting(session: Session) -> bool:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return bool(session.scalar(sql(waiting)))


@pytest.mark.parametrize("mode", [Mode.QUEUED, Mode.OPERATOR, Mode.CLOSED])
def test_a_turn_waits_while_a_person_has_the_conversation(desk: Desk, conversation_id: uuid.UUID, mode: Mode) -> None:
    turn_id = begin(desk, conversation_id)
    change_mode(desk, conversation_id, mode, add_operator(desk) if mode == Mode.OPERATOR else None)
    assert claimable(desk) == []
    assert claim(desk, turn_id) is None
    assert turn_of(desk, turn_id).state == TurnState.ACCEPTED


@pytest.mark.parametrize("end", ["while people have it", "after they gave it back", "never"])
def test_a_question_that_nobody_answered_is_the_bots_again_when_it_is_back(desk: Desk, conversation_id: uuid.UUID, end: str) -> None:
    turn_id, later = begin(desk, conversation_id, 1), begin(desk, conversation_id, 2)
    begun = take(desk, turn_id)
    change_mode(desk, conversation_id, Mode.QUEUED)
    if end == "while people have it":
        assert finish(desk, begun) == TurnState.ACCEPTED
    assert claimable(desk, MONDAY + timedelta(days=1)) == []
    change_mode(desk, conversation_id, Mode.BOT)
    assert not renew(desk, begun, MONDAY)  # the epoch tells: it is not the same ownership
    if end == "after they gave it back":
        assert finish(desk, begun) == TurnState.ACCEPTED
    at = MONDAY + LEASE + timedelta(seconds=1)  # a worker that died has let go by then
    assert claimable(desk, at) == [turn_id]
    assert claim(desk, later, at) is None
    again = take(desk, turn_id, at)
    assert (again.sender, again.attempts) == (f"{conversation_id}-2", 1)
    assert finish(desk, begun) is None
    assert renew(desk, again, at)
    assert finish(desk, again) == TurnState.DONE
    assert claimable(desk, at) == [later]
    assert finish(desk, take(desk, later, at)) == TurnState.DONE
    assert [message.in_reply_to for message in messages(desk, conversation_id)] == [None, None, 1, 2]


@pytest.mark.parametrize("begun_before", [True, False])
def test_an_operators_answer_is_not_followed_by_the_bots(desk: Desk, conversation_id: uuid.UUID, begun_before: bool) -> None:
    answered = begin(desk, conversation_id, 1)
    begun = take(desk, answered) if begun_before else None
    change_mode(desk, conversation_id, Mode.OPERATOR, add_operator(desk))
    write_message(desk, conversation_id, "Помогу", Author.OPERATOR)
    assert begun is None or finish(desk, begun) == TurnState.ACCEPTED
    change_mode(desk, conversation_id, Mode.BOT)
    fresh = begin(desk, conversation_id, 2)
    assert claim(desk, fresh) is None
    assert claim(desk, answered) is None  # and that ends it
    ended = turn_of(desk, answered)
    assert (ended.state, ended.finished_at, ended.lease_owner) == (TurnState.DROPPED, MONDAY, None)
    assert claimable(desk) == [fresh]
    assert finish(desk, take(desk, fresh)) == TurnState.DONE
    assert [message.in_reply_to for message in messages(desk, conversation_id)] == [None, None, None, 3]


def test_a_dead_workers_turn_keeps_its_attempts_while_the_bot_has_the_conversation(desk: Desk, conversation_id: uuid.UUID) -> None:
    turn_id = begin(desk, conversation_id)
    at = MONDAY
    for attempts in (1, 2, 3):
        assert take(desk, turn_id, at).attempts == attempts
        at += LEASE + timedelta(seconds=1)
    change_mode(desk, conversation_id, Mode.QUEUED)
    change_mode(desk, conversation_id, Mode.BOT)
    assert take(desk, turn_id, at).attempts == 1
    assert take(desk, turn_id, at + LEASE + timedelta(seconds=1)).attempts == 2


def test_a_person_who_comes_and_goes_never_meets_the_bot(desk: Desk) -> None:
    ids = [start_conversation(desk) for _ in range(3)]
    turn_ids = [begin(desk, each, number) for each in ids for number in range(4)]
    operator = add_operator(desk)
    gone = threading.Event()

    def is_over() -> bool:
        return gone.is_set() and all(turn_of(desk, turn_id).state in (TurnState.DONE, TurnState.DROPPED) for turn_id in turn_ids)

    def come_and_go() -> None:
        for number in range(4):
            for each in ids:
                hand_over(desk, each)
                locked(desk, each, queue.claim, operator, MONDAY)
                if number == 2:
                    write_message(desk, each, "Помогу", Author.OPERATOR)
                return_to_bot(desk, each, operator)
        gone.set()

    def work(worker: int) -> None:
        if worker == 0:
            return come_and_go()
        deadline = time.monotonic() + 60
        while not is_over():
            assert time.monotonic() < deadline
            for turn_id in turn_ids:
                begun = claim(desk, turn_id)
                if begun:
                    finish(desk, begun)
        return None

    in_threads(5, work)
    for each in ids:
        with_bot = True
        for message in messages(desk, each):
            kind = message.meta.get("kind")
            with_bot = kind == "operator_left" or (with_bot and kind != "handoff")
            assert with_bot or message.author != Author.BOT
    for turn_id in turn_ids:
        turn = turn_of(desk, turn_id)
        said = messages(desk, turn.conversation_id)
        answers = [message.author for message in said if message.in_reply_to == turn.seq and message.meta["kind"] == "answer"]
        assert len(answers) == (turn.state == TurnState.DONE)
        assert turn.state == TurnState.DONE or any(message.author == Author.OPERATOR for message in said if message.seq > turn.seq)


def test_an_empty_reply_ends_at_a_person(desk: Desk, conversation_id: uuid.UUID) -> None:
    begun = take(desk, begin(desk, conversation_id))
    assert finish(desk, begun, ()) == TurnState.HANDED_OVER
    assert reload(desk, conversation_id).mode == Mode.QUEUED
    assert messages(desk, conversation_id)[-1].meta["kind"] == "handoff"


def test_what_to_run_is_found_among_the_open_turns_only(desk: Desk) -> None:
    def plan(session: Session) -> str:
        connection, asked = session.connection(), []

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
            asked.append((statement, parameters))

        event.listen(connection, "before_cursor_execute", note)
        claims.claimable(session, MONDAY)
        event.remove(connection, "before_cursor_execute", note)
        if not desk.database.is_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # the table is too small for an index to pay
        explain = "EXPLAIN QUERY PLAN" if desk.database.is_sqlite else "EXPLAIN"
        (statement, parameters) = asked[0]
        return str(connection.exec_driver_sql(f"{explain} {statement}", parameters).all())

    found = desk.database.read(plan)
    assert "ix_turns_open" in found
    assert not re.search(r"SCAN turns\b|Seq Scan on turns\b", found)


def test_a_message_to_a_person_begins_no_turn(desk: Desk, conversation_id: uuid.UUID) -> None:
    hand_over(desk, conversation_id)
    accept(desk, conversation_id)

    def count(session: Session) -> int:
        return session.query(Turn).count()

    assert desk.database.read(count) == 0
