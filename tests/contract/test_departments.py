"""Which department an appeal goes to, by what it is about, whichever way it is registered (the feedback form: test_feedback_form.py)."""

from collections.abc import Iterator

import pytest

from core.desk import Desk, open_desk
from handoff import appeal_form
from tests.conftest import MakeSettings
from tests.contract.test_appeal_form import slots_of
from tests.contract.test_mail_intake import appeal_of, letter, take_in
from tests.scenes import MONDAY, appeals_of, hand_over, locked, start_conversation

TABLE = {
    "question": "one",
    "application_question": "two",
    "technical_problem": "three",
    "outage": "four",
    "complaint": "five",
    "suggestion": "six",
}


@pytest.fixture
def desk(make_settings: MakeSettings, database_url: str) -> Iterator[Desk]:
    """With a department for each topic."""
    opened = open_desk(make_settings(database_url=database_url, departments=TABLE))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("category", "department"), [("simple", "two"), ("complex", "three"), ("urgent", "four"), ("complaint", "five"), ("suggestion", "six")]
)
def test_the_chat_s_form(desk: Desk, category: str, department: str) -> None:
    conversation_id = start_conversation(desk)
    slots = slots_of(desk, conversation_id, category=category)
    locked(desk, conversation_id, appeal_form.register, slots, MONDAY)
    assert appeals_of(desk, conversation_id)[0].department == department


def test_a_call_for_a_person(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    hand_over(desk, conversation_id)
    assert appeals_of(desk, conversation_id)[0].department == "one"


@pytest.mark.parametrize(
    ("subject", "department"), [("Заявление № 1234567891", "two"), ("Жалоба, ИНН 7707083893", "five"), ("Вопрос, ИНН 7707083893", "one")]
)
def test_a_letter(desk: Desk, subject: str, department: str) -> None:
    (row,) = take_in(desk, letter(subject))
    assert appeal_of(desk, row).department == department
