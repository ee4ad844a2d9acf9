"""Letters through a real SMTP server: read back from an aiosmtpd sink that is down for a while, busy, or refuses."""

import asyncio
import ssl
import subprocess
import uuid
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from websockets.sync.client import connect

from bot.channels.mail import MailCourier, SmtpTransport, choose_transport
from bot.delivery import Deliveries
from core import deliveries
from core.desk import Desk, open_desk
from core.models import Delivery, DeliveryState
from handoff import letters
from handoff.letters import overview
from handoff.letters.renderer import render
from tests.conftest import MakeSettings
from tests.data.personas import ANNA
from tests.scenes import hand_over, know_address, messages, reload, start_conversation
from tests.smtp_sink import BreakingServer, Sink
from tests.stack import Citizen, OperatorClient, Stack, free_port, wait_for


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def seconds() -> float:
    """That a letter may take."""
    return 5


@pytest.fixture
def desk(make_settings: MakeSettings, port: int, seconds: float) -> Iterator[Desk]:
    """A desk whose mail server is on ``port``, and which does not wait long."""
    opened = open_desk(
        make_settings(
            smtp_host="127.0.0.1",
            smtp_port=port,
            smtp_security="none",
            smtp_timeout_seconds=seconds,
            delivery_first_pause_seconds=0.05,
            delivery_longest_pause_seconds=0.1,
            sweep_seconds=0.05,
        )
    )
    yield opened
    opened.close()


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    """A conversation with a receipt to be sent."""
    started = start_conversation(desk)
    know_address(desk, started, ANNA.email)
    hand_over(desk, started)
    return started


@pytest.fixture
async def sending(desk: Desk) -> Any:
    """The worker, at work."""
    task = asyncio.create_task(Deliveries(desk, {letters.CHANNEL: MailCourier(desk, choose_transport(desk.settings))}).run_forever())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(desk: Desk, conversation_id: uuid.UUID, state: DeliveryState, attempts: int = 1) -> Delivery:
    async with asyncio.timeout(30):
        while True:
            (row,) = await desk.database.read_soon(deliveries.of_conversation, conversation_id)
            if row.state == state and row.attempts >= attempts:
                return row
            await asyncio.sleep(0.02)


@pytest.mark.usefixtures("sending")
async def test_a_letter_arrives_as_it_was_written(desk: Desk, conversation_id: uuid.UUID, port: int) -> None:
    sink = Sink()
    with sink.listening(port):
        row = await until(desk, conversation_id, DeliveryState.SENT)
    ((envelope, letter),) = sink.accepted
    assert (envelope.mail_from, envelope.rcpt_tos) == ("support@portal.example.ru", [ANNA.email])
    assert (letter["Message-ID"], letter["To"], letter["Auto-Submitted"]) == (row.message_id, ANNA.email, "auto-replied")
    body = letter.get_body(("plain",))
    assert body
    written = desk.database.read(render, desk, row).get_body(("plain",))
    assert written
    assert body.get_content().replace("\r\n", "\n") == written.get_content().replace("\r\n", "\n")
    assert "Код доступа: " in body.get_content()


@pytest.mark.usefixtures("sending")
async def test_a_server_that_was_down_gets_the_letter_once(desk: Desk, conversation_id: uuid.UUID, port: int) -> None:
    waiting = await until(desk, conversation_id, DeliveryState.QUEUED, attempts=2)
    assert waiting.failure == "unreachable"
    sink = Sink()
    with sink.listening(port):
        await until(desk, conversation_id, DeliveryState.SENT)
        await asyncio.sleep(desk.settings.sweep_seconds * 4)  # more sweeps find nothing to send
    assert [letter["Message-ID"] for _, letter in sink.accepted] == [waiting.message_id]


@pytest.mark.usefixtures("sending")
@pytest.mark.parametrize(
    "sink",
    [
        Sink("451 4.7.1 Try again later", "452 4.2.2 Mailbox full"),
        Sink(recipient_answers=("450 4.2.0 Greylisted", "451 4.3.0 Busy")),
        Sink("421 4.3.2 Shutting down", "535 5.7.8 Not with this password"),
    ],
)
async def test_a_busy_server_is_asked_again(desk: Desk, conversation_id: uuid.UUID, port: int, sink: Sink) -> None:
    with sink.listening(port):
        row = await until(desk, conversation_id, DeliveryState.SENT)
    assert (row.attempts, len(sink.accepted), sink.accepted[0][1]["Message-ID"]) == (3, 1, row.message_id)


