"""Viruses in files: a real clamd finds them as they come, or later, once it is back. What it did not look at is never called clean."""

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from bot.app import create_app
from bot.channels.mail import MailCourier, choose_transport
from bot.file_scanning import FileScanning
from core import conversations
from core.desk import Desk, open_desk
from core.errors import Problem
from core.files import Files
from core.inbound import unsent_attachments
from core.models import Attachment, Author, Conversation, Delivery, Operator, Scan, now
from core.virus_scan import VirusScan
from core.words import say
from handoff import letters
from tests.conftest import MakeSettings
from tests.data.personas import ANNA
from tests.scanners import EICAR, SIGNATURE, Clamd
from tests.scenes import add_operator, hand_over, locked, messages, reload, start_conversation, text_of
from tests.unit.core import samples

INFECTED_PDF = samples.PDF.replace(b"%%EOF", b"% " + EICAR + b"\n%%EOF")
INFECTED_DOCX = samples.docx({"word/media/image1.bin": EICAR})


@pytest.fixture
def desk(make_settings: MakeSettings, database_url: str, clamd: Clamd) -> Iterator[Desk]:
    opened = open_desk(make_settings(database_url=database_url, clamd_address=clamd.address, clamd_seconds=10))
    yield opened
    opened.close()


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    return start_conversation(desk)


async def accept(desk: Desk, conversation_id: uuid.UUID, content: bytes, operator: Operator | None = None) -> Attachment:
    return await Files(desk).accept(conversation_id, "", content, operator)


async def scan_again(desk: Desk) -> None:
    scanning = FileScanning(desk, Files(desk))
    await scanning.run_once()
    await scanning._hold.give_back()


def sent(desk: Desk, conversation_id: uuid.UUID, attachment: Attachment) -> None:
    """In a message, as citizens do."""

    def append(session: Any, desk: Desk, conversation: Conversation) -> None:
        files = unsent_attachments(session, desk, conversation, [attachment.id])
        conversations.append(session, desk.vault, conversation, Author.CITIZEN, "Вот файл", attachments=files)

    locked(desk, conversation_id, append)


def kept(desk: Desk, attachment: Attachment) -> Attachment:
    found = desk.database.read(lambda session: session.get(Attachment, attachment.id))
    assert found is not None
    return found


def blobs(desk: Desk) -> int:
    return len([path for path in (desk.settings.data_dir / "attachments").rglob("*") if path.is_file()])


@pytest.mark.parametrize(
    "content", [INFECTED_PDF, INFECTED_DOCX, samples.png() + EICAR, samples.jpeg() + EICAR], ids=["pdf", "docx", "png", "jpeg"]
)
@pytest.mark.parametrize("by_operator", [False, True], ids=["citizen", "operator"])
async def test_a_virus_is_refused_with_what_to_do(
    desk: Desk, conversation_id: uuid.UUID, content: bytes, by_operator: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Problem, match="file_infected") as caught:
        await accept(desk, conversation_id, content, add_operator(desk) if by_operator else None)
    assert caught.value.status == 422
    assert "антивирус" in caught.value.detail
    assert desk.database.read(lambda session: session.scalar(select(Attachment))) is None
    assert blobs(desk) == 0
    told = capsys.readouterr().out
    assert SIGNATURE in told
    assert str(conversation_id) in told


@pytest.mark.parametrize("content", [samples.PDF, samples.docx(), samples.png()], ids=["pdf", "docx", "png"])
async def test_what_is_scanned_may_be_opened(desk: Desk, conversation_id: uuid.UUID, content: bytes) -> None:
    assert (await accept(desk, conversation_id, content)).scan == Scan.CLEAN


async def test_it_is_reached_by_its_socket_too(make_settings: MakeSettings, clamd: Clamd) -> None:
    scan = VirusScan(make_settings(clamd_address=str(clamd.socket)))
    assert (await scan.scan(EICAR)).signature == SIGNATURE
    assert (await scan.scan(b"clean")).scan == Scan.CLEAN


async def test_what_it_gives_up_on_is_not_clean(desk: Desk, conversation_id: uuid.UUID) -> None:
    """The tests' clamd looks at files up to 1 MB."""
    attachment = await accept(desk, conversation_id, samples.PDF[:9] + bytes(1_200_000) + samples.PDF[9:])
    assert attachment.scan == Scan.UNSCANNED
    await scan_again(desk)
    assert kept(desk, attachment).scan == Scan.UNSCANNED


