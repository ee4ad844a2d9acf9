"""What a citizen's picture says is read once, kept masked and sealed, shown to operators, and gone with the picture."""

import asyncio
import contextlib
import dataclasses
import io
import json
import uuid
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from actions.records import PictureReading, Records
from bot.channels.mail_collector import MailCollector, choose_mailbox
from bot.dialogue_engine import RasaEngine
from bot.exports import Exports
from bot.readiness import Readiness
from bot.screenshot_reading import ScreenshotReading
from core.desk import Desk
from core.files import Files
from core.models import Attachment, Export, Reading, now
from core.transcript import message_documents
from handoff import appeal_form, erasure, export, retention
from tests.data.personas import ANNA
from tests.scenes import accept, add_operator, locked, messages, reload, start_conversation
from tests.screens import SIGNATURE, Screen, encode, noise
from tests.stack import wait_for

PERSONAL = Screen(
    "Ошибка 503", f"Гражданин {ANNA.full_name}, СНИЛС {ANNA.snils}: данные не прошли проверку.", width=640, height=400, has_menu=False
)


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    return start_conversation(desk)


async def send(desk: Desk, conversation_id: uuid.UUID, content: bytes, external_id: str = "m1") -> uuid.UUID:
    """A picture without a word."""
    attachment = await Files(desk).accept(conversation_id, "снимок.png", content)
    accept(desk, conversation_id, "", external_id, attachment_ids=[attachment.id])
    return attachment.id


async def read_all(desk: Desk) -> None:
    """As a process does that then ends in order."""
    reading = ScreenshotReading(desk, Files(desk))
    await reading.read_asked()
    await reading._hold.give_back()


def row(desk: Desk, attachment_id: uuid.UUID) -> Attachment:
    return desk.database.read(lambda session: session.get_one(Attachment, attachment_id))


def shown(desk: Desk, conversation_id: uuid.UUID, *, for_operator: bool = True) -> list[dict[str, Any]]:
    """The files of a conversation as their reader sees them."""

    def read(session: Any) -> list[dict[str, Any]]:
        found = messages(desk, conversation_id)
        documents = message_documents(session, desk, reload(desk, conversation_id), found, for_operator=for_operator)
        return [one for document in documents for one in document["attachments"]]

    return desk.database.read(read)


def with_tesseract(desk: Desk, folder: Path, commands: str, seconds: int = 20) -> Desk:
    """A desk whose tesseract knows its languages, and does ``commands`` instead of reading."""
    script = folder / "tesseract"
    script.write_text(f'#!/bin/sh\ncase "$1" in --list-langs) echo rus; echo eng;; --version) echo 5;; *) {commands};; esac\n')
    script.chmod(0o755)
    return dataclasses.replace(desk, settings=desk.settings.model_copy(update={"tesseract": str(script), "screenshot_seconds": seconds}))


async def test_an_operator_sees_the_text_masked_and_the_citizen_their_picture_alone(desk: Desk, conversation_id: uuid.UUID) -> None:
    attachment_id = await send(desk, conversation_id, PERSONAL.png())
    assert row(desk, attachment_id).reading == Reading.ASKED
    assert shown(desk, conversation_id)[0]["text"] is None
    await read_all(desk)
    kept = row(desk, attachment_id)
    assert kept.reading == Reading.DONE
    assert "Ошибка".encode() not in (kept.text_sealed or b"")
    text = shown(desk, conversation_id)[0]["text"]
    assert "Ошибка 503" in text and "данные не прошли" in text
    assert ANNA.snils not in text and "Сергеевна" not in text and "***" in text
    assert "text" not in shown(desk, conversation_id, for_operator=False)[0]
    # Nothing of a picture is a field of the citizen: it may be anybody's.
    assert desk.database.read(desk.vault.values, reload(desk, conversation_id)) == {}


async def test_whoever_looks_at_the_message_is_told_once_its_text_is_there(desk: Desk, conversation_id: uuid.UUID) -> None:
    await send(desk, conversation_id, SIGNATURE.png())
    with desk.events.subscribe(str(conversation_id)) as hints:
        await read_all(desk)
        hint = await hints.get(5)
    assert hint is not None and hint.data == {"changed": 1}


async def test_what_a_crash_left_is_read_by_the_next_process_and_nothing_twice(desk: Desk, conversation_id: uuid.UUID) -> None:
    first, second = [await send(desk, conversation_id, SIGNATURE.png(), name) for name in ("m1", "m2")]
    async with running(desk):
        await until(lambda: {row(desk, one).reading for one in (first, second)} == {Reading.DONE})
    with capture_logs() as logs:
        await read_all(desk)
    assert logs == []


@contextlib.asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[None]:
    worker = asyncio.create_task(ScreenshotReading(desk, Files(desk)).run_forever())
    try:
        yield
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def until(look: Any) -> None:
    await asyncio.to_thread(wait_for, "a picture's reading", look)


async def test_a_picture_just_taken_is_read_at_its_hint(desk: Desk, conversation_id: uuid.UUID) -> None:
    patient = dataclasses.replace(desk, settings=desk.settings.model_copy(update={"sweep_seconds": 3000.0}))
    with capture_logs() as logs:
        async with running(patient):
            await until(lambda: any(line["event"] == "screenshots_are_read" for line in logs))
            await asyncio.sleep(0.5)  # its first look finds nothing
            attachment = await Files(patient).accept(conversation_id, "снимок.png", SIGNATURE.png())
            await until(lambda: row(desk, attachment.id).reading == Reading.DONE)


