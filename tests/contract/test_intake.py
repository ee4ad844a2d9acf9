"""A citizen's message on its way in: once, whole, or not at all."""

import uuid
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.greeting import greet
from core.desk import Desk
from core.errors import Problem
from core.models import Appeal, Attachment, Author, Consent, Message, Mode, Rating, Turn, VaultEntry
from core.words import say
from handoff import queue
from tests.scenes import (
    accept,
    add_operator,
    change_mode,
    claim,
    close,
    hand_over,
    in_threads,
    locked,
    messages,
    reload,
    start_conversation,
    text_of,
    upload,
    write_message,
)

MB = 1_048_576


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    return start_conversation(desk)


def counts(desk: Desk) -> dict[str, int]:
    def count(session: Session) -> dict[str, int]:
        return {
            table.__name__: session.scalar(select(func.count()).select_from(table)) or 0 for table in (Message, Turn, VaultEntry, Appeal)
        }

    return desk.database.read(count)


def refuse(
    desk: Desk, conversation_id: uuid.UUID, text: str = "вопрос", external_id: str = "m1", **more: Any
) -> tuple[int, str, str | None]:
    before, seq = counts(desk), reload(desk, conversation_id).last_seq
    with pytest.raises(Problem) as caught:
        accept(desk, conversation_id, text, external_id, **more)
    assert caught.value.detail
    assert counts(desk) == before  # nothing of it is stored
    assert reload(desk, conversation_id).last_seq == seq
    return caught.value.status, caught.value.key, caught.value.field_name


def offer(desk: Desk, conversation_id: uuid.UUID, command: str = "/affirm") -> str:
    """The payload of a button that was offered."""
    said = write_message(desk, conversation_id, "?", Author.BOT, buttons=[{"title": "Да", "command": command}])
    return f"{said.id}.0"


@pytest.mark.parametrize(
    "text",
    [
        "Здравствуйте",
        "й",
        "?",
        "a" * 4000,
        "👍",
        "👨‍👩‍👧‍👦🏳️‍🌈",
        "  с краями  ",
        "строка\r\nдругая\tтабуляция",
        "/restart",
        '/ask_question{"article": "x"}',
        "/session_start",
        "do:hand_over",
        "[[hotline]] {number} %s",
        "e\u0301 и \u202e и \ufffd",
    ],
    ids=lambda text: text[:12].encode("unicode_escape").decode(),
)
def test_keeps_a_text_as_typed_and_begins_one_turn(desk: Desk, conversation_id: uuid.UUID, text: str) -> None:
    stored = accept(desk, conversation_id, text)
    assert text_of(desk, stored) == text
    turn = desk.database.read(lambda session: session.query(Turn).one())
    assert (turn.message_id, turn.seq, turn.command, turn.epoch) == (stored.id, 1, None, 1)
    assert reload(desk, conversation_id).mode == Mode.BOT


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "message_empty"),
        (" \t\r\n", "message_empty"),
        ("\u00a0\u2003\u200b\u2060\ufeff", "message_empty"),
        ("a" * 4001, "message_too_long"),
        ("👍" * 4001, "message_too_long"),
        ("a\x00b", "message_characters"),
        ("a\x1bb", "message_characters"),
        ("\ud800", "message_characters"),
        ("пара \udc00\ud800", "message_characters"),
    ],
    ids=lambda value: value[:12].encode("unicode_escape").decode(),
)
def test_refuses_a_text(desk: Desk, conversation_id: uuid.UUID, text: str, key: str) -> None:
    assert refuse(desk, conversation_id, text) == (422, key, "text")


@pytest.mark.parametrize("external_id", ["", "x" * 101, "a\x00", "\ud800"])
def test_refuses_an_id(desk: Desk, conversation_id: uuid.UUID, external_id: str) -> None:
    assert refuse(desk, conversation_id, external_id=external_id) == (422, "client_message_id_wrong", "client_message_id")


def test_the_same_message_again_is_the_same(desk: Desk, conversation_id: uuid.UUID) -> None:
    first = accept(desk, conversation_id, "вопрос 112-233-445 95")
    before = counts(desk)
    for text in ("вопрос 112-233-445 95", "другой текст, +79215550142", "", "a" * 5000):
        assert accept(desk, conversation_id, text).id == first.id
    assert counts(desk) == before


