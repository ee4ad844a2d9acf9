"""An expedited review and the higher instance: asked for when there is a ground, decided once, told to the citizen, kept in the history."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.desk import Desk
from core.errors import Problem
from core.models import (
    Appeal,
    AppealKind,
    AppealRequest,
    AppealStatus,
    Author,
    Conversation,
    Operator,
    QueueEntry,
    RequestGround,
    RequestKind,
    RequestState,
)
from core.working_time import MOSCOW
from handoff import appeal_requests, appeals, erasure
from handoff.appeal_status import status_of
from tests.scenes import (
    LATER,
    MONDAY,
    add_operator,
    claim,
    close,
    hand_over,
    listed,
    locked,
    messages,
    register,
    start_conversation,
    text_of,
    write_message,
)

DETAIL = {"service_category": "пособия", "reason": "операция, тел. pdphone1", "files": "one, two"}
OVERDUE = MONDAY + timedelta(days=30)


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    return start_conversation(desk)


@pytest.fixture
def operator(desk: Desk) -> Operator:
    return add_operator(desk)


def now_of(desk: Desk, appeal: Appeal) -> Appeal:
    return desk.database.read(lambda session: session.get_one(Appeal, appeal.id))


def ask_to_expedite(desk: Desk, conversation_id: uuid.UUID, appeal: Appeal, at: datetime = MONDAY) -> AppealRequest | None:
    return locked(desk, conversation_id, appeal_requests.ask_to_expedite, appeal, RequestGround.LIFE, DETAIL, at)


def ask_higher(desk: Desk, conversation_id: uuid.UUID, appeal: Appeal, ground: RequestGround, at: datetime) -> AppealRequest | None:
    return locked(desk, conversation_id, appeal_requests.ask_higher_instance, appeal, ground, {"problem": "теряю пособие"}, at)


def decide(desk: Desk, appeal: Appeal, kind: RequestKind, operator: Operator, at: datetime, *, confirmed: bool, reason: str = "") -> None:
    def work(session: Session) -> None:
        appeal_requests.decide(session, desk, appeal, kind, operator, at, confirmed=confirmed, reason=reason)

    desk.database.write(work)


def last_words(desk: Desk, conversation_id: uuid.UUID) -> str:
    return text_of(desk, messages(desk, conversation_id)[-1])


def history(desk: Desk, appeal: Appeal) -> list[str]:
    def look(session: Session) -> list[str]:
        return [event.kind for event in status_of(session, session.get_one(Appeal, appeal.id), MONDAY).history]

    return desk.database.read(look)


def row(desk: Desk) -> dict[str, Any]:
    (item,) = listed(desk)
    return item


def test_a_confirmed_request_moves_the_due_date_and_goes_ahead(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id, AppealKind.COMPLEX)  # due Thursday 18:00
    request = ask_to_expedite(desk, conversation_id, appeal)
    assert request is not None
    assert request.check_by == datetime(2026, 11, 24, 18, 0, tzinfo=MOSCOW)
    assert "не позднее 24 ноября 2026 года, 18:00" in last_words(desk, conversation_id)
    assert now_of(desk, appeal).due_at == appeal.due_at
    assert row(desk)["requests"] == [{"kind": "expedite", "state": "requested", "check_by": "2026-11-24T18:00:00+03:00", "overdue": False}]
    hand_over(desk, conversation_id)
    confirmed_at = datetime(2026, 11, 24, 11, 0, tzinfo=MOSCOW)
    decide(desk, appeal, RequestKind.EXPEDITE, operator, confirmed_at, confirmed=True)
    assert now_of(desk, appeal).due_at == confirmed_at + timedelta(hours=24)
    assert now_of(desk, appeal).priority == desk.settings.priority_expedited
    waits = desk.database.read(lambda session: session.scalars(select(QueueEntry)).one())
    assert waits.priority == desk.settings.priority_expedited
    assert "подтверждено" in last_words(desk, conversation_id)
    assert "25 ноября 2026 года, 11:00" in last_words(desk, conversation_id)
    assert history(desk, appeal) == ["registered", "expedite_requested", "queued", "expedite_confirmed"]
    with pytest.raises(Problem, match="request_decided"):
        decide(desk, appeal, RequestKind.EXPEDITE, operator, confirmed_at, confirmed=False)
    assert ask_to_expedite(desk, conversation_id, appeal, confirmed_at) is None  # it is expedited already
    assert "ускоренно" in last_words(desk, conversation_id)


def test_an_earlier_date_of_its_own_stays(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)  # simple: due Tuesday 10:00
    ask_to_expedite(desk, conversation_id, appeal)
    decide(desk, appeal, RequestKind.EXPEDITE, operator, LATER, confirmed=True)
    assert now_of(desk, appeal).due_at == appeal.due_at


def test_a_refused_request_changes_nothing_and_may_be_made_again(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id, AppealKind.COMPLEX)
    ask_to_expedite(desk, conversation_id, appeal)
    assert ask_to_expedite(desk, conversation_id, appeal) is None  # one at a time
    assert "уже принята" in last_words(desk, conversation_id)
    decide(desk, appeal, RequestKind.EXPEDITE, operator, LATER, confirmed=False, reason="нет документов, ivanova@example.org")
    assert "нет документов, pdemail1" in last_words(desk, conversation_id)
    assert (now_of(desk, appeal).due_at, now_of(desk, appeal).priority) == (appeal.due_at, 0)
    assert ask_to_expedite(desk, conversation_id, appeal, LATER) is not None


def test_a_closed_appeal_is_not_expedited(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)
    ask_to_expedite(desk, conversation_id, appeal)
    claim(desk, conversation_id, operator)
    close(desk, conversation_id, operator)
    with pytest.raises(Problem, match="request_appeal_closed"):
        decide(desk, appeal, RequestKind.EXPEDITE, operator, LATER, confirmed=True)
    assert ask_to_expedite(desk, conversation_id, appeal) is None
    assert "уже закрыто" in last_words(desk, conversation_id)


def test_the_higher_instance_waits_for_the_deadline(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)
    for ground in appeal_requests.HIGHER_GROUNDS:
        assert ask_higher(desk, conversation_id, appeal, ground, LATER) is None
        assert "24 ноября 2026 года, 10:00" in last_words(desk, conversation_id)
    assert ask_higher(desk, conversation_id, appeal, RequestGround.REVISION, OVERDUE) is None  # nothing is there to be revised
    assert ask_higher(desk, conversation_id, appeal, RequestGround.OVERDUE, OVERDUE) is not None
    assert now_of(desk, appeal).department == desk.settings.senior_department
    assert now_of(desk, appeal).due_at == appeal.due_at
    assert ask_higher(desk, conversation_id, appeal, RequestGround.OVERDUE, OVERDUE) is None
    assert "уже передано" in last_words(desk, conversation_id)
    decide(desk, appeal, RequestKind.HIGHER_INSTANCE, operator, OVERDUE, confirmed=False)
    assert now_of(desk, appeal).department == desk.settings.departments.question
    assert history(desk, appeal)[-2:] == ["higher_instance_requested", "higher_instance_refused"]


def test_against_an_answer_a_closed_appeal_is_opened_again(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)
    hand_over(desk, conversation_id)
    claim(desk, conversation_id, operator)
    close(desk, conversation_id, operator)
    asked_at = datetime(2026, 11, 26, 12, 0, tzinfo=MOSCOW)
    assert ask_higher(desk, conversation_id, appeal, RequestGround.OVERDUE, asked_at) is None
    assert ask_higher(desk, conversation_id, appeal, RequestGround.NO_REASON, asked_at) is not None
    again = now_of(desk, appeal)
    assert (again.status, again.closed_at, again.department) == (AppealStatus.REOPENED, None, "senior")
    assert again.due_at == datetime(2026, 11, 27, 12, 0, tzinfo=MOSCOW)
    assert row(desk)["department"] == "senior"
    decide(desk, appeal, RequestKind.HIGHER_INSTANCE, operator, asked_at, confirmed=True)
    assert now_of(desk, appeal).department == "senior"
    assert history(desk, appeal)[-3:] == ["reopened", "higher_instance_requested", "higher_instance_confirmed"]


def test_an_answer_in_the_chat_is_one_too(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)
    write_message(desk, conversation_id, "Отказано", Author.OPERATOR, operator=operator)
    assert ask_higher(desk, conversation_id, appeal, RequestGround.NO_REASON, LATER) is not None


def test_a_withdrawn_appeal_goes_nowhere(desk: Desk, conversation_id: uuid.UUID) -> None:
    appeal = register(desk, conversation_id)

    def withdraw(session: Session, _desk: Desk, conversation: Conversation) -> None:
        erasure.withdraw_appeals(session, conversation, LATER)

    locked(desk, conversation_id, withdraw)
    assert ask_higher(desk, conversation_id, appeal, RequestGround.REVISION, OVERDUE) is None
    assert "отозвано" in last_words(desk, conversation_id)


def test_operators_read_it_masked_and_erasure_empties_it(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id)
    asking_id = start_conversation(desk)  # its citizen has shown that the appeal is theirs
    write_message(desk, asking_id, "+7 921 555-01-42")
    request = ask_to_expedite(desk, asking_id, appeal)
    assert request is not None

    def read(session: Session) -> dict[str, Any]:
        (found,) = appeal_requests.of_appeals(session, desk, [appeal])
        return found

    found = desk.database.read(read)
    assert found["appeal_number"] == appeal.number
    assert found["conversation_id"] == str(asking_id)
    assert found["detail"] == {"service_category": "пособия", "reason": "операция, тел. +* *** ***-01-42", "files": "one, two"}
    (exported,) = desk.database.read(appeal_requests.asked_in, desk, asking_id)
    assert exported["detail"]["reason"] == "операция, тел. +7 921 555-01-42"
    locked(desk, asking_id, erasure.erase, erasure.CITIZEN, LATER)
    assert desk.database.read(read)["detail"] == {}
    assert desk.database.read(lambda session: session.get_one(AppealRequest, request.id).detail_sealed) is None
    decide(desk, appeal, RequestKind.EXPEDITE, operator, LATER, confirmed=True)  # nobody is left to be told there
    assert desk.database.read(lambda session: session.get_one(AppealRequest, request.id).state) == RequestState.CONFIRMED


def test_a_confirmed_urgency_shortens_the_time_once(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    appeal = register(desk, conversation_id, AppealKind.URGENT)
    plain = register(desk, conversation_id)

    def confirm(appeal: Appeal) -> None:
        desk.database.write(lambda session: appeals.confirm_urgency(session, desk, session.get_one(Appeal, appeal.id), operator, LATER))

    confirm(appeal)
    assert now_of(desk, appeal).due_at == LATER + timedelta(hours=4)
    for refused in (appeal, plain):
        with pytest.raises(Problem):
            confirm(refused)
