"""Letters from a real Dovecot, which is killed, stands still, numbers its letters anew and is looked into by people."""

import asyncio
import contextlib
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from bot.channels import mail_collector
from bot.channels.mail import MailCourier, choose_transport
from bot.channels.mail_collector import MailCollector, choose_mailbox
from bot.channels.mail_intake import MailIntake
from bot.channels.mailbox import MailboxDown
from core.desk import Desk, open_desk
from core.files import Files
from core.models import Appeal, Delivery, IncomingLetter, LetterState
from handoff import letters
from handoff.mailbox import incoming
from handoff.mailbox.rules import Route
from tests.conftest import MakeSettings
from tests.data.letters import raw
from tests.data.personas import ANNA
from tests.mail_servers import Dovecot, TestMailbox

OpenDesk = Callable[..., Desk]


@pytest.fixture
def mailbox(dovecot: Dovecot) -> TestMailbox:
    return dovecot.mailbox()


@pytest.fixture
def open_with(make_settings: MakeSettings, mailbox: TestMailbox) -> Iterator[OpenDesk]:
    """Opens a desk that reads the mailbox; ``settings`` go before the test's own."""
    opened: list[Desk] = []

    def open_it(**settings: object) -> Desk:
        opened.append(open_desk(make_settings(**mailbox.settings(**settings))))
        return opened[-1]

    yield open_it
    for desk in opened:
        desk.close()


@pytest.fixture
def desk(open_with: OpenDesk) -> Desk:
    return open_with()


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_collector, "_FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(mail_collector, "_LONGEST_PAUSE_SECONDS", 0.2)


def letter(subject: str = "Заявление № 1234567891", text: str = "Не приходит код подтверждения.", **headers: str) -> bytes:
    message = EmailMessage(policy=default)
    message["From"], message["To"], message["Subject"] = ANNA.email, "support@portal.example.ru", subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def numbered(count: int, first: int = 0) -> list[bytes]:
    return [letter(text=f"Письмо {number}") for number in range(first, first + count)]


async def collect(desk: Desk) -> None:
    """Once, as a gateway that was just started."""
    box = choose_mailbox(desk)
    try:
        await MailCollector(desk, box).collect()
    finally:
        box.close()


