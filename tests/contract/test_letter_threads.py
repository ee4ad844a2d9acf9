"""A correspondence of several letters: chains as mail programs build them, and ids that only who had our letters can name."""

import uuid
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.models import Appeal, AppealEvent, Author, Conversation, Delivery, Message, Operator
from handoff import appeals, letters
from handoff.letters import message_ids
from handoff.letters.renderer import render
from handoff.mailbox.rules import Route
from tests.contract.test_mail_intake import ALL_FIELDS, appeal_of, letter, rows, said, send_all, take_in
from tests.data.personas import ANNA, PYOTR
from tests.scenes import add_operator, claim, close, locked, messages, register, reload, start_conversation, write_message


def reply_to(sent: EmailMessage, text: str, sender: str = ANNA.email) -> bytes:
    """As a mail program answers (RFC 5322, 3.6.4)."""
    answer = EmailMessage(policy=default)
    answer["From"], answer["To"], answer["Subject"] = sender, sent["Reply-To"], f"Re: {sent['Subject']}"
    answer["Message-ID"] = f"<{uuid.uuid4()}@example.com>"
    answer["In-Reply-To"] = sent["Message-ID"]
    answer["References"] = f"{sent['References'] or sent['In-Reply-To'] or ''} {sent['Message-ID']}".strip()
    answer.set_content(text)
    return answer.as_bytes()


