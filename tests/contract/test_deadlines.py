"""Deadlines at work: what became due is told once, by however many gateways, and not at all while the clock stands still."""

import asyncio
import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.deadlines import Deadlines
from core.desk import Desk
from core.models import Appeal, AppealEvent, Conversation, Delivery, Mode, Operator, now
from core.words import say
from handoff import appeal_states, appeals, deadlines, letters
from tests.scenes import (
    LATER,
    MONDAY,
    add_operator,
    appeals_of,
    claim,
    hand_over,
    in_threads,
    know_address,
    listed,
    locked,
    messages,
    register,
    start_conversation,
    text_of,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OVERDUE = MONDAY + 30 * DAY


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    started = start_conversation(desk)
    know_address(desk, started, "zinaida@example.org")
    return started


@pytest.fixture
def operator(desk: Desk) -> Operator:
    return add_operator(desk)


def notify_all(desk: Desk, at: datetime) -> list[str]:
    """What the worker does at ``at``; the kinds of what was told."""
    found = desk.database.read(deadlines.due_for_notice, desk.settings, at)
    return [kind for each in found if (kind := desk.database.write(deadlines.notify, desk, each, at))]


def ask(desk: Desk, appeal: Appeal, operator: Operator, at: datetime) -> None:
    def work(session: Session, _desk: Desk, _conversation: Conversation) -> None:
        appeal_states.ask(session, appeals.hold(session, appeal), at, operator)

    locked(desk, appeal.conversation_id, work)


def kinds_of_letters(desk: Desk) -> list[str]:
    return desk.database.read(lambda session: list(session.scalars(select(Delivery.kind).order_by(Delivery.created_at))))


def overdue_events(desk: Desk) -> int:
    return len(desk.database.read(lambda session: session.scalars(select(AppealEvent).where(AppealEvent.kind == "overdue")).all()))


def test_an_overdue_appeal_is_told_once_with_what_can_be_done(desk: Desk, conversation_id: uuid.UUID) -> None:
    appeal = register(desk, conversation_id)
    assert notify_all(desk, appeal.due_at - HOUR) == []
    assert notify_all(desk, appeal.due_at + HOUR) == [letters.OVERDUE]
    told = messages(desk, conversation_id)[-1]
    assert "Извините" in text_of(desk, told)
    assert appeal.number in text_of(desk, told)
    assert [(button["title"], button["command"]) for button in told.buttons] == [
        (say("repeat_button"), f'/repeat_appeal{{"value": "{appeal.number}"}}'),
        (say("higher_button"), f'/escalate_higher{{"value": "{appeal.number}"}}'),
    ]
    assert kinds_of_letters(desk) == [letters.OVERDUE]
    assert notify_all(desk, appeal.due_at + 2 * HOUR) == []
    assert overdue_events(desk) == 1


def test_the_commands_are_those_of_the_bot_s_own_buttons(desk: Desk, conversation_id: uuid.UUID) -> None:
    from actions.known_appeal import about

    appeal = register(desk, conversation_id)
    notify_all(desk, OVERDUE)
    first = messages(desk, conversation_id)[-1].buttons[0]
    assert first["command"] == about("", "repeat_appeal", appeal.number)["payload"]
    assert json.loads(first["command"].removeprefix("/repeat_appeal")) == {"value": appeal.number}


def test_who_is_with_people_is_offered_nothing_by_the_bot(desk: Desk, conversation_id: uuid.UUID) -> None:
    hand_over(desk, conversation_id)
    assert notify_all(desk, OVERDUE) == [letters.OVERDUE]
    assert messages(desk, conversation_id)[-1].buttons == []


def test_a_new_date_is_a_new_deadline(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)
    assert notify_all(desk, OVERDUE) == [letters.OVERDUE]

    def again(session: Session, desk: Desk, _conversation: Conversation) -> None:
        held = appeals.hold(session, appeal)
        appeal_states.answer(session, held, operator, OVERDUE)
        appeal_states.reopen(session, desk, held, OVERDUE)

    locked(desk, conversation_id, again)
    assert notify_all(desk, OVERDUE + HOUR) == []
    assert notify_all(desk, OVERDUE + 10 * DAY) == [letters.OVERDUE]


def test_a_wait_after_the_date_is_no_new_deadline(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)
    assert notify_all(desk, OVERDUE) == [letters.OVERDUE]
    ask(desk, appeal, operator, OVERDUE + HOUR)
    assert notify_all(desk, OVERDUE + 2 * HOUR) == []
    locked(desk, conversation_id, appeal_states.hear, OVERDUE + 3 * HOUR)
    assert notify_all(desk, OVERDUE + 4 * HOUR) == []  # as late as before, and told


def test_a_citizen_who_is_silent_is_reminded_once(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)
    ask(desk, appeal, operator, LATER)
    patience = desk.settings.reminder_days * DAY
    assert notify_all(desk, LATER + patience - HOUR) == []
    assert notify_all(desk, LATER + patience + HOUR) == [letters.REMINDER]
    assert notify_all(desk, LATER + patience + 20 * DAY) == []
    assert kinds_of_letters(desk) == [letters.REMINDER]
    locked(desk, conversation_id, appeal_states.hear, LATER + 40 * DAY)
    ask(desk, appeal, operator, LATER + 40 * DAY)
    assert notify_all(desk, LATER + 41 * DAY + patience) == [letters.REMINDER]  # another wait


def test_several_gateways_tell_it_once(desk: Desk, conversation_id: uuid.UUID) -> None:
    register(desk, conversation_id)
    (found,) = desk.database.read(deadlines.due_for_notice, desk.settings, OVERDUE)
    told = in_threads(8, lambda _: desk.database.write(deadlines.notify, desk, found, OVERDUE))
    assert [kind for kind in told if kind] == [letters.OVERDUE]
    assert (overdue_events(desk), kinds_of_letters(desk)) == (1, [letters.OVERDUE])


def test_a_crash_in_between_tells_nothing_half(desk: Desk, conversation_id: uuid.UUID) -> None:
    register(desk, conversation_id)
    (found,) = desk.database.read(deadlines.due_for_notice, desk.settings, OVERDUE)

    def crash(session: Session) -> None:
        deadlines.notify(session, desk, found, OVERDUE)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        desk.database.write(crash)
    assert (overdue_events(desk), kinds_of_letters(desk), messages(desk, conversation_id)) == (0, [], [])
    assert notify_all(desk, OVERDUE) == [letters.OVERDUE]


def test_the_worker_tells_the_others_when_one_fails(desk: Desk, conversation_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, sound = register(desk, start_conversation(desk)), register(desk, conversation_id)
    desk.database.write(lambda session: session.execute(update(Appeal).values(due_at=now() - DAY)))
    notify = deadlines.notify

    def failing(session: Session, desk: Desk, appeal_id: uuid.UUID, at: datetime) -> Any:
        if appeal_id == broken.id:
            raise RuntimeError
        return notify(session, desk, appeal_id, at)

    monkeypatch.setattr(deadlines, "notify", failing)
    assert asyncio.run(Deadlines(desk).notify_all()) == 1
    assert appeals_of(desk, sound.conversation_id)[0].overdue_told is not None
    monkeypatch.undo()
    assert asyncio.run(Deadlines(desk).notify_all()) == 1


def test_what_presses_stands_first_in_its_group(desk: Desk, operator: Operator) -> None:
    calm, soon, late, waiting = (start_conversation(desk) for _ in range(4))
    at = MONDAY + 3 * DAY
    for each, received in ((calm, at), (soon, at - DAY + HOUR), (late, MONDAY), (waiting, MONDAY)):
        hand_over(desk, each, received)
    ask(desk, appeals_of(desk, waiting)[0], operator, MONDAY + HOUR)
    shown = listed(desk, at)
    assert [row["conversation_id"] for row in shown][:2] == [str(late), str(soon)]
    flags = {row["conversation_id"]: (row["overdue"], row["soon_overdue"], row["waiting_for_citizen"]) for row in shown}
    assert flags == {
        str(late): (True, False, False),
        str(soon): (False, True, False),
        str(calm): (False, False, False),
        str(waiting): (False, False, True),
    }
    claim(desk, calm, operator)
    assert listed(desk, at)[-1]["mode"] == Mode.OPERATOR
