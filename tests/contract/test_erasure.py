"""Erasure: values destroyed, counts kept, open appeals closed, a receipt sent, and what lies outside of the database done until done."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import claims, erasures
from bot.channels.mail import MailCourier, MaildirTransport
from bot.dialogue_engine import EngineDown
from bot.erasures import Erasures
from core import audit, conversations, deliveries
from core.deliveries import Undeliverable
from core.desk import Desk
from core.errors import Problem
from core.ids import new_id
from core.models import (
    AppealEvent,
    AppealStatus,
    Attachment,
    AuditEntry,
    Author,
    Consent,
    Conversation,
    Draft,
    Erasure,
    IndexedValue,
    Mode,
    QueueEntry,
    Rating,
    Scan,
    Turn,
    TurnState,
    VaultEntry,
    now,
)
from core.transcript import message_documents
from handoff import appeal_form, erasure
from handoff.appeal_status import Lookup
from tests.data.personas import ANNA
from tests.scenes import (
    LATER,
    accept,
    add_operator,
    appeals_of,
    claim,
    close,
    hand_over,
    locked,
    messages,
    register,
    reload,
    start_conversation,
    write_message,
)

REASON = f"Просила {ANNA.full_name}, тел. {ANNA.phone}"


class Engine:
    """Forgets, once it is up."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []
        self.is_down = False

    async def forget(self, sender: str) -> None:
        if self.is_down:
            raise EngineDown("ConnectError")
        self.forgotten.append(sender)


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    """Of somebody who told their data, waits for an operator, and has sent a file."""
    started = start_conversation(desk)
    accept(desk, started, f"Мой СНИЛС {ANNA.snils}, телефон {ANNA.phone}")
    hand_over(desk, started)
    accept(desk, started, f"пишите на {ANNA.email}", "m2")
    locked(desk, started, send_file)
    return started


def send_file(session: Session, desk: Desk, conversation: Conversation) -> None:
    message = conversations.append(session, desk.vault, conversation, Author.CITIZEN, "Вот снимок")
    attachment = Attachment(
        id=new_id(),
        conversation_id=conversation.id,
        message_id=message.id,
        filename_sealed=desk.vault.seal(conversation, "Лебедева.png"),
        content_type="image/png",
        size=8,
        scan=Scan.CLEAN,
    )
    session.add(attachment)
    desk.blobs.put(attachment.id, b"sealed 1")


def erase(desk: Desk, conversation_id: uuid.UUID, cause: str = erasure.CITIZEN, **more: Any) -> bool:
    return locked(desk, conversation_id, lambda s, d, c: erasure.erase(s, d, c, cause, LATER, **more))


def count(desk: Desk, kind: type, conversation_id: uuid.UUID) -> int:
    wanted = select(func.count()).select_from(kind).where(kind.conversation_id == conversation_id)  # type: ignore[attr-defined]
    return int(desk.database.read(lambda session: session.scalar(wanted)) or 0)


def shown(desk: Desk, conversation_id: uuid.UUID, *, for_operator: bool = False) -> list[dict[str, object]]:
    def read(session: Session) -> list[dict[str, object]]:
        conversation = conversations.find(session, conversation_id)
        found = conversations.messages_after(session, conversation_id, 0, 1000)
        return message_documents(session, desk, conversation, found, for_operator=for_operator)

    return desk.database.read(read)


