"""Who is next: places in the queue and the operators' list."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from core.desk import Desk
from core.models import Appeal, AppealKind, Conversation, Mode, Operator
from handoff import appeals, queue
from tests.scenes import MONDAY, add_operator, hand_over, listed, locked, start_conversation, write_message

LATER = MONDAY + timedelta(minutes=5)


def claim(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    locked(desk, conversation_id, queue.claim, operator, LATER)


def register(desk: Desk, conversation_id: uuid.UUID, kind: AppealKind = AppealKind.SIMPLE, at: datetime = MONDAY) -> Appeal:
    return locked(desk, conversation_id, appeals.register, kind, at)


def appeals_of(desk: Desk, conversation_id: uuid.UUID) -> list[Appeal]:
    return desk.database.read(appeals.of_conversation, conversation_id)


def position(desk: Desk, conversation_id: uuid.UUID) -> int | None:
    return desk.database.read(queue.position, conversation_id)


def test_positions_follow_priority_and_time_and_close_up(desk: Desk) -> None:
    ids = [start_conversation(desk) for _ in range(4)]

    def raise_priority(session: Session, _desk: Desk, conversation: Conversation) -> None:
        appeals.register(session, desk, conversation, AppealKind.SIMPLE, MONDAY).priority = 5

    locked(desk, ids[3], raise_priority)
    for number, conversation_id in enumerate(ids):
        hand_over(desk, conversation_id, MONDAY + timedelta(minutes=number))
    assert [position(desk, each) for each in ids] == [2, 3, 4, 1]
    assert [item["conversation_id"] for item in listed(desk)] == [str(ids[number]) for number in (3, 0, 1, 2)]
    locked(desk, ids[0], queue.leave, LATER)
    assert [position(desk, each) for each in ids] == [None, 2, 3, 1]


def test_the_list_shows_who_waits_then_the_rest_each_once(desk: Desk) -> None:
    operator = add_operator(desk)
    with_bot, with_operator, without_appeal, waiting, idle = (start_conversation(desk) for _ in range(5))
    register(desk, with_bot, AppealKind.COMPLEX)
    register(desk, with_bot, AppealKind.SIMPLE, LATER)
    hand_over(desk, with_operator)
    claim(desk, with_operator, operator)
    claim(desk, without_appeal, operator)
    hand_over(desk, waiting, MONDAY + timedelta(minutes=1), "no_answer")
    write_message(desk, idle)
    shown = listed(desk)
    assert shown[0] == {
        "conversation_id": str(waiting),
        "appeal_number": appeals_of(desk, waiting)[0].number,
        "status": "registered",
        "overdue": False,
        "soon_overdue": False,
        "waiting_for_citizen": False,
        "reason": "no_answer",
        "department": "support",
        "priority": 0,
        "waiting_since": "2026-11-23T10:01:00+03:00",
        "due_at": "2026-11-24T10:01:00+03:00",
        "channel": "widget",
        "mode": Mode.QUEUED,
        "operator": None,
        "repeats": False,
        "requests": [],
    }
    rest = {item["conversation_id"]: item for item in shown[1:]}
    assert len(shown) == 4
    assert set(rest) == {str(with_bot), str(with_operator), str(without_appeal)}
    assert rest[str(with_operator)]["operator"] == {"login": "ivanova", "name": "Мария Иванова"}
    assert (rest[str(without_appeal)]["appeal_number"], rest[str(without_appeal)]["due_at"]) == (None, None)
    assert (rest[str(with_bot)]["mode"], rest[str(with_bot)]["waiting_since"]) == (Mode.BOT, None)
