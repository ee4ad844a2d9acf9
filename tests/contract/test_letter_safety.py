"""Letters that somebody should not get: with viruses, spam, floods; against a real clamd and a real spamd, there and away."""

from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from sqlalchemy import select

from core import audit
from core.desk import Desk, open_desk
from core.models import Appeal, Attachment, Author, Conversation, Delivery, IncomingLetter, LetterState, Scan, now
from core.words import say
from handoff import letters
from handoff.__main__ import main as handoff
from handoff.mailbox import incoming, quarantine, review
from handoff.mailbox.rules import Route
from handoff.retention import retain
from tests.conftest import MakeSettings
from tests.contract.test_mail_intake import ALL_FIELDS, appeal_of, letter, outgoing, rows, run_once, said, send_all, stored, take_in, words
from tests.data.letters import raw
from tests.data.personas import ANNA, PYOTR
from tests.scanners import EICAR, GTUBE, Clamd, Spamd
from tests.scenes import add_operator
from tests.unit.core import samples

INFECTED_PDF = samples.PDF.replace(b"%%EOF", b"% " + EICAR + b"\n%%EOF")
SPAM = f"{ALL_FIELDS}\n{GTUBE}\n"


@pytest.fixture
def desk(make_settings: MakeSettings, database_url: str, clamd: Clamd, spamd: Spamd) -> Iterator[Desk]:
    opened = open_desk(make_settings(database_url=database_url, clamd_address=clamd.address, spamd_address=spamd.address))
    yield opened
    opened.close()


def with_file(name: str, content: bytes, sender: str = ANNA.email) -> EmailMessage:
    message = EmailMessage(policy=default)
    message["From"], message["To"], message["Subject"] = sender, "support@portal.example.ru", "Заявление № 12345678912"
    message.set_content(ALL_FIELDS)
    message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message


def forwarded(inner: EmailMessage) -> bytes:
    message = EmailMessage(policy=default)
    message["From"], message["Subject"] = ANNA.email, "Заявление № 12345678912"
    message.set_content(ALL_FIELDS)
    message.add_attachment(inner)
    return message.as_bytes()


def read_only_by_us() -> bytes:
    """What tells how the file is encoded is written as no program writes it."""
    return with_file("договор.pdf", INFECTED_PDF).as_bytes().replace(b"Transfer-Encoding: base64", b"Transfer-Encoding: b")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (with_file("договор.pdf", INFECTED_PDF).as_bytes(), "договор.pdf"),
        (with_file("a.docx", samples.docx({"word/media/image1.bin": EICAR})).as_bytes(), "a.docx"),
        (with_file("a.zip", samples.zipped("b.zip", samples.zipped("a.exe", EICAR))).as_bytes(), "a.zip"),
        (forwarded(with_file("a.pdf", INFECTED_PDF)), "letter.eml"),
        (read_only_by_us(), "договор.pdf"),
    ],
    ids=["pdf", "docx", "archive", "letter-in-letter", "oddly-encoded"],
)
def test_a_letter_with_a_virus_is_returned_whole(desk: Desk, content: bytes, name: str) -> None:
    (row,) = take_in(desk, content)
    assert (row.state, row.outcome) == (LetterState.DONE, Route.INFECTED)
    assert rows(desk, Appeal) == []
    assert [one for one in rows(desk, Attachment) if one.message_id] == []
    assert said(desk, row) == []
    assert said(desk, row, Author.SYSTEM) == [say("letter_infected")]
    sent = outgoing(desk, row)
    assert list(sent) == [letters.INFECTED]
    assert "вирус" in sent[letters.INFECTED]["Subject"]
    assert name in words(sent[letters.INFECTED])
    assert sent[letters.INFECTED]["Auto-Submitted"] == "auto-replied"


def test_what_is_sent_anew_is_taken(desk: Desk) -> None:
    (row,) = take_in(desk, with_file("a.pdf", INFECTED_PDF).as_bytes())
    returned = outgoing(desk, row)[letters.INFECTED]
    answer = with_file("a.pdf", samples.PDF)
    answer["In-Reply-To"] = returned["Message-ID"]
    _, again = take_in(desk, answer.as_bytes())
    assert (again.outcome, again.conversation_id) == (Route.REGISTER, row.conversation_id)
    assert [one.scan for one in rows(desk, Attachment)] == [Scan.CLEAN]


def test_without_clamd_a_letter_is_taken_and_its_file_stays_closed(make_settings: MakeSettings, database_url: str, clamd: Clamd) -> None:
    desk = open_desk(make_settings(database_url=database_url, clamd_address=clamd.address))
    clamd.stop()
    try:
        (row,) = take_in(desk, with_file("a.pdf", INFECTED_PDF).as_bytes())
        assert row.outcome == Route.REGISTER
        assert [one.scan for one in rows(desk, Attachment)] == [Scan.UNSCANNED]
    finally:
        desk.close()


def audited(desk: Desk) -> list[tuple[str, str]]:
    return [(entry.action, entry.subject) for entry in reversed(desk.database.read(audit.entries))]


