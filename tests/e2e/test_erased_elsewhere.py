"""A console that has a conversation open when its citizen erases it keeps nothing of it: not on the screen, not in a draft."""

from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Window
from tests.stack import PASSWORD, Stack

SECRET = "ключ лежит под третьим кирпичом"
DRAFT = "Вы писали про третий кирпич"


def test_an_open_console_forgets_what_was_erased(browser: Browser, stack: Stack) -> None:
    citizen = stack.citizen()
    citizen.say("позовите оператора")
    citizen.post(f"{SECRET}, мой СНИЛС 112-233-445 95")
    desk = Window(browser, stack, 1440, 900)
    console = desk.page
    console.goto("/operator")
    console.get_by_label("Логин").fill("operator")
    console.get_by_label("Пароль").fill(PASSWORD)
    console.get_by_role("button", name="Войти").click()
    console.locator(f'[data-conversation="{citizen.id}"]').click()
    console.get_by_role("button", name="Взять в работу").click()
    console.get_by_label("Ответ гражданину").fill(DRAFT)
    console.get_by_role("button", name="Показать: СНИЛС").click()
    dialog = console.get_by_role("dialog")
    dialog.get_by_role("button", name="Нужно для ответа по обращению").click()
    dialog.get_by_role("button", name="Показать", exact=True).click()
    expect(console.get_by_text("112-233-445 95")).to_be_visible()
    expect(console.get_by_text(SECRET).first).to_be_visible()
    assert "кирпич" in console.evaluate("JSON.stringify(sessionStorage)")

    # The citizen asks for it in the chat with the operator, who sees it.
    citizen.post("удалите мои данные")
    expect(console.get_by_text("Восстановить их будет нельзя")).to_be_visible()
    citizen.press("Удалить")
    expect(console.locator("[data-kind=erased]")).to_be_visible()
    expect(console.get_by_text(SECRET)).to_have_count(0)
    expect(console.get_by_text("112-233-445 95")).to_have_count(0)
    expect(console.get_by_label("Ответ гражданину")).to_have_count(0)
    content = console.content() + console.evaluate("JSON.stringify(sessionStorage)")
    assert "кирпич" not in content
    assert desk.axe_violations() == []
    assert desk.faults == []
