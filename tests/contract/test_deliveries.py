"""The outbox: what is told is written once, sent by one worker at a time, and tried again."""

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from bot import intake
from bot.intake import Inbound
from core import deliveries
from core.deliveries import TryLater, Undeliverable
from core.desk import Desk
from core.errors import Problem
from core.files import Files
from core.ids import new_id
from core.models import Conversation, Delivery, DeliveryState, Mode, now
from core.personal_data import TOKEN
from core.presence import Presence
from handoff import appeals, letters, queue
from handoff.console.workplace import Workplace
from handoff.letters import message_ids
from tests.scenes import MONDAY, add_operator, change_mode, hand_over, in_threads, locked, messages, reload, start_conversation, text_of

LEASE = timedelta(seconds=120)
FIRST_PAUSE = timedelta(minutes=5)
ADDRESS = "anna.lebedeva@example.com"


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    """A conversation whose citizen has left an address."""
    started = start_conversation(desk)
    locked(desk, started, know_address)
    return started


def know_address(session: Session, desk: Desk, conversation: Conversation) -> None:
    conversation.email_token = desk.vault.put(session, conversation, "email", ADDRESS)


def put(desk: Desk, conversation_id: uuid.UUID, subject_id: uuid.UUID | None = None) -> Delivery:
    def work(session: Session, _desk: Desk, conversation: Conversation) -> Delivery:
        return deliveries.put(
            session,
            conversation,
            channel="mail",
            kind="receipt",
            subject_id=subject_id or new_id(),
            address_token="pdemail1",
            name=lambda delivery_id: f"<{delivery_id}@portal.example.ru>",
        )

    return locked(desk, conversation_id, work)


def stored(desk: Desk, conversation_id: uuid.UUID) -> list[Delivery]:
    return desk.database.read(deliveries.of_conversation, conversation_id)


def claim(desk: Desk, delivery: Delivery, worker: str = "one", at: datetime | None = None) -> Delivery | None:
    return desk.database.write(deliveries.claim, delivery.id, worker, at or now(), desk.settings)


def end(desk: Desk, claimed: Delivery | None, outcome: Undeliverable | TryLater | None, at: datetime | None = None) -> DeliveryState | None:
    assert claimed
    return desk.database.write(deliveries.end, claimed, at or now(), outcome, desk.settings)


def accept(desk: Desk, conversation_id: uuid.UUID, text: str) -> None:
    desk.database.write(intake.accept, desk, conversation_id, Inbound(str(uuid.uuid4()), text), MONDAY)


def workplace(desk: Desk, citizens: Presence) -> Workplace:
    return Workplace(desk, Files(desk), lambda _text: [], citizens)


# What is written, and when.


def test_the_receipt_is_written_with_the_handoff(desk: Desk, conversation_id: uuid.UUID) -> None:
    hand_over(desk, conversation_id)
    (receipt,) = stored(desk, conversation_id)
    (appeal,) = desk.database.read(appeals.of_conversation, conversation_id)
    assert (receipt.kind, receipt.subject_id, receipt.address_token) == (letters.RECEIPT, appeal.id, "pdemail1")
    assert (receipt.state, receipt.attempts) == (DeliveryState.QUEUED, 0)
    assert message_ids.number_of(desk, receipt.message_id) == appeal.number


