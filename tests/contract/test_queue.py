"""From the bot to a person and back."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.errors import Problem
from core.models import Appeal, AppealEvent, AppealKind, AppealStatus, Author, Conversation, Mode, Operator, QueueEntry, Rating
from core.words import all_words, say
from handoff import queue
from tests.scenes import (
    LATER,
    MONDAY,
    add_operator,
    appeals_of,
    change_mode,
    claim,
    close,
    hand_over,
    in_threads,
    listed,
    locked,
    messages,
    register,
    reload,
    return_to_bot,
    start_conversation,
    text_of,
)


def leave(desk: Desk, conversation_id: uuid.UUID, _operator: Operator) -> None:
    locked(desk, conversation_id, queue.leave, LATER)


def history(desk: Desk, appeal: Appeal) -> list[str]:
    events = desk.database.read(
        lambda session: session.query(AppealEvent).filter_by(appeal_id=appeal.id).order_by(AppealEvent.created_at).all()
    )
    return [event.kind for event in events]


def test_handing_over_registers_queues_and_says_so(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    said = hand_over(desk, conversation_id)
    assert said
    (appeal,) = appeals_of(desk, conversation_id)
    assert (appeal.kind, appeal.status, appeal.received_at) == (AppealKind.SIMPLE, AppealStatus.REGISTERED, MONDAY)
    assert appeal.due_at == MONDAY + timedelta(days=1)
    assert reload(desk, conversation_id).mode == Mode.QUEUED
    assert said.meta == {
        "kind": "handoff",
        "appeal_number": appeal.number,
        "due_at": "2026-11-24T10:00:00+03:00",
        "queue_position": 1,
    }
    assert (said.author, said.expects, [button["title"] for button in said.buttons]) == (
        Author.SYSTEM,
        "email",
        [say("leave_queue_button")],
    )
    text = text_of(desk, said)
    assert appeal.number in text
    assert "24 ноября 2026 года, 10:00" in text
    assert history(desk, appeal) == ["registered", "queued"]


def test_a_failure_is_told_as_one(desk: Desk) -> None:
    said = hand_over(desk, start_conversation(desk), reason=queue.ENGINE_FAILED)
    assert said
    assert text_of(desk, said)[:20] == all_words()["handoff_failed"][:20] != all_words()["handoff"][:20]


def test_an_address_that_is_known_is_not_asked_for(desk: Desk) -> None:
    conversation_id = start_conversation(desk)

    def know(_session: Session, _desk: Desk, conversation: Conversation) -> None:
        conversation.email_token = "pdemail1"

    locked(desk, conversation_id, know)
    said = hand_over(desk, conversation_id)
    assert said
    assert said.expects is None


def test_handing_over_takes_the_newest_open_appeal(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    register(desk, conversation_id, at=MONDAY)
    newest = register(desk, conversation_id, AppealKind.COMPLEX, at=LATER)
    said = hand_over(desk, conversation_id, LATER)
    assert said
    assert said.meta["appeal_number"] == newest.number
    assert len(appeals_of(desk, conversation_id)) == 2


def test_a_closed_appeal_is_not_taken_again(desk: Desk) -> None:
    conversation_id, operator = start_conversation(desk), add_operator(desk)
    hand_over(desk, conversation_id)
    claim(desk, conversation_id, operator)
    close(desk, conversation_id, operator)
    hand_over(desk, conversation_id, LATER)
    assert [appeal.status for appeal in appeals_of(desk, conversation_id)] == [AppealStatus.REGISTERED, AppealStatus.CLOSED]


@pytest.mark.parametrize("mode", [Mode.QUEUED, Mode.OPERATOR, Mode.CLOSED])
def test_handing_over_what_is_not_the_bots_does_nothing(desk: Desk, mode: Mode) -> None:
    conversation_id = start_conversation(desk)
    change_mode(desk, conversation_id, mode, add_operator(desk) if mode == Mode.OPERATOR else None)
    before = reload(desk, conversation_id)
    assert hand_over(desk, conversation_id) is None
    after = reload(desk, conversation_id)
    assert (after.mode, after.epoch, messages(desk, conversation_id)) == (mode, before.epoch, [])
    assert appeals_of(desk, conversation_id) == []


def test_many_hand_overs_at_once_are_one(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    said = in_threads(10, lambda _: hand_over(desk, conversation_id))
    assert len([message for message in said if message]) == 1
    assert len(appeals_of(desk, conversation_id)) == 1
    assert desk.database.read(queue.position, conversation_id) == 1


def test_one_of_two_operators_wins(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    hand_over(desk, conversation_id)
    operators = [add_operator(desk, "ivanova", "Мария Иванова"), add_operator(desk, "petrov", "Олег Петров")]

    def try_claim(number: int) -> Problem | None:
        try:
            claim(desk, conversation_id, operators[number % 2])
        except Problem as problem:
            return problem
        return None

    outcomes = in_threads(8, try_claim)
    winner = next(operator for operator in operators if operator.id == reload(desk, conversation_id).operator_id)
    for number, problem in enumerate(outcomes):
        if operators[number % 2].id == winner.id:
            assert problem is None
        else:
            assert problem
            assert (problem.status, problem.detail) == (409, say("claimed_by", name=winner.name))
    joined = [message for message in messages(desk, conversation_id) if message.meta["kind"] == "operator_joined"]
    assert len(joined) == 1
    assert text_of(desk, joined[0]) == say("operator_joined", name=winner.name)
    assert joined[0].meta["operator_name"] == winner.name


def test_claiming_ends_the_wait_and_begins_the_work(desk: Desk) -> None:
    conversation_id, operator = start_conversation(desk), add_operator(desk)
    hand_over(desk, conversation_id)
    claim(desk, conversation_id, operator)
    (appeal,) = appeals_of(desk, conversation_id)
    assert appeal.status == AppealStatus.IN_PROGRESS
    assert history(desk, appeal) == ["registered", "queued", "claimed"]
    assert desk.database.read(queue.position, conversation_id) is None
    entry = desk.database.read(lambda session: session.query(QueueEntry).one())
    assert (entry.ended_by, entry.ended_at) == ("claimed", LATER)
    state = reload(desk, conversation_id)
    assert (state.mode, state.operator_id) == (Mode.OPERATOR, operator.id)


def test_a_conversation_with_the_bot_may_be_claimed(desk: Desk) -> None:
    conversation_id, operator = start_conversation(desk), add_operator(desk)
    claim(desk, conversation_id, operator)
    assert reload(desk, conversation_id).mode == Mode.OPERATOR
    assert appeals_of(desk, conversation_id) == []
    close(desk, conversation_id, operator)
    assert text_of(desk, messages(desk, conversation_id)[1]) == say("operator_left_open", name=operator.name)


def test_leaving_goes_back_to_the_bot_with_the_appeal_open(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    hand_over(desk, conversation_id)
    said = locked(desk, conversation_id, queue.leave, LATER)
    (appeal,) = appeals_of(desk, conversation_id)
    assert text_of(desk, said) == say("left_queue", number=appeal.number)
    assert (reload(desk, conversation_id).mode, appeal.status) == (Mode.BOT, AppealStatus.REGISTERED)
    hand_over(desk, conversation_id, LATER)  # and into the queue again, under the same number
    assert len(appeals_of(desk, conversation_id)) == 1


def test_returning_keeps_the_appeal_open(desk: Desk) -> None:
    conversation_id, operator = start_conversation(desk), add_operator(desk)
    hand_over(desk, conversation_id)
    claim(desk, conversation_id, operator)
    return_to_bot(desk, conversation_id, operator)
    (appeal,) = appeals_of(desk, conversation_id)
    state = reload(desk, conversation_id)
    assert (state.mode, state.operator_id, appeal.status) == (Mode.BOT, None, AppealStatus.IN_PROGRESS)
    said = messages(desk, conversation_id)[-1]
    assert said.meta == {"kind": "operator_left", "operator_name": operator.name}
    assert text_of(desk, said) == say("returned_to_bot", name=operator.name, number=appeal.number)


def test_closing_ends_the_appeal_and_asks_for_a_mark(desk: Desk) -> None:
    conversation_id, operator = start_conversation(desk), add_operator(desk)
    hand_over(desk, conversation_id)
    claim(desk, conversation_id, operator)
    close(desk, conversation_id, operator)
    (appeal,) = appeals_of(desk, conversation_id)
    assert (reload(desk, conversation_id).mode, appeal.status, appeal.closed_at) == (Mode.BOT, AppealStatus.CLOSED, LATER)
    left, asked = messages(desk, conversation_id)[-2:]
    assert text_of(desk, left) == say("operator_left", name=operator.name, number=appeal.number)
    assert (asked.expects, asked.meta, [button["title"] for button in asked.buttons]) == ("rating", {"kind": "rating"}, list("12345"))
    closing = desk.database.read(lambda session: session.query(AppealEvent).filter_by(kind="closed").one())
    assert desk.vault.open(reload(desk, conversation_id), closing.detail_sealed or b"") == "Помогли, тел. pdphone1"
    assert listed(desk) == []


Step = Callable[[Desk, uuid.UUID, Operator], None]


@pytest.mark.parametrize(
    ("mode", "holder", "step", "key"),
    [
        (Mode.BOT, "", leave, "not_queued"),
        (Mode.OPERATOR, "own", leave, "not_queued"),
        (Mode.CLOSED, "", leave, "not_queued"),
        (Mode.BOT, "", return_to_bot, "not_claimed"),
        (Mode.QUEUED, "", return_to_bot, "not_claimed"),
        (Mode.CLOSED, "", return_to_bot, "not_claimed"),
        (Mode.OPERATOR, "other", return_to_bot, "claimed_by_other"),
        (Mode.BOT, "", close, "not_claimed"),
        (Mode.QUEUED, "", close, "not_claimed"),
        (Mode.CLOSED, "", close, "not_claimed"),
        (Mode.OPERATOR, "other", close, "claimed_by_other"),
        (Mode.OPERATOR, "other", claim, "claimed_by"),
        (Mode.CLOSED, "", claim, "conversation_not_open"),
    ],
)
def test_refuses_a_step_in_the_wrong_mode(desk: Desk, mode: Mode, holder: str, step: Step, key: str) -> None:
    conversation_id, operator = start_conversation(desk), add_operator(desk)
    other = add_operator(desk, "petrov", "Олег Петров")
    change_mode(desk, conversation_id, mode, {"own": operator, "other": other}.get(holder))
    before = reload(desk, conversation_id)
    with pytest.raises(Problem) as caught:
        step(desk, conversation_id, operator)
    assert (caught.value.status, caught.value.key) == (409, key)
    assert ("Олег Петров" in caught.value.detail) == (holder == "other")
    after = reload(desk, conversation_id)
    assert (after.mode, after.epoch, after.last_seq) == (before.mode, before.epoch, before.last_seq)


def test_claiming_again_changes_nothing(desk: Desk) -> None:
    conversation_id, operator = start_conversation(desk), add_operator(desk)
    claim(desk, conversation_id, operator)
    before = reload(desk, conversation_id)
    claim(desk, conversation_id, operator)
    after = reload(desk, conversation_id)
    assert (after.epoch, after.last_seq) == (before.epoch, before.last_seq)


def test_the_first_mark_is_kept(desk: Desk) -> None:
    conversation_id, operator = start_conversation(desk), add_operator(desk)
    claim(desk, conversation_id, operator)
    close(desk, conversation_id, operator)
    question = messages(desk, conversation_id)[-1]

    def press(session: Session, _desk: Desk, conversation: Conversation, index: int) -> str:
        button = conversations.find_button(session, conversation.id, f"{question.id}.{index}")
        assert button
        return desk.vault.open(conversation, queue.rate(session, desk, conversation, button).text_sealed)

    assert locked(desk, conversation_id, press, 3) == say("rating_thanks")
    assert locked(desk, conversation_id, press, 0) == say("rating_again")
    rating = desk.database.read(lambda session: session.query(Rating).one())
    assert (rating.score, rating.operator_id, rating.conversation_id) == (4, operator.id, conversation_id)