@contextlib.asynccontextmanager
async def collecting(desk: Desk, collector: MailCollector | None = None) -> AsyncIterator[MailCollector]:
    collector = collector or MailCollector(desk, choose_mailbox(desk))
    task = asyncio.create_task(collector.run_forever())
    try:
        yield collector
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(look: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(look):  # noqa: ASYNC110 - it looks from outside
            await asyncio.sleep(0.02)


def stored(desk: Desk) -> list[IncomingLetter]:
    return desk.database.read(lambda session: list(session.scalars(select(IncomingLetter).order_by(IncomingLetter.received_at))))


def count(desk: Desk) -> int:
    return desk.database.read(lambda session: session.scalar(select(func.count()).select_from(IncomingLetter)) or 0)


async def until_stored(desk: Desk, expected: int) -> None:
    await until(lambda: count(desk) == expected)


def contents(desk: Desk) -> list[bytes]:
    """As they came, without what the server puts before them."""
    return [incoming.raw_of(desk, row).partition(b"\r\n")[2].replace(b"\r\n", b"\n") for row in stored(desk)]


async def test_a_letter_becomes_an_appeal_with_a_receipt(desk: Desk, mailbox: TestMailbox) -> None:
    mailbox.deliver(letter(Message_ID="<one@example.com>"))
    await collect(desk)
    await MailIntake(desk, Files(desk)).run_once()
    (row,) = stored(desk)
    assert (row.state, row.outcome) == (LetterState.DONE, Route.REGISTER)
    assert mailbox.count("SEEN") == 1
    receipts = select(Delivery).where(Delivery.kind == letters.RECEIPT)
    (delivery,) = desk.database.read(lambda session: list(session.scalars(receipts)))
    receipt = desk.database.read(MailCourier(desk, choose_transport(desk.settings)).prepare, delivery)
    (appeal,) = desk.database.read(lambda session: list(session.scalars(select(Appeal))))
    assert appeal.number in receipt["Subject"]
    assert (receipt["To"], receipt["In-Reply-To"]) == (ANNA.email, "<one@example.com>")


async def test_bytes_come_as_they_are(desk: Desk, mailbox: TestMailbox) -> None:
    sent = [raw(name) for name in ("charset-undeclared-cp1251", "charset-undeclared-koi8r", "charset-x-mac-cyrillic", "files-pdf-and-jpeg")]
    mailbox.deliver(*sent)
    await collect(desk)
    assert contents(desk) == sent


async def test_a_letter_is_noticed_without_waiting_for_the_next_look(open_with: OpenDesk, mailbox: TestMailbox) -> None:
    desk = open_with(imap_poll_seconds=1200)
    async with collecting(desk) as collector:
        await until(lambda: collector.state == "ok")
        for number in range(3):
            mailbox.deliver(letter(text=f"Письмо {number}"))
            await until_stored(desk, number + 1)


async def test_a_server_without_idle_is_looked_at_now_and_then(make_settings: MakeSettings) -> None:
    server = Dovecot(has_idle=False)
    try:
        mailbox = server.mailbox()
        desk = open_desk(make_settings(**mailbox.settings(imap_poll_seconds=0.1)))
        try:
            async with collecting(desk) as collector:
                await until(lambda: collector.state == "ok")
                mailbox.deliver(letter())
                await until_stored(desk, 1)
        finally:
            desk.close()
    finally:
        server.remove()


class InTheMiddle:
    """A mailbox to which something happens just before one of its steps, once."""

    def __init__(self, inner: Any, step: str, happen: Callable[[], None]) -> None:
        self._inner, self._step, self._happen = inner, step, happen

    def __getattr__(self, name: str) -> Any:
        if name == self._step:
            self._step = ""
            self._happen()
        return getattr(self._inner, name)


@pytest.mark.parametrize("step", ["read", "mark", "wait"])
async def test_a_server_killed_in_the_middle_loses_and_doubles_nothing(
    open_with: OpenDesk, mailbox: TestMailbox, dovecot: Dovecot, step: str
) -> None:
    desk = open_with(imap_poll_seconds=0.2)
    mailbox.deliver(*numbered(20))
    collector = MailCollector(desk, InTheMiddle(choose_mailbox(desk), step, dovecot.kill))
    async with collecting(desk, collector):
        await until(lambda: collector.state == "unreachable")
        await asyncio.to_thread(dovecot.begin)
        mailbox.deliver(*numbered(5, first=20))
        await until(lambda: mailbox.count("SEEN") == 25)
    assert sorted(contents(desk)) == sorted(numbered(25))
    assert collector.state == "elsewhere"


@pytest.mark.parametrize("step", ["read", "mark"])
async def test_a_server_that_stands_still_costs_time_only(open_with: OpenDesk, mailbox: TestMailbox, dovecot: Dovecot, step: str) -> None:
    desk = open_with(imap_timeout_seconds=0.5, imap_poll_seconds=0.2)
    mailbox.deliver(*numbered(20))
    frozen = contextlib.ExitStack()
    collector = MailCollector(
        desk,
        InTheMiddle(choose_mailbox(desk), step, lambda: frozen.enter_context(dovecot.frozen())),
    )
    with frozen:
        async with collecting(desk, collector):
            await until(lambda: collector.state == "unreachable")
            frozen.close()
            await until(lambda: mailbox.count("SEEN") == 20)
    assert sorted(contents(desk)) == sorted(numbered(20))


async def test_a_wrong_password_is_said_once_and_not_tried_again_at_once(
    open_with: OpenDesk, mailbox: TestMailbox, dovecot: Dovecot
) -> None:
    desk = open_with(imap_password="wrong", sweep_seconds=0.05)
    with capture_logs() as logs:
        async with collecting(desk) as collector:
            await until(lambda: collector.state == "login_refused")
            await asyncio.sleep(1)
    assert [line for line in logs if line["event"] == "mailbox_down"] == [
        {
            "event": "mailbox_down",
            "log_level": "error",
            "state": "login_refused",
            "reason": "the server refuses imap_user and imap_password",
        }
    ]
    tried = [line for line in (dovecot.folder / "dovecot.log").read_text().splitlines() if mailbox.user in line and "auth failed" in line]
    assert len(tried) == 1


async def test_a_folder_that_is_not_there_is_named(open_with: OpenDesk) -> None:
    with pytest.raises(MailboxDown) as raised:
        await collect(open_with(imap_folder="Обращения"))
    assert (raised.value.state, raised.value.reason) == ("no_folder", "there is no folder Обращения")


async def test_another_folder_than_the_inbox(open_with: OpenDesk, mailbox: TestMailbox) -> None:
    mailbox.deliver(letter(text="В папку «Входящие»"))
    with mailbox.opened() as box:
        box.folder.create("Обращения")
        box.append(letter(), "Обращения")
    desk = open_with(imap_folder="Обращения")
    await collect(desk)
    assert [incoming.raw_of(desk, row).replace(b"\r\n", b"\n") for row in stored(desk)] == [letter()]
    assert mailbox.count("UNSEEN") == 1


class Crash(BaseException):
    """The process ends here."""


async def test_a_crash_between_commit_and_flag_makes_no_second_letter(desk: Desk, mailbox: TestMailbox) -> None:
    def crash() -> None:
        raise Crash

    mailbox.deliver(*numbered(3))
    with pytest.raises(Crash):
        await MailCollector(desk, InTheMiddle(choose_mailbox(desk), "mark", crash)).collect()
    assert (count(desk), mailbox.count("SEEN")) == (3, 0)
    await collect(desk)
    assert (count(desk), mailbox.count("SEEN")) == (3, 3)


def open_letters(mailbox: TestMailbox) -> None:
    """Somebody reads all of them in a mail program."""
    with mailbox.opened() as box:
        list(box.fetch(mark_seen=True))


async def test_what_a_person_opened_first_is_taken_and_what_was_read_before_the_desk_came_is_not(desk: Desk, mailbox: TestMailbox) -> None:
    mailbox.deliver(*numbered(2))
    open_letters(mailbox)
    mailbox.deliver(*numbered(1, first=2))
    await collect(desk)
    assert contents(desk) == numbered(1, first=2)
    mailbox.deliver(*numbered(2, first=3))
    open_letters(mailbox)
    await collect(desk)
    assert sorted(contents(desk)) == numbered(3, first=2)


async def test_a_desk_restored_from_a_backup_takes_again_what_came_since(open_with: OpenDesk, mailbox: TestMailbox, tmp_path: Path) -> None:
    desk = open_with()
    mailbox.deliver(*numbered(1))
    await collect(desk)
    with sqlite3.connect(desk.settings.database_file) as running, sqlite3.connect(tmp_path / "backup.db") as backup:
        running.backup(backup)
    mailbox.deliver(*numbered(2, first=1))
    await collect(desk)
    restored = open_with(database_url=f"sqlite:///{tmp_path / 'backup.db'}")
    await collect(restored)
    assert sorted(contents(restored)) == numbered(3)


async def test_new_numbers_make_no_second_letter_and_lose_none(desk: Desk, mailbox: TestMailbox) -> None:
    mailbox.deliver(*numbered(3))
    await collect(desk)
    mailbox.deliver(*numbered(2, first=3))
    open_letters(mailbox)
    mailbox.renumber()
    mailbox.deliver(*numbered(1, first=5))
    await collect(desk)
    await collect(desk)
    assert sorted(contents(desk)) == numbered(6)
    assert mailbox.count("UNSEEN") == 0


async def test_a_letter_that_the_server_does_not_give_holds_up_none(desk: Desk, mailbox: TestMailbox) -> None:
    await collect(desk)
    mailbox.deliver(*numbered(4))
    files = sorted((mailbox.server.folder / "mail" / mailbox.user / "new").iterdir())
    files[1].chmod(0)
    async with collecting(desk):
        await until_stored(desk, 3)
        mailbox.deliver(*numbered(1, first=4))
        await until_stored(desk, 4)
    with mailbox.opened() as box:  # somebody marks all of them as read
        box.client.uid("STORE", "1:*", "+FLAGS", r"(\Seen)")
    (bad,) = (mailbox.server.folder / "mail" / mailbox.user).glob(f"*/{files[1].name}*")
    bad.chmod(0o600)
    await collect(desk)
    assert sorted(contents(desk)) == numbered(5)


async def test_a_large_letter_is_fetched_in_part_and_known_again(open_with: OpenDesk, mailbox: TestMailbox) -> None:
    desk = open_with(max_letter_bytes=20_000)
    mailbox.deliver(letter(text="а" * 100_000), letter(text="а" * 100_001), letter())
    await collect(desk)
    mailbox.renumber()
    await collect(desk)
    assert [len(incoming.raw_of(desk, row)) for row in stored(desk)][:2] == [20_000, 20_000]
    assert [row.size > 200_000 for row in stored(desk)] == [True, True, False]


async def test_nothing_is_done_away_with(desk: Desk, mailbox: TestMailbox) -> None:
    mailbox.deliver(*numbered(2))
    with mailbox.opened() as box:
        box.client.uid("STORE", "1", "+FLAGS", r"(\Deleted)")
    await collect(desk)
    assert count(desk) == 2
    assert mailbox.count("DELETED") == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key of localhost in one file, which nobody trusts."""
    folder = tmp_path_factory.mktemp("certificate")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:TRUE"]
    both = folder / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*command, "-keyout", folder / "key.pem", "-out", folder / "own.pem"], check=True, capture_output=True)
    both.write_bytes((folder / "own.pem").read_bytes() + (folder / "key.pem").read_bytes())
    return both


async def test_over_tls_no_unknown_certificate_is_trusted(
    make_settings: MakeSettings, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Dovecot(certificate)
    try:
        mailbox = server.mailbox()
        mailbox.deliver(letter())
        ways = [("tls", server.tls_port), ("starttls", server.port)]
        desks = [
            open_desk(make_settings(**mailbox.settings(imap_host="localhost", imap_security=security, imap_port=port)))
            for security, port in ways
        ]
        try:
            for desk in desks:
                with pytest.raises(MailboxDown) as raised:
                    await collect(desk)
                assert raised.value.state == "certificate_refused"
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            for number, desk in enumerate(desks):
                async with collecting(desk):
                    mailbox.deliver(letter(text=str(desk.settings.imap_port)))
                    await until_stored(desk, number + 2)
        finally:
            for desk in desks:
                desk.close()
    finally:
        server.remove()
