"""An appeal's states: what may follow what, the clock that stands still, and what a citizen's word does."""

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.desk import Desk
from core.errors import Problem
from core.models import (
    Appeal,
    AppealKind,
    AppealStatus,
    AppealWait,
    Author,
    Conversation,
    Mode,
    Operator,
    RequestGround,
    RequestKind,
    Turn,
    now,
)
from core.words import say
from core.working_time import MOSCOW
from handoff import appeal_requests, appeal_states, appeals, erasure, queue, retention
from handoff.appeal_states import NEXT
from handoff.appeal_status import Status, status_of
from tests.scenes import (
    LATER,
    MONDAY,
    accept,
    add_operator,
    appeals_of,
    claim,
    close,
    hand_over,
    listed,
    locked,
    messages,
    register,
    reload,
    return_to_bot,
    start_conversation,
    text_of,
    write_message,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REGISTERED, IN_PROGRESS, WAITING = AppealStatus.REGISTERED, AppealStatus.IN_PROGRESS, AppealStatus.WAITING
ANSWERED, CLOSED, REOPENED = AppealStatus.ANSWERED, AppealStatus.CLOSED, AppealStatus.REOPENED


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    return start_conversation(desk)


@pytest.fixture
def operator(desk: Desk) -> Operator:
    return add_operator(desk)


def step(desk: Desk, appeal: Appeal, status: AppealStatus, operator: Operator, at: datetime = LATER) -> None:
    """An operator's step."""

    def work(session: Session, _desk: Desk, conversation: Conversation) -> None:
        held = appeals.hold(session, appeal)
        if status == IN_PROGRESS:
            appeal_states.start(session, held, operator, at)
        elif status == WAITING:
            appeal_states.ask(session, held, at, operator)
        elif status == ANSWERED:
            appeal_states.answer(session, held, operator, at)
        elif status == CLOSED:
            appeal_states.close(session, desk, conversation, held, operator, "готово", at)
        else:
            appeal_states.reopen(session, desk, held, at, operator)

    locked(desk, appeal.conversation_id, work)


def hear(desk: Desk, conversation_id: uuid.UUID, at: datetime) -> str | None:
    return locked(desk, conversation_id, appeal_states.hear, at)


def reread(desk: Desk, appeal: Appeal) -> Appeal:
    return next(one for one in appeals_of(desk, appeal.conversation_id) if one.id == appeal.id)


def status(desk: Desk, appeal: Appeal, at: datetime) -> Status:
    return desk.database.read(lambda session: status_of(session, session.get_one(Appeal, appeal.id), at))


# Ways to each state by allowed steps.
WAYS: dict[AppealStatus, tuple[AppealStatus, ...]] = {
    REGISTERED: (),
    IN_PROGRESS: (IN_PROGRESS,),
    WAITING: (WAITING,),
    ANSWERED: (ANSWERED,),
    CLOSED: (CLOSED,),
    REOPENED: (CLOSED, REOPENED),
}


@pytest.mark.parametrize("before", AppealStatus)
def test_only_the_table_s_steps_are_taken(desk: Desk, conversation_id: uuid.UUID, operator: Operator, before: AppealStatus) -> None:
    for after in AppealStatus:
        if after == REGISTERED:
            continue
        appeal = register(desk, conversation_id)
        for way in WAYS[before]:
            step(desk, appeal, way, operator)
        if after in NEXT[before]:
            step(desk, appeal, after, operator)
            assert reread(desk, appeal).status == after
            continue
        with pytest.raises(Problem) as caught:
            step(desk, appeal, after, operator)
        assert caught.value.status == 409
        assert "Сейчас возможно: " in caught.value.detail
        assert reread(desk, appeal).status == before


def test_a_wait_moves_the_date_by_its_length_and_several_add_up(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)
    claim(desk, conversation_id, operator)
    began = MONDAY + 2 * HOUR
    step(desk, appeal, WAITING, operator, began)
    assert not status(desk, appeal, MONDAY + 90 * DAY).is_overdue
    assert (
        listed(desk, MONDAY + 90 * DAY)[0] | {"waiting_for_citizen": True, "overdue": False, "soon_overdue": False}
        == listed(desk, MONDAY + 90 * DAY)[0]
    )
    assert status(desk, appeal, LATER).waiting_since == began
    words = hear(desk, conversation_id, began + 49 * HOUR)
    assert words
    assert "2 дня 1 час" in words
    assert reread(desk, appeal).status == IN_PROGRESS
    assert reread(desk, appeal).due_at == appeal.due_at + 49 * HOUR
    assert hear(desk, conversation_id, began + 50 * HOUR) is None
    step(desk, appeal, WAITING, operator, began + 50 * HOUR)
    step(desk, appeal, IN_PROGRESS, operator, began + 51 * HOUR)  # the citizen has telephoned
    assert reread(desk, appeal).due_at == appeal.due_at + 50 * HOUR
    told = status(desk, appeal, began + 51 * HOUR)
    assert (told.moved_by, len(told.document()["waits"])) == ("2 дня 2 часа", 2)
    assert [event.kind for event in told.history] == ["registered", "claimed", "asked", "resumed", "asked", "resumed"]
    assert status(desk, appeal, appeal.due_at + 51 * HOUR).is_overdue


def test_what_the_desk_asked_goes_back_to_where_it_was(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    asked, taken = register(desk, conversation_id), register(desk, start_conversation(desk))
    for appeal in (asked, taken):
        locked(desk, appeal.conversation_id, lambda session, *_: appeal_states.ask(session, appeals.hold(session, appeal), LATER))  # noqa: B023
    claim(desk, taken.conversation_id, operator, LATER)
    assert reread(desk, taken).status == WAITING  # what was asked for is asked for still
    for appeal, expected in ((asked, REGISTERED), (taken, IN_PROGRESS)):
        hear(desk, appeal.conversation_id, LATER + HOUR)
        assert reread(desk, appeal).status == expected


def test_a_date_set_during_a_wait_moves_by_what_is_left_of_it(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id, AppealKind.COMPLAINT)
    detail = {"reason": "операция"}
    locked(desk, conversation_id, appeal_requests.ask_to_expedite, appeal, RequestGround.LIFE, detail, MONDAY)
    step(desk, appeal, WAITING, operator, MONDAY + HOUR)
    confirmed = MONDAY + 6 * HOUR

    def decide(session: Session) -> None:
        appeal_requests.decide(session, desk, appeal, RequestKind.EXPEDITE, operator, confirmed, confirmed=True)

    desk.database.write(decide)
    assert reread(desk, appeal).due_at == confirmed + DAY
    assert reread(desk, appeal).status == WAITING
    hear(desk, conversation_id, confirmed + 3 * HOUR)
    assert reread(desk, appeal).due_at == confirmed + DAY + 3 * HOUR


def test_what_is_late_before_a_wait_is_as_late_after_it(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)
    step(desk, appeal, WAITING, operator, appeal.due_at + HOUR)
    hear(desk, conversation_id, appeal.due_at + 5 * HOUR)
    assert reread(desk, appeal).due_at == appeal.due_at + 4 * HOUR
    assert status(desk, appeal, appeal.due_at + 5 * HOUR).is_overdue


def test_an_answered_appeal_is_not_overdue_and_not_listed(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)
    step(desk, appeal, ANSWERED, operator)
    assert not status(desk, appeal, MONDAY + 30 * DAY).is_overdue
    assert listed(desk) == []
    claim(desk, conversation_id, operator)  # one whose conversation is open is shown
    assert [(row["appeal_number"], row["status"]) for row in listed(desk)] == [(appeal.number, "answered")]
    assert reread(desk, appeal).status == ANSWERED


def test_the_citizen_s_next_word_to_people_reopens_an_answered_one(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)
    claim(desk, conversation_id, operator)
    step(desk, appeal, ANSWERED, operator)
    asked_at = MONDAY + 3 * DAY
    words = hear(desk, conversation_id, asked_at)
    assert words
    assert "открыто снова" in words
    again = reread(desk, appeal)
    assert (again.status, again.number, again.answered_at) == (REOPENED, appeal.number, None)
    assert again.due_at == asked_at + DAY


@pytest.mark.parametrize("days", [5, 40])
def test_calling_people_again_reopens_what_was_answered_not_long_ago(
    desk: Desk, conversation_id: uuid.UUID, operator: Operator, days: int
) -> None:
    appeal = register(desk, conversation_id)
    step(desk, appeal, ANSWERED, operator)
    hand_over(desk, conversation_id, LATER + days * DAY)
    found = appeals_of(desk, conversation_id)
    if days == 5:
        assert [(one.id, one.status) for one in found] == [(appeal.id, REOPENED)]
    else:
        assert [(one.status, one.parent_id) for one in found] == [(REGISTERED, appeal.id), (ANSWERED, None)]


def test_a_message_to_people_ends_the_wait(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)
    claim(desk, conversation_id, operator)
    step(desk, appeal, WAITING, operator, MONDAY - HOUR)  # scenes write at MONDAY
    accept(desk, conversation_id, "СНИЛС 112-233-445 95")
    assert reread(desk, appeal).status == IN_PROGRESS
    assert reread(desk, appeal).due_at == appeal.due_at + HOUR
    told = messages(desk, conversation_id)[-1]
    assert "получен" in text_of(desk, told)
    assert told.meta == {"kind": "notice"}


def test_who_answers_people_while_with_the_bot_is_handed_over(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)
    claim(desk, conversation_id, operator)
    step(desk, appeal, WAITING, operator, MONDAY - HOUR)
    return_to_bot(desk, conversation_id, operator)
    accept(desk, conversation_id, "Вот номер заявления: 1234567891")
    assert reload(desk, conversation_id).mode == Mode.QUEUED
    assert desk.database.read(lambda session: session.scalars(select(Turn)).all()) == []
    assert (listed(desk)[0]["reason"], listed(desk)[0]["status"]) == (queue.REPLIED, "in_progress")


def test_an_answer_to_the_bot_s_own_question_is_the_bot_s(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)
    step(desk, appeal, WAITING, operator, MONDAY - HOUR)
    write_message(desk, conversation_id, "Опишите проблему.", Author.BOT, expects="problem")
    accept(desk, conversation_id, "Не приходит код")
    assert (reload(desk, conversation_id).mode, reread(desk, appeal).status) == (Mode.BOT, WAITING)
    accept(desk, conversation_id, "удалите мои данные", "m2")
    assert reread(desk, appeal).status == WAITING


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (AppealKind.SIMPLE, datetime(2026, 11, 24, 10, tzinfo=MOSCOW)),  # the earlier one
        (AppealKind.COMPLAINT, datetime(2026, 11, 26, 18, tzinfo=MOSCOW)),  # never later
        (AppealKind.URGENT, datetime(2026, 11, 23, 22, tzinfo=MOSCOW)),
    ],
)
def test_another_kind_never_moves_the_date_later(
    desk: Desk, conversation_id: uuid.UUID, operator: Operator, kind: AppealKind, expected: datetime
) -> None:
    appeal = register(desk, conversation_id, AppealKind.COMPLEX)  # due on the 26th, 18:00

    def change(session: Session, desk: Desk, _conversation: Conversation) -> None:
        appeals.change_kind(session, desk, appeals.hold(session, appeal), kind, operator)

    locked(desk, conversation_id, change)
    assert (reread(desk, appeal).kind, reread(desk, appeal).due_at) == (kind, expected)