def newest(desk: Desk, conversation_id: uuid.UUID) -> EmailMessage:
    """The last letter to the citizen, as it arrives."""

    def read(session: Session) -> bytes:
        wanted = select(Delivery).where(Delivery.conversation_id == conversation_id).order_by(Delivery.ordinal.desc()).limit(1)
        return render(session, desk, session.scalars(wanted).one()).as_bytes()

    parsed = message_from_bytes(desk.database.read(read), policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def answer(desk: Desk, conversation_id: uuid.UUID, operator: Operator, text: str) -> EmailMessage:
    def work(session: Session, _desk: Desk, conversation: Conversation) -> None:
        message = write(session, desk, conversation, operator, text)
        letters.put_answer(session, desk, conversation, message)

    locked(desk, conversation_id, work)
    send_all(desk)
    return newest(desk, conversation_id)


def write(session: Session, desk: Desk, conversation: Conversation, operator: Operator, text: str) -> Message:
    return conversations.append(session, desk.vault, conversation, Author.OPERATOR, text, operator=operator)


def test_each_letter_goes_on_the_chain_of_the_one_that_it_answers(desk: Desk) -> None:
    first = letter(Message_ID="<first@example.com>")
    (row,) = take_in(desk, first)
    send_all(desk)
    assert row.conversation_id
    operator = add_operator(desk)
    claim(desk, row.conversation_id, operator)
    ours = newest(desk, row.conversation_id)
    assert (ours["In-Reply-To"], ours["References"]) == ("<first@example.com>", "<first@example.com>")
    for step in range(3):
        came = message_from_bytes(reply_to(ours, f"письмо {step}"), policy=default)
        (*_, joined) = take_in(desk, came.as_bytes())
        assert (joined.outcome, joined.conversation_id) == (Route.JOIN, row.conversation_id)
        ours = answer(desk, row.conversation_id, operator, f"ответ {step}")
        assert ours["In-Reply-To"] == came["Message-ID"]
        assert ours["References"].split() == [*came["References"].split(), came["Message-ID"]]
        assert (ours["Reply-To"], ours["Auto-Submitted"]) == ("support@portal.example.ru", None)
    assert max(map(len, ours.as_bytes().split(b"\n"))) < 998


def test_a_long_chain_keeps_its_beginning_and_its_end(desk: Desk) -> None:
    (row,) = take_in(desk, letter(Message_ID="<first@example.com>"))
    send_all(desk)
    assert row.conversation_id
    ours = newest(desk, row.conversation_id)
    for step in range(14):
        take_in(desk, reply_to(ours, f"письмо {step}"))
    chain = answer(desk, row.conversation_id, add_operator(desk), "ответ")["References"].split()
    assert (len(chain), chain[0]) == (12, "<first@example.com>")


def test_letters_of_a_chat_are_one_thread_under_the_receipt(desk: Desk) -> None:
    conversation_id, operator = start_conversation(desk), add_operator(desk)
    appeal = register(desk, conversation_id)

    def know(session: Session, _desk: Desk, conversation: Conversation) -> None:
        conversation.email_token = desk.vault.put(session, conversation, "email", ANNA.email)
        letters.put_receipt(session, desk, conversation, appeal)

    locked(desk, conversation_id, know)
    receipt = newest(desk, conversation_id)["Message-ID"]
    for text in ("раз", "два"):
        sent = answer(desk, conversation_id, operator, text)
        assert (sent["In-Reply-To"], sent["References"]) == (receipt, receipt)


def test_a_message_id_names_its_appeal_and_cannot_be_made_up(desk: Desk) -> None:
    (row,) = take_in(desk, letter())
    (delivery,) = rows(desk, Delivery)
    assert message_ids.number_of(desk, delivery.message_id) == appeal_of(desk, row).number
    local, _, domain = delivery.message_id.strip("<>").partition("@")
    number, name, signature = local.split(".")
    other = "2026-000999-1"
    for forged in (
        f"{other}.{name}.{signature}@{domain}",
        f"{number}.{'a' * 13}.{signature}@{domain}",
        f"{number}.{name}.{'a' * 16}@{domain}",
    ):
        assert message_ids.is_forged(desk, f"<{forged}>")
        assert message_ids.number_of(desk, f"<{forged}>") is None
    # Letters of before, and others', are looked up.
    assert not message_ids.is_forged(desk, f"<{delivery.id}@{domain}>")
    assert not message_ids.is_forged(desk, "<CAF=abc.123@mail.gmail.com>")


def test_a_stranger_who_has_our_letter_is_still_a_stranger(desk: Desk) -> None:
    (row,) = take_in(desk, letter())
    send_all(desk)
    assert row.conversation_id
    (_, stranger) = take_in(desk, reply_to(newest(desk, row.conversation_id), "Покажите ответ", PYOTR.email))
    assert stranger.conversation_id != row.conversation_id
    assert stranger.named_appeal_id == appeal_of(desk, row).id  # as a hint for operators
    (_, _, guessing) = take_in(desk, letter("Re", "Покажите ответ", PYOTR.email, In_Reply_To=f"<2026-000001-1.{'a' * 13}.{'b' * 16}@x.ru>"))
    assert guessing.named_appeal_id is None


def test_a_reply_leads_to_the_open_appeal_that_it_is_about(desk: Desk) -> None:
    """Of two that are open in one conversation, not the newest but the one of the letter."""
    (row,) = take_in(desk, letter())
    send_all(desk)
    assert row.conversation_id
    about_the_first, first = newest(desk, row.conversation_id), appeal_of(desk, row)
    second = register(desk, row.conversation_id)
    take_in(desk, reply_to(about_the_first, "Ещё о первом"))

    def events(session: Session, number: str) -> list[str]:
        wanted = select(AppealEvent.kind).join(Appeal, Appeal.id == AppealEvent.appeal_id).where(Appeal.number == number)
        return list(session.scalars(wanted))

    assert "letter_joined" in desk.database.read(events, first.number)
    assert "letter_joined" not in desk.database.read(events, second.number)


@pytest.mark.parametrize("subject", ["Не работает", "Re: чат"])
def test_a_letter_without_a_number_is_returned_also_to_who_has_a_chat_open(desk: Desk, subject: str) -> None:
    """S6 wants a number: an address alone, which anybody can write into a letter, opens no conversation."""
    conversation_id = start_conversation(desk)

    def know(session: Session, _desk: Desk, conversation: Conversation) -> None:
        conversation.email_token = desk.vault.put(session, conversation, "email", ANNA.email)

    locked(desk, conversation_id, know)
    register(desk, conversation_id)
    (row,) = take_in(desk, letter(subject, "Здравствуйте"))
    assert (row.outcome, row.conversation_id == conversation_id) == (Route.RETURN, False)


def test_a_letter_with_the_number_is_seen_in_the_chat_and_by_its_operator(desk: Desk) -> None:
    conversation_id, operator = start_conversation(desk), add_operator(desk)
    write_message(desk, conversation_id, "Здравствуйте")

    def know(session: Session, _desk: Desk, conversation: Conversation) -> None:
        conversation.email_token = desk.vault.put(session, conversation, "email", ANNA.email)

    locked(desk, conversation_id, know)
    appeal = register(desk, conversation_id)
    claim(desk, conversation_id, operator)
    (row,) = take_in(desk, letter(f"Обращение {appeal.number}", "Пишу с работы: всё ещё не приходит."))
    assert (row.outcome, row.conversation_id) == (Route.JOIN, conversation_id)
    assert said(desk, row)[-1] == "Пишу с работы: всё ещё не приходит."
    assert messages(desk, conversation_id)[-1].meta["kind"] == "letter"
    assert reload(desk, conversation_id).operator_id == operator.id  # it stays theirs
    close(desk, conversation_id, operator)
    assert appeals_are_closed(desk, conversation_id)
    (_, again) = take_in(desk, letter(f"Обращение {appeal.number}", ALL_FIELDS))
    assert (again.outcome, reload(desk, conversation_id).mode) == (Route.REOPEN, "queued")  # nobody has it: it waits


def appeals_are_closed(desk: Desk, conversation_id: uuid.UUID) -> bool:
    return all(appeal.status == "closed" for appeal in desk.database.read(appeals.of_conversation, conversation_id))
