"""Where what the desk says goes: by the citizen's preferred way of reply, and by whether they see it anyway."""

import contextlib
import json
import uuid
from itertools import product

import pytest
from sqlalchemy.orm import Session

from bot.delivery import Deliveries
from core import conversations, deliveries
from core.deliveries import Undeliverable
from core.desk import Desk
from core.files import Files
from core.models import Appeal, Author, Conversation, Delivery, Operator
from core.presence import Presence
from handoff import letters, notices, queue
from handoff.console.workplace import Workplace
from handoff.letters.renderer import render
from tests.scenes import add_operator, claim, locked, register, reload, start_conversation, write_message

ADDRESS = "vera@example.org"


def scene(
    desk: Desk, preferred: str | None, *, address: bool, pushed: bool, channel: str = "widget", login: str = "ivanova"
) -> tuple[uuid.UUID, Operator]:
    """A conversation with an open appeal, held by an operator."""
    conversation_id, operator = start_conversation(desk, channel), add_operator(desk, login)
    appeal = register(desk, conversation_id)

    def know(session: Session, _desk: Desk, conversation: Conversation) -> None:
        if address:
            conversation.email_token = desk.vault.put(session, conversation, "email", ADDRESS)
        if preferred:
            fields = json.dumps({"reply_channel": preferred})
            session.get_one(Appeal, appeal.id).fields_sealed = desk.vault.seal(conversation, fields)

    def push(session: Session, _desk: Desk, conversation: Conversation) -> None:
        conversation.push_token = desk.vault.put(session, conversation, "text", "42")

    locked(desk, conversation_id, know)
    claim(desk, conversation_id, operator)
    if pushed:
        locked(desk, conversation_id, push)
    return conversation_id, operator


def sent(desk: Desk, conversation_id: uuid.UUID) -> list[str]:
    return [delivery.kind for delivery in desk.database.read(deliveries.of_conversation, conversation_id)]


def workplace(desk: Desk) -> Workplace:
    return Workplace(desk, Files(desk), lambda _text: [], Presence(desk.database))


def tell(session: Session, desk: Desk, conversation: Conversation) -> None:
    notices.tell(session, desk, conversation, "Обращение взято в работу.", letter=letters.STATUS)


@pytest.mark.parametrize(("preferred", "place"), list(product(("email", "phone", "messenger", None), ("gone", "here", "messenger"))))
async def test_an_answer_goes_where_its_citizen_wants_it(desk: Desk, preferred: str | None, place: str) -> None:
    conversation_id, operator = scene(desk, preferred, address=True, pushed=place == "messenger")
    console = workplace(desk)
    with console.citizens.stay(conversation_id) if place == "here" else contextlib.nullcontext():
        told = desk.database.read(console.state, reload(desk, conversation_id))["reply_way"]
        await console.reply(conversation_id, operator, "1", "Готово", [])
    by_letter = preferred == "email" or place == "gone"
    assert sent(desk, conversation_id) == [conversations.PUSHED] * (place == "messenger") + [letters.ANSWER] * by_letter
    # What the operator read before is what was done.
    assert ("письм" in told, "мессенджер" in told, "гражданин" in told, "позвонить" in told) == (
        by_letter,
        place == "messenger",
        place == "here",
        preferred == "phone",
    )


@pytest.mark.parametrize(("preferred", "place"), list(product(("email", "phone", "messenger", None), ("gone", "messenger"))))
def test_a_notice_goes_the_same_ways(desk: Desk, preferred: str | None, place: str) -> None:
    conversation_id, _ = scene(desk, preferred, address=True, pushed=place == "messenger")
    locked(desk, conversation_id, tell)
    by_letter = preferred == "email" or place == "gone"
    assert sent(desk, conversation_id) == [conversations.PUSHED] * (place == "messenger") + [letters.STATUS] * by_letter


@pytest.mark.parametrize("preferred", ["email", "phone", None])
async def test_without_an_address_there_is_no_letter_and_the_operator_reads_so(desk: Desk, preferred: str | None) -> None:
    console = workplace(desk)
    for place, (channel, words) in enumerate({"widget": "Гражданина сейчас нет в чате", "form": "Отправить ответ некуда"}.items()):
        conversation_id, operator = scene(desk, preferred, address=False, pushed=False, channel=channel, login=f"op{place}")
        assert words in desk.database.read(console.state, reload(desk, conversation_id))["reply_way"]
        await console.reply(conversation_id, operator, "1", "Готово", [])
        assert sent(desk, conversation_id) == []


def test_who_answers_reads_the_way_and_nobody_else(desk: Desk) -> None:
    conversation_id, operator = scene(desk, "email", address=True, pushed=False)
    locked(desk, conversation_id, queue.return_to_bot, operator)
    assert desk.database.read(workplace(desk).state, reload(desk, conversation_id))["reply_way"] is None


class Blocked:
    """A messenger whose citizen has stopped the bot."""

    def prepare(self, _session: Session, delivery: Delivery) -> Delivery:
        return delivery

    async def send(self, prepared: Delivery) -> None:  # noqa: ARG002
        raise Undeliverable("blocked")


@pytest.mark.parametrize("preferred", ["messenger", "email"])
async def test_what_cannot_be_pushed_goes_by_letter_once(desk: Desk, preferred: str) -> None:
    conversation_id, operator = scene(desk, preferred, address=True, pushed=True)
    await workplace(desk).reply(conversation_id, operator, "1", "Готово", [])
    locked(desk, conversation_id, tell)
    worker = Deliveries(desk, {"widget": Blocked()})
    for delivery in desk.database.read(deliveries.of_conversation, conversation_id):
        if delivery.kind == conversations.PUSHED:
            await worker.deliver(delivery.id)
    assert sorted(kind for kind in sent(desk, conversation_id) if kind != conversations.PUSHED) == [letters.ANSWER, letters.STATUS]


async def test_a_decision_goes_the_same_ways(desk: Desk) -> None:
    """What an operator decides on a request is said by the desk; as a letter it is automatic."""
    conversation_id, _ = scene(desk, "email", address=True, pushed=False)
    message = write_message(desk, conversation_id, "Ускоренное рассмотрение подтверждено.", Author.SYSTEM)
    console = workplace(desk)

    def send(session: Session, _desk: Desk, conversation: Conversation) -> None:
        console.send(session, conversation, message)

    with console.citizens.stay(conversation_id):
        locked(desk, conversation_id, send)
    (delivery,) = desk.database.read(deliveries.of_conversation, conversation_id)
    letter = desk.database.read(render, desk, delivery)
    assert (delivery.kind, letter["Auto-Submitted"]) == (letters.ANSWER, "auto-generated")
