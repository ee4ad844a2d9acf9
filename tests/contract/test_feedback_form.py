"""A form becomes an appeal once and whole, on every database."""

import uuid
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.errors import Problem
from core.files import CheckedFile
from core.ids import new_id, new_token
from core.models import Appeal, Attachment, Consent, Conversation, Delivery, Message, Scan
from handoff import erasure, feedback_form
from handoff.feedback_form import Feedback, Registered
from handoff.fields import ReplyChannel
from handoff.topics import Topic
from tests.data.personas import ANNA
from tests.scenes import LATER, MONDAY, in_threads, locked

FEEDBACK = Feedback(
    topic=Topic.COMPLAINT,
    text="Третий раз пишу, а ответа нет",
    full_name=ANNA.full_name,
    snils=ANNA.snils,
    email=ANNA.email,
    reply_channel=ReplyChannel.PHONE,
    phone="+79215550142",
    application_number=None,
    form_id=new_token(),
)


def a_file() -> CheckedFile:
    return CheckedFile(new_id(), "снимок.png", "image/png", b"content", Scan.CLEAN)


def register(desk: Desk, feedback: Feedback = FEEDBACK, at: datetime = MONDAY, files: int = 1) -> Registered:
    holder = Conversation(id=new_id())
    desk.vault.new_key(holder)
    return desk.database.write(feedback_form.register, desk, holder, feedback, [a_file() for _ in range(files)], at)


def counts(desk: Desk) -> list[int]:
    def count(session: Session) -> list[int]:
        tables = (Conversation, Message, Attachment, Consent, Appeal, Delivery)
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]

    return desk.database.read(count)


def test_it_is_stored_whole(desk: Desk) -> None:
    registered = register(desk)
    assert counts(desk) == [1, 2, 1, 1, 1, 1]
    assert not registered.is_repeated and registered.status == "registered"
    (attachment,) = desk.database.read(lambda session: list(session.scalars(select(Attachment))))
    (message, _) = desk.database.read(lambda session: list(session.scalars(select(Message).order_by(Message.seq))))
    assert attachment.message_id == message.id
    assert ANNA.snils not in str(message.external_id) and str(FEEDBACK.form_id) not in str(message.external_id)


def test_the_same_form_is_one_appeal_however_often_and_at_once(desk: Desk) -> None:
    outcomes = in_threads(6, lambda _: register(desk))
    assert len({outcome.number for outcome in outcomes}) == len({outcome.access_code for outcome in outcomes}) == 1
    assert sorted(outcome.is_repeated for outcome in outcomes) == [False] + [True] * 5
    assert register(desk, at=LATER).is_repeated
    assert counts(desk) == [1, 2, 1, 1, 1, 1]
    number = desk.database.read(lambda session: session.scalars(select(Appeal)).one().ordinal)
    assert number == 1


@pytest.mark.parametrize(
    "changed", [{"form_id": new_token()}, {"form_id": None}, {"snils": "087-654-303 00"}, {"email": "other@example.org"}]
)
def test_another_form_or_another_person_is_another_appeal(desk: Desk, changed: dict[str, str | None]) -> None:
    first, second = register(desk), register(desk, replace(FEEDBACK, **changed))  # type: ignore[arg-type]
    assert first.number != second.number and not second.is_repeated


def test_a_form_refused_leaves_nothing(desk: Desk) -> None:
    for ordinal in range(desk.settings.appeals_per_snils_per_day):
        register(desk, replace(FEEDBACK, form_id=f"{ordinal:040}"), files=0)
    before = counts(desk)
    with pytest.raises(Problem) as refused:
        register(desk)
    assert refused.value.status == 429
    assert counts(desk) == before


def test_an_erased_one_is_not_made_again(desk: Desk) -> None:
    register(desk)
    conversation_id: uuid.UUID = desk.database.read(lambda session: session.scalars(select(Conversation.id)).one())
    locked(desk, conversation_id, erasure.erase, erasure.CITIZEN, LATER)
    with pytest.raises(Problem) as refused:
        register(desk)
    assert refused.value.status == 409
    assert desk.database.read(conversations.find, conversation_id).data_key is None
    assert not register(desk, replace(FEEDBACK, form_id=new_token())).is_repeated
