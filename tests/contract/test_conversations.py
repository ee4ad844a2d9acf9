"""Conversations and their messages on the database."""

import uuid

import pytest
from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.errors import Problem
from core.ids import token_hash
from core.models import Author, Conversation, Message, Mode, Note
from tests.scenes import (
    add_operator,
    change_mode,
    in_threads,
    locked,
    messages,
    reload,
    start_conversation,
    text_of,
    write_message,
)


def test_begins_with_the_bot_and_a_token_that_is_not_stored(desk: Desk) -> None:
    conversation, token = desk.database.write(conversations.start, desk.vault, "widget")
    stored = reload(desk, conversation.id)
    assert (stored.mode, stored.epoch, stored.last_seq, stored.channel) == (Mode.BOT, 1, 0, "widget")
    assert stored.token_hash == token_hash(token) != token.encode()


def test_numbers_have_no_gaps_with_many_writers(desk: Desk) -> None:
    conversation_id, other_id = start_conversation(desk), start_conversation(desk)
    in_threads(20, lambda number: [write_message(desk, [conversation_id, other_id][i % 2], f"{number}") for i in range(4)])
    for each in (conversation_id, other_id):
        assert [message.seq for message in messages(desk, each)] == list(range(1, 41))
        assert reload(desk, each).last_seq == 40


def test_a_failed_write_takes_no_number(desk: Desk) -> None:
    conversation_id = start_conversation(desk)

    def fail(session: Session, _desk: Desk, conversation: Conversation) -> None:
        conversations.append(session, desk.vault, conversation, Author.BOT, "не дойдёт")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        locked(desk, conversation_id, fail)
    assert write_message(desk, conversation_id).seq == 1


def test_reads_after_a_cursor(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    for number in range(5):
        write_message(desk, conversation_id, str(number))
    read = desk.database.read(conversations.messages_after, conversation_id, 2, 2)
    assert [message.seq for message in read] == [3, 4]
    assert desk.database.read(conversations.messages_after, conversation_id, 5, 10) == []


def test_the_epoch_grows_at_each_change_of_owner(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    operator = add_operator(desk)
    seen = []
    for mode, holder in ((Mode.QUEUED, None), (Mode.OPERATOR, operator), (Mode.BOT, None), (Mode.CLOSED, None)):
        change_mode(desk, conversation_id, mode, holder)
        state = reload(desk, conversation_id)
        seen.append((state.mode, state.epoch, state.episode, state.operator_id))
    assert seen == [
        (Mode.QUEUED, 2, 1, None),
        (Mode.OPERATOR, 3, 1, operator.id),
        (Mode.BOT, 4, 2, None),  # back at the bot: the engine sees a fresh sender
        (Mode.CLOSED, 5, 2, None),
    ]


def test_the_senders_id_of_a_message_is_taken_once_per_channel(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    first = write_message(desk, conversation_id, external_id="one")
    found = desk.database.read(conversations.find_by_external_id, "widget", "one")
    assert found
    assert found.id == first.id
    assert desk.database.read(conversations.find_by_external_id, "mail", "one") is None
    with pytest.raises(Exception, match=r"(?i)unique"):
        write_message(desk, conversation_id, external_id="one")
    write_message(desk, start_conversation(desk, "mail"), external_id="one")
    assert write_message(desk, conversation_id).seq == 2  # those without one do not collide
    assert write_message(desk, conversation_id).seq == 3


def test_notes_take_no_number_and_are_stored_once(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    operator = add_operator(desk)

    def note(_session: Session, _desk: Desk, conversation: Conversation, text: str, external_id: str) -> Note:
        return conversations.add_note(_session, desk.vault, conversation, operator, text, external_id)

    first = locked(desk, conversation_id, note, "позвонить: +79215550142", "n1")
    again = locked(desk, conversation_id, note, "другой текст", "n1")
    other = locked(desk, conversation_id, note, "ещё", "n2")
    assert again.id == first.id != other.id
    assert desk.vault.open(reload(desk, conversation_id), again.text_sealed) == "позвонить: pdphone1"
    assert messages(desk, conversation_id) == []
    assert write_message(desk, conversation_id).seq == 1


BUTTONS = [{"title": "Да", "command": "/affirm"}, {"title": "Нет", "command": "/deny"}]


def test_finds_the_button_that_was_offered(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    offer = write_message(desk, conversation_id, "Позвать оператора?", Author.BOT, buttons=BUTTONS)
    found = desk.database.read(conversations.find_button, conversation_id, f"{offer.id}.1")
    assert found == {"title": "Нет", "command": "/deny", "message_id": offer.id, "seq": offer.seq}


def test_finds_no_button_that_was_not_offered(desk: Desk) -> None:
    conversation_id, other_id = start_conversation(desk), start_conversation(desk)
    offer = write_message(desk, conversation_id, "?", Author.BOT, buttons=BUTTONS)
    foreign = write_message(desk, other_id, "?", Author.BOT, buttons=BUTTONS)
    bare = write_message(desk, conversation_id, "!", Author.BOT)
    payloads = [f"{foreign.id}.0", f"{bare.id}.0", f"{uuid.uuid4()}.0"]
    payloads += [f"{offer.id}{index}" for index in (".2", ".-1", ".", "", ".x", ".0.0", ".1e0", ".99999999999999999999")]
    payloads += ["", ".", ".0", "/affirm", "нет.0", "\x00.0", "9" * 5000 + ".0", f"{offer.id}." + "9" * 5000]
    assert [payload for payload in payloads if desk.database.read(conversations.find_button, conversation_id, payload)] == []


def test_an_unknown_conversation_is_a_problem(desk: Desk) -> None:
    for work in (conversations.find, conversations.lock):
        with pytest.raises(Problem, match="404 conversation_not_found"):
            desk.database.write(work, uuid.uuid4())


def test_what_people_write_is_stored_with_tokens(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    stored: Message = write_message(desk, conversation_id, "снилс 112-233-445 95", Author.CITIZEN)
    assert text_of(desk, stored) == "снилс pdsnils1"
