"""From answers to an appeal: what was asked for stays out of the engine's sight, a form is kept, checked again, registered once."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from sqlalchemy import select
from sqlalchemy.orm import Session

from actions import appeal_form as form_actions
from actions.appeal_form import StartSession
from actions.records import Records
from bot import claims, intake
from bot.intake import Inbound
from core import conversations, deliveries
from core.desk import Desk
from core.models import Appeal, AppealKind, Author, Consent, Conversation, Draft, Mode, now
from core.transcript import masked_fields, message_document
from handoff import appeal_form, retention
from handoff.appeal_form import IncompleteForm
from handoff.fields import FieldFault
from tests.data.personas import ANNA
from tests.scenes import MONDAY, change_mode, locked, messages, reload, start_conversation, text_of

PROBLEM = "После входа страница белая, обновление не помогает"


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    return start_conversation(desk)


def ask(desk: Desk, conversation_id: uuid.UUID, field: str) -> None:
    locked(
        desk,
        conversation_id,
        lambda session, desk, conversation: conversations.append(
            session, desk.vault, conversation, Author.BOT, "Напишите", expects=field, meta={"kind": "form"}
        ),
    )


def answer(desk: Desk, conversation_id: uuid.UUID, text: str) -> str:
    """What is stored, and goes to the engine."""
    return text_of(desk, desk.database.write(intake.accept, desk, conversation_id, Inbound(uuid.uuid4().hex, text), MONDAY))


@pytest.mark.parametrize(
    ("asked", "text", "stored"),
    [
        ("full_name", "Лебедева Анна Сергеевна", "pdname1"),
        ("full_name", "меня зовут Лебедева Анна Сергеевна", "меня зовут pdname1"),
        ("full_name", "лебедева анна", "pdname1"),
        ("full_name", "Анна", "pdname1"),
        ("full_name", "Зыыврр Ххапек", "pdname1"),
        ("full_name", "позовите оператора", "позовите оператора"),
        ("full_name", "зачем вам это?", "зачем вам это?"),
        ("snils", "112-233-445 95", "pdsnils1"),
        ("snils", "вот: 112-233-445 9О", "pdsnils1"),
        ("snils", "1122334459", "pdsnils1"),
        ("snils", "8 916 555 01 42", "pdsnils1"),
        ("snils", "а можно без него?", "а можно без него?"),
        ("snils", "112-233-445 95 и телефон 8 916 123-45-67", "pdsnils1 и телефон pdphone1"),
        ("snils", "112-233-445  95 тел 8 916 123-45-67", "pdsnils1 тел pdphone1"),
        ("full_name", "Хорошо, Лебедева Анна Сергеевна", "Хорошо, pdname1"),
        ("full_name", "Лебедева Анна Сергеевна. Спасибо", "pdname1. Спасибо"),
        ("full_name", "от Лебедевой Анны Сергеевны", "от pdname1"),
        ("full_name", "Лебедева Анна, зачем это?", "pdname1, зачем это?"),
        ("full_name", "Ли На", "pdname1"),
        ("full_name", "Во Ван Тхань", "pdname1"),
        ("email", "anna собака mail.ru", "pdemail1"),
        ("phone", "555-01-42", "pdphone1"),
        ("phone", "11223344595", "pdphone1"),
        ("email", "anna@mail,ru", "pdemail1"),
        ("email", "моя почта anna.lebedeva@example.com", "моя почта pdemail1"),
        (None, "Лебедева Анна Сергеевна", "pdname1"),
    ],
)
def test_what_was_asked_for_is_behind_one_token(desk: Desk, conversation_id: uuid.UUID, asked: str | None, text: str, stored: str) -> None:
    if asked:
        ask(desk, conversation_id, asked)
    assert answer(desk, conversation_id, text) == stored
    (*_, message) = messages(desk, conversation_id)

    def shown(session: Session) -> Any:
        return message_document(session, desk, conversations.find(session, conversation_id), message)["text"]

    assert desk.database.read(shown) == text


def slots_of(desk: Desk, conversation_id: uuid.UUID, **changed: Any) -> dict[str, Any]:
    """The slots of a whole form."""
    tokens = {}
    for field, text in [("full_name", "лебедева анна сергеевна"), ("snils", ANNA.snils_digits), ("email", ANNA.email)]:
        ask(desk, conversation_id, field)
        tokens[field] = answer(desk, conversation_id, text)
    return {
        "category": "complaint",
        "consent": True,
        **tokens,
        "reply_channel": "email",
        "phone": None,
        "problem": PROBLEM,
        "application_number": "",
        "screenshots": True,
        "confirmation": True,
        **changed,
    }


def test_what_may_be_skipped_is_kept_in_normal_form(desk: Desk, conversation_id: uuid.UUID) -> None:
    slots = slots_of(desk, conversation_id, occurred_at="14 ноября 2026 года, около 15:00", tried="перезагружала страницу")
    for field, text in [("birth_date", "14 марта 87"), ("phone", ANNA.phone_digits)]:
        ask(desk, conversation_id, field)
        slots[field] = answer(desk, conversation_id, text)
    appeal = locked(desk, conversation_id, appeal_form.register, slots, MONDAY)

    def look(session: Session) -> None:
        conversation = conversations.find(session, conversation_id)
        values = desk.vault.values(session, conversation)
        fields = json.loads(desk.vault.open(conversation, appeal.fields_sealed or b""))
        assert values[fields["birth_date"]] == "14.03.1987"
        assert values[fields["phone"]] == "+79215550142"
        assert (fields["occurred_at"], fields["tried"]) == (slots["occurred_at"], slots["tried"])
        assert "application_number" not in fields  # skipped

    desk.database.read(look)


def test_a_form_becomes_an_appeal_with_a_receipt(desk: Desk, conversation_id: uuid.UUID) -> None:
    slots = slots_of(desk, conversation_id)
    locked(desk, conversation_id, lambda session, desk, conversation: conversations.keep_draft(session, desk.vault, conversation, slots))
    appeal = locked(desk, conversation_id, appeal_form.register, slots, MONDAY)
    assert (appeal.kind, appeal.received_at) == (AppealKind.COMPLAINT, MONDAY)

    def look(session: Session) -> None:
        conversation = conversations.find(session, conversation_id)
        values = desk.vault.values(session, conversation)
        fields = json.loads(desk.vault.open(conversation, appeal.fields_sealed or b""))
        assert values[fields["full_name"]] == ANNA.full_name
        assert values[fields["snils"]] == ANNA.snils
        assert values[conversation.email_token or ""] == ANNA.email
        (receipt,) = deliveries.of_conversation(session, conversation_id)
        assert (receipt.subject_id, receipt.address_token) == (appeal.id, conversation.email_token)
        masked = masked_fields(session, desk, conversation)
        assert masked["full_name"] == "Лебедева А. С."
        assert masked["problem"] == PROBLEM
        assert session.get(Draft, conversation_id) is None
        told = messages(desk, conversation_id)[-1]
        for_citizen = message_document(session, desk, conversation, told)
        for_operator = message_document(session, desk, conversation, told, for_operator=True)
        code = desk.vault.open(conversation, appeal.access_code_sealed)
        assert for_citizen["meta"]["access_code"] == code
        assert code in for_citizen["text"]
        assert code not in str(for_operator)
        assert code not in str(told.meta)

    desk.database.read(look)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"consent": None}, IncompleteForm),
        ({"confirmation": None}, IncompleteForm),
        ({"full_name": ANNA.full_name}, IncompleteForm),  # not a token
        ({"snils": None}, IncompleteForm),
        ({"email": "pdemail9"}, IncompleteForm),
        ({"reply_channel": "phone"}, IncompleteForm),
        ({"problem": None}, IncompleteForm),
        ({"snils": "pdname1"}, FieldFault),
        ({"reply_channel": "pigeon"}, ValueError),
    ],
)
def test_what_is_not_whole_is_not_stored(desk: Desk, conversation_id: uuid.UUID, changed: dict[str, Any], error: type[Exception]) -> None:
    slots = slots_of(desk, conversation_id, **changed)
    with pytest.raises(error):
        locked(desk, conversation_id, appeal_form.register, slots, MONDAY)
    assert desk.database.read(lambda session: session.scalars(select(Appeal)).all()) == []
    assert reload(desk, conversation_id).email_token is None


def test_a_consent_is_kept_with_its_text_and_message(desk: Desk, conversation_id: uuid.UUID) -> None:
    ask(desk, conversation_id, "consent")
    answer(desk, conversation_id, "да")
    (*_, message) = messages(desk, conversation_id)
    for _ in range(2):
        desk.database.write(appeal_form.record_consent, desk, message)
    (consent,) = desk.database.read(lambda session: session.scalars(select(Consent)).all())
    assert (consent.conversation_id, consent.message_id, consent.version) == (conversation_id, message.id, desk.settings.consent_version)


DRAFT = {"form": "appeal_form", "consent": True, "requested_slot": "full_name"}


def move_draft(desk: Desk, conversation_id: uuid.UUID, age: timedelta) -> None:
    """As if it had been kept that long ago."""

    def move(session: Session) -> None:
        session.get_one(Draft, conversation_id).updated_at = now() - age

    desk.database.write(move)


def begin_turn(desk: Desk, conversation_id: uuid.UUID, age: timedelta) -> tuple[uuid.UUID, datetime]:
    """A citizen's message taken up while the form is nearly ``age`` old."""
    move_draft(desk, conversation_id, age - timedelta(minutes=1))
    desk.database.write(intake.accept, desk, conversation_id, Inbound(uuid.uuid4().hex, "здравствуйте"), now())
    at = now()
    (turn_id,) = desk.database.read(claims.claimable, at)
    assert desk.database.write(claims.claim, desk, turn_id, "first", at)
    desk.database.write(claims.read, desk, turn_id, "first")
    return turn_id, at


