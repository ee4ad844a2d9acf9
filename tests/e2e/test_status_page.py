"""The status page in a real browser, with JavaScript switched off."""

import sqlite3
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Window
from tests.stack import Citizen, Stack


@pytest.fixture
def appeal(citizen: Citizen) -> dict[str, str]:
    citizen.say("Позовите оператора")
    (found,) = citizen.http.get(f"{citizen.path}/appeals").json()["appeals"]
    return dict(found)


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False, base_url=stack.url, locale="ru-RU")
    yield context.new_page()
    context.close()


def ask(page: Page, code: str) -> None:
    page.get_by_label("Код доступа").fill(code)
    page.get_by_role("button", name="Показать статус").click()


def test_without_javascript(page: Page, appeal: dict[str, str]) -> None:
    page.goto(f"/appeals/{appeal['number']}")
    expect(page.get_by_label("Номер обращения")).to_have_value(appeal["number"])
    ask(page, "AAAAAAAA")
    code = page.get_by_label("Код доступа")
    expect(code).to_have_attribute("aria-invalid", "true")
    expect(code).to_have_accessible_description("Восемь латинских букв и цифр " + page.locator("#access_code-error").inner_text())
    expect(code).to_be_focused()
    expect(code).to_have_value("")
    expect(page.get_by_label("Номер обращения")).to_have_value(appeal["number"])
    ask(page, appeal["access_code"].lower())
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Обращение {appeal['number']}")
    expect(page.get_by_role("heading", name="Зарегистрировано")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Обращение ждёт оператора")).to_be_visible()
    assert appeal["access_code"] not in page.content() and "access_code" not in page.url
    page.get_by_role("link", name="напишите в чат").click()
    expect(page).to_have_title("Отклик — поддержка портала")


@pytest.mark.parametrize(("name", "width", "height"), [("", 1280, 860), ("-phone", 320, 640)])
def test_the_page_holds_for_everybody(browser: Browser, stack: Stack, appeal: dict[str, str], name: str, width: int, height: int) -> None:
    window = Window(browser, stack, width, height)
    page = window.page
    page.goto("/")
    page.get_by_role("link", name="Узнайте статус обращения").click()
    assert window.axe_violations() == []
    page.get_by_label("Номер обращения").fill(appeal["number"][:-1])
    page.get_by_role("button", name="Показать статус").click()
    expect(page.locator(".field-error")).to_have_count(2)
    expect(page.get_by_label("Номер обращения")).to_be_focused()
    assert window.axe_violations() == []
    window.screenshot(f"appeal-errors{name}")

    page.get_by_label("Номер обращения").fill(appeal["number"])
    ask(page, appeal["access_code"])
    expect(page.get_by_role("heading", name="Зарегистрировано")).to_be_visible()
    assert window.axe_violations() == [] and not window.scrolls_sideways()
    window.screenshot(f"appeal{name}")

    with sqlite3.connect(stack.data_dir / "otklik.db", timeout=10) as database:  # a day nobody waits for
        database.execute("UPDATE appeals SET due_at = '2026-01-12 15:00:00.000000' WHERE number = ?", (appeal["number"],))
    page.goto(f"/appeals/{appeal['number']}")
    ask(page, appeal["access_code"])
    expect(page.get_by_role("heading", name="Срок ответа прошёл")).to_be_visible()
    assert window.axe_violations() == [] and not window.scrolls_sideways()
    window.screenshot(f"appeal-overdue{name}")
    assert [fault for fault in window.faults if "status of 422" not in fault] == []
