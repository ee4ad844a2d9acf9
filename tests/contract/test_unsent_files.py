"""Files that were uploaded and never sent are deleted; one that a message took stays."""

import asyncio
import os
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from core import files
from core.desk import Desk
from core.errors import Problem
from core.files import Files
from core.ids import new_id
from core.models import Attachment, now
from tests.scenes import accept, add_operator, in_threads, start_conversation, upload
from tests.stack import wait_for

DAY = timedelta(hours=24)


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    return start_conversation(desk)


def put(desk: Desk, conversation_id: uuid.UUID, operator_id: uuid.UUID | None = None, age: timedelta = timedelta()) -> uuid.UUID:
    """An uploaded file with its content."""
    attachment_id = upload(desk, conversation_id, operator_id=operator_id)
    desk.blobs.put(attachment_id, b"sealed")
    desk.database.write(
        lambda session: session.execute(update(Attachment).where(Attachment.id == attachment_id).values(created_at=now() - age))
    )
    return attachment_id


def rows(desk: Desk) -> set[uuid.UUID]:
    return set(desk.database.read(lambda session: session.scalars(select(Attachment.id)).all()))


def contents(desk: Desk) -> set[uuid.UUID]:
    return {uuid.UUID(path.name) for path in (desk.settings.data_dir / "attachments").rglob("*") if path.is_file()}


async def test_what_was_never_sent_goes_after_a_day(desk: Desk, conversation_id: uuid.UUID) -> None:
    old = DAY + timedelta(minutes=1)
    sent = put(desk, conversation_id, age=old)
    accept(desk, conversation_id, attachment_ids=[sent])
    put(desk, conversation_id, age=old)
    put(desk, conversation_id, add_operator(desk).id, age=old)
    fresh = put(desk, conversation_id, age=DAY - timedelta(minutes=1))
    sweep = asyncio.create_task(Files(desk).sweep_forever())
    await asyncio.to_thread(wait_for, "the sweep", lambda: rows(desk) == contents(desk) == {sent, fresh})
    sweep.cancel()


def test_a_file_is_sent_or_deleted_and_never_half(desk: Desk) -> None:
    uploaded = []
    for _ in range(8):
        conversation_id = start_conversation(desk)
        uploaded.append((conversation_id, put(desk, conversation_id)))
    sent: set[uuid.UUID] = set()

    def race(number: int) -> None:
        for conversation_id, attachment_id in uploaded:
            if number:
                desk.database.write(files._delete_unsent, attachment_id, conversation_id)
                continue
            try:
                accept(desk, conversation_id, attachment_ids=[attachment_id])
            except Problem as problem:
                assert problem.key == "attachment_unknown"
            else:
                sent.add(attachment_id)

    in_threads(2, race)
    assert rows(desk) == sent


async def test_a_file_that_a_message_takes_during_the_sweep_stays(
    desk: Desk, conversation_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, unsent = put(desk, conversation_id), put(desk, conversation_id)

    def find_and_take(*_given: object) -> list[tuple[uuid.UUID, uuid.UUID]]:
        accept(desk, conversation_id, attachment_ids=[taken])
        return [(taken, conversation_id), (unsent, conversation_id)]

    monkeypatch.setattr(files, "_unsent", find_and_take)
    await Files(desk).delete_unsent(now())
    assert rows(desk) == contents(desk) == {taken}


async def test_what_a_crash_left_without_a_row_goes_after_a_day(desk: Desk, conversation_id: uuid.UUID) -> None:
    old = (now() - DAY - timedelta(minutes=1)).timestamp()
    kept, *others, erased = [put(desk, conversation_id) for _ in range(5)]
    stray, fresh = new_id(), new_id()
    desk.database.write(lambda session: session.execute(update(Attachment).where(Attachment.id == erased).values(erased_at=now())))
    for each in (stray, fresh):
        desk.blobs.put(each, b"sealed")
    paths = {uuid.UUID(path.name): path for path in (desk.settings.data_dir / "attachments").rglob("*") if path.is_file()}
    half, half_fresh = paths[stray].with_suffix(".part"), paths[fresh].with_suffix(".part")
    for path in (half, half_fresh):
        path.write_bytes(b"sea")
    foreign = paths[kept].with_name(".nfs0001")
    foreign.touch()
    for path in (*(paths[each] for each in (kept, *others, erased, stray)), half, foreign):
        os.utime(path, (old, old))
    await Files(desk).delete_strays(now() - DAY)
    half_fresh.unlink()  # it was there
    foreign.unlink()
    assert contents(desk) == {kept, *others, fresh}


async def test_a_database_that_does_not_know_the_files_takes_none_away(desk: Desk, conversation_id: uuid.UUID) -> None:
    put(desk, conversation_id)
    before = contents(desk)
    desk.database.write(lambda session: session.execute(delete(Attachment)))
    await Files(desk).delete_strays(now() + DAY)
    assert contents(desk) == before
