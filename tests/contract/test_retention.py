"""Retention: what is kept how long, what never expires, and what the nightly job says."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import audit, conversations
from core.blobs import FolderBlobs
from core.desk import Desk
from core.models import Attachment, Conversation, Erasure, Lease, Message, Mode, Turn, TurnState
from core.working_time import MOSCOW, seconds_until
from handoff import appeal_form, appeals, erasure, retention
from handoff.retention import Retention
from tests.contract.test_erasure import send_file
from tests.scenes import MONDAY, accept, add_operator, claim, close, hand_over, locked, reload, start_conversation, write_message
from tests.stack import wait_for


def days_ago(desk: Desk, conversation_id: uuid.UUID, days: float) -> None:
    """Its messages were written that long before MONDAY."""
    moment = MONDAY - timedelta(days=days)

    def work(session: Session) -> None:
        session.execute(update(Message).where(Message.conversation_id == conversation_id).values(created_at=moment))
        session.execute(update(Conversation).where(Conversation.id == conversation_id).values(created_at=moment))
        session.execute(update(Turn).where(Turn.conversation_id == conversation_id).values(state=TurnState.DONE))

    desk.database.write(work)


def asked(desk: Desk) -> uuid.UUID:
    conversation_id = start_conversation(desk)
    accept(desk, conversation_id, "вопрос")
    return conversation_id


def answered(desk: Desk, closed_at: datetime = MONDAY) -> uuid.UUID:
    """With an appeal that was closed then."""
    conversation_id = asked(desk)
    operator = add_operator(desk, f"op-{conversation_id.hex[-8:]}")
    hand_over(desk, conversation_id)
    claim(desk, conversation_id, operator)
    close(desk, conversation_id, operator)

    def move(session: Session, _desk: Desk, conversation: Conversation) -> None:
        for appeal in appeals.of_conversation(session, conversation.id):
            appeal.closed_at = closed_at

    locked(desk, conversation_id, move)
    return conversation_id


def is_erased(desk: Desk, conversation_id: uuid.UUID) -> bool:
    return reload(desk, conversation_id).data_key is None


def test_a_conversation_without_an_appeal(desk: Desk) -> None:
    old, young = asked(desk), asked(desk)
    days_ago(desk, old, 181)
    days_ago(desk, young, 179)
    counts = retention.retain(desk, MONDAY)
    assert (is_erased(desk, old), is_erased(desk, young), counts.conversations) == (True, False, 1)
    assert retention.retain(desk, MONDAY).conversations == 0
    assert desk.database.read(lambda session: session.get_one(Erasure, old).cause) == erasure.EXPIRED


def test_a_conversation_with_closed_appeals_is_kept_longer(desk: Desk) -> None:
    old, late_word, late_closing = (
        answered(desk, MONDAY - timedelta(days=1096)),
        answered(desk, MONDAY - timedelta(days=1096)),
        answered(desk),
    )
    days_ago(desk, old, 1096)
    days_ago(desk, late_word, 1000)
    days_ago(desk, late_closing, 1096)
    assert retention.retain(desk, MONDAY).conversations == 1
    assert [is_erased(desk, one) for one in (old, late_word, late_closing)] == [True, False, False]


def test_who_waits_or_is_served_never_expires(desk: Desk) -> None:
    waiting, served, unanswered, is_open = asked(desk), asked(desk), asked(desk), asked(desk)
    hand_over(desk, waiting)
    hand_over(desk, served)
    claim(desk, served, add_operator(desk))
    hand_over(desk, is_open)
    locked(desk, is_open, lambda session, _desk, c: conversations.change_mode(session, c, Mode.BOT))
    for one in (waiting, served, unanswered, is_open):
        days_ago(desk, one, 5000)
    desk.database.write(lambda session: session.execute(update(Turn).where(Turn.conversation_id == unanswered).values(state="accepted")))
    assert retention.retain(desk, MONDAY).conversations == 0


def test_a_withdrawn_consent_ends_it_earlier(desk: Desk) -> None:
    withdrawn, kept = asked(desk), asked(desk)
    for one in (withdrawn, kept):
        desk.database.write(appeal_form.record_consent, desk, write_message(desk, one, "да"))
        days_ago(desk, one, 31)
    locked(desk, withdrawn, erasure.withdraw_consent, MONDAY - timedelta(days=31))
    assert retention.retain(desk, MONDAY - timedelta(days=2)).conversations == 0
    assert retention.retain(desk, MONDAY).conversations == 1
    assert (is_erased(desk, withdrawn), is_erased(desk, kept)) == (True, False)


def test_files_go_before_their_conversation(desk: Desk) -> None:
    conversation_id = answered(desk, MONDAY - timedelta(days=400))
    locked(desk, conversation_id, send_file)
    days_ago(desk, conversation_id, 400)
    desk.database.write(lambda session: session.execute(update(Attachment).values(created_at=MONDAY - timedelta(days=400))))
    assert retention.retain(desk, MONDAY).files == 1
    (attachment,) = desk.database.read(lambda session: list(session.scalars(select(Attachment))))
    assert attachment.erased_at == MONDAY
    with pytest.raises(FileNotFoundError):
        desk.blobs.get(attachment.id)
    assert not is_erased(desk, conversation_id)
    assert retention.retain(desk, MONDAY).files == 0


def test_reasons_and_audit_rows_go_last(desk: Desk) -> None:
    conversation_id = asked(desk)
    operator = add_operator(desk)
    locked(
        desk,
        conversation_id,
        lambda s, d, c: erasure.erase(s, d, c, erasure.OPERATOR, MONDAY, operator=operator, reason="по письму"),
    )
    counts = retention.retain(desk, MONDAY + timedelta(days=1800))
    assert (counts.reasons, counts.audit_rows) == (0, 0)
    counts = retention.retain(desk, MONDAY + timedelta(days=2000))
    assert (counts.reasons, counts.audit_rows >= 1) == (1, True)
    assert desk.database.read(audit.verify, desk.vault).faults == []


def test_one_that_fails_ends_nothing_else(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_AT_ONCE", 2)
    conversation_id = answered(desk, MONDAY - timedelta(days=400))
    for _ in range(2):
        locked(desk, conversation_id, send_file)
    days_ago(desk, conversation_id, 400)
    desk.database.write(lambda session: session.execute(update(Attachment).values(created_at=MONDAY - timedelta(days=400))))
    failing = [asked(desk) for _ in range(3)]  # more than one look finds
    expired = asked(desk)
    for one in (*failing, expired):
        days_ago(desk, one, 181)
    stuck, *_ = desk.database.read(lambda session: list(session.scalars(select(Attachment.id).order_by(Attachment.id))))
    delete, erase = desk.blobs.delete, erasure.erase

    def delete_most(_blobs: FolderBlobs, blob_id: uuid.UUID) -> None:
        if blob_id == stuck:
            raise PermissionError
        delete(blob_id)

    def erase_some(session: Session, desk: Desk, conversation: Conversation, cause: str, at: datetime) -> bool:
        if conversation.id in failing:
            raise RuntimeError("a fault of ours")
        return erase(session, desk, conversation, cause, at)

    with monkeypatch.context() as patched:
        patched.setattr(FolderBlobs, "delete", delete_most)
        patched.setattr(erasure, "erase", erase_some)
        counts = retention.retain(desk, MONDAY)
    assert (counts.conversations, counts.files, counts.failed) == (1, 1, 4)
    assert is_erased(desk, expired)
    counts = retention.retain(desk, MONDAY)
    assert (counts.conversations, counts.files, counts.failed) == (3, 1, 0)


class Clock:
    """Of the nightly job and its lease."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
        self.at = at
        monkeypatch.setattr(retention, "now", lambda: self.at)