def test_another_kind_keeps_what_was_waited(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id, AppealKind.COMPLEX)
    step(desk, appeal, WAITING, operator, LATER)
    hear(desk, conversation_id, LATER + 5 * HOUR)

    def change(session: Session, desk: Desk, _conversation: Conversation) -> None:
        appeals.change_kind(session, desk, appeals.hold(session, appeal), AppealKind.SIMPLE, operator)

    locked(desk, conversation_id, change)
    assert reread(desk, appeal).due_at == MONDAY + DAY + 5 * HOUR


def test_one_opened_again_counts_from_then(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id, AppealKind.COMPLEX)
    step(desk, appeal, WAITING, operator, LATER)
    step(desk, appeal, CLOSED, operator, LATER + HOUR)
    again = MONDAY + 7 * DAY
    step(desk, appeal, REOPENED, operator, again)

    def change(session: Session, desk: Desk, _conversation: Conversation) -> None:
        appeals.change_kind(session, desk, appeals.hold(session, appeal), AppealKind.SIMPLE, operator)

    locked(desk, conversation_id, change)
    assert reread(desk, appeal).due_at == again + DAY  # earlier waits belong to the date of before


def test_the_higher_instance_may_be_asked_for_once_it_is_answered(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)

    def grounds(at: datetime) -> list[RequestGround]:
        return desk.database.read(lambda session: appeal_requests.grounds(session, session.get_one(Appeal, appeal.id), at))

    step(desk, appeal, WAITING, operator)
    write_message(desk, conversation_id, "Какой у вас СНИЛС?", Author.OPERATOR, operator=operator)
    assert grounds(MONDAY + 30 * DAY) == []  # a question is no answer, and the clock stands still
    step(desk, appeal, ANSWERED, operator)
    assert grounds(LATER) == [RequestGround.NO_REASON, RequestGround.SYSTEMIC, RequestGround.REVISION]
    asked = (appeal, RequestGround.REVISION, {"problem": "ошибка"}, LATER)
    locked(desk, conversation_id, appeal_requests.ask_higher_instance, *asked)
    assert (reread(desk, appeal).status, reread(desk, appeal).department) == (REOPENED, desk.settings.senior_department)