def test_spam_is_not_answered_and_waits_for_an_operator(desk: Desk) -> None:
    spam, good = take_in(desk, letter(text=SPAM), letter(sender=PYOTR.email))
    assert (spam.state, spam.outcome, spam.conversation_id) == (LetterState.QUARANTINED, quarantine.SPAM, None)
    assert spam.spam_score is not None
    assert spam.spam_score > 900
    assert good.outcome == Route.REGISTER
    assert [one.id for one in rows(desk, Conversation)] == [good.conversation_id]
    assert {one.conversation_id for one in rows(desk, Delivery)} == {good.conversation_id}
    shown = quarantine.preview(desk, spam)
    assert shown.subject == "Заявление № 1234567891"
    assert "Не приходит код" in shown.words
    assert ANNA.snils not in shown.words
    assert ANNA.email not in shown.sender
    operator = add_operator(desk)
    assert desk.database.write(review.release, desk, operator, spam.id)
    assert not desk.database.write(review.release, desk, operator, spam.id)
    run_once(desk)
    spam, _ = stored(desk)
    assert (spam.state, spam.outcome) == (LetterState.DONE, Route.REGISTER)
    assert ANNA.email in outgoing(desk, spam)[letters.RECEIPT]["To"]
    assert audited(desk)[-1] == (audit.LETTER_RELEASED, str(spam.id))


def test_what_is_discarded_is_gone_but_for_its_receipt(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    content = letter(text=SPAM)
    (spam,) = take_in(desk, content)
    monkeypatch.setattr("handoff.__main__.settings_or_exit", lambda: desk.settings)
    assert handoff(["letters", "discard", str(spam.id)]) == 0
    assert handoff(["letters", "discard", str(spam.id)]) == 2
    assert handoff(["letters", "release", str(spam.id)]) == 2
    (spam,) = take_in(desk, content)
    assert (spam.state, spam.outcome, spam.raw_sealed, spam.data_key, spam.findings_sealed) == (LetterState.DONE, "spam", None, None, None)
    assert rows(desk, Conversation) == []
    assert audited(desk) == [(audit.LETTER_DISCARDED, str(spam.id))]


def test_an_answer_to_our_letter_is_no_spam_and_a_strangers_is(desk: Desk) -> None:
    (row,) = take_in(desk, letter())
    send_all(desk)
    receipt = outgoing(desk, row)[letters.RECEIPT]
    _, own, strangers, named = take_in(
        desk,
        letter("Re: обращение", GTUBE, In_Reply_To=receipt["Message-ID"]),
        letter("Re: обращение", GTUBE, PYOTR.email, In_Reply_To=receipt["Message-ID"]),
        letter(f"Re: {appeal_of(desk, row).number}", GTUBE),  # numbers are guessed
    )
    assert (own.outcome, own.conversation_id) == (Route.JOIN, row.conversation_id)
    assert (strangers.state, named.state) == (LetterState.QUARANTINED, LetterState.QUARANTINED)


def test_without_spamd_a_letter_goes_on_and_is_noted(make_settings: MakeSettings, database_url: str, spamd: Spamd) -> None:
    desk = open_desk(make_settings(database_url=database_url, spamd_address=spamd.address))
    spamd.stop()
    try:
        (row,) = take_in(desk, letter(text=SPAM))
        assert (row.outcome, row.not_checked, row.spam_score) == (Route.REGISTER, True, None)
        assert desk.database.read(quarantine.not_checked_since, now() - timedelta(days=1)) == 1
    finally:
        desk.close()


def test_the_threshold_is_a_setting(make_settings: MakeSettings, database_url: str, spamd: Spamd) -> None:
    desk = open_desk(make_settings(database_url=database_url, spamd_address=spamd.address, spam_score=1000.0 - 999))
    try:
        (row,) = take_in(desk, letter())
        assert row.state == LetterState.QUARANTINED  # headers are missing: some points, fewer than spamd's own five
        assert row.spam_score is not None
        assert 1 <= row.spam_score < 5
    finally:
        desk.close()


def test_one_address_fills_the_quarantine_and_not_the_queue(make_settings: MakeSettings, database_url: str) -> None:
    desk = open_desk(make_settings(database_url=database_url, letters_per_hour=3))
    try:
        sent = [letter(f"Заявление № 123456789{number}", ALL_FIELDS) for number in range(5)]
        found = take_in(desk, *sent, letter(sender=PYOTR.email), raw("auto-noreply"))
        assert [row.outcome for row in found] == [*[Route.REGISTER] * 3, quarantine.FLOOD, quarantine.FLOOD, Route.REGISTER, "automatic"]
        assert [row.state for row in found[3:5]] == [LetterState.QUARANTINED] * 2
        assert len(rows(desk, Appeal)) == 4
        desk.database.write(review.release, desk, add_operator(desk), found[3].id)
        run_once(desk)
        assert stored(desk)[3].outcome == Route.REGISTER
        send_all(desk)
        receipt = outgoing(desk, found[0])[letters.RECEIPT]
        *_, mine = take_in(desk, letter("Re: обращение", "Это пишу я сама.", In_Reply_To=receipt["Message-ID"]))
        assert mine.outcome == Route.JOIN  # whoever it was that wrote under her address
    finally:
        desk.close()


def test_quarantine_is_emptied_after_its_time(desk: Desk) -> None:
    (spam,) = take_in(desk, letter(text=SPAM))
    kept = timedelta(days=desk.settings.keep_quarantine_days)
    assert retain(desk, now() + kept - timedelta(hours=1)).letters == 0
    assert retain(desk, now() + kept + timedelta(hours=1)).letters == 1
    (spam,) = stored(desk)
    assert (spam.state, spam.outcome, spam.raw_sealed) == (LetterState.DONE, quarantine.SPAM, None)


def test_a_parked_letter_goes_through_the_checks_when_it_is_read_again(desk: Desk) -> None:
    def park(session: Any) -> None:
        incoming.park(session.scalars(select(IncomingLetter)).one(), "ZeroDivisionError at somewhere:1")

    (spam,) = take_in(desk, letter(text=SPAM))
    desk.database.write(park)
    assert desk.database.write(incoming.retry, spam.id)
    run_once(desk)
    assert stored(desk)[0].state == LetterState.QUARANTINED