@pytest.mark.usefixtures("sending")
@pytest.mark.parametrize(("hangs", "seconds"), [(False, 5), (True, 1)])
async def test_a_server_that_breaks_in_the_middle_of_a_letter_gets_it_again(
    desk: Desk, conversation_id: uuid.UUID, port: int, hangs: bool
) -> None:
    breaking, sink = BreakingServer(hangs=hangs), Sink()
    async with breaking.listening(port):
        waiting = await until(desk, conversation_id, DeliveryState.QUEUED, attempts=2)
    assert waiting.failure == "unreachable"
    assert breaking.begun >= 1
    with sink.listening(port):
        await until(desk, conversation_id, DeliveryState.SENT)
    assert [letter["Message-ID"] for _, letter in sink.accepted] == [waiting.message_id]


@pytest.mark.usefixtures("sending")
@pytest.mark.parametrize(
    ("sink", "code"),
    [
        (Sink(recipient_answers=(f"550 5.1.1 <{ANNA.email}> is unknown here",)), "550"),
        (Sink("554 5.7.1 Spam"), "554"),
    ],
)
async def test_a_refused_letter_is_told_and_not_sent_again(
    desk: Desk, conversation_id: uuid.UUID, port: int, sink: Sink, code: str
) -> None:
    with sink.listening(port):
        row = await until(desk, conversation_id, DeliveryState.FAILED)
        await asyncio.sleep(desk.settings.sweep_seconds * 4)
    assert (row.attempts, row.failure, sink.accepted) == (1, f"refused {code}", [])  # and not the server's words, which name the citizen
    (document,) = desk.database.read(overview.letter_documents, reload(desk, conversation_id))
    assert (document["state"], code in document["failure"]) == ("failed", True)
    assert [message.meta["letter"] for message in messages(desk, conversation_id) if "letter" in message.meta] == ["receipt"]