def test_what_is_destroyed_and_what_stays(desk: Desk, conversation_id: uuid.UUID) -> None:
    before = messages(desk, conversation_id)
    (appeal,) = appeals_of(desk, conversation_id)
    assert count(desk, VaultEntry, conversation_id) >= 3
    assert count(desk, IndexedValue, conversation_id) >= 3
    assert erase(desk, conversation_id)

    after = reload(desk, conversation_id)
    assert (after.mode, after.data_key, after.email_token, after.token_hash is None) == (Mode.CLOSED, None, None, False)
    assert [count(desk, kind, conversation_id) for kind in (VaultEntry, IndexedValue, Draft)] == [0, 0, 0]
    assert {message.text_sealed for message in messages(desk, conversation_id)} == {b""}
    assert [message.created_at for message in messages(desk, conversation_id)][:-1] == [message.created_at for message in before]
    for reader in (False, True):
        *rest, last = shown(desk, conversation_id, for_operator=reader)
        assert {message["text"] for message in rest} == {"данные удалены"}
        assert all(message["buttons"] == [] and message["expects"] is None for message in rest)
        assert last["meta"] == {"kind": "erased", "cause": "citizen", "appeal_numbers": [appeal.number]}
        assert "Данные этого разговора удалены" in str(last["text"]) and appeal.number in str(last["text"])
    (closed,) = appeals_of(desk, conversation_id)
    assert (closed.status, closed.closed_at, closed.fields_sealed, closed.number) == (AppealStatus.CLOSED, LATER, None, appeal.number)
    kinds = desk.database.read(lambda session: list(session.scalars(select(AppealEvent.kind).order_by(AppealEvent.created_at))))
    assert kinds == ["registered", "queued", "withdrawn"]
    entry = desk.database.read(lambda session: session.scalars(select(QueueEntry)).one())
    assert (entry.ended_at, entry.ended_by) == (LATER, "erased")


def test_nothing_can_be_written_or_found_any_more(desk: Desk, conversation_id: uuid.UUID) -> None:
    (appeal,) = appeals_of(desk, conversation_id)
    code = desk.vault.open(reload(desk, conversation_id), appeal.access_code_sealed)
    lookup = Lookup(desk.vault)
    assert desk.database.read(lookup.find, appeal.number, code) is not None
    erase(desk, conversation_id)
    with pytest.raises(Problem) as refused:
        accept(desk, conversation_id, "ещё вопрос", "m3")
    assert (refused.value.status, refused.value.key) == (409, "conversation_closed")
    assert desk.database.read(lookup.find, appeal.number, code) is None
    with pytest.raises(Problem):
        claim(desk, conversation_id, add_operator(desk))


def test_a_second_time_changes_nothing(desk: Desk, conversation_id: uuid.UUID) -> None:
    assert erase(desk, conversation_id)
    assert not erase(desk, conversation_id, erasure.COMMAND)
    assert len([message for message in messages(desk, conversation_id) if message.meta.get("kind") == "erased"]) == 1


def test_marks_and_counts_stay(desk: Desk, conversation_id: uuid.UUID) -> None:
    operator = add_operator(desk)
    claim(desk, conversation_id, operator)
    close(desk, conversation_id, operator)
    question = messages(desk, conversation_id)[-1]
    accept(desk, conversation_id, "5", "m4", payload=f"{question.id}.4")
    erase(desk, conversation_id)
    rating = desk.database.read(lambda session: session.scalars(select(Rating)).one())
    assert (rating.score, rating.operator_id) == (5, operator.id)
    assert shown(desk, conversation_id)[-1]["meta"]["appeal_numbers"] == []  # type: ignore[index]