def test_the_same_message_many_times_at_once_is_one(desk: Desk, conversation_id: uuid.UUID) -> None:
    stored = in_threads(10, lambda number: accept(desk, conversation_id, f"вопрос {number}"))
    assert len({message.id for message in stored}) == 1
    assert counts(desk) == {"Message": 1, "Turn": 1, "VaultEntry": 0, "Appeal": 0}


def test_the_same_id_in_another_conversation_is_another_message(desk: Desk, conversation_id: uuid.UUID) -> None:
    assert accept(desk, conversation_id).id != accept(desk, start_conversation(desk)).id


def test_a_message_sent_before_closing_is_still_acknowledged(desk: Desk, conversation_id: uuid.UUID) -> None:
    first = accept(desk, conversation_id)
    change_mode(desk, conversation_id, Mode.CLOSED)
    assert accept(desk, conversation_id).id == first.id
    assert refuse(desk, conversation_id, external_id="m2") == (409, "conversation_closed", None)


def test_an_unknown_conversation_is_a_problem(desk: Desk) -> None:
    with pytest.raises(Problem, match="404 conversation_not_found"):
        accept(desk, uuid.uuid4())


@pytest.mark.parametrize("mode", [Mode.QUEUED, Mode.OPERATOR])
def test_a_message_to_a_person_begins_no_turn(desk: Desk, conversation_id: uuid.UUID, mode: Mode) -> None:
    change_mode(desk, conversation_id, mode, add_operator(desk) if mode == Mode.OPERATOR else None)
    accept(desk, conversation_id)
    assert counts(desk) == {"Message": 1, "Turn": 0, "VaultEntry": 0, "Appeal": 0}


def test_who_waits_leaves_an_address_and_may_correct_it(desk: Desk, conversation_id: uuid.UUID) -> None:
    hand_over(desk, conversation_id)
    accept(desk, conversation_id, "мой телефон +79215550142", "m1")
    assert reload(desk, conversation_id).email_token is None
    accept(desk, conversation_id, "пишите на anna@example.com", "m2")
    first = reload(desk, conversation_id).email_token
    assert first
    accept(desk, conversation_id, "пишите на anna@example.com", "m3")
    assert reload(desk, conversation_id).email_token == first
    noted = [message for message in messages(desk, conversation_id) if text_of(desk, message) == say("email_noted")]
    assert [(message.seq, message.meta) for message in noted] == [(4, {"kind": "notice"})]
    accept(desk, conversation_id, "ой, другой@@example.com", "m4")
    assert messages(desk, conversation_id)[-1].expects == "email"
    assert reload(desk, conversation_id).email_token == first
    accept(desk, conversation_id, "other@example.com", "m5")
    assert reload(desk, conversation_id).email_token not in (None, first)


def test_an_address_left_in_the_queue_is_a_consent(desk: Desk, conversation_id: uuid.UUID) -> None:
    asked = hand_over(desk, conversation_id)
    assert asked is not None and "вы соглашаетесь" in text_of(desk, asked)
    left = accept(desk, conversation_id, "пишите на anna@example.com", "m1")
    accept(desk, conversation_id, "нет, на other@example.com", "m2")
    consent = desk.database.read(lambda session: session.scalars(select(Consent)).one())
    assert (consent.message_id, consent.version, consent.withdrawn_at) == (left.id, desk.settings.consent_version, None)


def test_a_story_with_an_at_sign_stays_readable_to_operators(desk: Desk, conversation_id: uuid.UUID) -> None:
    hand_over(desk, conversation_id)
    story = "Мой ник @anna, у меня не работает кабинет, помогите пожалуйста"
    assert text_of(desk, accept(desk, conversation_id, story)) == story
    assert reload(desk, conversation_id).email_token is None


def test_a_notice_between_question_and_answer_changes_nothing(desk: Desk, conversation_id: uuid.UUID) -> None:
    write_message(desk, conversation_id, "Как вас зовут?", Author.BOT, expects="full_name")
    write_message(desk, conversation_id, "Файл не принят", Author.SYSTEM, meta={"kind": "notice"})
    assert text_of(desk, accept(desk, conversation_id, "Лебедева Анна Сергеевна")) == "pdname1"


