"""Whose appeal it is, on each database: the conversation's own, by access code, by its SNILS; and what a repeat appeal is bound to."""

import json
import uuid
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.models import Appeal, AppealKind, Conversation
from handoff import appeal_documents, appeal_form, appeals, erasure
from handoff.ownership import find_own
from tests.data.personas import ANNA, PYOTR
from tests.scenes import LATER, MONDAY, hand_over, locked, messages, register, reload, start_conversation, text_of, write_message


def form(desk: Desk, conversation_id: uuid.UUID, snils: str = ANNA.snils, **more: Any) -> Appeal:
    """An appeal by the form."""

    def work(session: Session, desk: Desk, conversation: Conversation) -> Appeal:
        told = {"full_name": ("name", ANNA.full_name), "snils": ("snils", snils), "email": ("email", ANNA.email)}
        tokens = {field: desk.vault.put(session, conversation, kind, value) for field, (kind, value) in told.items()}
        given = {"consent": True, "confirmation": True, "reply_channel": "email", "problem": "Не пришло пособие за октябрь", **more}
        return appeal_form.register(session, desk, conversation, {"category": "complex", **tokens, **given}, LATER)

    return locked(desk, conversation_id, work)


def is_own(desk: Desk, conversation_id: uuid.UUID, number: str | None, proof: str = "") -> bool:
    return desk.database.read(lambda session: find_own(session, desk.vault, conversation_id, number, proof)) is not None


def code_of(desk: Desk, appeal: Appeal) -> str:
    return desk.vault.open(reload(desk, appeal.conversation_id), appeal.access_code_sealed)


def test_ones_own_needs_no_proof_and_another_s_needs_one(desk: Desk) -> None:
    own_id, other_id = start_conversation(desk), start_conversation(desk)
    appeal = form(desk, own_id)
    assert is_own(desk, own_id, appeal.number)
    for proof in ("", "22222222", ANNA.full_name, PYOTR.snils, "112-233-445 96"):
        assert not is_own(desk, other_id, appeal.number, proof)
    for proof in (ANNA.snils, ANNA.snils_digits, f" {ANNA.snils_digits} ", code_of(desk, appeal), code_of(desk, appeal).lower()):
        assert is_own(desk, other_id, appeal.number, proof)
    for number in (None, "ОБ-2026-000999-6"):
        assert not is_own(desk, other_id, number, ANNA.snils)


def test_the_snils_is_the_appeals_and_not_another_one_told_beside(desk: Desk) -> None:
    own_id, other_id = start_conversation(desk), start_conversation(desk)
    write_message(desk, own_id, f"СНИЛС мужа {PYOTR.snils}")
    appeal = form(desk, own_id)
    assert not is_own(desk, other_id, appeal.number, PYOTR.snils)
    assert is_own(desk, other_id, appeal.number, ANNA.snils)


def test_without_the_form_what_was_told_in_the_chat_counts(desk: Desk) -> None:
    own_id, other_id = start_conversation(desk), start_conversation(desk)
    write_message(desk, own_id, f"мой СНИЛС {ANNA.snils}")
    hand_over(desk, own_id)
    (appeal,) = desk.database.read(appeals.of_conversation, own_id)
    assert is_own(desk, other_id, appeal.number, ANNA.snils)
    assert not is_own(desk, other_id, appeal.number, PYOTR.snils)


def test_an_erased_appeal_is_nobodys(desk: Desk) -> None:
    own_id, other_id = start_conversation(desk), start_conversation(desk)
    appeal = form(desk, own_id)
    code = code_of(desk, appeal)
    locked(desk, own_id, erasure.erase, erasure.CITIZEN, LATER)
    assert not is_own(desk, other_id, appeal.number, ANNA.snils)
    assert not is_own(desk, other_id, appeal.number, code)


def fields_of(desk: Desk, appeal: Appeal) -> dict[str, str]:
    return dict(json.loads(desk.vault.open(reload(desk, appeal.conversation_id), appeal.fields_sealed or b"")))


def test_a_repeat_appeal_is_bound_to_the_earlier_one_and_goes_ahead(desk: Desk) -> None:
    first_id, later_id = start_conversation(desk), start_conversation(desk)
    first = form(desk, first_id, category="complaint")
    again = form(desk, later_id, appeal_number=first.number, tried="Ждала месяц")
    assert (again.parent_id, again.priority, again.kind) == (first.id, desk.settings.priority_repeat, AppealKind.COMPLAINT)
    assert fields_of(desk, again)["tried"] == "Ждала месяц"
    assert "Повторное обращение зарегистрировано" in text_of(desk, messages(desk, later_id)[-1])
    shown = desk.database.read(lambda session: appeal_documents.document(session, desk, session.get_one(Appeal, again.id)))
    assert shown["parent"] == {"number": first.number, "conversation_id": str(first_id)}


def test_a_number_without_proof_is_a_note_on_a_first_appeal(desk: Desk) -> None:
    first = form(desk, start_conversation(desk), snils=PYOTR.snils)
    for number in (first.number, "ОБ-2026-000999-6"):
        again = form(desk, start_conversation(desk), appeal_number=number)
        assert (again.parent_id, again.priority) == (None, 0)
        assert fields_of(desk, again)["earlier_appeal"] == number
    code = code_of(desk, first)
    assert form(desk, start_conversation(desk), appeal_number=first.number, access_code=code).parent_id == first.id


def test_the_date_of_the_first_one_leads_to_it_by_the_snils(desk: Desk) -> None:
    other = register(desk, start_conversation(desk), at=MONDAY)
    first = form(desk, start_conversation(desk))
    day = MONDAY.date().isoformat()
    assert form(desk, start_conversation(desk), first_date=day).parent_id == first.id
    stranger = form(desk, start_conversation(desk), snils=PYOTR.snils, first_date=day)
    assert (stranger.parent_id, fields_of(desk, stranger)["earlier_appeal"]) == (None, "23 ноября 2026 года")
    assert form(desk, start_conversation(desk), first_date=date(2026, 11, 24).isoformat()).parent_id is None
    assert form(desk, other.conversation_id, first_date=day).parent_id == other.id  # of this conversation


@pytest.mark.parametrize("field", ["appeal_number", "first_date"])
def test_an_appeal_that_names_none_is_a_first_one(desk: Desk, field: str) -> None:
    appeal = form(desk, start_conversation(desk), **{field: ""})
    assert appeal.parent_id is None
    assert "earlier_appeal" not in fields_of(desk, appeal)
    assert desk.database.read(conversations.find, appeal.conversation_id).email_token is not None
