"""The page of letters that were set aside, in a real browser: quarantine and what could not be handled. Once without JavaScript."""

import hashlib
import re
import uuid
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy.orm import Session

from core.desk import Desk, open_desk
from core.models import IncomingLetter, LetterState, now
from core.settings import read_settings
from handoff.mailbox import incoming, quarantine
from handoff.mailbox.letter import read_letter
from tests.data.personas import ANNA
from tests.e2e.conftest import Window
from tests.e2e.test_articles import look, without_javascript
from tests.e2e.test_data_rights import open_console
from tests.stack import Stack, wait_for

__all__ = ["without_javascript"]

SIZES = [("", 1280, 900), ("-phone", 320, 700)]


@pytest.fixture
def desk(stack: Stack) -> Iterator[Desk]:
    """The running one's, opened beside it."""
    opened = open_desk(read_settings(data_dir=stack.data_dir))
    yield opened
    opened.close()


def raw(subject: str, words: str, sender: str) -> bytes:
    message = EmailMessage(policy=default)
    message["Subject"] = subject
    if sender:
        message["From"] = sender
    message.set_content(f"{words} {uuid.uuid4().hex}")
    return message.as_bytes()


def deliver(desk: Desk, content: bytes) -> None:
    folder = desk.settings.mail_dir / "incoming"
    name = uuid.uuid4().hex
    (folder / "tmp" / name).write_bytes(content)
    (folder / "tmp" / name).rename(folder / "new" / name)


def waiting(desk: Desk, state: LetterState) -> list[IncomingLetter]:
    return list(desk.database.read(incoming.listed, state, 100))


def quarantine_one(desk: Desk, subject: str, words: str, why: str = quarantine.SPAM, score: float | None = 7.4) -> None:
    """As the intake does with what spamd calls spam: this desk has none."""
    content = raw(subject, words, f"{ANNA.full_name} <{ANNA.email}>")
    letter = read_letter(content, desk.settings)
    preview = quarantine.preview_of(letter, desk.settings)

    def store(session: Session) -> None:
        row = incoming.store(session, desk, content, hashlib.sha256(content).digest(), len(content), now())
        assert row
        session.flush()
        assert quarantine.hold(session, desk, row.id, letter, why, preview, score)

    desk.database.write(store)


@pytest.mark.parametrize(("name", "width", "height"), SIZES)
def test_letters_are_reviewed(browser: Browser, stack: Stack, desk: Desk, name: str, width: int, height: int) -> None:
    quarantine_one(desk, f"Заявление № 1234567891{name}", f"Меня зовут {ANNA.full_name}, СНИЛС {ANNA.snils}. Не приходит код.")
    quarantine_one(desk, f"Деньги без отказа{name}", "Только сегодня, переходите по ссылке.", quarantine.FLOOD, None)
    deliver(desk, raw(f"Без адреса{name}", "Кто я, неизвестно.", ""))
    wait_for("the letter without a sender", lambda: waiting(desk, LetterState.PARKED))
    window = open_console(Window(browser, stack, width, height))
    page = window.page
    look(window, f"console-letters{name}")
    page.get_by_role("link", name="Письма").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Письма")
    held = page.locator("[data-letter]").filter(has_text=f"Заявление № 1234567891{name}")
    held.get_by_text("Начало письма").click()
    expect(held).to_contain_text("Лебедева А. С.")
    expect(held).to_contain_text("баллов: 7,4")
    assert ANNA.snils not in page.content()
    assert ANNA.email not in page.content()
    look(window, f"letters{name}")
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    look(window, f"letters-dark{name}")
    page.emulate_media(color_scheme="light")

    page.get_by_role("button", name="Это не спам").click()
    expect(page.get_by_role("alert")).to_have_text("Отметьте хотя бы одно письмо.")
    expect(page.get_by_role("alert")).to_be_focused()
    look(window, f"letters-fault{name}")
    with page.expect_download() as download:
        held.get_by_role("link", name=re.compile("Скачать целиком")).click()
    assert ANNA.email.encode() in download.value.path().read_bytes()
    held.get_by_role("checkbox").check()
    page.get_by_role("button", name="Это не спам").click()
    expect(page.get_by_role("status").first).to_contain_text("Выпущено из карантина: 1 письмо")
    expect(held).to_have_count(0)
    wait_for("the appeal", lambda: any(one.released_at and one.outcome == "registered" for one in waiting(desk, LetterState.DONE)))

    page.get_by_label(f"Деньги без отказа{name}").check()
    page.get_by_role("button", name="Это спам, удалить").click()
    expect(page.get_by_role("status").first).to_contain_text("Удалено: 1 письмо")
    page.get_by_role("checkbox", name=re.compile("Письмо от")).first.check()
    page.get_by_role("button", name="Обработать снова").click()
    expect(page.get_by_role("status").first).to_contain_text("Отправлено на повторную обработку: 1 письмо")
    wait_for("the letter to be parked again", lambda: waiting(desk, LetterState.PARKED))
    window.faults[:] = [fault for fault in window.faults if "422" not in fault]  # the form that was refused
    assert window.faults == []


def test_letters_are_reviewed_without_javascript(desk: Desk, without_javascript: Any) -> None:
    quarantine_one(desk, "Скидки до зимы", "Купите сейчас.")
    page = without_javascript.new_page()
    page.goto("/operator/letters")
    page.get_by_label("Скидки до зимы").check()
    page.get_by_role("button", name="Это спам, удалить").click()
    expect(page.get_by_role("status").first).to_contain_text("Удалено: 1 письмо")
    expect(page.get_by_text("Скидки до зимы")).to_have_count(0)
