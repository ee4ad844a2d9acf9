"""The export: all of a person's own data, nobody else's, sealed at rest, gone after its time."""

import asyncio
import io
import json
import uuid
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot import exports
from bot.exports import Exports
from core.desk import Desk
from core.errors import Problem
from core.files import Files
from core.models import Attachment, Export, Mode, now
from core.presence import Presence
from handoff import appeal_form, erasure, export
from handoff.console.workplace import Workplace
from handoff.export_contents import Contents
from tests.data.personas import ANNA, PYOTR
from tests.scenes import (
    accept,
    add_operator,
    claim,
    hand_over,
    in_threads,
    locked,
    messages,
    register,
    reload,
    start_conversation,
    text_of,
    write_message,
)
from tests.unit.core.samples import png

NOTE = "звонил начальник, просил не тянуть"


@pytest.fixture(autouse=True)
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over as soon as it is taken: several workers in one test."""
    monkeypatch.setattr(exports, "_LEASE_SECONDS", -1.0)


@pytest.fixture
async def conversation_id(desk: Desk) -> uuid.UUID:
    """Of a citizen with an appeal, a consent, a file, an operator's answer and note; beside it another's."""
    other = start_conversation(desk)
    write_message(desk, other, f"мой СНИЛС {PYOTR.snils}")
    started = start_conversation(desk)
    desk.database.write(appeal_form.record_consent, desk, write_message(desk, started, "да"))
    write_message(desk, started, f"Мой СНИЛС {ANNA.snils}, почта {ANNA.email}")
    attachment = await Files(desk).accept(started, "снимок экрана.png", png())
    accept(desk, started, "вот", attachment_ids=[attachment.id])
    operator = add_operator(desk)
    hand_over(desk, started)
    claim(desk, started, operator)
    workplace = Workplace(desk, Files(desk), lambda _: [], Presence(desk.database))
    await workplace.reply(started, operator, "r1", "Проверили, всё в порядке", [])
    await workplace.note(started, operator, "n1", NOTE, [])
    return started


async def make(desk: Desk, conversation_id: uuid.UUID) -> tuple[Attachment, bytes]:
    locked(desk, conversation_id, export.ask)
    await Exports(desk).make_asked()
    made = desk.database.read(lambda session: session.scalars(select(Export)).one())
    assert made.state == "ready"
    attachment = desk.database.read(lambda session: session.get_one(Attachment, made.blob_id))
    content = await Files(desk).read(reload(desk, conversation_id), attachment)
    return attachment, content


def opened(content: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(files.pop("data.json")), files


async def test_what_is_in_it(desk: Desk, conversation_id: uuid.UUID) -> None:
    attachment, content = await make(desk, conversation_id)
    document, files = opened(content)
    assert attachment.size == len(content)
    assert {ANNA.snils, ANNA.email} <= set(document["fields"].values())
    texts = [message["text"] for message in document["messages"]]
    assert f"Мой СНИЛС {ANNA.snils}, почта {ANNA.email}" in texts and "Проверили, всё в порядке" in texts
    (appeal,) = document["appeals"]
    assert appeal["number"].startswith("ОБ-") and len(appeal["access_code"]) == 8
    assert [event["kind"] for event in appeal["history"]] == ["registered", "queued", "claimed"]
    assert [consent["version"] for consent in document["consents"]] == [desk.settings.consent_version]
    assert list(files) == ["files/001-снимок экрана.png"]
    (listed,) = [one for message in document["messages"] for one in message["attachments"]]
    assert listed["path"] in files
    whole = json.dumps(document, ensure_ascii=False)
    assert PYOTR.snils not in whole and NOTE not in whole and "pdsnils" not in whole


async def test_it_is_sealed_and_the_citizens_alone(desk: Desk, conversation_id: uuid.UUID) -> None:
    attachment, content = await make(desk, conversation_id)
    stored = next(path for path in (desk.settings.data_dir / "attachments").rglob(attachment.id.hex))
    assert b"data.json" in content and b"data.json" not in stored.read_bytes()
    told = messages(desk, conversation_id)[-1]
    assert told.id == attachment.message_id and "24 ч" in text_of(desk, told)
    workplace = Workplace(desk, Files(desk), lambda _: [], Presence(desk.database))
    with pytest.raises(Problem) as refused:
        desk.database.read(workplace.readable_attachment, attachment.id, add_operator(desk, "petrova"))
    assert refused.value.status == 404


async def test_it_goes_after_its_time(desk: Desk, conversation_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    attachment, _ = await make(desk, conversation_id)
    worker = Exports(desk)
    await worker.delete_outlived()
    assert desk.blobs.get(attachment.id)
    monkeypatch.setattr(exports, "now", lambda: now() + timedelta(hours=24, minutes=1))
    await worker.delete_outlived()
    with pytest.raises(FileNotFoundError):
        desk.blobs.get(attachment.id)
    assert desk.database.read(lambda session: session.get_one(Attachment, attachment.id).erased_at) is not None


async def test_what_is_too_large_is_named(desk: Desk, conversation_id: uuid.UUID) -> None:
    small = Desk(desk.settings.model_copy(update={"max_export_bytes": 10}), desk.database, desk.events, desk.vault, desk.blobs)
    _, content = await make(small, conversation_id)
    document, files = opened(content)
    assert files == {} and document["files_left_out"] == ["снимок экрана.png"]


async def test_one_at_a_time_and_none_after_erasure(desk: Desk, conversation_id: uuid.UUID) -> None:
    first, second = (locked(desk, conversation_id, export.ask) for _ in range(2))
    assert first.id == second.id
    locked(desk, conversation_id, lambda s, d, c: erasure.erase(s, d, c, erasure.COMMAND, now()))
    await Exports(desk).make_asked()
    assert desk.database.read(lambda session: session.get_one(Export, first.id).state) == "gone"
    assert messages(desk, conversation_id)[-1].meta["kind"] == "erased"


async def test_a_fault_is_told(desk: Desk, conversation_id: uuid.UUID) -> None:
    for path in (desk.settings.data_dir / "attachments").rglob("*"):
        if path.is_file():
            path.write_bytes(b"broken")
    locked(desk, conversation_id, export.ask)
    await Exports(desk).make_asked()
    assert "не получилось" in text_of(desk, messages(desk, conversation_id)[-1])
    assert desk.database.read(lambda session: session.scalars(select(Export.state)).one()) == "failed"


def exports_of(desk: Desk, conversation_id: uuid.UUID) -> list[Export]:
    wanted = select(Export).where(Export.conversation_id == conversation_id).order_by(Export.created_at)
    return desk.database.read(lambda session: list(session.scalars(wanted)))


def blobs(desk: Desk) -> set[str]:
    return {path.name for path in (desk.settings.data_dir / "attachments").rglob("*") if path.is_file()}


def rows(desk: Desk) -> set[str]:
    return {one.hex for one in desk.database.read(lambda session: list(session.scalars(select(Attachment.id))))}


@pytest.mark.parametrize("fails", [False, True])
async def test_a_worker_that_woke_up_late_takes_nothing_away(
    desk: Desk, conversation_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    locked(desk, conversation_id, export.ask)
    late = Exports(desk)
    store = late._store

    def sleep_in_the_middle(attempt: export.Attempt, contents: Contents) -> int:
        size = store(attempt, contents)
        asyncio.run(Exports(desk).make_asked())
        if fails:
            raise OSError
        return size

    monkeypatch.setattr(late, "_store", sleep_in_the_middle)
    await late.make_asked()
    (made,) = exports_of(desk, conversation_id)
    assert made.state == "ready"
    attachment = desk.database.read(lambda session: session.get_one(Attachment, made.blob_id))
    opened(await Files(desk).read(reload(desk, conversation_id), attachment))
    told = [text_of(desk, message) for message in messages(desk, conversation_id) if message.meta.get("export") is not None]
    assert len(told) == 1 and "собраны в архив" in told[0]
    assert blobs(desk) <= rows(desk)  # the late one's is deleted


async def test_what_an_attempt_left_that_died_is_deleted(desk: Desk, conversation_id: uuid.UUID) -> None:
    asked = locked(desk, conversation_id, export.ask)
    died = desk.database.write(export.begin, asked)
    assert died is not None
    desk.blobs.put(died.blob_id, b"half of it")
    await Exports(desk).make_asked()
    assert [one.state for one in exports_of(desk, conversation_id)] == ["ready"]
    assert blobs(desk) <= rows(desk)


async def test_a_file_that_is_gone_is_not_found(desk: Desk, conversation_id: uuid.UUID) -> None:
    attachment, _ = await make(desk, conversation_id)
    desk.blobs.delete(attachment.id)
    with pytest.raises(Problem) as caught:
        await Files(desk).stream(reload(desk, conversation_id), attachment)
    assert (caught.value.status, caught.value.key) == (404, "attachment_gone")


async def test_one_that_holds_everything_is_offered_again(desk: Desk, conversation_id: uuid.UUID) -> None:
    for number in range(3):
        request = accept(desk, conversation_id, "соберите данные обо мне", f"again {number}")
        write_message(desk, conversation_id, "Собираю", in_reply_to=request.seq)
        locked(desk, conversation_id, export.ask, request.seq)
        await Exports(desk).make_asked()
    (made,) = exports_of(desk, conversation_id)
    last = messages(desk, conversation_id)[-1]
    assert "уже собран" in text_of(desk, last) and last.in_reply_to == request.seq
    attachment = desk.database.read(lambda session: session.get_one(Attachment, made.blob_id))
    assert attachment.message_id == last.id


@pytest.mark.parametrize("change", ["message", "appeal", "time"])
async def test_one_that_is_out_of_date_is_replaced(
    desk: Desk, conversation_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    attachment, _ = await make(desk, conversation_id)
    match change:
        case "message":
            accept(desk, conversation_id, "ещё вопрос", "m9")
        case "appeal":
            register(desk, conversation_id)
        case "time":
            monkeypatch.setattr(export, "now", lambda: now() + timedelta(hours=24, minutes=1))
    worker = Exports(desk)
    locked(desk, conversation_id, export.ask)
    await worker.make_asked()
    await worker.delete_outlived()
    assert [one.state for one in exports_of(desk, conversation_id)] == ["gone", "ready"]
    assert attachment.id.hex not in blobs(desk)
    assert desk.database.read(lambda session: session.get_one(Attachment, attachment.id).erased_at) is not None


async def test_so_many_a_day(desk: Desk, conversation_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    few = Desk(desk.settings.model_copy(update={"exports_per_day": 2}), desk.database, desk.events, desk.vault, desk.blobs)
    for number in range(3):
        write_message(few, conversation_id, f"новость {number}")
        request = accept(few, conversation_id, "соберите данные обо мне", f"m1{number}")
        assert locked(few, conversation_id, export.ask_or_tell, request.seq) is (number < 2)
        await Exports(few).make_asked()
    assert "не больше 2 раза" in text_of(desk, messages(desk, conversation_id)[-1])
    assert len(exports_of(desk, conversation_id)) == 2
    with pytest.raises(Problem) as refused:
        locked(few, conversation_id, export.ask)
    assert refused.value.status == 409
    monkeypatch.setattr(export, "now", lambda: now() + timedelta(days=1, minutes=1))
    assert locked(few, conversation_id, export.ask_or_tell, request.seq)


async def test_where_it_was_pushed_it_is_not_sent_twice(desk: Desk, conversation_id: uuid.UUID) -> None:
    locked(desk, conversation_id, lambda s, d, c: setattr(c, "push_token", d.vault.put(s, c, "text", "1")))
    attachment, _ = await make(desk, conversation_id)
    locked(desk, conversation_id, export.ask)
    assert "уже отправлен" in text_of(desk, messages(desk, conversation_id)[-1])
    assert desk.database.read(lambda session: session.get_one(Attachment, attachment.id)).message_id == attachment.message_id


@pytest.mark.parametrize("moment", ["read", "stored"])
async def test_an_erasure_in_the_middle_wins(desk: Desk, conversation_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    asked = locked(desk, conversation_id, export.ask)
    worker = Exports(desk)
    store = worker._store

    def be_overtaken(attempt: export.Attempt, contents: Contents) -> int:
        size = store(attempt, contents) if moment == "stored" else 0
        locked(desk, conversation_id, lambda s, d, c: erasure.erase(s, d, c, erasure.CITIZEN, now()))
        return size if moment == "stored" else store(attempt, contents)

    monkeypatch.setattr(worker, "_store", be_overtaken)
    await worker.make_asked()
    assert desk.database.read(lambda session: session.get_one(Export, asked.id).state) == "gone"
    assert messages(desk, conversation_id)[-1].meta["kind"] == "erased"
    assert blobs(desk) <= rows(desk)


async def test_an_erasure_at_the_same_time(desk: Desk) -> None:
    """On PostgreSQL both write at once: neither waits for the other for ever, and nothing readable is left."""
    for number in range(6):
        conversation_id = start_conversation(desk)
        accept(desk, conversation_id, f"Мой СНИЛС {ANNA.snils}", f"m{number}")
        asked = locked(desk, conversation_id, export.ask)
        attempt = desk.database.write(export.begin, asked)
        assert attempt is not None

        def deliver(attempt: export.Attempt = attempt) -> bool:
            return desk.database.write(export.deliver, desk, attempt, 10, 1, now())

        def erase(erased: uuid.UUID = conversation_id) -> bool:
            return locked(desk, erased, lambda s, d, c: erasure.erase(s, d, c, erasure.CITIZEN, now()))

        works = (deliver, erase) if number % 2 else (erase, deliver)
        in_threads(2, lambda place, works=works: works[place]())  # type: ignore[misc]
        assert (reload(desk, conversation_id).mode, reload(desk, conversation_id).data_key) == (Mode.CLOSED, None)
        assert desk.database.read(lambda session, one=asked.id: session.get_one(Export, one).state) == "gone"  # type: ignore[misc]
        left = select(Attachment).where(Attachment.conversation_id == conversation_id)
        found = desk.database.read(lambda session, left=left: list(session.scalars(left)))  # type: ignore[misc]
        assert all(one.filename_sealed == b"" and one.erased_at for one in found)
        assert messages(desk, conversation_id)[-1].meta["kind"] == "erased"


async def test_one_gateway_at_a_time(desk: Desk, conversation_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    if desk.database.is_sqlite:
        return  # there is one
    monkeypatch.setattr(exports, "_LEASE_SECONDS", 300.0)
    first, second = Exports(desk), Exports(desk)
    states: list[list[str]] = []
    for worker in (first, second):
        accept(desk, conversation_id, "новость", f"news {len(states)}")
        locked(desk, conversation_id, export.ask)
        await worker.make_asked()
        states.append([one.state for one in exports_of(desk, conversation_id)])
    assert states == [["ready"], ["ready", "asked"]]  # the lease is the first one's
    await first.make_asked()
    assert [one.state for one in exports_of(desk, conversation_id)] == ["ready", "ready"]
