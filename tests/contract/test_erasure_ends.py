"""What an erasure leaves to do: done until it is done, whoever fails or dies meanwhile, and nobody waits for it."""

import sqlite3
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from bot import erasures
from bot.channels.mail import MailCourier, MaildirTransport
from bot.delivery import Deliveries
from bot.dialogue_engine import EngineDown, EngineFailed, EngineSlow
from bot.erasures import Erasures
from core import deliveries, leases
from core.desk import Desk
from core.ids import new_id
from core.models import Attachment, Conversation, Erasure, Export
from handoff import erasure
from tests.data.personas import ANNA
from tests.scenes import LATER, accept, hand_over, locked, start_conversation

LAST_LOOK = LATER + timedelta(minutes=1)


class Engine:
    """Forgets, or fails as told."""

    def __init__(self, **faults: Exception) -> None:
        self.faults = {name.replace("_", "-"): fault for name, fault in faults.items()}
        self.asked: list[str] = []
        self.forgotten: list[str] = []

    async def forget(self, sender: str) -> None:
        conversation = sender[:36]
        self.asked.append(conversation)
        if fault := self.faults.get(conversation) or self.faults.get("all"):
            raise fault
        self.forgotten.append(conversation)


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Sets the worker's clock, which stands at the erasures' moment."""

    def put(moment: datetime) -> None:
        for module in (erasures, leases):
            monkeypatch.setattr(module, "now", lambda: moment)

    put(LATER)
    return put


def erase(desk: Desk, conversation_id: uuid.UUID, cause: str = erasure.CITIZEN, at: datetime = LATER) -> None:
    assert locked(desk, conversation_id, lambda s, d, c: erasure.erase(s, d, c, cause, at))


def erased(desk: Desk, cause: str = erasure.CITIZEN, at: datetime = LATER) -> uuid.UUID:
    conversation_id = start_conversation(desk)
    erase(desk, conversation_id, cause, at)
    return conversation_id


def with_address(desk: Desk) -> uuid.UUID:
    """Of a citizen whose receipt is waiting to go by letter."""
    conversation_id = start_conversation(desk)
    accept(desk, conversation_id, f"мой СНИЛС {ANNA.snils}")
    hand_over(desk, conversation_id)
    accept(desk, conversation_id, f"пишите на {ANNA.email}", "m2")
    erase(desk, conversation_id)
    return conversation_id


def row(desk: Desk, conversation_id: uuid.UUID) -> Erasure:
    return desk.database.read(lambda session: session.get_one(Erasure, conversation_id))


def contents(desk: Desk) -> list[Path]:
    return [path for path in (desk.settings.data_dir / "attachments").rglob("*") if path.is_file()]


def put_file(desk: Desk, conversation_id: uuid.UUID) -> None:
    def store(session: Session, _desk: Desk, conversation: Conversation) -> None:
        sealed = desk.vault.seal(conversation, "Лебедева.png")
        one = Attachment(
            id=new_id(), conversation_id=conversation.id, filename_sealed=sealed, content_type="image/png", size=8, scan="clean"
        )
        session.add(one)
        desk.blobs.put(one.id, b"sealed")

    locked(desk, conversation_id, store)


# The write-ahead log.


async def test_a_reader_holds_up_no_writer(desk: Desk, at: Callable[[datetime], None], monkeypatch: pytest.MonkeyPatch) -> None:
    if not desk.database.is_sqlite:
        pytest.skip("PostgreSQL's log is its own")
    tries = 0
    empty = desk.database.empty_log_soon

    async def counted() -> bool:
        nonlocal tries
        tries += 1
        return await empty()

    monkeypatch.setattr(desk.database, "empty_log_soon", counted)
    for _ in range(5):
        erased(desk)
    worker = Erasures(desk, Engine())
    at(LAST_LOOK)
    reader = sqlite3.connect(desk.settings.database_file, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM messages").fetchone()
    start_conversation(desk)  # so that the reader stands behind the log's end
    begun = time.monotonic()
    assert await worker.finish_open() == 0
    assert await worker.finish_open() == 0
    start_conversation(desk)
    assert time.monotonic() - begun < 5  # busy_timeout would be ten for each try
    assert tries == 1  # once for all five, and not again at once
    reader.execute("COMMIT")
    reader.close()
    at(LAST_LOOK + timedelta(seconds=10))
    assert await worker.finish_open() == 5


async def test_key_and_address_go_from_the_log_too(desk: Desk, at: Callable[[datetime], None]) -> None:
    """SQLite only: what PostgreSQL keeps of dead rows until its vacuum is in docs/security.md."""
    if not desk.database.is_sqlite:
        pytest.skip("PostgreSQL's log is its own")
    conversation_id = with_address(desk)
    before = row(desk, conversation_id)
    assert before.data_key and before.addresses_sealed
    worker = Erasures(desk, Engine())
    at(LAST_LOOK)
    assert await worker.finish_open() == 1

    def stands(secret: bytes) -> list[str]:
        return [path.name for path in desk.settings.data_dir.rglob("*") if path.is_file() and secret in path.read_bytes()]

    assert stands(before.addresses_sealed)
    for delivery in desk.database.read(deliveries.of_conversation, conversation_id):
        await Deliveries(desk, {"mail": MailCourier(desk, MaildirTransport(desk.settings.mail_dir))}).deliver(delivery.id)
    await worker.finish_open()
    assert (row(desk, conversation_id).data_key, row(desk, conversation_id).addresses_sealed) == (None, None)
    assert stands(before.addresses_sealed) == stands(before.data_key) == []


# Who goes first, and who holds up nobody.


async def test_a_citizens_own_goes_before_what_has_expired(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasures, "_AT_ONCE", 5)
    expired = [erased(desk, erasure.EXPIRED, LATER - timedelta(seconds=9 - number)) for number in range(7)]
    own = [erased(desk, cause) for cause in (erasure.CITIZEN, erasure.COMMAND)]
    engine = Engine()
    worker = Erasures(desk, engine)
    await worker.finish_open()
    assert {uuid.UUID(each) for each in engine.forgotten[:2]} == set(own)
    assert len(engine.forgotten) == 5
    await worker.finish_open()  # those of the first pass wait for their last look, and in nobody's way
    assert {uuid.UUID(each) for each in engine.forgotten} == {*own, *expired}
    assert len(engine.forgotten) == 9


@pytest.mark.parametrize("fault", [EngineFailed("status 500"), EngineSlow("ReadTimeout"), RuntimeError("a fault of ours")])
async def test_one_that_fails_holds_up_no_other(desk: Desk, at: Callable[[datetime], None], fault: Exception) -> None:
    failing, fine = erased(desk), erased(desk)
    engine = Engine(**{str(failing): fault})
    worker = Erasures(desk, engine)
    await worker.finish_open()
    await worker.finish_open()
    assert engine.asked == [str(failing), str(fine)]  # and the one that failed is left in peace for a while
    at(LAST_LOOK)
    assert await worker.finish_open() == 1
    engine.faults.clear()
    assert await worker.finish_open() == 0
    at(LAST_LOOK + timedelta(minutes=2))
    assert await worker.finish_open() == 1
    assert row(desk, failing).finished_at is not None


async def test_an_engine_that_is_away_is_not_asked_for_each(desk: Desk) -> None:
    for _ in range(5):
        conversation_id = start_conversation(desk)
        put_file(desk, conversation_id)
        erase(desk, conversation_id)
    down, slow = Engine(all=EngineDown("ConnectError")), Engine(all=EngineSlow("ReadTimeout"))
    worker = Erasures(desk, down)
    await worker.finish_open()
    assert len(down.asked) == 1
    assert contents(desk) == []  # files wait for no engine
    desk.database.write(lambda session: session.execute(update(Erasure).values(next_look_at=LATER)))
    worker._engine = slow
    await worker.finish_open()
    assert len(slow.asked) == 3


# What else is to go.


async def test_the_address_of_a_receipt_that_nobody_sends_is_forgotten(desk: Desk, at: Callable[[datetime], None]) -> None:
    conversation_id = with_address(desk)
    worker = Erasures(desk, Engine())
    at(LATER + timedelta(days=3))
    await worker.finish_open()
    assert row(desk, conversation_id).addresses_sealed is not None
    at(LATER + timedelta(days=5))
    await worker.finish_open()
    assert (row(desk, conversation_id).addresses_sealed, row(desk, conversation_id).data_key) == (None, None)
    *_, receipt = desk.database.read(deliveries.of_conversation, conversation_id)
    assert (receipt.state, receipt.failure) == ("failed", "given_up")


async def test_an_operators_reason_keeps_its_key(desk: Desk, at: Callable[[datetime], None]) -> None:
    by_command, expired = erased(desk, erasure.COMMAND), erased(desk, erasure.EXPIRED)
    at(LAST_LOOK)
    assert await Erasures(desk, Engine()).finish_open() == 2
    assert row(desk, by_command).data_key is not None
    assert row(desk, expired).data_key is None


async def test_an_export_that_was_stored_and_not_delivered_goes(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    blob_id = new_id()
    desk.blobs.put(blob_id, b"sealed")
    desk.database.write(lambda session: session.add(Export(conversation_id=conversation_id, blob_id=blob_id)))
    erase(desk, conversation_id)
    await Erasures(desk, Engine()).finish_open()
    assert contents(desk) == []


async def test_a_key_that_came_back_is_told_and_holds_up_no_other(desk: Desk, at: Callable[[datetime], None]) -> None:
    undone, fine = erased(desk), erased(desk)
    locked(desk, undone, lambda _s, _d, conversation: setattr(conversation, "data_key", b"back"))
    at(LAST_LOOK)
    assert await Erasures(desk, Engine()).finish_open() == 1
    assert (row(desk, undone).finished_at, row(desk, fine).finished_at) == (None, LAST_LOOK)
