"""Letters as they are written, and the worker before a courier that fails in every way one can."""

import asyncio
import stat
import uuid
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from bot.channels.mail import MailCourier, MaildirTransport, choose_transport
from bot.delivery import Deliveries
from core import conversations, deliveries
from core.deliveries import TryLater, Undeliverable
from core.desk import Desk, open_desk
from core.facts import PLACEHOLDER
from core.models import Appeal, AppealKind, Attachment, Author, Conversation, Delivery, DeliveryState, Operator, Scan
from core.settings import SettingsError
from core.working_time import in_words
from handoff import appeals, letters, queue
from handoff.letters import overview
from handoff.letters.renderer import render
from tests.conftest import MakeSettings
from tests.data.personas import ANNA
from tests.scenes import MONDAY, add_operator, hand_over, locked, messages, reload, start_conversation, text_of, write_message


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    return begin(desk)


def begin(desk: Desk, address: str = ANNA.email) -> uuid.UUID:
    """A conversation in the queue, with a receipt to be sent."""
    started = start_conversation(desk)

    def know(session: Session, _desk: Desk, conversation: Conversation) -> None:
        conversation.email_token = desk.vault.put(session, conversation, "email", address)

    locked(desk, started, know)
    hand_over(desk, started)
    return started


def answer(desk: Desk, conversation_id: uuid.UUID, text: str, attachments: list[Attachment] | None = None) -> None:
    """An operator writes, and the citizen is not there."""
    operator = add_operator(desk)

    def write(session: Session, _desk: Desk, conversation: Conversation) -> None:
        queue.claim(session, desk, conversation, operator, MONDAY)
        for attachment in attachments or []:
            session.add(attachment)
        message = conversations.append(
            session,
            desk.vault,
            conversation,
            Author.OPERATOR,
            text,
            operator=session.get_one(Operator, operator.id),
            attachments=attachments,
        )
        letters.put_answer(session, desk, conversation, message)

    locked(desk, conversation_id, write)


def rows(desk: Desk, conversation_id: uuid.UUID) -> list[Delivery]:
    return desk.database.read(deliveries.of_conversation, conversation_id)


def letter(desk: Desk, delivery: Delivery) -> EmailMessage:
    """What somebody reads who gets the letter."""
    parsed = message_from_bytes(desk.database.read(render, desk, delivery).as_bytes(), policy=default)
    assert isinstance(parsed, EmailMessage)
    assert parsed.defects == []
    return parsed