async def restored(desk: Desk, conversation_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    monkeypatch.setattr(form_actions, "records", lambda: Records(desk.database, desk.vault))
    tracker = Tracker.from_dict({"sender_id": f"{conversation_id}-2", "slots": {}, "latest_message": {}, "events": [], "paused": False})
    events: list[dict[str, Any]] = await StartSession().run(CollectingDispatcher(), tracker, {})
    return events


async def test_a_new_episode_takes_the_form_up(desk: Desk, conversation_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    def keep(session: Session, desk: Desk, conversation: Conversation, slots: dict[str, Any]) -> None:
        conversations.keep_draft(session, desk.vault, conversation, slots)

    for slots in ({"consent": True, "requested_slot": "full_name"}, {"full_name": "pdname1", "requested_slot": "snils"}):
        locked(desk, conversation_id, keep, {"form": "appeal_form", **slots})
    begun, *slots_set, loop, listen = await restored(desk, conversation_id, monkeypatch)
    assert (begun["event"], loop["event"], loop["name"], listen["name"]) == (
        "session_started",
        "active_loop",
        "appeal_form",
        "action_listen",
    )
    assert {event["name"]: event["value"] for event in slots_set} == {"full_name": "pdname1", "requested_slot": "snils"}
    assert b"pdname1" not in desk.database.read(lambda session: session.get_one(Draft, conversation_id).slots_sealed)


async def test_a_form_left_alone_for_a_day_is_over(desk: Desk, conversation_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    locked(desk, conversation_id, lambda session, desk, conversation: conversations.keep_draft(session, desk.vault, conversation, DRAFT))
    before = reload(desk, conversation_id).episode
    (turn_id, at) = begin_turn(desk, conversation_id, timedelta(hours=desk.settings.draft_hours))
    assert reload(desk, conversation_id).episode == before  # just in time
    desk.database.write(claims.release_all)
    move_draft(desk, conversation_id, timedelta(hours=desk.settings.draft_hours, seconds=1))
    assert await restored(desk, conversation_id, monkeypatch) == await restored(desk, start_conversation(desk), monkeypatch)
    desk.database.write(claims.claim, desk, turn_id, "lease", at)
    begun, _ = desk.database.write(claims.read, desk, turn_id, "lease")
    assert begun.sender == f"{conversation_id}-{before + 1}"
    assert desk.database.read(lambda session: session.get(Draft, conversation_id)) is None


def test_old_drafts_are_dropped_at_night(desk: Desk, conversation_id: uuid.UUID) -> None:
    young = start_conversation(desk)
    for one in (young, conversation_id):
        locked(desk, one, lambda session, desk, conversation: conversations.keep_draft(session, desk.vault, conversation, DRAFT))
    move_draft(desk, conversation_id, timedelta(hours=desk.settings.draft_hours, minutes=1))
    assert retention.retain(desk, now()).drafts == 1
    assert desk.database.read(lambda session: [draft.conversation_id for draft in session.scalars(select(Draft))]) == [young]


async def test_a_person_ends_the_form(desk: Desk, conversation_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    def keep(session: Session, desk: Desk, conversation: Conversation) -> None:
        conversations.keep_draft(session, desk.vault, conversation, {"consent": True})

    locked(desk, conversation_id, keep)
    change_mode(desk, conversation_id, Mode.QUEUED)
    change_mode(desk, conversation_id, Mode.BOT)
    assert [event["event"] for event in await restored(desk, conversation_id, monkeypatch)] == ["session_started", "action"]


def test_an_answer_that_came_before_its_question_is_hidden_when_its_turn_begins(desk: Desk, conversation_id: uuid.UUID) -> None:
    ask(desk, conversation_id, "consent")
    unlikely = "зыыврр ххапек"  # only the question tells that it is a name
    assert answer(desk, conversation_id, unlikely) == unlikely
    ask(desk, conversation_id, "full_name")
    (turn_id,) = desk.database.read(claims.claimable, MONDAY)
    assert desk.database.write(claims.claim, desk, turn_id, "lease", MONDAY)
    begun, _ = desk.database.write(claims.read, desk, turn_id, "lease")
    assert begun.text == "pdname1"
    assert text_of(desk, messages(desk, conversation_id)[1]) == "pdname1"