def test_without_an_address_there_is_no_letter_until_one_is_given(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    hand_over(desk, conversation_id)
    assert stored(desk, conversation_id) == []
    accept(desk, conversation_id, "Побыстрее, пожалуйста")
    assert stored(desk, conversation_id) == []
    accept(desk, conversation_id, f"пишите на {ADDRESS}")
    accept(desk, conversation_id, "или на other@example.org")
    (receipt,) = stored(desk, conversation_id)
    assert (receipt.kind, receipt.address_token) == (letters.RECEIPT, reload(desk, conversation_id).email_token)  # the last one counts


def test_an_appeal_has_one_receipt_however_often_it_is_queued(desk: Desk, conversation_id: uuid.UUID) -> None:
    hand_over(desk, conversation_id)
    locked(desk, conversation_id, queue.leave, MONDAY)
    hand_over(desk, conversation_id)
    assert len(stored(desk, conversation_id)) == 1


def test_what_fails_leaves_no_letter(desk: Desk, conversation_id: uuid.UUID) -> None:
    def fail(session: Session, _desk: Desk, conversation: Conversation) -> None:
        queue.hand_over(session, desk, conversation, "citizen_asked", MONDAY)
        raise RuntimeError("after the handoff")

    with pytest.raises(RuntimeError, match="after the handoff"):
        locked(desk, conversation_id, fail)
    assert stored(desk, conversation_id) == []


def test_many_writers_put_one_row(desk: Desk, conversation_id: uuid.UUID) -> None:
    subject_id = new_id()
    found = in_threads(8, lambda _: put(desk, conversation_id, subject_id))
    assert {delivery.message_id for delivery in found} == {delivery.message_id for delivery in stored(desk, conversation_id)}
    assert len(stored(desk, conversation_id)) == 1


async def test_an_answer_goes_by_letter_only_to_who_has_left(desk: Desk, conversation_id: uuid.UUID) -> None:
    operator, citizens = add_operator(desk), Presence(desk.database)
    console = workplace(desk, citizens)
    hand_over(desk, conversation_id)
    (receipt,) = stored(desk, conversation_id)
    locked(desk, conversation_id, queue.claim, operator, MONDAY)
    with citizens.stay(conversation_id):
        await console.reply(conversation_id, operator, "1", "Вы в чате", [])
        with citizens.stay(conversation_id):  # a second page
            pass
        await console.reply(conversation_id, operator, "2", "И сейчас", [])
    assert [row.kind for row in stored(desk, conversation_id)] == [letters.RECEIPT]
    for _ in range(2):
        await console.reply(conversation_id, operator, "3", "Вы ушли", [])
    _, answer = stored(desk, conversation_id)
    last = messages(desk, conversation_id)[-1]
    assert (text_of(desk, last), answer.kind, answer.subject_id) == ("Вы ушли", letters.ANSWER, last.id)
    assert answer.in_reply_to == receipt.message_id


async def test_an_answer_without_an_address_stays_in_the_chat(desk: Desk) -> None:
    conversation_id, operator = start_conversation(desk), add_operator(desk)
    hand_over(desk, conversation_id)
    locked(desk, conversation_id, queue.claim, operator, MONDAY)
    await workplace(desk, Presence(desk.database)).reply(conversation_id, operator, "1", "Ответ", [])
    assert stored(desk, conversation_id) == []


async def test_a_refused_answer_and_a_note_are_no_letters(desk: Desk, conversation_id: uuid.UUID) -> None:
    operator, other = add_operator(desk), add_operator(desk, "petrov", "Олег Петров")
    locked(desk, conversation_id, queue.claim, operator, MONDAY)
    console = workplace(desk, Presence(desk.database))
    with pytest.raises(Problem):
        await console.reply(conversation_id, other, "1", "Ответ", [])
    await console.note(conversation_id, operator, "2", "Заметка", [])
    assert stored(desk, conversation_id) == []


def test_another_gateway_tells_who_is_here(desk: Desk, conversation_id: uuid.UUID) -> None:
    here, elsewhere = Presence(desk.database), Presence(desk.database)
    change_mode(desk, conversation_id, Mode.QUEUED)
    with here.stay(conversation_id):
        desk.database.write(here.tell)
        assert elsewhere.is_here(reload(desk, conversation_id))
    desk.database.write(here.tell)
    assert not elsewhere.is_here(reload(desk, conversation_id))
    assert not here.is_here(reload(desk, conversation_id))


# Leases and retries.


def test_one_of_many_workers_gets_it(desk: Desk, conversation_id: uuid.UUID) -> None:
    delivery = put(desk, conversation_id)
    claimed = [found for found in in_threads(8, lambda number: claim(desk, delivery, f"worker {number}")) if found]
    assert len(claimed) == 1
    assert (claimed[0].state, claimed[0].attempts) == (DeliveryState.SENDING, 1)


def test_another_gets_it_once_the_lease_has_run_out(desk: Desk, conversation_id: uuid.UUID) -> None:
    delivery, at = put(desk, conversation_id), now()
    first = claim(desk, delivery, "one", at)
    assert claim(desk, delivery, "two", at + LEASE) is None
    second = claim(desk, delivery, "two", at + LEASE + timedelta(seconds=1))
    assert second
    assert (second.attempts, second.message_id) == (2, delivery.message_id)
    assert end(desk, first, None) is None  # too late: it is another's
    assert stored(desk, conversation_id)[0].state == DeliveryState.SENDING
    assert end(desk, second, None) == DeliveryState.SENT


def test_what_is_sent_is_over(desk: Desk, conversation_id: uuid.UUID) -> None:
    delivery, at = put(desk, conversation_id), now()
    assert end(desk, claim(desk, delivery, at=at), None, at) == DeliveryState.SENT
    (sent,) = stored(desk, conversation_id)
    assert (sent.sent_at, sent.lease_owner, sent.failure) == (at, None, None)
    assert claim(desk, delivery, at=at + timedelta(days=30)) is None
    assert desk.database.read(deliveries.claimable, at + timedelta(days=30)) == []


def test_pauses_double_until_it_is_given_up(desk: Desk, conversation_id: uuid.UUID) -> None:
    delivery = put(desk, conversation_id)
    at, pauses = delivery.created_at, []
    while True:
        state = end(desk, claim(desk, delivery, at=at), TryLater("unreachable"), at)
        (row,) = stored(desk, conversation_id)
        if state != DeliveryState.QUEUED:
            break
        assert claim(desk, delivery, at=row.due_at - timedelta(seconds=1)) is None
        pauses.append((row.due_at - at).total_seconds() / 60)
        at = row.due_at
    assert pauses[:8] == [5, 10, 20, 40, 80, 160, 320, 360]
    assert set(pauses[8:]) == {360}
    assert (state, row.failure) == (DeliveryState.FAILED, deliveries.GIVEN_UP)
    assert timedelta(days=2.7) < at - delivery.created_at <= timedelta(days=3)
    assert row.message_id == delivery.message_id


def test_a_pause_that_is_asked_for_is_kept(desk: Desk, conversation_id: uuid.UUID) -> None:
    delivery, at = put(desk, conversation_id), now()
    end(desk, claim(desk, delivery, at=at), TryLater("busy", retry_after=1000), at)
    assert stored(desk, conversation_id)[0].due_at == at + timedelta(seconds=1000)


def test_what_is_refused_is_not_tried_again(desk: Desk, conversation_id: uuid.UUID) -> None:
    delivery = put(desk, conversation_id)
    assert end(desk, claim(desk, delivery), Undeliverable("refused 550")) == DeliveryState.FAILED
    assert desk.database.read(deliveries.claimable, now() + timedelta(days=30)) == []


def test_the_longest_due_goes_first(desk: Desk, conversation_id: uuid.UUID) -> None:
    first, second = put(desk, conversation_id), put(desk, start_conversation(desk))
    at = now()
    assert desk.database.read(deliveries.claimable, at) == [first.id, second.id]
    end(desk, claim(desk, first, at=at), TryLater("unreachable"), at)
    assert desk.database.read(deliveries.claimable, at) == [second.id]
    assert desk.database.read(deliveries.claimable, at + FIRST_PAUSE) == [second.id, first.id]


def test_none_overtakes_an_earlier_one_of_its_conversation(desk: Desk, conversation_id: uuid.UUID) -> None:
    rows = [put(desk, conversation_id) for _ in range(3)]
    at = now()
    assert desk.database.read(deliveries.claimable, at) == [rows[0].id]
    begun = claim(desk, rows[0], at=at)
    assert desk.database.read(deliveries.claimable, at) == []
    assert claim(desk, rows[1], at=at) is None
    end(desk, begun, TryLater("unreachable"), at)
    assert claim(desk, rows[1], at=at) is None  # the first has to wait, and the others with it
    end(desk, claim(desk, rows[0], at=at + FIRST_PAUSE), Undeliverable("refused 550"), at)
    end(desk, claim(desk, rows[1], at=at), None, at)
    assert desk.database.read(deliveries.claimable, at) == [rows[2].id]
    assert desk.database.read(deliveries.claimable, at, ["telegram"]) == []


def test_how_far_it_came_is_kept_while_the_lease_holds(desk: Desk, conversation_id: uuid.UUID) -> None:
    delivery, at = put(desk, conversation_id), now()
    first = claim(desk, delivery, "one", at)
    assert first
    later = at + LEASE
    assert desk.database.write(deliveries.note_part, first, 1, later, desk.settings)
    assert claim(desk, delivery, "two", later + LEASE) is None  # the lease begins anew with each part
    second = claim(desk, delivery, "two", later + LEASE + timedelta(seconds=1))
    assert second
    assert second.parts_sent == 1
    assert not desk.database.write(deliveries.note_part, first, 2, later, desk.settings)
    assert stored(desk, conversation_id)[0].parts_sent == 1


def test_a_new_start_releases_what_a_dead_process_held(desk: Desk, conversation_id: uuid.UUID) -> None:
    delivery = put(desk, conversation_id)
    claim(desk, delivery)
    desk.database.write(deliveries.release_all)
    assert claim(desk, delivery, "two")


def test_a_row_holds_no_personal_data(desk: Desk, conversation_id: uuid.UUID) -> None:
    hand_over(desk, conversation_id)
    (row,) = stored(desk, conversation_id)
    assert TOKEN.fullmatch(row.address_token)
    assert ADDRESS not in str({column.name: getattr(row, column.name) for column in Delivery.__table__.columns})