def text_in(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body
    return str(body.get_content()).replace("\r\n", "\n")


def appeal_of(desk: Desk, conversation_id: uuid.UUID) -> Appeal:
    return desk.database.read(appeals.of_conversation, conversation_id)[0]


# The letters.


def test_the_receipt_says_what_it_has_to(desk: Desk, conversation_id: uuid.UUID) -> None:
    (row,) = rows(desk, conversation_id)
    read, appeal = letter(desk, row), appeal_of(desk, conversation_id)
    assert read["Subject"] == f"Обращение {appeal.number} зарегистрировано"
    assert read["From"] == "Отклик <support@portal.example.ru>"
    assert (read["To"], read["Reply-To"]) == (ANNA.email, "support@portal.example.ru")
    assert (read["Message-ID"], read["In-Reply-To"], read["Auto-Submitted"]) == (row.message_id, None, "auto-replied")
    assert read["Date"].datetime == row.created_at.replace(microsecond=0)
    assert [part.get_content_charset() for part in read.iter_parts()] == ["utf-8", "utf-8"]
    text, code = text_in(read), desk.vault.open(reload(desk, conversation_id), appeal.access_code_sealed)
    for fact in (
        appeal.number,
        "Вид: простой вопрос",
        in_words(appeal.due_at),
        f"http://127.0.0.1:8080/appeals/{appeal.number.removeprefix('ОБ-')}",
        f"Код доступа: {code}",
        "Наш адрес один — support@portal.example.ru",
        "только для того, чтобы рассмотреть обращение",
        "Отозвать согласие",
    ):
        assert fact in text


@pytest.mark.parametrize("kind", AppealKind)
def test_every_kind_has_words(desk: Desk, kind: AppealKind) -> None:
    conversation_id = begin(desk)

    def change(session: Session, _desk: Desk, _conversation: Conversation) -> None:
        session.get_one(Appeal, appeal_of(desk, conversation_id).id).kind = kind

    locked(desk, conversation_id, change)
    assert "Вид: " in text_in(letter(desk, rows(desk, conversation_id)[0]))


def test_the_answer_threads_to_the_receipt_and_shows_what_was_written(desk: Desk, conversation_id: uuid.UUID) -> None:
    written = f"Ваш СНИЛС {ANNA.snils} принят.\n{{{{ settings.smtp_password }}}} [[hotline]] " + "слово " * 300
    answer(desk, conversation_id, written)
    receipt, row = rows(desk, conversation_id)
    read, number = letter(desk, row), appeal_of(desk, conversation_id).number
    assert read["Subject"] == f"Ответ по обращению {number}"
    assert (read["In-Reply-To"], read["References"], read["Auto-Submitted"]) == (receipt.message_id, receipt.message_id, None)
    assert (read["From"], read["Reply-To"]) == ("Отклик <support@portal.example.ru>", "support@portal.example.ru")
    assert written.strip() in text_in(read)
    assert number in text_in(read)
    assert ANNA.snils not in text_of(desk, messages(desk, conversation_id)[-1])  # what is stored is tokens


HOSTILE_NAME = 'a"\r\nBcc: all@example.com\r\n\r\n<b>\u202efdp.pdf'


@pytest.mark.parametrize(("name", "shown"), [(f"Справка {ANNA.snils}.pdf",) * 2, (HOSTILE_NAME, 'a" Bcc: all@example.com <b> fdp.pdf')])
def test_the_answers_files_go_with_it(desk: Desk, conversation_id: uuid.UUID, name: str, shown: str) -> None:
    conversation = reload(desk, conversation_id)
    kept = desk.database.write(desk.vault.tokenise, conversation, name)  # as core/files.py keeps a name
    assert ANNA.snils not in kept
    attachment = Attachment(
        id=uuid.uuid4(),
        conversation_id=conversation_id,
        filename_sealed=desk.vault.seal(conversation, kept),
        content_type="application/pdf",
        size=8,
        scan=Scan.CLEAN,
    )
    desk.blobs.put(attachment.id, desk.vault.seal_bytes(conversation, b"%PDF-1.7"))
    answer(desk, conversation_id, "", [attachment])
    read = letter(desk, rows(desk, conversation_id)[1])
    (part,) = read.iter_attachments()
    assert isinstance(part, EmailMessage)
    assert (part.get_filename(), part.get_content_type(), part.get_content()) == (shown, "application/pdf", b"%PDF-1.7")
    assert read["Bcc"] is None
    assert "приложены файлы: 1" in text_in(read)


def test_an_answer_without_an_appeal_names_none(desk: Desk) -> None:
    conversation_id = start_conversation(desk)

    def know(session: Session, _desk: Desk, conversation: Conversation) -> None:
        conversation.email_token = desk.vault.put(session, conversation, "email", ANNA.email)

    locked(desk, conversation_id, know)
    answer(desk, conversation_id, "Добрый день")
    read = letter(desk, rows(desk, conversation_id)[0])
    assert (read["Subject"], read["In-Reply-To"]) == ("Ответ оператора", None)
    assert "None" not in text_in(read)


def test_the_words_are_tidy(desk: Desk, conversation_id: uuid.UUID) -> None:
    answer(desk, conversation_id, "Готово.")
    for row in rows(desk, conversation_id):
        text = text_in(letter(desk, row))
        assert not {"!", "{", "}"} & set(text)
        assert "\n\n\n" not in text
        assert "pdemail" not in text
        assert not PLACEHOLDER.search(text)


@pytest.mark.parametrize("official", ["support@портал.рф"])
def test_domains_in_letters_of_their_own(make_settings: MakeSettings, official: str) -> None:
    desk = open_desk(make_settings(official_email=official, service_name="Служба «Отклик», МФЦ"))
    try:
        (row,) = rows(desk, begin(desk, "vera@почта.рф"))
        read = letter(desk, row)
    finally:
        desk.close()
    assert row.message_id.endswith("@xn--80awhdgm.xn--p1ai>")
    assert (read["From"].addresses[0].display_name, read["From"].addresses[0].domain) == ("Служба «Отклик», МФЦ", "xn--80awhdgm.xn--p1ai")
    assert read["To"].addresses[0].addr_spec == "vera@xn--80a1acny.xn--p1ai"


@pytest.mark.parametrize("address", ["вера@example.ru", "a..b@example.ru", "vera@example..ru", "vera@" + "a" * 70 + ".ru", ""])
def test_an_address_that_is_none_is_undeliverable(desk: Desk, address: str) -> None:
    (row,) = rows(desk, begin(desk, address))
    with pytest.raises(Undeliverable) as caught:
        desk.database.read(render, desk, row)
    assert caught.value.failure == "address"


def test_erased_data_makes_no_letter(desk: Desk, conversation_id: uuid.UUID) -> None:
    def erase(_session: Session, _desk: Desk, conversation: Conversation) -> None:
        conversation.data_key = None

    locked(desk, conversation_id, erase)
    with pytest.raises(Undeliverable, match="erased"):
        desk.database.read(render, desk, rows(desk, conversation_id)[0])


# The Maildir.


def test_a_maildir_is_used_without_a_server_and_lies_beside_the_data(make_settings: MakeSettings, tmp_path: Path) -> None:
    settings = make_settings()
    assert isinstance(choose_transport(settings), MaildirTransport)
    assert settings.mail_dir == tmp_path / "data-mail"


@pytest.mark.parametrize("inside", ["data", "data/mail", "data/../data/mail"])
def test_letters_do_not_lie_in_the_data_folder(make_settings: MakeSettings, tmp_path: Path, inside: str) -> None:
    with pytest.raises(SettingsError, match=r"OTKLIK_MAIL_DIR: it wants a folder outside the data folder"):
        make_settings(mail_dir=tmp_path / inside)


def test_a_lease_outlasts_the_server(make_settings: MakeSettings) -> None:
    with pytest.raises(SettingsError, match=r"OTKLIK_DELIVERY_LEASE_SECONDS: it wants more than OTKLIK_SMTP_TIMEOUT_SECONDS"):
        make_settings(delivery_lease_seconds=60)


@pytest.mark.parametrize("official", ["support", "support@portal", "Отклик <support@portal.example.ru>"])
def test_the_official_address_has_to_be_one(make_settings: MakeSettings, official: str) -> None:
    with pytest.raises(SettingsError, match="OTKLIK_OFFICIAL_EMAIL: it wants an address like"):
        make_settings(official_email=official)


async def test_a_letter_in_the_maildir_is_whole_private_and_one(desk: Desk, conversation_id: uuid.UUID) -> None:
    (row,) = rows(desk, conversation_id)
    folder = desk.settings.mail_dir
    courier = MailCourier(desk, MaildirTransport(folder))
    for _ in range(2):
        await courier.send(desk.database.read(courier.prepare, row))
    (file,) = (folder / "new").iterdir()
    assert list((folder / "tmp").iterdir()) == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "new", folder / "cur", folder / "tmp")} == {0o700}
    assert message_from_bytes(file.read_bytes(), policy=default)["Message-ID"] == row.message_id
    assert b"\r\n" not in file.read_bytes()
    file.rename(folder / "cur" / f"{file.name}:2,S")  # read by a mail program
    await courier.send(desk.database.read(courier.prepare, row))
    assert list((folder / "new").iterdir()) == []


