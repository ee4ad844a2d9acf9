"""An appeal opened by its number and access code, on each database."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core.desk import Desk
from core.models import Appeal, AppealKind, AppealStatus, Conversation
from core.personal_data import Vault
from core.working_time import due
from handoff import appeal_states, appeals
from handoff.appeal_status import Lookup, Status, status_of
from tests.scenes import MONDAY, add_operator, hand_over, locked, reload, start_conversation


@pytest.fixture
def appeal(desk: Desk) -> Appeal:
    conversation_id = start_conversation(desk)
    hand_over(desk, conversation_id)
    return appeal_of(desk, conversation_id)


def appeal_of(desk: Desk, conversation_id: uuid.UUID) -> Appeal:
    return desk.database.read(appeals.of_conversation, conversation_id)[0]


def code_of(desk: Desk, appeal: Appeal) -> str:
    return desk.vault.open(reload(desk, appeal.conversation_id), appeal.access_code_sealed)


def opens(desk: Desk, number: str | None, code: str) -> bool:
    return desk.database.read(Lookup(desk.vault).find, number, code) is not None


def status(desk: Desk, appeal: Appeal, **later: float) -> Status:
    def look(session: Session) -> Status:
        return status_of(session, session.get_one(Appeal, appeal.id), MONDAY + timedelta(**later))

    return desk.database.read(look)


def test_the_pair_opens_its_appeal_and_no_other(desk: Desk, appeal: Appeal) -> None:
    other_id = start_conversation(desk)
    hand_over(desk, other_id)
    other = appeal_of(desk, other_id)
    assert opens(desk, appeal.number, code_of(desk, appeal))
    assert opens(desk, other.number, code_of(desk, other))
    assert not opens(desk, appeal.number, code_of(desk, other))
    assert not opens(desk, other.number, code_of(desk, appeal))


def test_a_code_is_understood_as_people_type_it(desk: Desk, appeal: Appeal) -> None:
    code = code_of(desk, appeal)
    russian = code.translate(str.maketrans("ABEKMHPCTYX", "АВЕКМНРСТУХ"))
    for typed in (code.lower(), f" {code[:4]} {code[4:]}\n", f"{code[:4]}—{code[4:]}", russian, russian.lower()):
        assert opens(desk, appeal.number, typed)


@pytest.mark.parametrize("number", [None, "", "ОБ-2026-000002-9"])
@pytest.mark.parametrize("code", ["", "AAAAAAAA", "данные удалены", "\x00", "я" * 10_000])
def test_nothing_else_opens_anything(desk: Desk, appeal: Appeal, number: str | None, code: str) -> None:
    assert not opens(desk, number, code_of(desk, appeal))
    assert not opens(desk, number, code)
    assert not opens(desk, appeal.number, code)


def test_an_erased_appeal_has_no_code(desk: Desk, appeal: Appeal) -> None:
    code = code_of(desk, appeal)

    def erase(_session: Session, _desk: Desk, conversation: Conversation) -> None:
        conversation.data_key = None

    locked(desk, appeal.conversation_id, erase)
    for given in (code, "данные удалены", "ДАННЫЕУДАЛЕНЫ", ""):
        assert not opens(desk, appeal.number, given)


def test_an_unknown_number_takes_the_same_work(desk: Desk, appeal: Appeal, monkeypatch: pytest.MonkeyPatch) -> None:
    lookup = Lookup(desk.vault)
    work: list[str] = []
    unseal = Vault.open

    def counting(vault: Vault, conversation: Conversation, sealed: bytes) -> str:
        found = unseal(vault, conversation, sealed)
        work.append(f"{len(sealed)} bytes, {len(found)} characters")
        return found

    monkeypatch.setattr(Vault, "open", counting)
    for number in (appeal.number, "ОБ-2026-999999-9", None):
        assert desk.database.read(lookup.find, number, "AAAAAAAA") is None
    assert len(work) == 3
    assert len(set(work)) == 1


def test_the_history_tells_of_the_appeal_and_of_nobody(desk: Desk, appeal: Appeal) -> None:
    operator = add_operator(desk, "petrova", "Анна Петрова")

    def work(session: Session, _desk: Desk, conversation: Conversation) -> None:
        mine = session.get_one(Appeal, appeal.id)
        appeal_states.begin_work(session, mine, operator)
        appeals.record(session, mine, "call_logged", operator, desk.vault.seal(conversation, "звонила, СНИЛС 112-233-445 95"))
        appeal_states.close(session, desk, conversation, mine, operator, "Письмо отправлено Ивановой", MONDAY + timedelta(hours=2))

    locked(desk, appeal.conversation_id, work)
    document: dict[str, Any] = status(desk, appeal).document()
    assert [event["kind"] for event in document["history"]] == ["registered", "queued", "claimed", "closed"]
    assert all(event["words"] and event["created_at"].endswith("+03:00") for event in document["history"])
    assert (document["status"], document["words"], document["overdue"]) == ("closed", "Закрыто", False)
    assert document["closed_at"] == "2026-11-23T12:00:00+03:00"
    for hidden in ("petrova", "Петрова", "Иванов", "112-233", "call_logged", str(operator.id), code_of(desk, appeal)):
        assert hidden not in str(document)


def test_it_is_overdue_after_its_date_until_it_is_closed(desk: Desk, appeal: Appeal) -> None:
    assert appeal.due_at == due(AppealKind.SIMPLE, MONDAY, desk.settings)
    assert not status(desk, appeal, hours=23).is_overdue
    assert status(desk, appeal, hours=25).is_overdue
    locked(desk, appeal.conversation_id, lambda session, *_: close_plainly(session, appeal))
    assert not status(desk, appeal, hours=25).is_overdue


def close_plainly(session: Session, appeal: Appeal) -> None:
    session.get_one(Appeal, appeal.id).status = AppealStatus.CLOSED


@pytest.mark.parametrize("value", AppealStatus)
@pytest.mark.parametrize("kind", AppealKind)
def test_there_are_words_for_every_status_and_kind(kind: AppealKind, value: AppealStatus) -> None:
    shown = Status("ОБ-2026-000001-1", kind, value, MONDAY, MONDAY, None, is_overdue=False, history=[])
    assert shown.words and shown.kind_words
