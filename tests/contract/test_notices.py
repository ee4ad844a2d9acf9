"""Notices: what the desk tells of its own accord, in the conversation and by letter."""

import uuid

import pytest
from sqlalchemy.orm import Session

from core import conversations, deliveries
from core.desk import Desk
from core.models import Conversation
from handoff import letters, notices
from handoff.letters.renderer import render
from tests.scenes import know_address, locked, messages, register, start_conversation, text_of


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    started = start_conversation(desk)
    know_address(desk, started, "zinaida@example.org")
    return started


def tell(session: Session, desk: Desk, conversation: Conversation) -> None:
    notices.tell(session, desk, conversation, "Обращение взято в работу.", letter=letters.STATUS)


def test_a_notice_is_a_message_and_a_letter(desk: Desk, conversation_id: uuid.UUID) -> None:
    appeal = register(desk, conversation_id)
    locked(desk, conversation_id, tell)
    told = messages(desk, conversation_id)[-1]
    assert (text_of(desk, told), told.meta["kind"]) == ("Обращение взято в работу.", "notice")
    (delivery,) = desk.database.read(deliveries.of_conversation, conversation_id)
    letter = desk.database.read(render, desk, delivery)
    assert letter["Subject"] == f"Обращение {appeal.number}: новый статус"
    assert letter["Auto-Submitted"] == "auto-generated"
    body = letter.get_body(("plain",))
    assert body and "Обращение взято в работу." in body.get_content()


def test_without_an_address_it_stays_in_the_conversation(desk: Desk) -> None:
    started = start_conversation(desk)
    locked(desk, started, tell)
    assert desk.database.read(deliveries.of_conversation, started) == []


def test_what_is_pushed_is_no_letter(desk: Desk, conversation_id: uuid.UUID) -> None:
    def push(session: Session, desk: Desk, conversation: Conversation) -> None:
        conversation.push_token = desk.vault.put(session, conversation, "telegram", "42")

    locked(desk, conversation_id, push)
    locked(desk, conversation_id, tell)
    kinds = [delivery.kind for delivery in desk.database.read(deliveries.of_conversation, conversation_id)]
    assert kinds == [conversations.PUSHED]