async def test_a_maildir_that_cannot_be_written_is_tried_later(desk: Desk, conversation_id: uuid.UUID) -> None:
    (row,) = rows(desk, conversation_id)
    desk.settings.mail_dir.write_text("no folder")
    with pytest.raises(TryLater):
        await MailCourier(desk, MaildirTransport(desk.settings.mail_dir)).send(desk.database.read(render, desk, row))


# The worker.


class ScriptedCourier:
    """A courier that plays a list of failures (None: it goes), and remembers what it sent."""

    def __init__(self, *script: Exception | None) -> None:
        self.script = list(script)
        self.sent: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()

    def prepare(self, _session: Session, delivery: Delivery) -> str:
        return delivery.message_id

    async def send(self, prepared: str) -> None:
        self.begun.set()
        await self.gate.wait()
        step = self.script.pop(0) if self.script else None
        if step:
            raise step
        self.sent.append(prepared)


def worker(desk: Desk, courier: ScriptedCourier) -> Deliveries:
    return Deliveries(desk, {letters.CHANNEL: courier})


async def until(desk: Desk, conversation_id: uuid.UUID, state: DeliveryState) -> Delivery:
    async with asyncio.timeout(20):
        while True:
            (row,) = await desk.database.read_soon(deliveries.of_conversation, conversation_id)
            if row.state == state:
                return row
            await asyncio.sleep(0.02)


