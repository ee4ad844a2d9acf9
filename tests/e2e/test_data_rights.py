"""Erasing and taking one's data along, in a real browser, by the citizen and from the console."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Window
from tests.e2e.test_whole_way import open_chat, say
from tests.stack import PASSWORD, Stack, wait_for

SIZES = [(1280, 860), (400, 780)]
SECRET = "номер моей квартиры сорок два"


def test_the_citizen_takes_their_data_and_erases_them(browser: Browser, stack: Stack, tmp_path: Path) -> None:
    citizen = Window(browser, stack, 390, 780)
    chat = open_chat(citizen)
    say(chat, SECRET)
    say(chat, "пришлите мои данные")
    file = chat.get_by_role("button", name="Мои данные.zip")
    expect(file).to_be_visible()
    with chat.expect_download() as download:
        file.click()
    download.value.save_as(tmp_path / "data.zip")
    assert (tmp_path / "data.zip").read_bytes()[:2] == b"PK"
    assert citizen.axe_violations() == []
    citizen.screenshot("chat-export")

    say(chat, "удалите мои данные")
    expect(chat.get_by_text("Восстановить их будет нельзя")).to_be_visible()
    citizen.screenshot("chat-erase-question")
    chat.get_by_role("button", name="Удалить", exact=True).click()
    expect(chat.locator("[data-kind=erased]")).to_contain_text("Данные этого разговора удалены")
    expect(chat.get_by_text(SECRET)).to_have_count(0)  # not on the screen either
    expect(chat.get_by_label("Ваше сообщение")).to_be_hidden()
    assert citizen.axe_violations() == []
    citizen.screenshot("chat-erased")
    chat.reload()
    expect(chat.locator("[data-kind=erased]")).to_be_visible()
    assert_begins_anew(chat)
    assert citizen.faults == []


def assert_begins_anew(chat: Page) -> None:
    chat.get_by_role("button", name="Начать новый разговор").last.click()
    chat.get_by_role("button", name="Начать новый", exact=True).click()
    expect(chat.locator("[data-kind=greeting]")).to_be_visible()
    expect(chat.get_by_label("Ваше сообщение")).to_be_editable()


def open_console(window: Window) -> Window:
    window.page.goto("/operator")
    window.page.get_by_label("Логин").fill("operator")
    window.page.get_by_label("Пароль").fill(PASSWORD)
    window.page.get_by_role("button", name="Войти").click()
    expect(window.page.get_by_role("button", name="Выйти")).to_be_visible()
    return window


def test_a_supervisor_erases_for_a_reason(browser: Browser, stack: Stack) -> None:
    citizen = stack.citizen()
    citizen.say(f"{SECRET}, мой СНИЛС 112-233-445 95")
    citizen.say("позовите оператора")
    desk = open_console(Window(browser, stack, 1440, 900))
    console = desk.page
    console.goto(f"/operator#{citizen.id}")
    console.reload()
    console.get_by_role("button", name="Удалить данные").click()
    dialog = console.get_by_role("dialog")
    dialog.get_by_role("button", name="Письменная просьба гражданина").click()
    assert desk.axe_violations() == []
    desk.screenshot("console-erase")
    dialog.get_by_role("button", name="Удалить", exact=True).click()
    expect(console.get_by_text("Данные этого разговора удалены")).to_be_visible()
    expect(console.get_by_text(SECRET)).to_have_count(0)
    expect(console.get_by_role("button", name="Удалить данные")).to_have_count(0)
    desk.screenshot("console-erased")
    assert citizen.mode == "closed"
    assert desk.faults == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_dialogs_of_data_are_for_the_keyboard_too(browser: Browser, stack: Stack, width: int, height: int) -> None:
    citizen = stack.citizen()
    citizen.say("позовите оператора")
    desk = open_console(Window(browser, stack, width, height))
    console = desk.page
    console.goto(f"/operator#{citizen.id}")
    console.reload()
    if width < 760:
        console.get_by_role("button", name="Сведения").press("Enter")
    dialog = console.get_by_role("dialog")

    export = console.get_by_role("button", name="Отправить гражданину его данные")
    export.press("Enter")
    expect(dialog.get_by_role("button", name="Отправить")).to_be_focused()
    assert desk.axe_violations() == [] and not desk.scrolls_sideways()
    desk.screenshot(f"console-export-{width}")
    console.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(export).to_be_focused()

    erase = console.get_by_role("button", name="Удалить данные")
    erase.press("Enter")
    reason = dialog.get_by_label("Причина")
    expect(reason).to_be_focused()
    for name in ("Письменная просьба гражданина", "Данные другого человека", "Отозвано согласие", "Отмена", "Удалить"):
        console.keyboard.press("Tab")
        expect(dialog.get_by_role("button", name=name)).to_be_focused()
    console.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("Напишите причину.")
    expect(reason).to_be_focused()
    assert desk.axe_violations() == [] and not desk.scrolls_sideways()
    desk.screenshot(f"console-erase-{width}")
    console.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(erase).to_be_focused()
    assert citizen.mode == "queued"

    erase.press("Enter")
    console.keyboard.press("Tab")
    console.keyboard.press("Enter")  # the ready reason
    expect(reason).to_be_focused()
    for _ in range(5):
        console.keyboard.press("Tab")
    console.keyboard.press("Enter")
    expect(erase).to_have_count(0)
    expect(dialog).to_have_count(0)
    assert citizen.mode == "closed"
    assert desk.faults == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_audit_log_is_read_from_the_keyboard(browser: Browser, stack: Stack, width: int, height: int) -> None:
    citizen = stack.citizen()
    citizen.say("позовите оператора")
    operator = stack.operator()
    appeal = operator.transcript(citizen.id)["appeal"]["number"]
    answer = operator.call(citizen.id, "erase", {"reason": "Письменная просьба, с адреса anna@mail.ru"})
    assert answer.status_code == 200, answer.text

    desk = open_console(Window(browser, stack, width, height))
    page = desk.page
    page.get_by_role("link", name="Журнал").press("Enter")
    expect(page.get_by_role("heading", name="Журнал")).to_be_visible()
    assert desk.axe_violations() == [] and not desk.scrolls_sideways()
    desk.screenshot(f"console-audit-{width}")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="К очереди")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Логин оператора")).to_be_focused()
    page.keyboard.type("operator")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Номер обращения")).to_be_focused()
    page.keyboard.type(appeal)
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(2)
    erased, opened = (row.locator("td").all_inner_texts() for row in page.locator("tbody tr").all())
    assert erased[2:] == ["operator", "данные удалены", "", appeal, "Письменная просьба, с адреса [данные удалены]"]
    assert opened[2:] == ["operator", "открыта переписка", "", appeal, ""]
    rows = page.get_by_role("region", name="Строки журнала")
    page.get_by_role("button", name="Показать").focus()
    page.keyboard.press("Tab")
    expect(rows).to_be_focused()
    if width < 760:  # wider than the screen: the arrows move it
        page.keyboard.press("ArrowRight")
        wait_for("the rows to move", lambda: rows.evaluate("rows => rows.scrollLeft") > 0, 10)
    assert desk.axe_violations() == [] and not desk.scrolls_sideways()

    page.goto("/operator/audit?operator=nobody")
    expect(page.get_by_text("Таких строк нет.")).to_be_visible()
    assert desk.axe_violations() == []
    assert desk.faults == []
    page.goto("/operator/audit?since=2026-02-30")
    expect(page.get_by_label("Начиная с дня")).to_have_accessible_description("Дата указана неверно. Нужен вид 2026-11-23.")
    assert desk.axe_violations() == []
