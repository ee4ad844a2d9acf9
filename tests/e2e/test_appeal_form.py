"""The appeal form in a real browser, by keyboard alone."""

import re

from playwright.sync_api import Browser, Page, expect

from tests.data.personas import AISYLU
from tests.e2e.conftest import Window
from tests.e2e.test_whole_way import open_chat
from tests.stack import Stack

_MOST_STEPS = 40
_FOCUSED = """() => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element?.tagName === "BUTTON" ? element.innerText.trim() : (element?.getAttribute("aria-label") ?? element?.tagName ?? "");
}"""


def write(page: Page, text: str) -> None:
    """Into the message field, wherever the keyboard is now."""
    reach(page, re.compile("TEXTAREA|Ваше сообщение"))
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def press(page: Page, title: str) -> None:
    reach(page, re.compile(f"^{re.escape(title)}$"))
    page.keyboard.press("Enter")


def reach(page: Page, name: re.Pattern[str]) -> None:
    """Goes back through the page until the focus is there: the newest buttons are just before the message field."""
    for _ in range(_MOST_STEPS):
        if name.search(page.evaluate(_FOCUSED)):
            return
        page.keyboard.press("Shift+Tab")
    raise AssertionError(f"the keyboard does not reach {name.pattern}")


def is_asked(page: Page, words: str) -> None:
    expect(page.locator("[data-author=bot]").last).to_contain_text(words)


def test_the_form_by_keyboard_alone(browser: Browser, stack: Stack) -> None:
    window = Window(browser, stack)
    chat = open_chat(window)
    write(chat, "хочу подать обращение")
    is_asked(chat, "Согласны на обработку")
    assert window.axe_violations() == []
    press(chat, "Согласен")
    is_asked(chat, "фамилию, имя и отчество")
    write(chat, AISYLU.full_name)
    is_asked(chat, "номер СНИЛС")
    write(chat, AISYLU.snils[:-1] + "6")
    is_asked(chat, "Контрольное число")
    write(chat, AISYLU.snils)
    is_asked(chat, "дату рождения")
    assert chat.get_by_placeholder("ДД.ММ.ГГГГ").count() == 1
    press(chat, "Пропустить")
    is_asked(chat, "Как вам ответить?")
    window.screenshot("form-question")
    press(chat, "Письмом на почту")
    is_asked(chat, "адрес электронной почты")
    write(chat, AISYLU.email)
    is_asked(chat, "О чём обращение?")
    window.screenshot("form-category")
    press(chat, "Техническая проблема")
    is_asked(chat, "Опишите, что случилось")
    write(chat, "Не открывается раздел «Заявления»: страница остаётся белой")
    is_asked(chat, "напишите его номер")
    press(chat, "Пропустить")
    is_asked(chat, "Когда это случилось?")
    write(chat, "14 ноября около трёх")
    is_asked(chat, "Что вы уже пробовали")
    press(chat, "Пропустить")
    is_asked(chat, "снимки экрана")
    press(chat, "Дальше")
    is_asked(chat, "Проверьте, всё ли верно")
    is_asked(chat, AISYLU.full_name)
    is_asked(chat, "около 15:00")
    assert window.axe_violations() == []
    window.screenshot("form-summary")
    press(chat, "Отправить")
    card = chat.locator("[data-kind=appeal_registered]")
    expect(card).to_contain_text(re.compile(r"ОБ-\d{4}-\d{6}-\d"))
    assert window.axe_violations() == []
    window.screenshot("form-registered")
    assert window.faults == []


def test_the_form_fits_a_small_phone(browser: Browser, stack: Stack) -> None:
    window = Window(browser, stack, 320, 640)
    chat = open_chat(window)
    write(chat, "хочу подать жалобу")
    is_asked(chat, "Согласны на обработку")
    assert not window.scrolls_sideways()
    window.screenshot("form-phone")
    assert window.axe_violations() == []
