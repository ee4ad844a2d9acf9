"""An erasure whose process is killed is made good, and what comes in at the same moment is there before it or not at all."""

import asyncio
import os
import sys
import threading
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.channels.mail import MailCourier, MaildirTransport
from bot.delivery import Deliveries
from bot.erasures import Erasures
from core import deliveries
from core.desk import Desk, open_desk
from core.errors import Problem
from core.files import Files
from core.models import Attachment, Message, VaultEntry, now
from core.settings import read_settings
from handoff import erasure
from tests.contract.test_erasure_ends import Engine, at, contents, erase, put_file, row
from tests.data.personas import ANNA
from tests.scenes import LATER, accept, hand_over, in_threads, reload, start_conversation
from tests.unit.core.samples import png

__all__ = ["at"]


class Hanging:
    async def forget(self, _sender: str) -> None:
        print("asked", flush=True)  # noqa: T201 - the test waits for it
        await asyncio.sleep(600)


def die_at_it(conversation_id: str) -> None:
    """Erases, and begins what is left to do: run in a process of its own, which is killed at it."""
    desk = open_desk(read_settings())
    erase(desk, uuid.UUID(conversation_id), at=now())
    asyncio.run(Erasures(desk, Hanging()).finish_open())


async def test_who_is_killed_at_it_is_made_good(desk: Desk, at: Callable[[datetime], None]) -> None:
    conversation_id = start_conversation(desk)
    accept(desk, conversation_id, f"мой СНИЛС {ANNA.snils}")
    put_file(desk, conversation_id)
    environment = {
        **os.environ,
        "OTKLIK_DATA_DIR": str(desk.settings.data_dir),
        "OTKLIK_DATABASE_URL": desk.settings.database_url,
    }
    code = f"from tests.contract.test_erasure_races import die_at_it; die_at_it('{conversation_id}')"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=environment, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    while await process.stdout.readline() not in (b"asked\n", b""):
        pass
    process.kill()
    await process.wait()
    assert reload(desk, conversation_id).data_key is None
    assert row(desk, conversation_id).finished_at is None
    engine = Engine()
    at(now() + timedelta(minutes=5))  # the dead one's lease is over by then
    assert await Erasures(desk, engine).finish_open() == 1
    assert engine.forgotten == [str(conversation_id)]
    assert contents(desk) == []


async def test_an_upload_is_there_before_or_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    content = png()

    async def unchanged(_files: Files, _content_type: str, given: bytes) -> bytes:
        return given

    monkeypatch.setattr(Files, "_make_harmless", unchanged)  # a process of its own: the erasure would always be first
    refused = 0
    for _ in range(12):
        conversation_id = start_conversation(desk)
        together = threading.Barrier(2)

        def upload(conversation_id: uuid.UUID = conversation_id, together: threading.Barrier = together) -> str:
            together.wait(30)
            try:
                asyncio.run(Files(desk).accept(conversation_id, "Лебедева.png", content))
            except Problem as problem:
                return problem.key
            return ""

        def destroy(conversation_id: uuid.UUID = conversation_id, together: threading.Barrier = together) -> str:
            together.wait(30)
            erase(desk, conversation_id)
            return ""

        work = [upload, destroy]
        told, _ = await asyncio.to_thread(in_threads, 2, lambda number, work=work: work[number]())
        assert told in ("", "conversation_closed")
        refused += bool(told)
    await Erasures(desk, Engine()).finish_open()
    rows = desk.database.read(lambda session: list(session.scalars(select(Attachment))))
    assert len(rows) == 12 - refused
    assert {(one.filename_sealed, one.erased_at) for one in rows} <= {(b"", LATER)}
    assert contents(desk) == []


async def test_a_letter_goes_before_or_not_at_all(desk: Desk) -> None:
    for _ in range(6):
        conversation_id = start_conversation(desk)
        hand_over(desk, conversation_id)
        accept(desk, conversation_id, f"пишите на {ANNA.email}")
        (letter,) = desk.database.read(deliveries.of_conversation, conversation_id)
        together = threading.Barrier(2)

        def deliver(delivery_id: uuid.UUID = letter.id, together: threading.Barrier = together) -> None:
            together.wait(30)
            asyncio.run(Deliveries(desk, {"mail": MailCourier(desk, MaildirTransport(desk.settings.mail_dir))}).deliver(delivery_id))

        def destroy(conversation_id: uuid.UUID = conversation_id, together: threading.Barrier = together) -> None:
            together.wait(30)
            erase(desk, conversation_id)

        work = [deliver, destroy]
        await asyncio.to_thread(in_threads, 2, lambda number, work=work: work[number]())
        first, receipt = desk.database.read(deliveries.of_conversation, conversation_id)
        assert (first.id, receipt.kind, receipt.state) == (letter.id, erasure.RECEIPT, "queued")
        assert (first.state, first.failure) in (("sent", None), ("failed", "erased"))
        assert reload(desk, conversation_id).data_key is None
    assert desk.database.read(lambda session: list(session.scalars(select(VaultEntry)))) == []
    assert set(desk.database.read(lambda session: list(session.scalars(select(Message.text_sealed))))) == {b""}
