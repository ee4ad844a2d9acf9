"""Letters in, from the Maildir to what becomes of them: stored first, once, and none holds up another."""

import asyncio
import os
import stat
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.channels import mail_collector
from bot.channels.mail import MailCourier, choose_transport
from bot.channels.mail_collector import MailCollector, choose_mailbox
from bot.channels.mail_intake import MailIntake
from core import key_rotation, master_keys
from core.desk import Desk, open_desk
from core.facts import size_words
from core.files import Files
from core.keys import open_keyring
from core.models import (
    Appeal,
    AppealEvent,
    AppealKind,
    AppealRequest,
    AppealStatus,
    Author,
    Conversation,
    Delivery,
    DeliveryState,
    IncomingLetter,
    LetterState,
    Mode,
    RequestGround,
    RequestKind,
    Turn,
    now,
)
from core.transcript import citizen_fields, message_documents
from core.words import say
from handoff import appeals, letters
from handoff.__main__ import main as handoff
from handoff.appeal_numbers import format_number
from handoff.erasure import COMMAND, erase
from handoff.letters import overview
from handoff.mailbox import handling, incoming
from handoff.mailbox.rules import Route
from handoff.retention import retain
from tests.conftest import MakeSettings
from tests.data.letters import EXPECTED, NUMBER, PEOPLE, RECEIPT_ID, raw
from tests.data.personas import ANNA, PYOTR
from tests.scenes import add_operator, claim, close, hand_over, locked, messages, reload, return_to_bot, start_conversation
from tests.servers import Postgres

ALL_FIELDS = f"""Не приходит код подтверждения.

ФИО: {ANNA.full_name}
Дата рождения: {ANNA.birth_date}
СНИЛС: {ANNA.snils}
Телефон: {ANNA.phone}
"""


@pytest.fixture
def desk(make_settings: MakeSettings, database_url: str) -> Any:
    """With high caps, so that many letters of one address are taken and answered."""
    caps = {"letter_replies_per_day": 1000, "letters_per_hour": 1000, "letters_per_day": 1000}
    opened = open_desk(make_settings(database_url=database_url, **caps))
    yield opened
    opened.close()