def test_erasure_ends_the_wait_and_withdraws_only_what_is_open(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    waiting, answered = register(desk, conversation_id), register(desk, conversation_id)
    step(desk, waiting, WAITING, operator)
    step(desk, answered, ANSWERED, operator)
    assert desk.database.read(erasure.open_numbers, conversation_id) == [waiting.number]
    locked(desk, conversation_id, erasure.erase, erasure.CITIZEN, LATER + HOUR)
    assert messages(desk, conversation_id)[-1].meta["appeal_numbers"] == [waiting.number]
    assert [one.status for one in appeals_of(desk, conversation_id)] == [CLOSED, CLOSED]
    (wait,) = desk.database.read(lambda session: session.scalars(select(AppealWait)).all())
    assert wait.ended_at == LATER + HOUR
    with pytest.raises(Problem, match="appeal_withdrawn"):
        step(desk, waiting, REOPENED, operator)


def test_an_answered_appeal_is_kept_as_long_as_a_closed_one(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)
    answered = now() + DAY  # after the conversation's beginning, which counts too
    step(desk, appeal, ANSWERED, operator, answered)
    kept = desk.settings.keep_appeal_days * DAY
    assert retention.retain(desk, answered + kept - HOUR).conversations == 0
    assert retention.retain(desk, answered + kept + HOUR).conversations == 1


def test_a_closed_one_is_closed_once(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)
    claim(desk, conversation_id, operator)
    close(desk, conversation_id, operator)
    with pytest.raises(Problem) as caught:
        step(desk, appeal, CLOSED, operator)
    assert caught.value.detail == say("appeal_step", number=appeal.number, status="закрыто", possible=say("step_reopened"))