@asynccontextmanager
async def answering(answer: bytes | None) -> AsyncIterator[str]:
    """The address of something that takes everything and says ``answer``, or hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100_000)
        writer.write(answer or b"")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"stream: Can't allocate memory ERROR\0",
        b"INSTREAM size limit exceeded. ERROR\0",
        b"OK\0",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"stream: OK\0" * 20_000,
        b"stream: Heuristics.Limits.Exceeded.MaxScanSize FOUND\0",
    ],
)
async def test_whatever_else_it_says_is_no_scan(make_settings: MakeSettings, answer: bytes) -> None:
    async with answering(answer) as address:
        assert (await VirusScan(make_settings(clamd_address=address)).scan(b"content")).scan == Scan.UNSCANNED


def kill(clamd: Clamd) -> None:
    clamd.stop()


def freeze(clamd: Clamd) -> None:
    clamd.signal(signal.SIGSTOP)


@pytest.mark.parametrize("end", [kill, freeze])
async def test_what_came_while_it_was_away_is_scanned_once_it_is_back(
    make_settings: MakeSettings, database_url: str, clamd: Clamd, end: Callable[[Clamd], None]
) -> None:
    desk = open_desk(make_settings(database_url=database_url, clamd_address=clamd.address, clamd_seconds=0.3))
    conversation_id = start_conversation(desk)

    def leave_address(session: Any, desk: Desk, conversation: Conversation) -> None:
        conversation.email_token = desk.vault.put(session, conversation, "email", "anna@example.com")

    locked(desk, conversation_id, leave_address)
    hand_over(desk, conversation_id)
    try:
        end(clamd)
        clean, infected, released, of_operator = [
            await accept(desk, conversation_id, content, operator)
            for content, operator in (
                (samples.PDF, None),
                (INFECTED_PDF, None),
                (INFECTED_DOCX, None),
                (INFECTED_DOCX, add_operator(desk)),
            )
        ]
        picture = await accept(desk, conversation_id, samples.png())
        for attachment in (clean, infected, released):
            sent(desk, conversation_id, attachment)
        assert [one.scan for one in (clean, infected, released, of_operator, picture)] == [Scan.UNSCANNED] * 4 + [Scan.CLEAN]
        await scan_again(desk)  # away still
        assert kept(desk, clean).scan == Scan.UNSCANNED
        desk.database.write(lambda session: setattr(session.get_one(Attachment, released.id), "released_at", now()))
        clamd.signal(signal.SIGCONT) if end is freeze else clamd.begin()
        await scan_again(desk)
        assert [kept(desk, one).scan for one in (clean, infected, released, of_operator)] == [
            Scan.CLEAN,
            Scan.REFUSED,
            Scan.UNSCANNED,
            Scan.REFUSED,
        ]
        assert blobs(desk) == 3  # the clean one, the released one, the picture
        with pytest.raises(Problem):
            await Files(desk).read(reload(desk, conversation_id), kept(desk, infected))
        notice = [message for message in messages(desk, conversation_id) if message.author == Author.SYSTEM][-1]
        assert "нашла в нём вирус" in text_of(desk, notice)
        told = [one for one in desk.database.read(lambda s: list(s.scalars(select(Delivery)))) if one.kind == letters.INFECTED_FILE]
        assert len(told) == 1  # the operator's file was not sent yet
        letter = desk.database.read(MailCourier(desk, choose_transport(desk.settings)).prepare, told[0])
        assert "вирус" in letter["Subject"]
        body = letter.get_body(("plain",))
        assert say("file_infected_later", name="Файл без названия") in str(body and body.get_content())
    finally:
        desk.close()
        clamd.signal(signal.SIGCONT) if end is freeze else None


async def test_every_channel_refuses_it(desk: Desk) -> None:
    """The widget's upload and the feedback form; letters are in test_letter_safety.py."""
    form = {"email": ANNA.email, "kind": "technical_problem", "text": "Страница белая, обновление не помогает."}
    person = {"full_name": ANNA.full_name, "snils": ANNA.snils_digits, "consent": "true"}
    file = {"file": ("a.pdf", INFECTED_PDF)}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(desk)), base_url="http://desk") as client:
        started = (await client.post("/api/conversations", json={})).json()
        own = {"Authorization": f"Bearer {started['token']}"}
        answer = await client.post(f"/api/conversations/{started['conversation_id']}/attachments", files=file, headers=own)
        assert (answer.status_code, answer.json()["detail"]) == (422, say("file_infected"))
        answer = await client.post("/api/appeals", data=form | person, files={"files": ("a.pdf", INFECTED_PDF)})
        assert answer.status_code == 422
        assert say("file_infected") in answer.text
    assert desk.database.read(lambda session: session.scalar(select(Attachment))) is None
    assert blobs(desk) == 0