async def run_until(what: str, desk: Desk, is_true: Callable[[], bool]) -> None:
    """The desk's nightly job, until that is true; then the process dies."""
    job = asyncio.create_task(Retention(desk).run_forever())
    await asyncio.to_thread(wait_for, what, is_true)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)


def due_at(desk: Desk) -> datetime | None:
    held = desk.database.read(lambda session: session.get(Lease, "retention"))
    return held.until if held else None


async def test_a_night_that_the_desk_was_down_is_made_good_at_its_start(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, MONDAY)
    first, second = asked(desk), asked(desk)
    days_ago(desk, first, 181)
    days_ago(desk, second, 178.5)
    night = datetime(2026, 11, 24, 3, 0, tzinfo=MOSCOW)
    await run_until("the first night to be set", desk, lambda: due_at(desk) == night)
    assert not is_erased(desk, first)  # a desk that was just set up begins at night
    clock.at = night + timedelta(hours=7)
    await run_until("the missed night", desk, lambda: due_at(desk) == night + timedelta(days=1))
    assert (is_erased(desk, first), is_erased(desk, second)) == (True, False)
    clock.at += timedelta(hours=1)
    assert await Retention(desk).run_if_due() is None  # done for today
    clock.at += timedelta(days=1)
    await run_until("the next night", desk, lambda: is_erased(desk, second))


async def test_a_run_that_crashed_is_repeated_within_the_hour(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, MONDAY)
    expired = asked(desk)
    days_ago(desk, expired, 181)

    def crash(*_given: object) -> None:
        raise RuntimeError("in the middle of it")

    with monkeypatch.context() as patched:
        patched.setattr(retention, "retain", crash)
        with pytest.raises(RuntimeError, match="in the middle"):
            await Retention(desk).run_if_due()
    assert await Retention(desk).run_if_due() is None
    clock.at += timedelta(minutes=61)
    counts = await Retention(desk).run_if_due()
    assert counts is not None
    assert counts.conversations == 1


@pytest.mark.parametrize(
    ("at", "seconds"),
    [
        (datetime(2026, 11, 23, 2, 0, tzinfo=MOSCOW), 3600),
        (datetime(2026, 11, 23, 3, 0, tzinfo=MOSCOW), 24 * 3600),
        (datetime(2026, 11, 23, 3, 0, 1, tzinfo=MOSCOW), 24 * 3600 - 1),
    ],
)
def test_the_next_night(at: datetime, seconds: float) -> None:
    assert seconds_until("03:00", at) == seconds
