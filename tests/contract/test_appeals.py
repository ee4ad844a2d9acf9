"""Appeals' numbers, given out by many at once."""

import uuid
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from core.desk import Desk
from core.models import Appeal, AppealKind, Conversation
from core.working_time import MOSCOW
from handoff import appeals
from tests.scenes import MONDAY, in_threads, locked, start_conversation


def register(desk: Desk, conversation_id: uuid.UUID, kind: AppealKind = AppealKind.SIMPLE, at: datetime = MONDAY) -> Appeal:
    return locked(desk, conversation_id, appeals.register, kind, at)


def appeals_of(desk: Desk, conversation_id: uuid.UUID) -> list[Appeal]:
    return desk.database.read(appeals.of_conversation, conversation_id)


def test_numbers_have_no_gaps_and_no_doubles_over_two_years(desk: Desk) -> None:
    ids = [start_conversation(desk) for _ in range(4)]
    years = (datetime(2026, 11, 23, 10, tzinfo=MOSCOW), datetime(2027, 3, 1, 10, tzinfo=MOSCOW))
    in_threads(20, lambda number: [register(desk, ids[number % 4], at=years[turn % 2]) for turn in range(6)])
    registered = [appeal for each in ids for appeal in appeals_of(desk, each)]
    for year in (2026, 2027):
        assert sorted(appeal.ordinal for appeal in registered if appeal.year == year) == list(range(1, 61))
    assert len({appeal.number for appeal in registered}) == 120


def test_a_registration_undone_leaves_no_gap(desk: Desk) -> None:
    conversation_id = start_conversation(desk)

    def fail(session: Session, _desk: Desk, conversation: Conversation) -> None:
        appeals.register(session, desk, conversation, AppealKind.SIMPLE, MONDAY)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        locked(desk, conversation_id, fail)
    assert register(desk, conversation_id).number == "ОБ-2026-000001-1"


def test_the_year_of_a_number_is_that_of_the_start(desk: Desk) -> None:
    assert register(desk, start_conversation(desk), at=datetime(2026, 12, 31, 12, tzinfo=MOSCOW)).number.startswith("ОБ-2027-000001-")
