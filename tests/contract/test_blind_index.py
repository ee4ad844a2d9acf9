"""The blind index: earlier appeals of the same citizen are found without decrypting, for operators only."""

import uuid
from pathlib import Path

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import blind_index
from core.desk import Desk, open_desk
from core.models import Author, Conversation, IndexedValue
from handoff import appeals, key_commands
from tests.conftest import MakeSettings
from tests.data.personas import AISYLU, ANNA, PYOTR
from tests.scenes import MONDAY, add_operator, claim, close, locked, register, reload, start_conversation, write_message


def told(desk: Desk, *texts: str) -> uuid.UUID:
    """A conversation with an appeal in which the citizen has told something."""
    conversation_id = start_conversation(desk)
    for text in texts:
        write_message(desk, conversation_id, text)
    register(desk, conversation_id, at=MONDAY)
    return conversation_id


def earlier(desk: Desk, conversation_id: uuid.UUID) -> dict[str, list[str]]:
    """Conversation → what is the same."""
    return {found["conversation_id"]: found["shared"] for found in desk.database.read(appeals.earlier, conversation_id)}


def rows(desk: Desk, conversation_id: uuid.UUID) -> list[IndexedValue]:
    wanted = select(IndexedValue).where(IndexedValue.conversation_id == conversation_id)
    return desk.database.read(lambda session: list(session.scalars(wanted)))


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        ("snils", "112-233-445 95", "мой снилс 11223344595"),
        ("snils", "112 233 445-95", "снилс: 112–233–445 95"),
        ("phone", "+7 921 555-01-42", "8 (921) 555 01 42"),
        ("phone", "89215550142", "тел. 7-921-555-01-42"),
        ("email", "anna.lebedeva@example.com", "пишите на Anna.Lebedeva@EXAMPLE.com"),
    ],
)
def test_every_writing_of_a_value_is_the_same(desk: Desk, kind: str, first: str, second: str) -> None:
    one, other = told(desk, first), told(desk, second)
    told(desk, PYOTR.snils, AISYLU.phone, PYOTR.email)
    assert earlier(desk, one) == {str(other): [kind]}
    assert earlier(desk, other) == {str(one): [kind]}


def test_several_shared_values_are_one_hit(desk: Desk) -> None:
    one = told(desk, f"{ANNA.snils}, {ANNA.phone}")
    other = told(desk, f"{ANNA.snils}, {ANNA.phone}, {ANNA.email}", f"и ещё раз {ANNA.snils}")
    assert earlier(desk, one) == {str(other): ["phone", "snils"]}
    assert len(rows(desk, other)) == 3


@pytest.mark.parametrize("wrong", ["снилс 112-233-445 96", "снилс 1122334459", "+7 921 555-01", "anna@example"])
def test_what_cannot_be_right_is_not_entered(desk: Desk, wrong: str) -> None:
    assert rows(desk, told(desk, wrong)) == []


def test_what_an_operator_writes_makes_no_two_citizens_one(desk: Desk) -> None:
    operator = add_operator(desk)
    for _ in range(2):
        conversation_id = told(desk, "вопрос")
        write_message(desk, conversation_id, f"звоните {PYOTR.phone}, пишите на {PYOTR.email}", Author.OPERATOR, operator=operator)
        claim(desk, conversation_id, operator)
        close(desk, conversation_id, operator, f"Передали {PYOTR.phone}")
        assert rows(desk, conversation_id) == []
    write_message(desk, conversation_id, f"спасибо, {PYOTR.phone}")  # the citizen's own now
    assert [row.kind for row in rows(desk, conversation_id)] == ["phone"]


def test_ones_own_earlier_appeals_come_too_newest_first(desk: Desk) -> None:
    other = told(desk, ANNA.snils)
    conversation_id = told(desk, ANNA.snils)
    second = register(desk, conversation_id, at=MONDAY.replace(hour=12))
    found = desk.database.read(appeals.earlier, conversation_id)
    assert [(each["conversation_id"], each["shared"]) for each in found] == [(str(conversation_id), []), (str(other), ["snils"])]
    assert second.number not in [each["number"] for each in found]


def test_a_value_that_many_share_brings_the_newest_only(desk: Desk) -> None:
    many = [told(desk, "info@example.com") for _ in range(23)]
    assert list(earlier(desk, many[0])) == [str(each) for each in reversed(many[3:])]


def test_a_row_tells_nothing_without_the_index_key(desk: Desk) -> None:
    (row,) = rows(desk, told(desk, ANNA.snils))
    assert len(row.hmac) == 32
    assert row.hmac != desk.vault.keyed_hash(f"snils:{ANNA.snils_digits}")
    assert ANNA.snils_digits.encode() not in row.hmac


def test_another_desk_enters_something_else(desk: Desk, make_settings: MakeSettings, tmp_path: Path) -> None:
    other = open_desk(make_settings(data_dir=tmp_path / "other"))
    (row,), (foreign,) = rows(desk, told(desk, ANNA.snils)), rows(other, told(other, ANNA.snils))
    other.close()
    assert row.hmac != foreign.hmac


def test_erasing_leaves_nothing_that_leads_there(desk: Desk) -> None:
    one, other = told(desk, ANNA.snils, ANNA.email), told(desk, ANNA.snils)
    desk.database.write(blind_index.erase, one)
    assert rows(desk, one) == []
    assert earlier(desk, other) == {}


def test_what_was_stored_before_is_entered_by_command(desk: Desk) -> None:
    one, other, erased = told(desk, ANNA.snils), told(desk, ANNA.snils, ANNA.phone), told(desk, ANNA.snils)
    before = {each: {row.hmac for row in rows(desk, each)} for each in (one, other)}

    def make_old(session: Session) -> None:
        session.execute(delete(IndexedValue))

    def destroy(_session: Session, _desk: Desk, conversation: Conversation) -> None:
        conversation.data_key = None

    desk.database.write(make_old)
    locked(desk, erased, destroy)
    assert earlier(desk, one) == {}
    said: list[str] = []
    assert key_commands.run("index", desk.settings, said.append) == 0
    assert said == ["2 conversations were gone through."]
    assert {each: {row.hmac for row in rows(desk, each)} for each in (one, other)} == before
    assert earlier(desk, one) == {str(other): ["snils"]}
    assert rows(desk, erased) == []
    assert reload(desk, erased).data_key is None
