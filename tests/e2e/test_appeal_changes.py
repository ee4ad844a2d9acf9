"""An operator changes an appeal in the console: its clock stands still and goes on, it is answered, passed on, a call is written down."""

import re

from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.conftest import Window
from tests.e2e.test_data_rights import open_console
from tests.stack import Citizen, Stack

QUESTION = "Пришлите, пожалуйста, номер заявления."


def press(console: Page, title: str) -> Locator:
    """A button of the appeal's; the dialog that it opens."""
    console.locator("[data-section=appeal]").get_by_role("button", name=title, exact=True).click()
    return console.get_by_role("dialog")


def status_page(browser: Browser, stack: Stack, citizen: Citizen, name: str) -> str:
    """What the citizen reads there."""
    (appeal,) = citizen.http.get(f"{citizen.path}/appeals").json()["appeals"]
    window = Window(browser, stack, 320, 900)
    window.page.goto(f"/appeals/{appeal['number']}")
    window.page.get_by_label("Код доступа").fill(appeal["access_code"])
    window.page.get_by_role("button", name="Показать статус").click()
    assert window.axe_violations() == []
    assert not window.scrolls_sideways()
    window.screenshot(name, full_page=True)
    assert window.faults == []
    return window.page.locator("main").inner_text()


def test_an_appeal_from_claim_to_answer(browser: Browser, stack: Stack) -> None:
    stack.add_operator("colleague", "Анна Петрова")
    citizen = stack.citizen()
    citizen.say("позовите оператора")
    desk = open_console(Window(browser, stack, 1440, 900))
    console = desk.page
    console.goto(f"/operator#{citizen.id}")
    console.reload()
    row = console.locator(f"a.row[data-conversation='{citizen.id}']")
    card = console.locator("[data-section=appeal]")
    console.get_by_role("button", name="Взять в работу").click()
    expect(card.locator("[data-status]")).to_have_text("В работе")

    dialog = press(console, "Ждать ответа")
    dialog.get_by_role("button", name="Ждать ответа").click()
    expect(dialog.get_by_role("alert")).to_have_text("Напишите, о чём спрашиваете.")
    dialog.get_by_label("Что нужно от заявителя").fill(QUESTION)
    dialog.get_by_role("button", name="Ждать ответа").click()
    expect(card.locator("[data-status]")).to_have_text("Ждём ответа заявителя")
    expect(card).to_contain_text("Ждём с")
    expect(row).to_contain_text("Ждём ответа заявителя")
    expect(row).to_contain_text("Срок остановлен")
    assert QUESTION in [message["text"] for message in citizen.messages()]
    console.get_by_label("Показать").select_option("overdue")
    expect(row).to_have_count(0)
    console.get_by_label("Показать").select_option("waiting")
    expect(row).to_be_visible()
    assert desk.axe_violations() == []
    desk.screenshot("console-waiting")
    assert "Ждём вашего ответа" in status_page(browser, stack, citizen, "status-waiting")

    citizen.send("1234567891")
    expect(card.locator("[data-status]")).to_have_text("В работе")
    expect(card).to_contain_text("Срок сдвинут")
    expect(row).to_have_count(0)  # it fits the choice no more
    console.get_by_label("Показать").select_option("all")
    assert "мы ждали вашего ответа:" in status_page(browser, stack, citizen, "status-moved")

    dialog = press(console, "Записать звонок")
    dialog.get_by_label("О чём был звонок").fill("Спросила, когда ответ")
    dialog.get_by_role("button", name="Записать звонок").click()
    card.get_by_text("История обращения").click()
    expect(card.locator("[data-event=call_logged]")).to_contain_text("Спросила, когда ответ")

    dialog = press(console, "Изменить")
    dialog.get_by_label("Вид").select_option("urgent")
    dialog.get_by_label("Подразделение").select_option("technical")
    dialog.get_by_label("Приоритет").fill("5")
    assert desk.axe_violations() == []
    desk.screenshot("console-change")
    dialog.get_by_role("button", name="Сохранить").click()
    expect(card).to_contain_text("Срочное")
    expect(card).to_contain_text("technical")

    dialog = press(console, "Ответ дан")
    dialog.get_by_role("button", name="Ответ дан").click()
    expect(card.locator("[data-status]")).to_have_text("Ответ дан")
    assert "дан ответ" in citizen.messages()[-1]["text"]
    citizen.send("Не помогло")
    expect(card.locator("[data-status]")).to_have_text("Открыто снова")

    console.set_viewport_size({"width": 320, "height": 700})
    console.get_by_role("button", name="Сведения").click()
    assert not desk.scrolls_sideways()
    desk.screenshot("console-appeal-narrow")
    assert desk.axe_violations() == []
    console.get_by_role("button", name="К переписке").click()
    assert not desk.scrolls_sideways()
    desk.screenshot("console-head-narrow")
    console.set_viewport_size({"width": 1440, "height": 900})

    console.get_by_role("button", name="Передать", exact=True).click()
    dialog = console.get_by_role("dialog")
    dialog.get_by_label("Кому").select_option(label="Анна Петрова")
    dialog.get_by_label("Заметка для коллег").fill("Нужен ответ по заявлению")
    desk.screenshot("console-transfer")
    dialog.get_by_role("button", name="Передать").click()
    expect(console.locator("#pane-conversation")).to_contain_text("Ведёт Анна Петрова")
    expect(console.locator("[data-note]")).to_contain_text("Нужен ответ по заявлению")
    assert re.search(r"другому оператору \(Анна Петрова\)", citizen.messages()[-1]["text"])
    assert desk.faults == []