async def test_logs_in_over_tls_and_trusts_no_unknown_certificate(
    desk: Desk, conversation_id: uuid.UUID, port: int, make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:TRUE"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    await asyncio.to_thread(lambda: subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    seen: list[bytes] = []

    def check(_server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, given: LoginPassword) -> AuthResult:  # noqa: ARG001
        seen.append(given.password)
        return AuthResult(success=given.login == b"desk" and given.password == b"secret", handled=False)

    mail = {"smtp_host": "localhost", "smtp_port": port, "smtp_user": "desk", "smtp_password": "secret"}
    settings = make_settings(**mail)
    (row,) = desk.database.read(deliveries.of_conversation, conversation_id)
    letter, sink = desk.database.read(render, desk, row), Sink()
    with sink.listening(port, tls_context=context, require_starttls=True, auth_required=True, authenticator=check):
        with pytest.raises(deliveries.TryLater):
            await MailCourier(desk, SmtpTransport(settings)).send(letter)
        assert (seen, sink.accepted) == ([], [])
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        await MailCourier(desk, SmtpTransport(settings)).send(letter)
        with pytest.raises(deliveries.TryLater):  # a wrong password is ours to mend: no letter is given up for it
            await MailCourier(desk, SmtpTransport(make_settings(**{**mail, "smtp_password": "wrong"}))).send(letter)
    assert (seen[0], len(sink.accepted)) == (b"secret", 1)


# The whole desk, with its Maildir.


def in_maildir(stack: Stack, number: str) -> list[EmailMessage]:
    """The letters that name ``number`` in their subject, oldest first."""
    folder = stack.data_dir.with_name("data-mail") / "outgoing" / "new"
    files = sorted(folder.glob("*"), key=lambda file: file.stat().st_mtime_ns)
    parsed = [message_from_bytes(file.read_bytes(), policy=default) for file in files]
    return [letter for letter in parsed if isinstance(letter, EmailMessage) and number in letter["Subject"]]


def test_who_left_the_chat_gets_receipt_and_answer(stack: Stack, citizen: Citizen, operator: OperatorClient) -> None:
    citizen.say("Позовите оператора")
    handoff = citizen.messages()[-1]
    number = handoff["meta"]["appeal_number"]
    assert handoff["expects"] == "email"
    citizen.send(ANNA.email)
    receipt = wait_for("the receipt", lambda: in_maildir(stack, number))[0]
    (appeal,) = citizen.http.get(f"{citizen.path}/appeals").json()["appeals"]
    body = receipt.get_body(("plain",))
    assert body
    assert appeal["access_code"] in body.get_content()
    operator.claim(citizen.id)
    operator.reply(citizen.id, "Всё исправили, проверьте, пожалуйста.")
    _, begun, answer = wait_for("the answer", lambda: found if len(found := in_maildir(stack, number)) > 2 else None)
    begun_text = begun.get_body(("plain",))
    assert begun_text and "взято в работу" in begun_text.get_content()
    assert (answer["To"], answer["In-Reply-To"]) == (ANNA.email, receipt["Message-ID"])
    text = answer.get_body(("plain",))
    assert text
    assert "Всё исправили, проверьте, пожалуйста." in text.get_content()
    all_sent = [("receipt", "sent"), ("status", "sent"), ("answer", "sent")]
    wait_for("all as sent", lambda: [(row["kind"], row["state"]) for row in told(operator, citizen)] == all_sent)
    assert ANNA.email.encode() not in b"".join(file.read_bytes() for file in (stack.data_dir / "logs").iterdir())


def told(operator: OperatorClient, citizen: Citizen) -> list[dict[str, Any]]:
    """The letters as the operator sees them."""
    return list(operator.transcript(citizen.id)["deliveries"])


def test_who_is_in_the_chat_gets_no_letter(stack: Stack, citizen: Citizen, operator: OperatorClient) -> None:
    citizen.say("Позовите оператора")
    citizen.send(ANNA.email)
    with connect(f"{stack.url.replace('http', 'ws')}{citizen.path}/ws?after=0", proxy=None) as socket:
        socket.send(f'{{"token": "{citizen.token}"}}')
        socket.recv(10)
        operator.claim(citizen.id)
        operator.reply(citizen.id, "Вы в чате, отвечаю здесь.")
    assert [row["kind"] for row in told(operator, citizen)] == ["receipt"]


def test_a_letter_to_the_official_address_is_answered_by_letter(stack: Stack, operator: OperatorClient) -> None:
    letter = EmailMessage()
    letter["From"], letter["Subject"], letter["Message-ID"] = ANNA.email, "Заявление № 4815162342", f"<{uuid.uuid4()}@example.com>"
    letter.set_content(f"Не приходит код.\n\n{ANNA.full_name}, {ANNA.birth_date}, СНИЛС {ANNA.snils}, тел. {ANNA.phone}\n")
    incoming = stack.data_dir.with_name("data-mail") / "incoming"
    wait_for("the Maildir", (incoming / "new").is_dir)
    draft = incoming / "tmp" / str(uuid.uuid4())
    draft.write_bytes(letter.as_bytes())
    draft.rename(incoming / "new" / draft.name)

    def answers() -> list[EmailMessage]:
        return [sent for sent in in_maildir(stack, "") if sent["In-Reply-To"] == letter["Message-ID"]]

    (receipt,) = wait_for("the receipt", answers)
    item = next(row for row in operator.queue() if row["appeal_number"] in receipt["Subject"])
    assert (item["channel"], item["reason"]) == ("mail", "letter")
    operator.claim(item["conversation_id"])
    operator.reply(item["conversation_id"], "Код отправлен ещё раз.")
    *_, answer = wait_for("the answer", lambda: found if len(found := answers()) > 2 else None)
    body = answer.get_body(("plain",))
    assert body and "Код отправлен ещё раз." in body.get_content()
    assert [file.name for file in (incoming / "cur").iterdir() if draft.name in file.name] == [f"{draft.name}:2,S"]
    logs = b"".join(file.read_bytes() for file in (stack.data_dir / "logs").iterdir())
    assert not any(told.encode() in logs for told in (ANNA.email, ANNA.snils, ANNA.last_name))
