"""An editor at work in a real browser: the list, the form, what is wrong with it, revisions. Once without JavaScript."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import SCREENSHOTS, Window
from tests.e2e.test_data_rights import open_console
from tests.stack import PASSWORD, Stack

SIZES = [("", 1280, 900), ("-phone", 320, 700)]


def new_article(page: Page, title: str) -> None:
    page.get_by_role("link", name="Новая статья").click()
    page.get_by_label("Название").fill(title)
    page.get_by_label("Раздел").select_option(label="Служба поддержки")
    page.get_by_label("Текст").fill("Позвоните дежурному: [[hotline]].\n\n- Назовите номер.\n- Скажите, когда зайдёте.")
    page.get_by_label("Как об этом спрашивают").fill(f"{title.lower()} где взять\n{title.lower()} кому звонить")
    page.get_by_label("Опубликована").uncheck()
    page.get_by_label("Зачем эта правка").fill("о ней часто спрашивают")
    page.get_by_role("button", name="Сохранить").click()


@pytest.mark.parametrize(("name", "width", "height"), SIZES)
def test_an_editor_at_work(browser: Browser, stack: Stack, name: str, width: int, height: int) -> None:
    window = open_console(Window(browser, stack, width, height))
    page = window.page
    title = f"Пропуск на парковку{name}"
    look(window, f"console-editor{name}")
    page.get_by_role("link", name="Статьи").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Статьи")
    look(window, f"articles{name}")
    new_article(page, title)
    expect(page.get_by_role("status").first).to_contain_text("Черновик сохранён, редакция 1")
    look(window, f"article-saved{name}")

    page.get_by_label("Название").fill("")
    page.get_by_label("Текст").fill("Смотрите <b>здесь</b>: https://evil.example и [[hotlin]].")
    page.get_by_label("Связанные статьи").fill("no-such-article")
    page.get_by_role("button", name="Сохранить").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Название")).to_have_accessible_description(re.compile("Напишите название статьи"))
    expect(page.get_by_label("Текст")).to_have_value("Смотрите <b>здесь</b>: https://evil.example и [[hotlin]].")
    expect(page.get_by_label("Опубликована")).not_to_be_checked()
    look(window, f"article-faults{name}")

    page.get_by_label("Название").fill(title)
    page.get_by_label("Текст").fill("Позвоните старшему дежурному: [[hotline]].\n\n- Назовите номер.\n- Скажите, когда зайдёте и выйдете.")
    page.get_by_label("Связанные статьи").fill("")
    page.get_by_label("Зачем эта правка").fill("звонить теперь старшему")
    page.get_by_role("button", name="Сохранить").click()
    expect(page.get_by_role("status").first).to_contain_text("редакция 2")
    page.get_by_role("link", name="Редакция 2").click()
    expect(page.locator(".diff-added mark").first).to_have_text(re.compile("старшему"))
    look(window, f"article-diff{name}")

    page.get_by_role("link", name="К статье").click()
    page.get_by_role("link", name="Редакция 1").click()
    page.get_by_label("Зачем эта правка").fill("старший уволился")
    page.get_by_role("button", name="Вернуть").click()
    expect(page.get_by_role("status").first).to_contain_text("редакция 3")
    expect(page.get_by_label("Текст")).to_have_value(re.compile("Позвоните дежурному"))
    expect(page.get_by_role("listitem").filter(has_text="старший уволился")).to_contain_text("Сейчас")
    window.faults[:] = [fault for fault in window.faults if "422" not in fault]  # the form that was refused
    assert window.faults == []


def look(window: Window, name: str) -> None:
    assert window.axe_violations() == []
    assert not window.scrolls_sideways()
    window.screenshot(name, full_page=True)


@pytest.fixture
def without_javascript(browser: Browser, stack: Stack) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=stack.url, locale="ru-RU", color_scheme="dark", viewport={"width": 900, "height": 900})
    context.request.post("/api/operator/login", data={"login": "operator", "password": PASSWORD})
    plain = browser.new_context(
        base_url=stack.url,
        locale="ru-RU",
        color_scheme="dark",
        viewport={"width": 900, "height": 900},
        java_script_enabled=False,
        storage_state=context.storage_state(),
    )
    yield plain
    plain.close()
    context.close()


def test_without_javascript(without_javascript: BrowserContext) -> None:
    page = without_javascript.new_page()
    page.goto("/operator/articles")
    new_article(page, "Ключ от велопарковки")
    expect(page.get_by_role("status").first).to_contain_text("редакция 1")
    page.screenshot(path=SCREENSHOTS / "article-dark.png", full_page=True)
    page.goto("/operator/articles?q=велопарковки")
    expect(page.get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_role("listitem")).to_contain_text("Черновик")
