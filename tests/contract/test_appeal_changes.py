"""What operators change of an appeal: state, kind, department, priority; transfers and telephone calls; what the citizen is told of it."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, conversations
from core.desk import Desk
from core.errors import Problem
from core.files import Files
from core.models import Appeal, AppealKind, AppealStatus, Author, Conversation, Delivery, Mode, Operator, QueueEntry, Role
from core.presence import Presence
from core.transcript import note_documents
from core.words import say
from handoff import appeal_documents, appeals, letters, operators
from handoff.audit_words import known_logins, subject_words
from handoff.console.appeal_changes import AppealChanges, Change, log_call
from handoff.console.workplace import Workplace
from tests.scenes import (
    LATER,
    MONDAY,
    add_operator,
    appeals_of,
    claim,
    hand_over,
    know_address,
    listed,
    locked,
    messages,
    register,
    reload,
    start_conversation,
    text_of,
)


@pytest.fixture
def presence(desk: Desk) -> Presence:
    return Presence(desk.database)


@pytest.fixture
def workplace(desk: Desk, presence: Presence) -> Workplace:
    return Workplace(desk, Files(desk), lambda _question: [], presence)


@pytest.fixture
def operator(desk: Desk) -> Operator:
    return add_operator(desk)


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    started = start_conversation(desk)
    know_address(desk, started, "zinaida@example.org")
    return started


@pytest.fixture
def change(workplace: Workplace, operator: Operator) -> Callable[..., None]:
    """Changes an appeal as its operator."""

    def carry_out(appeal: Appeal, at: datetime = LATER, **given: Any) -> None:
        def work(session: Session) -> None:
            conversation = conversations.lock(session, appeal.conversation_id)
            held = appeals.hold(session, appeal)
            AppealChanges(session, workplace, conversation, held, operator, at).carry_out(Change(**given))

        workplace.desk.database.write(work)

    return carry_out


Changing = Callable[..., None]


def last_words(desk: Desk, conversation_id: uuid.UUID) -> str:
    return text_of(desk, messages(desk, conversation_id)[-1])


def kinds_of_letters(desk: Desk) -> list[str]:
    kinds = desk.database.read(lambda session: list(session.scalars(select(Delivery.kind).order_by(Delivery.created_at))))
    return [kind for kind in kinds if kind != letters.RECEIPT]


def recorded(desk: Desk) -> list[str]:
    """The audit log's lines in words, oldest first."""

    def read(session: Session) -> list[str]:
        logins = known_logins(session, desk)
        return [subject_words(entry, logins) for entry in reversed(audit.entries(session))]

    return desk.database.read(read)


def test_a_question_stops_the_clock_and_goes_where_the_citizen_is(
    desk: Desk, conversation_id: uuid.UUID, operator: Operator, change: Changing, presence: Presence
) -> None:
    hand_over(desk, conversation_id)
    claim(desk, conversation_id, operator)
    appeal = appeals_of(desk, conversation_id)[0]
    change(appeal, status="waiting", question="Какой у вас телефон? Мой +7 921 555-01-42")
    asked, told = messages(desk, conversation_id)[-2:]
    assert (asked.author, asked.operator_id) == (Author.OPERATOR, operator.id)
    assert "pdphone1" in text_of(desk, asked)
    assert "pdphone1" in text_of(desk, told)  # read by letter, which holds this message alone
    assert kinds_of_letters(desk) == [letters.STATUS]
    assert appeals_of(desk, conversation_id)[0].status == AppealStatus.WAITING
    with presence.stay(conversation_id):
        change(appeal, status="in_progress")
        change(appeal, status="waiting", question="А адрес?")
    assert "адрес" not in last_words(desk, conversation_id)  # who is here has read it above
    assert kinds_of_letters(desk) == [letters.STATUS]


def test_only_who_has_the_conversation_asks_in_it(desk: Desk, conversation_id: uuid.UUID, change: Changing) -> None:
    appeal = register(desk, conversation_id)
    with pytest.raises(Problem, match="not_claimed"):
        change(appeal, status="waiting", question="Какой СНИЛС?")
    change(appeal, status="waiting")  # asked by telephone
    assert "ждёт вашего ответа" in last_words(desk, conversation_id)


def test_each_state_is_told(desk: Desk, conversation_id: uuid.UUID, change: Changing) -> None:
    appeal = register(desk, conversation_id)
    for status, words in (
        ("in_progress", "взято в работу"),
        ("answered", "дан ответ"),
        ("reopened", "открыто снова"),
        ("closed", "закрыто"),
    ):
        change(appeal, status=status)
        assert words in last_words(desk, conversation_id)
    assert kinds_of_letters(desk) == [letters.STATUS] * 4
    assert [line.split(": ")[1] for line in recorded(desk)] == ["взято в работу", "ответ дан", "открыто снова", "закрыто"]
    with pytest.raises(Problem) as caught:
        change(appeal, status="answered")
    assert (caught.value.status, "открыть снова" in caught.value.detail) == (409, True)


def test_closing_what_somebody_holds_ends_the_conversation(
    desk: Desk, conversation_id: uuid.UUID, operator: Operator, change: Changing
) -> None:
    hand_over(desk, conversation_id)
    appeal = appeals_of(desk, conversation_id)[0]
    with pytest.raises(Problem, match="not_claimed"):  # somebody waits in it
        change(appeal, status="closed")
    claim(desk, conversation_id, operator)
    change(appeal, status="closed", reason="Помогли")
    assert (reload(desk, conversation_id).mode, appeals_of(desk, conversation_id)[0].status) == (Mode.BOT, AppealStatus.CLOSED)
    assert messages(desk, conversation_id)[-1].meta["kind"] == "rating"
    assert kinds_of_letters(desk) == [letters.STATUS]