@pytest.mark.parametrize(
    ("expects", "newer", "is_stale"), [("consent", "confirmation", True), ("consent", None, True), ("consent", "consent", True)]
)
def test_a_button_of_an_older_question_answers_nothing(
    desk: Desk, conversation_id: uuid.UUID, expects: str, newer: str | None, is_stale: bool
) -> None:
    button = [{"title": "Да", "command": "/affirm"}]
    asked = write_message(desk, conversation_id, "Согласны?", Author.BOT, expects=expects, buttons=button)
    write_message(desk, conversation_id, "Дальше", Author.BOT, expects=newer, buttons=button)
    accept(desk, conversation_id, "Да", payload=f"{asked.id}.0")
    assert (text_of(desk, messages(desk, conversation_id)[-1]) == say("button_stale")) is is_stale


def test_a_yes_to_one_question_about_data_is_none_to_another(desk: Desk, conversation_id: uuid.UUID) -> None:
    yes = [{"title": "Да", "command": "/affirm"}]
    withdraw, erase = (
        write_message(desk, conversation_id, words, Author.BOT, expects="erase_confirmation", buttons=yes)
        for words in ("Отозвать согласие?", "Удалить?")
    )
    accept(desk, conversation_id, payload=f"{withdraw.id}.0")
    assert counts(desk)["Turn"] == 0
    assert text_of(desk, messages(desk, conversation_id)[-1]) == say("button_stale")
    accept(desk, conversation_id, payload=f"{erase.id}.0", external_id="m2")  # a notice came in between
    accept(desk, conversation_id, "да", "m3")
    turns = desk.database.read(lambda session: session.scalars(select(Turn).order_by(Turn.seq)).all())
    assert [turn.command for turn in turns] == ["/affirm", None]


def test_a_question_that_the_form_repeats_is_answered_by_its_newest_button(desk: Desk, conversation_id: uuid.UUID) -> None:
    yes = [{"title": "Да", "command": "/affirm"}]
    first, repeated = (write_message(desk, conversation_id, "Согласны?", Author.BOT, expects="consent", buttons=yes) for _ in range(2))
    accept(desk, conversation_id, payload=f"{first.id}.0")
    accept(desk, conversation_id, payload=f"{repeated.id}.0", external_id="m2")
    turn = desk.database.read(lambda session: session.scalars(select(Turn)).one())
    assert (turn.command, turn.seq) == ("/affirm", repeated.seq + 3)


def test_a_button_pressed_twice_answers_once(desk: Desk, conversation_id: uuid.UUID) -> None:
    asked = write_message(
        desk, conversation_id, "Дальше?", Author.BOT, expects="screenshots", buttons=[{"title": "Дальше", "command": "/deny"}]
    )
    for _ in range(2):
        accept(desk, conversation_id, "Дальше", payload=f"{asked.id}.0")
    turns = desk.database.read(lambda session: session.scalars(select(Turn)).all())
    assert [turn.command for turn in turns] == ["/deny"]


def test_the_bot_takes_no_address_by_itself(desk: Desk, conversation_id: uuid.UUID) -> None:
    accept(desk, conversation_id, "anna@example.com")
    assert reload(desk, conversation_id).email_token is None


def test_a_pressed_button_says_its_own_title(desk: Desk, conversation_id: uuid.UUID) -> None:
    stored = accept(desk, conversation_id, "не то, что на кнопке", payload=offer(desk, conversation_id))
    assert text_of(desk, stored) == "Да"
    assert desk.database.read(lambda session: session.query(Turn).one()).command == "/affirm"


def test_a_button_may_be_pressed_twice(desk: Desk, conversation_id: uuid.UUID) -> None:
    payload = offer(desk, conversation_id)
    accept(desk, conversation_id, payload=payload, external_id="m1")
    accept(desk, conversation_id, payload=payload, external_id="m2")
    assert counts(desk)["Turn"] == 2