def test_the_turn_that_is_under_way_ends(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    accept(desk, conversation_id, "первый")
    accept(desk, conversation_id, "второй", "m2")
    erase(desk, conversation_id)
    turns = desk.database.read(lambda session: list(session.scalars(select(Turn))))
    assert {turn.state for turn in turns} == {TurnState.DROPPED}
    assert desk.database.read(claims.open_turns, conversation_id) == set()


def test_who_did_it_and_why_is_kept_apart(desk: Desk, conversation_id: uuid.UUID) -> None:
    operator = add_operator(desk)
    erase(desk, conversation_id, erasure.OPERATOR, operator=operator, reason=REASON)
    rows = desk.database.read(lambda session: list(session.scalars(select(AuditEntry))))
    reason = desk.database.read(audit.reason_of, desk.vault, rows[0])
    assert reason.startswith("Просила") and ANNA.phone not in reason
    assert [(row.actor, row.action, row.conversation_id) for row in rows] == [("ivanova", audit.ERASE, conversation_id)]
    assert desk.database.read(audit.verify, desk.vault).faults == []


async def test_the_rest_is_done_until_it_is_done(desk: Desk, conversation_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    worker = Erasures(desk, engine)
    (attachment,) = desk.database.read(lambda session: list(session.scalars(select(Attachment))))
    locked(desk, conversation_id, lambda _s, _d, conversation: setattr(conversation, "episode", 3))
    engine.is_down = True
    erase(desk, conversation_id)
    monkeypatch.setattr(erasures, "now", lambda: LATER)
    assert desk.blobs.get(attachment.id)
    assert await worker.finish_open() == 0  # the engine is away
    assert engine.forgotten == []
    engine.is_down = False
    monkeypatch.setattr(erasures, "now", lambda: LATER + timedelta(seconds=10))
    assert await worker.finish_open() == 0  # the engine may be at a turn still: there is a last look
    assert engine.forgotten == [f"{conversation_id}-{episode}" for episode in (1, 2, 3)]
    with pytest.raises(FileNotFoundError):
        desk.blobs.get(attachment.id)
    assert await worker.finish_open() == 0
    assert len(engine.forgotten) == 3
    monkeypatch.setattr(erasures, "now", lambda: LATER + timedelta(minutes=1))
    assert await worker.finish_open() == 1
    assert len(engine.forgotten) == 6
    assert await Erasures(desk, engine).finish_open() == 0


async def test_the_receipt_goes_out_and_its_address_is_forgotten(
    desk: Desk, conversation_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasures, "now", lambda: LATER)
    worker = Erasures(desk, Engine())
    (receipt,) = desk.database.read(deliveries.of_conversation, conversation_id)
    erase(desk, conversation_id)
    cancelled, ours = desk.database.read(deliveries.of_conversation, conversation_id)
    assert (cancelled.id, cancelled.state, cancelled.failure) == (receipt.id, "failed", "erased")
    courier = MailCourier(desk, MaildirTransport(desk.settings.mail_dir))
    await worker.finish_open()
    letter = desk.database.read(courier.prepare, ours)
    assert (letter["To"], letter["Subject"]) == (ANNA.email, "Ваши данные удалены")
    body = letter.get_body(("plain",))
    assert body
    text = body.get_content()
    assert appeals_of(desk, conversation_id)[0].number in text
    assert ANNA.snils not in text
    claimed = desk.database.write(deliveries.claim, ours.id, "w", now(), desk.settings)
    assert claimed is not None
    desk.database.write(deliveries.end, claimed, now(), None, desk.settings)
    await worker.finish_open()
    with pytest.raises(Undeliverable):
        desk.database.read(courier.prepare, ours)
    row = desk.database.read(lambda session: session.get_one(Erasure, conversation_id))
    assert (row.addresses_sealed, row.data_key) == (None, None)


async def test_no_copy_stays_in_the_files(desk: Desk, conversation_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite only: what PostgreSQL keeps of dead rows until its vacuum is in docs/security.md."""
    if not desk.database.is_sqlite:
        return
    conversation = reload(desk, conversation_id)
    entries = desk.database.read(lambda session: list(session.scalars(select(VaultEntry))))
    secrets = [conversation.data_key or b"", *(entry.value_sealed for entry in entries), messages(desk, conversation_id)[0].text_sealed]

    def places() -> list[tuple[str, int]]:
        files = [path for path in desk.settings.data_dir.rglob("*") if path.is_file()]
        return [(path.name, number) for path in files for number, secret in enumerate(secrets) if secret in path.read_bytes()]

    assert {number for _, number in places()} == set(range(len(secrets)))
    erase(desk, conversation_id)
    monkeypatch.setattr(erasures, "now", lambda: LATER + timedelta(minutes=1))
    assert await Erasures(desk, Engine()).finish_open() == 1
    assert places() == []  # with the desk open


def test_consent_is_withdrawn_and_the_appeal_with_it(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    given = write_message(desk, conversation_id, "да")
    desk.database.write(appeal_form.record_consent, desk, given)
    appeal = register(desk, conversation_id)
    assert desk.database.read(erasure.has_consent, conversation_id)
    assert desk.database.read(erasure.open_numbers, conversation_id) == [appeal.number]
    told = locked(desk, conversation_id, erasure.withdraw_consent, LATER)
    assert not desk.database.read(erasure.has_consent, conversation_id)
    assert desk.database.read(lambda session: session.scalars(select(Consent)).one().withdrawn_at) == LATER
    assert appeals_of(desk, conversation_id)[0].status == AppealStatus.CLOSED
    assert reload(desk, conversation_id).mode == Mode.BOT
    words = desk.vault.open(reload(desk, conversation_id), told.text_sealed)
    assert "Согласие отозвано" in words and appeal.number in words and "30 дн" in words
