"""Letters in a real browser: where an answer goes, what did not arrive, the transcript that a citizen asks for."""

import re
import uuid

from playwright.sync_api import Browser, expect

from tests.contract.test_undelivered import report
from tests.e2e.conftest import Window
from tests.e2e.test_data_rights import open_console
from tests.e2e.test_whole_way import open_chat, say
from tests.integration.test_letters import in_maildir
from tests.stack import Stack, wait_for

WRONG, RIGHT = "vera.wrong@example.org", "vera.right@example.org"


def put_in_the_mailbox(stack: Stack, content: bytes) -> None:
    incoming = stack.data_dir.with_name("data-mail") / "incoming"
    wait_for("the Maildir", (incoming / "new").is_dir)
    draft = incoming / "tmp" / str(uuid.uuid4())
    draft.write_bytes(content)
    draft.rename(incoming / "new" / draft.name)


def test_an_operator_sends_a_letter_again_that_came_back(browser: Browser, stack: Stack) -> None:
    citizen = stack.citizen()
    number = citizen.say("Позовите оператора")[-1]["meta"]["appeal_number"]
    citizen.send(WRONG)
    (receipt,) = wait_for("the receipt", lambda: in_maildir(stack, number))
    put_in_the_mailbox(stack, report(receipt["Message-ID"]))

    desk = open_console(Window(browser, stack, 1440, 900))
    console = desk.page
    row = console.locator(f"[data-undelivered='{citizen.id}']")
    expect(row).to_contain_text("Подтверждение: письмо не дошло")
    row.click()
    letters = console.locator("[data-section=letters]")
    expect(letters).to_contain_text("Не доставлено")
    console.get_by_role("button", name="Взять в работу").click()
    expect(console.locator(".reply-way")).to_contain_text("Ответ уйдёт письмом и появится в чате. Последнее письмо не дошло")
    assert desk.axe_violations() == []
    desk.screenshot("console-undelivered")
    letters.get_by_role("button", name="Исправить адрес").click()
    dialog = console.get_by_role("dialog")
    dialog.get_by_label("Адрес электронной почты гражданина").fill("vera")
    dialog.get_by_role("button", name="Исправить и отправить").click()
    expect(dialog.get_by_role("alert")).not_to_be_empty()
    dialog.get_by_role("textbox").fill(RIGHT)
    dialog.get_by_role("button", name="Исправить и отправить").click()
    expect(row).to_have_count(0)
    expect(letters.get_by_role("button")).to_have_count(0)
    wait_for("the letter", lambda: any(letter["To"] == RIGHT for letter in in_maildir(stack, number)))
    console.set_viewport_size({"width": 320, "height": 700})
    assert not desk.scrolls_sideways()
    desk.screenshot("console-undelivered-narrow")
    faults = [fault for fault in desk.faults if "422" not in fault]  # the browser tells of each refusal
    assert faults == []


def test_a_citizen_has_the_transcript_sent(browser: Browser, stack: Stack) -> None:
    citizen = Window(browser, stack, 390, 780)
    chat = open_chat(citizen)
    chat.get_by_role("button", name="Меню разговора").click()
    expect(chat.get_by_role("menuitem", name="Отправить переписку на почту")).to_be_focused()
    chat.keyboard.press("ArrowDown")
    expect(chat.get_by_role("menuitem", name="Начать новый разговор")).to_be_focused()
    assert citizen.axe_violations() == []
    citizen.screenshot("chat-menu")
    chat.get_by_role("menuitem", name="Отправить переписку на почту").click()
    expect(chat.locator("[part=problem]")).to_contain_text("Адрес почты в этом разговоре неизвестен")
    say(chat, "позовите оператора")
    found = re.search(r"ОБ-\d{4}-\d{6}-\d", chat.locator("[part=card] [data-fact=number]").inner_text())
    assert found
    number = found[0]
    say(chat, RIGHT)
    wait_for("the receipt", lambda: in_maildir(stack, number))
    chat.get_by_role("button", name="Меню разговора").click()
    chat.get_by_role("menuitem", name="Отправить переписку на почту").click()
    expect(chat.get_by_text("Отправляем переписку на почту")).to_be_visible()
    wait_for("the transcript", lambda: [letter for letter in in_maildir(stack, number) if "Переписка" in letter["Subject"]])
    assert [fault for fault in citizen.faults if "409" not in fault] == []