@pytest.fixture
def hasty(make_settings: MakeSettings) -> Desk:
    """A desk that tries again at once."""
    return open_desk(make_settings(delivery_first_pause_seconds=0.02, delivery_longest_pause_seconds=0.05, sweep_seconds=0.05))


async def test_a_new_delivery_is_heard_of(desk: Desk) -> None:
    courier = ScriptedCourier()
    task = asyncio.create_task(worker(desk, courier).run_forever())
    try:
        row = await until(desk, await asyncio.to_thread(begin, desk), DeliveryState.SENT)
    finally:
        task.cancel()
    assert courier.sent == [row.message_id]


@pytest.mark.parametrize("fault", [TryLater("unreachable"), RuntimeError("a fault of ours")])
async def test_it_is_tried_until_it_goes_and_goes_once(hasty: Desk, fault: Exception) -> None:
    courier = ScriptedCourier(fault, fault, None)
    task = asyncio.create_task(worker(hasty, courier).run_forever())
    try:
        row = await until(hasty, begin(hasty), DeliveryState.SENT)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        hasty.close()
    assert (courier.sent, row.attempts, row.failure) == ([row.message_id], 3, None)


async def test_what_is_refused_is_said_in_the_conversation_once(desk: Desk, conversation_id: uuid.UUID) -> None:
    (row,) = rows(desk, conversation_id)
    sends = worker(desk, ScriptedCourier(Undeliverable("refused 550")))
    await sends.deliver(row.id)
    await sends.deliver(row.id)
    notices = [message for message in messages(desk, conversation_id) if message.meta.get("letter")]
    assert [(notice.author, notice.meta) for notice in notices] == [(Author.SYSTEM, {"kind": "notice", "letter": "receipt"})]
    (document,) = desk.database.read(overview.letter_documents, reload(desk, conversation_id))
    assert (document["state"], document["failure"]) == ("failed", "почтовый сервер не принял письмо (550)")


async def test_two_workers_never_send_one_delivery_twice(desk: Desk) -> None:
    conversations_begun = [begin(desk) for _ in range(5)]
    courier = ScriptedCourier()
    workers = [worker(desk, courier) for _ in range(3)]
    ids = [rows(desk, conversation_id)[0].id for conversation_id in conversations_begun]
    await asyncio.gather(*(one.deliver(delivery_id) for one in workers for delivery_id in ids))
    assert len(courier.sent) == len(set(courier.sent)) == 5


async def test_a_stop_waits_for_what_the_server_is_taking(desk: Desk, conversation_id: uuid.UUID) -> None:
    courier = ScriptedCourier()
    courier.gate.clear()
    task = asyncio.create_task(worker(desk, courier).run_forever())
    await courier.begun.wait()
    task.cancel()
    courier.gate.set()
    await asyncio.gather(task, return_exceptions=True)
    (row,) = rows(desk, conversation_id)
    assert (row.state, courier.sent) == (DeliveryState.SENT, [row.message_id])


async def test_a_channel_that_is_off_keeps_its_deliveries(desk: Desk, conversation_id: uuid.UUID) -> None:
    (row,) = rows(desk, conversation_id)
    await Deliveries(desk, {}).deliver(row.id)
    (kept,) = rows(desk, conversation_id)
    assert (kept.state, kept.attempts) == (DeliveryState.QUEUED, 1)


def test_a_message_in_between_changes_no_letter(desk: Desk, conversation_id: uuid.UUID) -> None:
    (row,) = rows(desk, conversation_id)
    before = desk.database.read(render, desk, row).as_bytes()
    write_message(desk, conversation_id, f"мой второй адрес {ANNA.email.upper()}")
    assert desk.database.read(render, desk, row).as_bytes() == before
