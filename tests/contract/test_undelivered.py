"""Letters that did not arrive: on the appeal, on the operators' list, and sent again."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, deliveries
from core.deliveries import TryLater, Undeliverable
from core.desk import Desk
from core.errors import Problem
from core.models import AppealEvent, AuditEntry, Conversation, Delivery, DeliveryState, Operator, now
from core.transcript import citizen_fields
from handoff import letters, notices
from handoff.appeal_status import status_of
from handoff.letters import message_ids, overview, resending
from handoff.letters.renderer import render
from handoff.reply_ways import ways
from tests.contract.test_mail_intake import letter, rows, stored, take_in
from tests.data.personas import ANNA
from tests.scenes import add_operator, appeals_of, hand_over, know_address, locked, messages, reload, start_conversation, text_of

RIGHT = "anna.right@example.com"


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    """With an appeal whose receipt has gone."""
    started = start_conversation(desk)
    know_address(desk, started, ANNA.email)
    hand_over(desk, started)
    attempt(desk, only(desk, started), None)
    return started


def only(desk: Desk, conversation_id: uuid.UUID) -> Delivery:
    (delivery,) = desk.database.read(deliveries.of_conversation, conversation_id)
    return delivery


def attempt(desk: Desk, delivery: Delivery, outcome: Undeliverable | TryLater | None) -> DeliveryState | None:
    claimed = desk.database.write(deliveries.claim, delivery.id, "w", now(), desk.settings)
    assert claimed
    return desk.database.write(deliveries.end, claimed, now(), outcome, desk.settings)


def report(message_id: str, action: str = "failed", status: str = "5.1.1") -> bytes:
    """What a mail server says of a letter (RFC 3464)."""
    return (
        "From: MAILER-DAEMON@mx.example.com\r\nTo: support@portal.example.ru\r\nSubject: Undelivered\r\nAuto-Submitted: auto-replied\r\n"
        f"MIME-Version: 1.0\r\nMessage-ID: <{uuid.uuid4()}@mx.example.com>\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nYour message was not delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.com\r\n\r\n"
        f"Action: {action}\r\nStatus: {status}\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message_id}\r\n--b--\r\n"
    ).encode()


def events(desk: Desk) -> list[str]:
    return [event.kind for event in rows(desk, AppealEvent)]


def listed(desk: Desk) -> list[dict[str, object]]:
    return desk.database.read(resending.undelivered, desk, now())


def send_again(
    session: Session, desk: Desk, conversation: Conversation, delivery_id: uuid.UUID, by: Operator, to: str | None = None
) -> None:
    resending.send_again(session, desk, conversation, delivery_id, by, to)


def test_what_came_back_is_on_the_appeal_the_list_and_in_the_conversation(desk: Desk, conversation_id: uuid.UUID) -> None:
    take_in(desk, report(only(desk, conversation_id).message_id))
    (appeal,) = appeals_of(desk, conversation_id)
    assert events(desk).count(letters.FAILED) == 1
    assert letters.FAILED not in [event.kind for event in desk.database.read(status_of, appeal, now()).history]  # the desk's own
    (row,) = listed(desk)
    assert (row["appeal_number"], row["kind"], row["conversation_id"]) == (appeal.number, letters.RECEIPT, str(conversation_id))
    assert row["failure"] == "письмо не дошло, его вернул почтовый сервер (5.1.1)"
    assert [message.meta.get("letter") for message in messages(desk, conversation_id)].count(letters.RECEIPT) == 1
    (document,) = desk.database.read(overview.letter_documents, reload(desk, conversation_id))
    assert (document["state"], document["may_be_sent_again"]) == ("failed", True)
    way = locked(desk, conversation_id, ways).words
    assert way == "Ответ уйдёт письмом и появится в чате. Последнее письмо не дошло, проверьте адрес."


def test_a_report_leads_to_no_letter(desk: Desk, conversation_id: uuid.UUID) -> None:
    """Neither of a receipt nor of a notice: two servers would write to each other for ever."""

    def tell(session: Session, _desk: Desk, conversation: Conversation) -> None:
        notices.tell(session, desk, conversation, "Обращение взято в работу.", letter=letters.STATUS)

    locked(desk, conversation_id, tell)
    notice = desk.database.read(deliveries.of_conversation, conversation_id)[1]
    attempt(desk, notice, None)
    for delivery in desk.database.read(deliveries.of_conversation, conversation_id):
        take_in(desk, report(delivery.message_id), report(delivery.message_id))
    found = desk.database.read(deliveries.of_conversation, conversation_id)
    assert [(delivery.kind, delivery.state) for delivery in found] == [("receipt", "failed"), ("status", "failed")]
    assert events(desk).count(letters.FAILED) == 2


def test_no_notice_goes_to_an_address_from_which_the_last_letter_came_back(desk: Desk, conversation_id: uuid.UUID) -> None:
    take_in(desk, report(only(desk, conversation_id).message_id))

    def tell(session: Session, _desk: Desk, conversation: Conversation) -> None:
        notices.tell(session, desk, conversation, "Обращение взято в работу.", letter=letters.STATUS)

    locked(desk, conversation_id, tell)
    assert text_of(desk, messages(desk, conversation_id)[-1]) == "Обращение взято в работу."
    assert only(desk, conversation_id).kind == letters.RECEIPT
    assert len(listed(desk)) == 1


@pytest.mark.parametrize(("action", "status"), [("delayed", "4.4.7"), ("delayed", "5.0.0"), ("relayed", "2.0.0"), ("failed", "4.2.2")])
def test_a_delay_changes_nothing(desk: Desk, conversation_id: uuid.UUID, action: str, status: str) -> None:
    take_in(desk, report(only(desk, conversation_id).message_id, action, status))
    assert only(desk, conversation_id).state == DeliveryState.SENT
    assert (listed(desk), letters.FAILED in events(desk)) == ([], False)


def test_a_made_up_report_changes_nothing(desk: Desk, conversation_id: uuid.UUID) -> None:
    number, _, rest = only(desk, conversation_id).message_id.strip("<>").partition(".")
    name, _, domain = rest.rpartition("@")
    forged = [f"<{number}.{'a' * 13}.{'a' * 16}@{domain}>", f"<{number}.{name[:-1]}{'a' if name[-1] != 'a' else 'b'}@{domain}>"]
    assert all(message_ids.is_forged(desk, one) for one in forged)
    take_in(desk, *map(report, forged))
    assert only(desk, conversation_id).state == DeliveryState.SENT


def test_it_is_sent_again_to_the_corrected_address(desk: Desk, conversation_id: uuid.UUID) -> None:
    operator, delivery = add_operator(desk), only(desk, conversation_id)
    take_in(desk, report(delivery.message_id))
    locked(desk, conversation_id, send_again, delivery.id, operator, f" {RIGHT} ")
    again = only(desk, conversation_id)
    assert (again.state, again.failure, again.attempts, again.message_id) == (DeliveryState.QUEUED, None, 0, delivery.message_id)
    assert desk.database.read(render, desk, again)["To"] == RIGHT
    assert (listed(desk), events(desk)[-1]) == ([], "letter_sent_again")
    entry = rows(desk, AuditEntry)[-1]
    assert (entry.action, entry.subject, entry.operator_id) == (audit.LETTER_SENT_AGAIN, "receipt to another address", operator.id)
    assert attempt(desk, again, None) == DeliveryState.SENT


def test_the_address_is_corrected_in_the_appeal_too(desk: Desk) -> None:
    (row,) = take_in(desk, letter())
    delivery = desk.database.read(deliveries.of_conversation, row.conversation_id)[0]  # type: ignore[arg-type]
    attempt(desk, delivery, Undeliverable("refused 550"))
    locked(desk, delivery.conversation_id, send_again, delivery.id, add_operator(desk), RIGHT)
    conversation = reload(desk, delivery.conversation_id)

    def address(session: Session) -> str:
        return desk.vault.values(session, conversation)[citizen_fields(session, desk, conversation)["email"]]

    assert desk.database.read(address) == RIGHT
    # What comes from there is the citizen's own now.
    (_, answer) = take_in(desk, letter("Re: ваше письмо", "Спасибо", RIGHT, In_Reply_To=delivery.message_id))
    assert answer.conversation_id == delivery.conversation_id


def test_what_is_sent_again_is_tried_as_long_as_the_first_time(desk: Desk, conversation_id: uuid.UUID) -> None:
    delivery = only(desk, conversation_id)
    take_in(desk, report(delivery.message_id))

    def long_ago(session: Session) -> None:
        session.get_one(Delivery, delivery.id).created_at = now() - timedelta(days=20)

    desk.database.write(long_ago)
    locked(desk, conversation_id, send_again, delivery.id, add_operator(desk))
    assert attempt(desk, only(desk, conversation_id), TryLater("unreachable")) == DeliveryState.QUEUED


def test_old_failures_leave_the_list(desk: Desk, conversation_id: uuid.UUID) -> None:
    take_in(desk, report(only(desk, conversation_id).message_id))
    later = now() + timedelta(days=desk.settings.undelivered_days, minutes=1)
    assert desk.database.read(resending.undelivered, desk, later) == []


@pytest.mark.parametrize("address", ["", "нет", "a@b", "vera@example.org и petr@example.org", "support@portal.example.ru"])
def test_a_wrong_address_is_refused_and_nothing_changes(desk: Desk, conversation_id: uuid.UUID, address: str) -> None:
    delivery = only(desk, conversation_id)
    take_in(desk, report(delivery.message_id))
    with pytest.raises(Problem) as caught:
        locked(desk, conversation_id, send_again, delivery.id, add_operator(desk), address)
    assert caught.value.status == 422
    assert only(desk, conversation_id).state == DeliveryState.FAILED


def test_only_what_failed_is_sent_again_and_only_by_its_own_conversation(desk: Desk, conversation_id: uuid.UUID) -> None:
    operator, delivery = add_operator(desk), only(desk, conversation_id)
    with pytest.raises(Problem) as caught:
        locked(desk, conversation_id, send_again, delivery.id, operator)
    assert caught.value.status == 409
    with pytest.raises(Problem) as caught:
        locked(desk, start_conversation(desk), send_again, delivery.id, operator)
    assert caught.value.status == 404
    assert [row.state for row in stored(desk)] == []
    assert desk.database.read(lambda session: session.scalars(select(AuditEntry)).all()) == []