def letter(
    subject: str = "Заявление № 1234567891",
    text: str = ALL_FIELDS,
    sender: str = ANNA.email,
    **headers: str,
) -> bytes:
    message = EmailMessage(policy=default)
    message["From"], message["To"], message["Subject"] = sender, "support@portal.example.ru", subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def deliver(desk: Desk, *contents: bytes) -> list[Path]:
    """As a mail server does: into new/, in this order."""
    folder = desk.settings.mail_dir / "incoming"
    for name in ("tmp", "new", "cur"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    count = sum(1 for _ in folder.glob("*/*"))
    files = [folder / "new" / f"{count + place:05}.host" for place in range(len(contents))]
    for place, (file, content) in enumerate(zip(files, contents, strict=True)):
        file.write_bytes(content)
        moment = (now() - timedelta(seconds=60 - place / 100)).timestamp()
        os.utime(file, (moment, moment))
    return files


def take_in(desk: Desk, *contents: bytes) -> list[IncomingLetter]:
    """All that came, in order, once the desk is through with it."""
    deliver(desk, *contents)
    run_once(desk)
    return stored(desk)


def run_once(desk: Desk) -> None:
    async def run() -> None:
        intake = MailIntake(desk, Files(desk))
        await MailCollector(desk, choose_mailbox(desk)).collect()
        await intake.run_once()
        await intake._hold.give_back()  # on PostgreSQL another gateway would wait for it

    asyncio.run(run())


def stored(desk: Desk) -> list[IncomingLetter]:
    return desk.database.read(lambda session: list(session.scalars(select(IncomingLetter).order_by(IncomingLetter.received_at))))


def rows(desk: Desk, kind: type[Any]) -> list[Any]:
    return desk.database.read(lambda session: list(session.scalars(select(kind))))


def outgoing(desk: Desk, row: IncomingLetter) -> dict[str, EmailMessage]:
    """The letters to a conversation by kind, as they would be sent."""
    courier = MailCourier(desk, choose_transport(desk.settings))
    found = [delivery for delivery in rows(desk, Delivery) if delivery.conversation_id == row.conversation_id]
    return {delivery.kind: desk.database.read(courier.prepare, delivery) for delivery in found}


def words(sent: EmailMessage) -> str:
    body = sent.get_body(("plain",))
    assert body
    return str(body.get_content())


def send_all(desk: Desk) -> None:
    desk.database.write(lambda session: session.execute(update(Delivery).values(state=DeliveryState.SENT)))


def appeal_of(desk: Desk, row: IncomingLetter) -> Appeal:
    assert row.conversation_id
    return desk.database.read(appeals.of_conversation, row.conversation_id)[0]


def said(desk: Desk, row: IncomingLetter, author: Author = Author.CITIZEN) -> list[str]:
    def read(session: Any) -> list[str]:
        conversation = session.get_one(Conversation, row.conversation_id)
        documents = message_documents(session, desk, conversation, messages(desk, conversation.id))
        return [document["text"] for document in documents if document["author"] == author]

    return desk.database.read(read)


def fields_of(desk: Desk, row: IncomingLetter) -> dict[str, str]:
    def read(session: Any) -> dict[str, str]:
        conversation = session.get_one(Conversation, row.conversation_id)
        values = desk.vault.values(session, conversation)
        return {name: values.get(token, token) for name, token in citizen_fields(session, desk, conversation).items()}

    return desk.database.read(read)


def test_a_letter_becomes_an_appeal_with_a_receipt(desk: Desk) -> None:
    (file,) = deliver(desk, letter(Message_ID="<one@example.com>"))
    (row,) = take_in(desk)
    assert (row.state, row.outcome, row.error) == (LetterState.DONE, Route.REGISTER, None)
    assert not file.exists()
    assert [read.name for read in (desk.settings.mail_dir / "incoming" / "cur").iterdir()] == [f"{file.name}:2,S"]
    assert row.conversation_id
    conversation = reload(desk, row.conversation_id)
    assert (conversation.channel, conversation.mode, conversation.token_hash) == ("mail", Mode.QUEUED, None)
    assert said(desk, row) == [f"Заявление № 1234567891\n\n{ALL_FIELDS.strip()}"]
    stored_text = desk.vault.open(conversation, messages(desk, conversation.id)[0].text_sealed)
    assert ANNA.snils not in stored_text
    assert ANNA.last_name not in stored_text
    expected = PEOPLE["anna"] | {"email": ANNA.email, "application_number": "1234567891", "reply_channel": "email"}
    assert {name: fields_of(desk, row)[name] for name in expected} == expected
    sent = outgoing(desk, row)
    assert list(sent) == [letters.RECEIPT]
    assert appeal_of(desk, row).number in sent[letters.RECEIPT]["Subject"]
    assert (sent[letters.RECEIPT]["To"], sent[letters.RECEIPT]["In-Reply-To"]) == (ANNA.email, "<one@example.com>")


def test_all_of_the_corpus_ends_as_expected(desk: Desk) -> None:
    (first,) = take_in(desk, letter())
    send_all(desk)
    (receipt,) = rows(desk, Delivery)
    number = appeal_of(desk, first).number.replace("ОБ", "OB")
    sent_id = receipt.message_id.strip("<>").encode()
    ours = {name: b"another-one@portal.example.ru" if name == "bounce-final" else sent_id for name in EXPECTED}
    contents = {name: raw(name).replace(RECEIPT_ID, ours[name]).replace(NUMBER, number.encode()) for name in EXPECTED}
    found = dict(zip(contents, take_in(desk, *contents.values())[1:], strict=True))
    outcomes = {name: row.outcome or row.state for name, row in found.items()}
    assert outcomes == {name: expected["outcome"] for name, expected in EXPECTED.items()}
    for name, row in found.items():
        expected = EXPECTED[name]
        if expected["outcome"] == Route.JOIN:
            assert row.conversation_id == first.conversation_id, name
        if expected["sender"] == PYOTR.email and name.startswith("stranger"):
            assert row.conversation_id != first.conversation_id, name
            assert row.named_appeal_id == appeal_of(desk, first).id
        if "refused" in expected:
            assert say(expected["refused"]) in words(outgoing(desk, row)[letters.UNSAFE_FILE])
        if "faults" in expected:
            assert all(say(fault) in words(outgoing(desk, row)[letters.RETURNED]) for fault in expected["faults"])
        if "missing" in expected:
            asked = words(outgoing(desk, row)[letters.MISSING])
            assert [field for field in PEOPLE["anna"] if say(f"letter_field_{field}") in asked] == [
                field for field in PEOPLE["anna"] if field in expected["missing"]
            ]
        if expected["outcome"] in ("automatic", "bounce", "own", "parked"):
            assert row.conversation_id is None, name
    assert appeal_of(desk, found["subject-complaint"]).kind == AppealKind.COMPLAINT


def test_a_stranger_joins_nothing_and_is_shown_as_a_hint(desk: Desk) -> None:
    (first,) = take_in(desk, letter())
    number = appeal_of(desk, first).number
    _, there, mine = take_in(
        desk,
        letter(number, "Что с ним?", PYOTR.email),
        letter(f"{number}, заявление № 12345678912", "Моё заявление связано с этим.", PYOTR.email),
    )
    assert len(said(desk, first)) == 1
    assert number not in words(outgoing(desk, there)[letters.RETURNED])
    assert mine.conversation_id
    (hint,) = desk.database.read(appeals.earlier, mine.conversation_id)
    assert (hint["number"], hint["shared"]) == (number, ["letter"])


def test_a_number_not_there_and_a_number_of_another_are_answered_alike(desk: Desk) -> None:
    (first,) = take_in(desk, letter())
    theirs = appeal_of(desk, first).number
    nobodys = format_number("ОБ", 2019, 5)
    _, there, absent = take_in(desk, letter(theirs, "Что с ним?", PYOTR.email), letter(nobodys, "Что с ним?", "third@example.org"))
    told = [outgoing(desk, row)[letters.RETURNED] for row in (there, absent)]
    assert told[0]["Subject"] == told[1]["Subject"]
    assert words(told[0]) == words(told[1])


def test_what_was_asked_for_fills_the_appeal_and_is_not_asked_for_again(desk: Desk) -> None:
    (row,) = take_in(desk, letter(text="Не приходит код.", sender=f'"Анна Лебедева" <{ANNA.email}>'))
    asked = outgoing(desk, row)[letters.MISSING]
    assert appeal_of(desk, row).status == AppealStatus.WAITING
    promised = appeal_of(desk, row).due_at
    assert say("letter_field_snils") in words(asked)
    assert say("letter_field_full_name") not in words(asked)
    again = letter("Re: " + asked["Subject"], f"СНИЛС {ANNA.snils}", In_Reply_To=asked["Message-ID"], References=asked["Message-ID"])
    _, answer = take_in(desk, again)
    assert (answer.outcome, answer.conversation_id) == (Route.JOIN, row.conversation_id)
    assert fields_of(desk, row)["snils"] == ANNA.snils
    assert appeal_of(desk, row).status == AppealStatus.REGISTERED
    assert appeal_of(desk, row).due_at > promised
    assert "Срок сдвинут" in words(outgoing(desk, row)[letters.STATUS])
    assert set(outgoing(desk, row)) == {letters.RECEIPT, letters.MISSING, letters.STATUS}
    assert said(desk, row)[1:] == [f"СНИЛС {ANNA.snils}"]


def test_an_answer_to_a_returned_letter_becomes_the_appeal(desk: Desk) -> None:
    (row,) = take_in(desk, letter("Помогите"))  # tells all of the sender
    returned = outgoing(desk, row)[letters.RETURNED]
    assert returned["Auto-Submitted"] == "auto-replied"
    _, answer = take_in(desk, letter("Re: " + returned["Subject"], "Заявление № 12345678912", In_Reply_To=returned["Message-ID"]))
    assert (answer.outcome, answer.conversation_id) == (Route.REGISTER, row.conversation_id)
    found = fields_of(desk, row)
    assert {name: found[name] for name in PEOPLE["anna"]} == PEOPLE["anna"]
    assert found["application_number"] == "12345678912"
    assert "Не приходит код" in found["problem"]
    assert letters.MISSING not in outgoing(desk, row)


@pytest.mark.parametrize(("days", "outcome", "count"), [(1, Route.REOPEN, 1), (40, Route.REPEAT, 2)])
def test_an_answer_to_a_closed_appeal(desk: Desk, days: int, outcome: Route, count: int) -> None:
    (row,) = take_in(desk, letter())
    assert row.conversation_id
    operator = add_operator(desk)
    claim(desk, row.conversation_id, operator)
    close(desk, row.conversation_id, operator)
    closed_at = now() - timedelta(days=days)
    desk.database.write(lambda session: session.execute(update(Appeal).values(closed_at=closed_at)))
    number = appeal_of(desk, row).number
    _, answer = take_in(desk, letter(f"Re: {number}", "Опять не приходит."))
    assert (answer.outcome, answer.conversation_id) == (outcome, row.conversation_id)
    found = desk.database.read(appeals.of_conversation, row.conversation_id)
    assert len(found) == count
    assert (found[0].status, found[0].closed_at) == (AppealStatus.REOPENED if outcome == Route.REOPEN else AppealStatus.REGISTERED, None)
    assert found[0].due_at > now()
    assert (found[0].parent_id is not None) == (outcome == Route.REPEAT)
    assert reload(desk, row.conversation_id).mode == Mode.QUEUED
    assert [delivery.kind for delivery in rows(desk, Delivery)].count(letters.RECEIPT) == count


@pytest.mark.parametrize("returned", [False, True])
def test_a_letter_goes_on_with_a_chat_under_its_number(desk: Desk, returned: bool) -> None:
    conversation_id = start_conversation(desk)

    def leave_address(session: Any, desk: Desk, conversation: Conversation) -> None:
        conversation.email_token = desk.vault.put(session, conversation, "email", ANNA.email.upper())

    locked(desk, conversation_id, leave_address)
    hand_over(desk, conversation_id)
    if returned:
        operator = add_operator(desk)
        claim(desk, conversation_id, operator)
        return_to_bot(desk, conversation_id, operator)
    number = desk.database.read(appeals.of_conversation, conversation_id)[0].number
    (row,) = take_in(desk, letter(number, "Продолжаю письмом."))
    assert (row.outcome, row.conversation_id) == (Route.JOIN, conversation_id)
    assert said(desk, row) == ["Продолжаю письмом."]
    assert rows(desk, Turn) == []  # people are written to, the bot is not asked
    assert reload(desk, conversation_id).mode == Mode.QUEUED
    assert len(rows(desk, Appeal)) == 1


def test_a_letter_whose_conversation_is_erased_meanwhile_leads_to_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    original = handling.finish

    def finish(session: Any, desk: Desk, letter_id: Any, *more: Any) -> Any:
        row = session.get_one(IncomingLetter, letter_id)
        erase(session, desk, session.get_one(Conversation, row.conversation_id), COMMAND, now())
        return original(session, desk, letter_id, *more)

    monkeypatch.setattr(handling, "finish", finish)
    (row,) = take_in(desk, raw("files-pdf-and-jpeg"))
    assert (row.state, row.outcome, row.raw_sealed, row.data_key) == (LetterState.DONE, None, None, None)
    assert rows(desk, Appeal) == []


def test_a_bounce_is_told_on_its_appeal(desk: Desk) -> None:
    (row,) = take_in(desk, letter())
    (receipt,) = rows(desk, Delivery)
    bounce = raw("bounce-final").replace(RECEIPT_ID, receipt.message_id.strip("<>").encode())
    take_in(desk, bounce)
    assert rows(desk, Delivery)[0].state == DeliveryState.QUEUED  # not sent yet: somebody made it up
    send_all(desk)
    take_in(desk, bounce + b"\n")
    (receipt,) = rows(desk, Delivery)
    assert (receipt.state, receipt.failure) == (DeliveryState.FAILED, "bounced 5.1.1")
    assert say("letter_failed") in said(desk, row, Author.SYSTEM)
    assert row.conversation_id
    (document,) = locked(desk, row.conversation_id, lambda session, _desk, conversation: overview.letter_documents(session, conversation))
    assert "5.1.1" in document["failure"]


def test_the_same_bytes_are_one_letter_and_the_same_id_is_not(desk: Desk) -> None:
    one, two = letter(Message_ID="<same@example.com>"), letter(text=ALL_FIELDS + "Ещё.", Message_ID="<same@example.com>")
    take_in(desk, one, one, two)
    take_in(desk, one)
    assert [row.outcome for row in stored(desk)] == [Route.REGISTER, Route.REGISTER]
    assert len(rows(desk, Appeal)) == 2
    assert list((desk.settings.mail_dir / "incoming" / "new").iterdir()) == []


@pytest.mark.parametrize("broken", ["mark", "begin", "accept", "finish"])
def test_a_crash_anywhere_leaves_one_appeal(desk: Desk, broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(desk, raw("files-pdf-and-jpeg"))
    mailbox, files = choose_mailbox(desk), Files(desk)

    class Crash(BaseException):
        """No handler takes it for a letter's fault."""

    def crash(*_arguments: object, **_more: object) -> None:
        raise Crash

    async def run() -> None:
        await MailCollector(desk, mailbox).collect()
        await MailIntake(desk, files).run_once()

    target = {"mark": mailbox, "accept": files, "begin": handling, "finish": handling}[broken]
    with monkeypatch.context() as crashing:
        crashing.setattr(target, broken, crash)
        with pytest.raises(Crash):
            asyncio.run(run())
    assert len(stored(desk)) == 1  # committed before anything else
    assert rows(desk, Appeal) == []
    run_once(desk)
    run_once(desk)
    assert [row.outcome for row in stored(desk)] == [Route.REGISTER]
    assert len(rows(desk, Appeal)) == 1
    assert len(rows(desk, Conversation)) == 1
    assert list((desk.settings.mail_dir / "incoming" / "new").iterdir()) == []


def test_a_letter_that_cannot_be_handled_is_parked_and_holds_up_none(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original = handling.finish

    def finish(session: Any, desk: Desk, letter_id: Any, read: Any, *more: Any) -> Any:
        if "Сбой" in read.subject:
            raise ZeroDivisionError("1 / 0")
        return original(session, desk, letter_id, read, *more)

    with monkeypatch.context() as broken:
        broken.setattr(handling, "finish", finish)
        bad, good = take_in(desk, letter("Сбой, заявление № 12345678912"), letter())
        assert (bad.state, good.state) == (LetterState.NEW, LetterState.DONE)
        run_once(desk)
        bad, good = take_in(desk)
    assert (bad.state, bad.attempts, good.state) == (LetterState.PARKED, 3, LetterState.DONE)
    assert bad.error is not None
    assert bad.error.startswith("ZeroDivisionError at ")
    monkeypatch.setattr("handoff.__main__.settings_or_exit", lambda: desk.settings)
    assert handoff(["letters", "list", "--state", "parked"]) == 0
    assert str(bad.id) in capsys.readouterr().out
    assert handoff(["letters", "show", str(bad.id)]) == 0
    assert "Subject:" in capsys.readouterr().out
    assert handoff(["letters", "retry", str(bad.id)]) == 0
    assert handoff(["letters", "retry", str(bad.id)]) == 2
    assert take_in(desk)[0].outcome == Route.REGISTER


async def test_of_two_gateways_one_collects_and_the_other_takes_over(
    make_settings: MakeSettings, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_collector, "_RENEW_SECONDS", 0.05)
    with postgres.database() as name:
        desk = open_desk(make_settings(database_url=postgres.url(name), sweep_seconds=0.05))
        try:
            collectors = [MailCollector(desk, choose_mailbox(desk)) for _ in range(2)]
            tasks = [asyncio.create_task(collector.run_forever()) for collector in collectors]
            try:
                async with asyncio.timeout(30):
                    while "ok" not in (states := [collector.state for collector in collectors]):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                    first = states.index("ok")
                    await asyncio.sleep(0.3)
                    assert collectors[1 - first].state == "elsewhere"
                    tasks[first].cancel()
                    deliver(desk, letter())
                    while not await asyncio.to_thread(stored, desk):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                assert [collector.state for collector in collectors] == (["elsewhere", "ok"] if first == 0 else ["ok", "elsewhere"])
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            desk.close()


def test_a_letter_that_takes_its_time_holds_up_its_sender_only(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = raw("files-pdf-and-jpeg").replace(b"To:", b"X-Slow: yes\nTo:", 1)
    own = letter("Ещё заявление № 12345678912", sender=EXPECTED["files-pdf-and-jpeg"]["sender"])
    deliver(desk, slow, own, letter(sender=PYOTR.email))
    original = Files.accept

    async def accept(self: Files, *arguments: Any) -> Any:
        async with asyncio.timeout(30):
            while [row.state for row in stored(desk)] != [LetterState.NEW, LetterState.NEW, LetterState.DONE]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return await original(self, *arguments)

    monkeypatch.setattr(Files, "accept", accept)
    run_once(desk)
    first, second, _ = stored(desk)
    assert (first.outcome, second.outcome) == (Route.REGISTER, Route.REGISTER)
    assert first.processed_at
    assert second.processed_at
    assert first.processed_at <= second.processed_at


def test_a_letter_that_cannot_be_stored_holds_up_none(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    original = incoming.store

    def store(session: Any, desk: Desk, content: bytes, *more: Any) -> Any:
        if b"Broken" in content:
            raise ZeroDivisionError
        return original(session, desk, content, *more)

    with monkeypatch.context() as broken:
        broken.setattr(incoming, "store", store)
        assert len(take_in(desk, letter(), letter("Broken"), letter("Заявление № 12345678912"))) == 2
    new = desk.settings.mail_dir / "incoming" / "new"
    assert len(list(new.iterdir())) == 1  # it is tried again
    run_once(desk)
    assert (len(stored(desk)), list(new.iterdir())) == (3, [])


def test_what_is_no_letter_is_left_alone(desk: Desk) -> None:
    new = deliver(desk, letter())[0].parent
    (new / "link").symlink_to("/etc/hostname")
    (new / "folder").mkdir()
    os.mkfifo(new / "pipe")
    assert [row.outcome for row in take_in(desk)] == [Route.REGISTER]
    assert {left.name for left in new.iterdir()} == {"link", "folder", "pipe"}
    assert stat.S_ISLNK((new / "link").lstat().st_mode)


def test_one_address_is_answered_so_often_a_day(make_settings: MakeSettings, database_url: str) -> None:
    desk = open_desk(make_settings(database_url=database_url, letter_replies_per_day=2))
    try:
        take_in(desk, *(letter("Помогите", f"Вопрос {number}") for number in range(4)), letter(text=ALL_FIELDS))
        kinds = [delivery.kind for delivery in rows(desk, Delivery)]
        assert kinds == [letters.RETURNED] * 2
        assert [row.outcome for row in stored(desk)] == [Route.RETURN] * 4 + [Route.REGISTER]  # taken all the same
        assert len(rows(desk, Appeal)) == 1
    finally:
        desk.close()


def test_a_letter_that_is_too_large_is_taken_without_its_files(make_settings: MakeSettings, database_url: str) -> None:
    desk = open_desk(make_settings(database_url=database_url, max_letter_bytes=20_000))
    try:
        message = EmailMessage(policy=default)
        message["From"], message["Subject"] = ANNA.email, "Заявление № 12345678912"
        message.set_content(ALL_FIELDS)
        message.add_attachment(os.urandom(100_000), maintype="application", subtype="pdf", filename="a.pdf")
        (row,) = take_in(desk, message.as_bytes())
        assert (row.outcome, len(incoming.raw_of(desk, row))) == (Route.REGISTER, 20_000)
        assert row.size > 100_000
        assert say("letter_too_large", limit=size_words(20_000)) in words(outgoing(desk, row)[letters.UNSAFE_FILE])
    finally:
        desk.close()


def test_a_long_letter_is_several_messages(desk: Desk) -> None:
    (row,) = take_in(desk, letter(text="\n\n".join(f"Абзац {number}. " + "слово " * 100 for number in range(20))))
    told = said(desk, row)
    assert len(told) > 2
    assert all(len(piece) <= desk.settings.message_characters for piece in told)
    assert "Абзац 19" in told[-1]


def test_an_erasure_takes_the_original_and_its_key(desk: Desk) -> None:
    (row,) = take_in(desk, letter(Message_ID="<one@example.com>"))
    assert row.conversation_id
    assert ANNA.snils.encode() not in (row.raw_sealed or b"")
    locked(desk, row.conversation_id, erase, COMMAND, now())
    (row,) = stored(desk)
    assert (row.raw_sealed, row.data_key, row.message_id_sealed, row.message_id_hash, row.sender_hash) == (None,) * 5
    (*_, again) = take_in(desk, letter("Re: ещё", "Заявление № 12345678912", In_Reply_To="<one@example.com>"))
    assert again.conversation_id != row.conversation_id


def test_originals_are_forgotten_and_what_is_parked_is_not(desk: Desk) -> None:
    take_in(desk, raw("auto-noreply"), raw("structure-no-sender"))
    counts = retain(desk, now() + timedelta(days=desk.settings.keep_letter_days + 1))
    assert counts.letters == 1
    assert [(row.state, row.raw_sealed is None) for row in stored(desk)] == [(LetterState.DONE, True), (LetterState.PARKED, False)]
    assert take_in(desk, raw("auto-noreply"))[0].raw_sealed is None  # known still


def test_letters_follow_a_new_master_key(desk: Desk) -> None:
    (row,) = take_in(desk, raw("auto-noreply"))
    master_keys.add_newest(desk.settings.data_dir / "master.key")
    keyring = open_keyring(desk.settings)
    key_rotation.wrap_anew(desk.database, keyring)
    used = desk.database.read(key_rotation.in_use)
    assert used.total() == used[keyring.master.newest().id]
    (row,) = stored(desk)
    assert incoming.raw_of(desk, row) == raw("auto-noreply")


def test_wishes_reach_the_operators(desk: Desk) -> None:
    urgent = f"{ALL_FIELDS}\nЕсть угроза жизни: без документа не дают лекарство."
    first, vague, _ = take_in(
        desk,
        letter("Ускоренное рассмотрение", urgent),
        letter("Ускоренное рассмотрение"),
        letter("Повторное от 14.11.2025", ALL_FIELDS + " "),
    )
    (request,) = rows(desk, AppealRequest)
    assert (request.kind, request.ground, request.appeal_id) == (RequestKind.EXPEDITE, RequestGround.LIFE, appeal_of(desk, first).id)
    assert say("letter_expedite_without_ground") in said(desk, vague, Author.SYSTEM)
    assert [event.kind for event in rows(desk, AppealEvent)].count("named_repeat") == 1