def test_department_priority_and_kind_move_the_wait_along(desk: Desk, conversation_id: uuid.UUID, change: Changing) -> None:
    hand_over(desk, conversation_id)
    appeal = appeals_of(desk, conversation_id)[0]
    change(appeal, department="technical", priority=7, kind="urgent")
    entry = desk.database.read(lambda session: session.scalars(select(QueueEntry)).one())
    assert (entry.department, entry.priority) == ("technical", 7)
    (row,) = listed(desk)
    assert (row["department"], row["priority"], row["due_at"]) == ("technical", 7, "2026-11-23T22:00:00+03:00")
    assert appeals_of(desk, conversation_id)[0].kind == AppealKind.URGENT
    assert recorded(desk) == [f"{appeal.number}: {words}" for words in ("подразделение technical", "приоритет 7", "вид urgent")]
    with pytest.raises(Problem) as caught:
        change(appeal, department="nowhere")
    assert caught.value.status == 422
    assert "quality, senior, support, technical" in caught.value.detail


def test_a_finished_appeal_changes_only_once_it_is_open_again(desk: Desk, conversation_id: uuid.UUID, change: Changing) -> None:
    appeal = register(desk, conversation_id)
    change(appeal, status="closed")
    with pytest.raises(Problem, match="appeal_finished"):
        change(appeal, kind="complaint")
    change(appeal, status="reopened", department="quality")
    again = appeals_of(desk, conversation_id)[0]
    assert (again.status, again.department) == (AppealStatus.REOPENED, "quality")


def test_a_refused_change_changes_nothing_else(desk: Desk, conversation_id: uuid.UUID, change: Changing) -> None:
    appeal = register(desk, conversation_id)
    with pytest.raises(Problem):
        change(appeal, priority=9, urgent_confirmed=True)
    assert appeals_of(desk, conversation_id)[0].priority == 0
    assert recorded(desk) == []


def test_a_call_is_logged_for_operators_alone(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)

    def call(session: Session, desk: Desk, conversation: Conversation) -> None:
        log_call(session, desk, conversation, appeal, operator, "Звонила, просит перезвонить: +7 921 555-01-42")

    locked(desk, conversation_id, call)
    event = desk.database.read(appeal_documents.events, desk, appeal)[-1]
    assert (event["kind"], event["operator"], event["note"]) == (
        "call_logged",
        "Мария Иванова",
        "Звонила, просит перезвонить: +* *** ***-01-42",
    )
    assert messages(desk, conversation_id) == []


def transfer(
    workplace: Workplace, conversation_id: uuid.UUID, operator: Operator, *, department: str | None = None, login: str | None = None
) -> dict[str, Any]:
    note = "Дальше вы, тел. +7 921 555-01-42"
    return workplace.desk.database.write(workplace.transfer, conversation_id, operator, department, login, note)


def test_a_transfer_to_a_department_waits_in_its_queue(
    desk: Desk, workplace: Workplace, conversation_id: uuid.UUID, operator: Operator
) -> None:
    with pytest.raises(Problem, match="not_claimed"):
        transfer(workplace, conversation_id, operator, department="technical")
    claim(desk, conversation_id, operator)  # from the bot, without an appeal
    with pytest.raises(Problem, match="department_unknown"):
        transfer(workplace, conversation_id, operator, department="nowhere")
    state = transfer(workplace, conversation_id, operator, department="technical")
    assert (state["mode"], state["operator"], state["queue_position"]) == (Mode.QUEUED, None, 1)
    (row,) = listed(desk)
    assert (row["department"], row["reason"], row["mode"]) == ("technical", "transferred", Mode.QUEUED)
    told = messages(desk, conversation_id)[-1]
    assert (told.meta["kind"], told.meta["queue_position"]) == ("handoff", 1)
    notes = desk.database.read(lambda session: note_documents(session, desk, session.get_one(Conversation, conversation_id)))
    assert [note["text"] for note in notes] == ["Дальше вы, тел. +* *** ***-01-42"]
    assert recorded(desk) == ["в подразделение technical"]


def test_a_transfer_to_a_colleague_is_theirs_at_once(
    desk: Desk, workplace: Workplace, conversation_id: uuid.UUID, operator: Operator
) -> None:
    colleague = add_operator(desk, "petrov", "Олег Петров")
    desk.database.write(operators.add, "editor", "Редактор", Role.EDITOR, "support", "")
    gone = add_operator(desk, "gone", "Ушёл")
    desk.database.write(operators.disable, gone.login, MONDAY)
    hand_over(desk, conversation_id)
    claim(desk, conversation_id, operator)
    for login in ("editor", "gone", "nobody"):
        with pytest.raises(Problem) as caught:
            transfer(workplace, conversation_id, operator, login=login)
        assert (caught.value.status, caught.value.key) == (422, "transfer_operator_unknown")
        assert "ivanova, petrov" in caught.value.detail
    with pytest.raises(Problem, match="transfer_to_oneself"):
        transfer(workplace, conversation_id, operator, login=operator.login)
    state = transfer(workplace, conversation_id, operator, login="petrov")
    assert (state["mode"], state["operator"]) == (Mode.OPERATOR, {"login": "petrov", "name": "Олег Петров"})
    assert reload(desk, conversation_id).operator_id == colleague.id
    assert last_words(desk, conversation_id) == say("operator_joined_after", name="Олег Петров")
    with pytest.raises(Problem, match="claimed_by_other"):
        transfer(workplace, conversation_id, operator, login="petrov")