@pytest.mark.parametrize("payload", ["", "/affirm", "do:hand_over", "{id}.1", "{id}.-1", "{id}", "00000000-0000-0000-0000-000000000000.0"])
def test_refuses_an_unknown_button(desk: Desk, conversation_id: uuid.UUID, payload: str) -> None:
    known = offer(desk, conversation_id).partition(".")[0]
    assert refuse(desk, conversation_id, payload=payload.replace("{id}", known)) == (422, "payload_unknown", "payload")


def test_refuses_another_conversations_button(desk: Desk, conversation_id: uuid.UUID) -> None:
    foreign = offer(desk, start_conversation(desk))
    assert refuse(desk, conversation_id, payload=foreign) == (422, "payload_unknown", "payload")


def test_the_button_that_calls_a_person_needs_no_engine(desk: Desk, conversation_id: uuid.UUID) -> None:
    pressed = accept(desk, conversation_id, payload=offer(desk, conversation_id, queue.HAND_OVER))
    said = messages(desk, conversation_id)[-1]
    assert (said.meta["kind"], said.in_reply_to) == ("handoff", pressed.seq)
    assert (reload(desk, conversation_id).mode, counts(desk)["Turn"]) == (Mode.QUEUED, 0)
    leave = accept(desk, conversation_id, payload=f"{said.id}.0", external_id="m2")
    assert (reload(desk, conversation_id).mode, text_of(desk, leave)) == (Mode.BOT, say("leave_queue_button"))
    accept(desk, conversation_id, payload=f"{said.id}.0", external_id="m3")  # an old button: nothing to leave
    assert (reload(desk, conversation_id).mode, counts(desk)["Turn"]) == (Mode.BOT, 0)


def test_a_mark_needs_no_engine(desk: Desk, conversation_id: uuid.UUID) -> None:
    operator = add_operator(desk)
    claim(desk, conversation_id, operator)
    close(desk, conversation_id, operator)
    question = messages(desk, conversation_id)[-1]
    accept(desk, conversation_id, payload=f"{question.id}.4")
    assert desk.database.read(lambda session: session.query(Rating).one()).score == 5
    assert counts(desk)["Turn"] == 0


def test_files_go_with_their_message(desk: Desk, conversation_id: uuid.UUID) -> None:
    ids = [upload(desk, conversation_id, MB) for _ in range(10)]
    stored = accept(desk, conversation_id, "", attachment_ids=ids)
    assert text_of(desk, stored) == ""
    attached = desk.database.read(lambda session: session.query(Attachment).filter_by(message_id=stored.id).count())
    assert attached == 10


def test_refuses_files_that_are_not_the_citizens_to_send(desk: Desk, conversation_id: uuid.UUID) -> None:
    sent = upload(desk, conversation_id)
    accept(desk, conversation_id, attachment_ids=[sent], external_id="m0")
    foreign = upload(desk, start_conversation(desk))
    operators = upload(desk, conversation_id, operator_id=add_operator(desk).id)
    own = upload(desk, conversation_id)
    for other in (sent, foreign, operators, uuid.uuid4()):
        assert refuse(desk, conversation_id, attachment_ids=[own, other]) == (422, "attachment_unknown", "attachment_ids")
    accept(desk, conversation_id, attachment_ids=[own])  # the refusals have not used it up


def test_refuses_too_many_or_too_large_files(desk: Desk, conversation_id: uuid.UUID) -> None:
    many = [upload(desk, conversation_id) for _ in range(11)]
    assert refuse(desk, conversation_id, attachment_ids=many) == (422, "too_many_attachments", "attachment_ids")
    large = [upload(desk, conversation_id, 5 * MB), upload(desk, conversation_id, 5 * MB), upload(desk, conversation_id, 1)]
    assert refuse(desk, conversation_id, attachment_ids=large) == (422, "attachments_too_large", "attachment_ids")
    accept(desk, conversation_id, "", attachment_ids=large[:2])


def test_the_greeting_offers_ways_to_begin(desk: Desk, conversation_id: uuid.UUID) -> None:
    said = locked(desk, conversation_id, greet)
    assert (said.seq, said.author, said.meta) == (1, Author.BOT, {"kind": "greeting"})
    assert f"«{desk.settings.service_name}»" in text_of(desk, said)
    assert len(said.buttons) == 4
    accept(desk, conversation_id, payload=f"{said.id}.3")
    assert reload(desk, conversation_id).mode == Mode.QUEUED
