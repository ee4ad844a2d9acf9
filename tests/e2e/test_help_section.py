"""The help section in a real browser: with JavaScript, without it, on paper."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.e2e.conftest import Window
from tests.stack import Stack

QUESTION = "не приходит код"
ANSWER = "Не приходит код подтверждения из СМС"
# A page of each kind.
PAGES = {
    "sections": "/help",
    "section": "/help/sections/account",
    "article": "/help/official-address",
    "answer": f"/help/search?q={QUESTION}",
    "suggestions": "/help/search?q=паспорт",
    "nothing": "/help/search?q=щшзщх",
    "unknown": "/help/nothing-such",
}


@pytest.fixture
def window(browser: Browser, stack: Stack) -> Iterator[Window]:
    opened = Window(browser, stack)
    yield opened
    assert [fault for fault in opened.faults if "status of 404" not in fault] == []
    assert opened.context.cookies() == []
    opened.context.close()


def test_an_article_is_found_as_one_types_and_leads_to_the_chat(window: Window) -> None:
    page = window.page
    page.goto("/")
    page.get_by_role("link", name="разделе помощи").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Помощь")
    search = page.get_by_role("combobox", name="Что вас интересует?")
    search.press_sequentially(QUESTION, delay=10)
    options = page.get_by_role("option")
    expect(options.first).to_contain_text(ANSWER)
    expect(search).to_have_attribute("aria-expanded", "true")
    assert window.axe_violations() == []

    search.press("ArrowUp")  # the last one
    expect(options.last).to_have_attribute("aria-selected", "true")
    search.press("ArrowDown")  # the field
    expect(page.locator("[aria-selected=true]")).to_have_count(0)
    search.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    assert search.get_attribute("aria-activedescendant") == options.first.get_attribute("id")
    window.screenshot("help-typing")
    search.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(search).to_have_value(QUESTION)

    search.press_sequentially(" из")
    expect(options.first).to_contain_text(ANSWER)
    search.press("ArrowDown")
    search.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(ANSWER)
    page.get_by_role("link", name="Задать вопрос в чате").click()
    expect(page.get_by_label("Ваше сообщение")).to_have_value(ANSWER)
    assert page.url.endswith("/")  # what one asks stays out of the address


def test_the_mouse_opens_an_article_and_enter_sends_the_question(window: Window) -> None:
    page = window.page
    page.goto("/help")
    search = page.get_by_label("Что вас интересует?")
    search.press_sequentially("паспорт")
    page.get_by_role("option", name="Получили новый паспорт").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Получили новый паспорт")
    search.fill(QUESTION)
    search.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Поиск по статьям")
    expect(page.get_by_label("Лучше всего подходит").get_by_role("link")).to_have_text(ANSWER)


def test_a_late_answer_to_an_earlier_text_is_not_shown(window: Window) -> None:
    page = window.page
    held: list[Route] = []
    page.route("**/api/help/search?q=*", lambda route: route.continue_() if held else held.append(route))
    page.goto("/help")
    search = page.get_by_label("Что вас интересует?")
    with page.expect_request("**/api/help/search?q=*"):
        search.fill("жалоба")
    search.fill("паспорт")
    expect(page.get_by_role("option").first).to_contain_text("аспорт")
    held[0].fulfill(json={"outcome": "none", "results": []})
    search.press("ArrowDown")
    expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")


def test_nothing_found_and_a_failing_search_are_told(window: Window) -> None:
    page = window.page
    page.goto("/help")
    search = page.get_by_label("Что вас интересует?")
    search.press_sequentially("щшзщх")
    expect(page.get_by_role("status")).to_contain_text("Пока ничего не нашли")
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.route("**/api/help/search?q=*", lambda route: route.fulfill(status=200, body="broken"))
    with page.expect_response("**/api/help/search?q=*"):
        search.fill("паспорт")
    expect(page.get_by_role("status")).to_have_text("")
    page.get_by_role("button", name="Найти").click()
    expect(page.get_by_role("link", name="Получили новый паспорт")).to_be_visible()


def test_without_javascript(browser: Browser, stack: Stack) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=stack.url, locale="ru-RU")
    page = context.new_page()
    page.goto("/help")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="К содержанию")).to_be_focused()
    page.get_by_label("Что вас интересует?").fill(QUESTION)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Что вас интересует?")).to_have_value(QUESTION)
    page.get_by_label("Лучше всего подходит").get_by_role("link", name=ANSWER).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(ANSWER)
    page.get_by_role("navigation", name="Вы здесь").get_by_role("link", name="Вход и учётная запись").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Вход и учётная запись")
    page.get_by_label("Что вас интересует?").fill("щшзщх")
    page.get_by_role("button", name="Найти").click()
    expect(page.get_by_role("heading", name="Ничего не нашли")).to_be_visible()
    page.get_by_role("link", name="Задать вопрос в чате").click()
    page.get_by_role("main").get_by_role("link", name="раздел помощи", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Помощь")
    assert context.cookies() == []
    context.close()


@pytest.mark.parametrize(
    ("name", "width", "height", "scheme"), [("", 1280, 860, "light"), ("-phone", 320, 640, "light"), ("-dark", 1280, 860, "dark")]
)
def test_the_pages_hold_for_everybody(browser: Browser, stack: Stack, name: str, width: int, height: int, scheme: str) -> None:
    window = Window(browser, stack, width, height)
    window.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for kind, path in PAGES.items():
        window.page.goto(path)
        expect(window.page.get_by_role("heading", level=1)).to_have_count(1)
        assert window.axe_violations() == [] and not window.scrolls_sideways(), kind
        window.screenshot(f"help-{kind}{name}")
    assert [fault for fault in window.faults if "status of 404" not in fault] == []
    window.context.close()


def test_on_paper_an_article_stands_alone_with_its_address(window: Window, stack: Stack) -> None:
    window.page.emulate_media(media="print", color_scheme="dark")
    window.page.goto(PAGES["article"])
    expect(window.page.get_by_text(f"{stack.url}/help/official-address")).to_be_visible()
    expect(window.page.locator("header:visible, footer:visible, nav:visible, form:visible")).to_have_count(0)
    assert window.page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    window.screenshot("help-print")
