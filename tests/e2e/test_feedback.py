"""The feedback form in a real browser: without JavaScript, sent twice, and for everybody."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.data.personas import ANNA
from tests.e2e.conftest import Window
from tests.stack import Stack
from tests.unit.core import samples

PROBLEM = "После входа в личный кабинет страница белая, обновление не помогает"
PICTURE: FilePayload = {"name": "снимок.png", "mimeType": "image/png", "buffer": samples.png()}


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False, base_url=stack.url, locale="ru-RU")
    yield context.new_page()
    context.close()


def fill(page: Page) -> None:
    page.get_by_label("Техническая проблема").check()
    page.get_by_label("Суть обращения").fill(PROBLEM)
    page.get_by_label("Фамилия, имя и отчество").fill(ANNA.full_name)
    page.get_by_label("СНИЛС").fill(ANNA.snils)
    page.get_by_label("Электронная почта", exact=True).fill(ANNA.email)
    page.get_by_label("Даю согласие на обработку").check()


def send(page: Page) -> None:
    page.get_by_role("button", name="Отправить обращение").click()


def number_of(page: Page) -> str:
    expect(page.get_by_role("heading", level=1)).to_have_text("Обращение отправлено")
    return page.locator("dd.number").inner_text()


def test_without_javascript(page: Page) -> None:
    page.goto("/help")
    page.get_by_role("link", name="Напишите обращение").click()
    fill(page)
    page.get_by_label("СНИЛС").fill("112-233-445 96")
    page.get_by_label("По телефону").check()
    page.set_input_files("#files", files=[PICTURE])
    send(page)
    expect(page).to_have_title("Ошибка: Написать обращение — Отклик")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert").get_by_role("listitem")).to_have_count(3)  # SNILS, phone, and the file to attach again
    snils = page.get_by_label("СНИЛС")
    expect(snils).to_have_attribute("aria-invalid", "true")
    expect(snils).to_have_accessible_description(page.locator("#snils-hint").inner_text() + " " + page.locator("#snils-error").inner_text())
    expect(page.get_by_label("Суть обращения")).to_have_value(PROBLEM)
    expect(page.get_by_label("Техническая проблема")).to_be_checked()
    expect(page.get_by_label("По телефону")).to_be_checked()
    expect(page.get_by_text("Приложите ещё раз: «снимок.png»")).to_be_visible()
    page.get_by_role("alert").get_by_role("link", name="Контрольное число").click()
    expect(snils).to_be_focused()

    snils.fill(ANNA.snils)
    page.get_by_label("Телефон", exact=True).fill(ANNA.phone)
    page.set_input_files("#files", files=[PICTURE])
    send(page)
    number, code = number_of(page), page.locator("dd.code").inner_text()
    assert code not in page.url
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Номер обращения — в письме")
    assert code not in page.content()

    page.goto(f"/appeals/{number}")
    page.get_by_label("Код доступа").fill(code)
    page.get_by_role("button", name="Показать статус").click()
    expect(page.get_by_role("heading", name="Зарегистрировано")).to_be_visible()


def test_back_and_again_is_the_same_appeal(browser: Browser, stack: Stack) -> None:
    page = Window(browser, stack).page
    page.goto("/appeals/new")
    fill(page)
    send(page)
    number = number_of(page)
    page.go_back()
    fill(page)
    send(page)
    assert number_of(page) == number
    expect(page.get_by_text("Эту форму вы уже отправляли")).to_be_visible()
    page.get_by_role("link", name="откройте форму заново").click()
    fill(page)
    send(page)
    assert number_of(page) != number


@pytest.mark.parametrize(("name", "width", "height"), [("", 1280, 860), ("-phone", 320, 640)])
def test_the_page_holds_for_everybody(browser: Browser, stack: Stack, name: str, width: int, height: int) -> None:
    window = Window(browser, stack, width, height)
    page = window.page

    def check(state: str) -> None:
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            assert window.axe_violations() == [], (state, scheme)
            window.screenshot(f"feedback-{state}{name}{'-dark' if scheme == 'dark' else ''}", full_page=True)
        assert not window.scrolls_sideways(), state

    page.goto("/")
    page.get_by_role("link", name="Напишите обращение").click()
    check("blank")
    send(page)
    expect(page.locator(".field-error")).to_have_count(6)
    check("errors")
    fill(page)
    send(page)
    number_of(page)
    check("sent")
    assert [fault for fault in window.faults if "status of 422" not in fault] == []