async def test_a_tesseract_that_hangs_or_dies_is_logged_by_id_and_the_next_picture_is_read(
    desk: Desk, conversation_id: uuid.UUID, tmp_path: Path
) -> None:
    for number, (commands, event) in enumerate(
        [("sleep 600", "screenshot_reading_timed_out"), ("kill -9 $$", "screenshot_reading_failed"), ("yes", "screenshot_reading_failed")]
    ):
        broken = with_tesseract(desk, tmp_path, commands, seconds=3)
        attachment_id = await send(broken, conversation_id, PERSONAL.png(), f"m{number}")
        with capture_logs() as logs:
            await read_all(broken)
        assert row(desk, attachment_id).reading == Reading.FAILED
        assert [line["attachment_id"] for line in logs if line["event"] in (event, "screenshot_reading_timed_out")] == [str(attachment_id)]
        assert "Лебедева" not in str(logs)
    last = await send(desk, conversation_id, SIGNATURE.png(), "last")
    await read_all(desk)
    assert row(desk, last).reading == Reading.DONE


async def test_a_picture_without_words_is_read_and_says_nothing_much(desk: Desk, conversation_id: uuid.UUID) -> None:
    attachment_id = await send(desk, conversation_id, noise())
    await read_all(desk)
    assert row(desk, attachment_id).reading == Reading.DONE


async def test_only_citizens_pictures_are_read_and_only_with_tesseract(desk: Desk, conversation_id: uuid.UUID) -> None:
    operator = add_operator(desk)
    files = Files(desk)
    without = Files(dataclasses.replace(desk, settings=desk.settings.model_copy(update={"tesseract": ""})))
    taken = [
        await files.accept(conversation_id, "ответ.png", SIGNATURE.png(), operator),
        await files.accept(conversation_id, "справка.pdf", b"%PDF-1.4\n%%EOF\n"),
        await without.accept(conversation_id, "снимок.png", SIGNATURE.png()),
    ]
    assert [one.reading for one in taken] == [None, None, None]


async def test_a_desk_without_tesseract_says_so_and_lacks_nothing(desk: Desk) -> None:
    for command, state in [("tesseract", "ok"), ("", "off")]:
        without = dataclasses.replace(desk, settings=desk.settings.model_copy(update={"tesseract": command}))
        engine = RasaEngine(without.settings)
        readiness = Readiness(without, engine, MailCollector(without, choose_mailbox(without)))
        assert (await readiness.states())["tesseract"] == state
        await engine.close()


async def test_the_text_goes_with_the_picture(desk: Desk, conversation_id: uuid.UUID) -> None:
    attachment_id = await send(desk, conversation_id, SIGNATURE.png())
    await read_all(desk)
    assert row(desk, attachment_id).text_sealed
    retention._erase_file(desk, attachment_id, now())
    assert row(desk, attachment_id).text_sealed is None
    other = await send(desk, conversation_id, SIGNATURE.png(), "m2")
    asked = await send(desk, conversation_id, SIGNATURE.png(), "m3")
    unsent = await Files(desk).accept(conversation_id, "снимок.png", SIGNATURE.png())
    await Files(desk).delete_unsent(now() + timedelta(minutes=1))
    await ScreenshotReading(desk, Files(desk))._read(unsent.id)  # deleted while it was at it
    await ScreenshotReading(desk, Files(desk))._read(other)
    locked(desk, conversation_id, erasure.erase, erasure.CITIZEN, now())
    await ScreenshotReading(desk, Files(desk))._read(asked)  # erased while it was at it
    assert [(row(desk, one).reading, row(desk, one).text_sealed) for one in (other, asked)] == [(None, None)] * 2
    await read_all(desk)


async def test_the_text_is_in_the_citizens_export(desk: Desk, conversation_id: uuid.UUID) -> None:
    await send(desk, conversation_id, SIGNATURE.png())
    await read_all(desk)
    locked(desk, conversation_id, export.ask)
    await Exports(desk).make_asked()
    made = desk.database.read(lambda session: session.query(Export).one())
    assert made.blob_id is not None
    content = await Files(desk).read(reload(desk, conversation_id), row(desk, made.blob_id))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        document = json.loads(archive.read("data.json"))
    assert "сертификата" in document["messages"][0]["attachments"][0]["text"]


async def test_after_the_consent_is_withdrawn_operators_see_it_no_more(desk: Desk, conversation_id: uuid.UUID) -> None:
    await send(desk, conversation_id, SIGNATURE.png())
    await read_all(desk)
    desk.database.write(appeal_form.record_consent, desk, messages(desk, conversation_id)[0])
    assert shown(desk, conversation_id)[0]["text"]
    locked(desk, conversation_id, erasure.withdraw_consent, now())
    assert shown(desk, conversation_id)[0]["text"] is None


async def test_the_actions_read_what_is_known_of_each_file(desk: Desk, conversation_id: uuid.UUID) -> None:
    records = Records(desk.database, desk.vault)
    done = await send(desk, conversation_id, SIGNATURE.png())
    await read_all(desk)
    asked = await send(desk, conversation_id, encode(SIGNATURE.draw(), "JPEG"), "m2")
    first, second = await records.readings([str(asked), str(done)])
    assert first.state == Reading.DONE and "сертификата" in (first.text or "")
    assert second == PictureReading(Reading.ASKED, None)
    assert await records.readings([]) == []
