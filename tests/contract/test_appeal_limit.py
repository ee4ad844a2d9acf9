"""How many appeals a day one SNILS has, wherever they were written."""

import uuid
from datetime import timedelta

from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from handoff import appeal_form, queue
from tests.data.personas import PERSONAS
from tests.scenes import MONDAY, messages, register, start_conversation, text_of

_MOST = 50


def conversation_of(desk: Desk, snils: str) -> uuid.UUID:
    conversation_id = start_conversation(desk)

    def put(session: Session) -> None:
        desk.vault.put(session, conversations.lock(session, conversation_id), "snils", snils)

    desk.database.write(put)
    return conversation_id


def is_refused(desk: Desk, conversation_id: uuid.UUID, hours: int = 1) -> bool:
    def ask(session: Session) -> bool:
        conversation = conversations.lock(session, conversation_id)
        slots = {"snils": "pdsnils1"}
        return appeal_form.refuse_if_too_many(session, desk, conversation, slots, MONDAY + timedelta(hours=hours), 1)

    return desk.database.write(ask)


def test_a_day_s_appeals_of_one_snils_are_counted_over_conversations(desk: Desk) -> None:
    assert desk.settings.appeals_per_snils_per_day == _MOST
    mine, other = PERSONAS[0].snils, PERSONAS[1].snils
    first, second, stranger = (conversation_of(desk, snils) for snils in (mine, mine.replace("-", "").replace(" ", ""), other))
    for turn in range(_MOST - 1):
        register(desk, (first, second)[turn % 2])
    assert not is_refused(desk, second)
    register(desk, first)
    assert is_refused(desk, second) and is_refused(desk, conversation_of(desk, mine))
    assert not is_refused(desk, stranger)
    assert not is_refused(desk, second, hours=25)
    refusal = messages(desk, second)[-1]
    assert [button["command"] for button in refusal.buttons] == [queue.HAND_OVER]
    told = text_of(desk, refusal)
    assert told.startswith("Ещё одно обращение сейчас оформить нельзя") and desk.settings.hotline in told
