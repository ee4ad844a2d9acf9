"""The whole way in a real browser: a citizen asks, the bot answers, a person takes over, everything is still there after a reload."""

import os
import re
import signal
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Window
from tests.stack import PASSWORD, Stack

QUESTION = "не приходит смс с кодом"


def say(page: Page, text: str) -> None:
    field = page.get_by_label("Ваше сообщение")
    field.fill(text)
    field.press("Enter")


def history(page: Page) -> list[tuple[str | None, str | None]]:
    shown = page.locator("otklik-chat [data-seq]")
    return [(item.get_attribute("data-seq"), item.get_attribute("data-author")) for item in shown.all()]


def open_chat(window: Window) -> Page:
    window.page.goto("/")
    expect(window.page.locator("otklik-chat")).to_have_attribute("data-state", "online")
    expect(window.page.locator("[data-kind=greeting]")).to_be_visible()
    return window.page


def test_question_answer_operator_reply_reload(browser: Browser, stack: Stack, tmp_path: Path) -> None:
    citizen = Window(browser, stack)
    chat = open_chat(citizen)
    assert citizen.axe_violations() == []

    say(chat, QUESTION)
    answer = chat.locator("[data-kind=answer]")
    expect(answer).to_contain_text("код")
    citizen.screenshot("chat-answer")
    assert citizen.axe_violations() == []

    picture = tmp_path / "снимок.png"
    Image.new("RGB", (320, 200), "teal").save(picture)
    chat.locator("otklik-chat input[type=file]").set_input_files(picture)
    expect(chat.locator("[part=tray] progress")).to_be_hidden()  # uploaded
    say(chat, "Вот снимок, позовите оператора")
    expect(chat.locator("[data-author=citizen] img")).to_be_visible()
    card = chat.locator("[data-kind=handoff]")
    expect(card).to_contain_text("ОБ-20")
    found = re.search(r"ОБ-\d{4}-\d{6}-\d", card.locator("[data-fact=number]").inner_text())
    assert found

    desk = Window(browser, stack, 1440, 900)
    console = desk.page
    console.goto("/operator")
    assert desk.axe_violations() == []
    console.locator("[name=login]").fill("operator")
    console.locator("[name=password]").fill(PASSWORD)
    console.keyboard.press("Enter")
    row = console.locator("[data-section=waiting] [data-conversation]", has_text=found[0])
    row.click()
    expect(console.locator("[data-author=citizen]").first).to_contain_text(QUESTION)
    console.get_by_role("button", name="Взять в работу").click()
    expect(chat.locator("[data-kind=operator_joined]")).to_be_visible()
    reply = console.get_by_label("Ответ гражданину")
    reply.fill("Здравствуйте. Вижу снимок, сейчас проверю номер телефона.")
    reply.press("Enter")
    expect(chat.locator("[data-author=operator]")).to_contain_text("сейчас проверю")
    say(chat, "Спасибо, жду")
    expect(console.locator("[data-author=citizen]").last).to_contain_text("жду")
    desk.screenshot("console")
    citizen.screenshot("chat-operator")
    assert citizen.axe_violations() == []
    assert desk.axe_violations() == []

    before = history(chat)
    assert [seq for seq, _ in before] == [str(seq) for seq in range(1, len(before) + 1)]
    chat.reload()
    expect(chat.locator("[data-author=operator]")).to_contain_text("сейчас проверю")
    assert history(chat) == before

    console.get_by_role("button", name="Завершить").click()
    dialog = console.locator("dialog[open]")
    dialog.locator("textarea").fill("Номер исправлен")
    assert desk.axe_violations() == []
    dialog.locator("button[type=submit], [value=ok]").first.click()
    rating = chat.locator("[data-kind=rating]")
    expect(rating).to_be_visible()
    assert citizen.axe_violations() == []
    rating.get_by_role("button", name="5 из 5").click()
    expect(chat.locator("[data-seq]").last).to_contain_text("Спасибо за оценку")
    assert citizen.faults == []
    assert desk.faults == []


def test_the_widget_comes_back_after_the_gateway(browser: Browser, stack: Stack) -> None:
    window = Window(browser, stack)
    chat = open_chat(window)
    os.kill(stack.pid("gateway"), signal.SIGKILL)
    expect(chat.locator("otklik-chat")).to_have_attribute("data-state", "offline")
    say(chat, QUESTION)  # written while nobody listens: sent once there is somebody
    stack.wait_until_ready()
    expect(chat.locator("otklik-chat")).to_have_attribute("data-state", "online")
    retry = chat.get_by_role("button", name="повторить отправку")
    expect(retry.or_(chat.locator("[data-kind=answer]")).first).to_be_visible()
    if retry.is_visible():
        retry.click()
    expect(chat.locator("[data-kind=answer]")).to_have_count(1)
    assert [author for _, author in history(chat)] == ["bot", "citizen", "bot"]
    assert [fault for fault in window.faults if "ERR_CONNECTION_REFUSED" not in fault and "WebSocket" not in fault] == []


def test_the_pages_fit_a_small_phone(browser: Browser, stack: Stack) -> None:
    window = Window(browser, stack, 320, 640)
    chat = open_chat(window)
    say(chat, QUESTION)
    expect(chat.locator("[data-kind=answer]")).to_be_visible()
    assert not window.scrolls_sideways()
    assert window.axe_violations() == []
    window.screenshot("chat-phone")
    window.page.goto("/operator")
    expect(window.page.locator("[name=login]")).to_be_visible()
    assert not window.scrolls_sideways()
    window.screenshot("login-phone")
    assert window.faults == []


def test_what_people_write_is_never_markup(browser: Browser, stack: Stack) -> None:
    window = Window(browser, stack)
    chat = open_chat(window)
    hostile = "<img src=x onerror=alert(1)><b>жирный</b> javascript:alert(1) https://portal.example.ru/help"
    say(chat, hostile)
    expect(chat.locator("[data-seq='2']")).to_contain_text("<b>жирный</b>")
    assert chat.locator("[data-seq='2'] b, [data-seq='2'] img").count() == 0
    links = chat.locator("[data-seq='2'] a")
    assert [link.get_attribute("href") for link in links.all()] == ["https://portal.example.ru/help"]
    assert window.faults == []
