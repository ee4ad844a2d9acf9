"""What a citizen asks for about an appeal, in the console: flags in the queue, the request beside the conversation, the decision."""

from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Window
from tests.e2e.test_data_rights import open_console
from tests.stack import Citizen, Stack


def number_of(citizen: Citizen) -> str:
    (appeal,) = citizen.http.get(f"{citizen.path}/appeals").json()["appeals"]
    return str(appeal["number"])


def test_an_operator_decides_on_a_request(browser: Browser, stack: Stack) -> None:
    citizen = stack.citizen()
    citizen.say("позовите оператора")
    citizen.http.post(f"{citizen.path}/leave-queue")
    for words in ("прошу ускорить рассмотрение моего обращения", "пособия", "угроза здоровью ребёнка, операция во вторник", "нет", "да"):
        said = citizen.say(words)
    assert said[-1]["meta"]["kind"] == "request", said
    desk = open_console(Window(browser, stack, 1440, 900))
    console = desk.page
    console.goto(f"/operator#{citizen.id}")
    console.reload()
    row = console.locator(f"a.row[data-conversation='{citizen.id}']")
    expect(row).to_contain_text("Просит ускорить")
    requests = console.locator("[data-section=requests]")
    expect(requests).to_contain_text(number_of(citizen))
    expect(requests).to_contain_text("операция во вторник")
    assert desk.axe_violations() == []
    desk.screenshot("console-request")
    requests.get_by_role("button", name="Подтвердить").click()
    dialog = console.get_by_role("dialog")
    expect(dialog).to_contain_text("Срок ответа сократится")
    dialog.get_by_role("button", name="Подтвердить").click()
    expect(requests.get_by_role("button")).to_have_count(0)
    expect(row).to_contain_text("Ускоренно")
    expect(console.locator("[data-section=appeal]")).to_contain_text("Ответить до")
    assert "подтверждено" in citizen.messages()[-1]["text"]
    console.set_viewport_size({"width": 320, "height": 700})
    assert not desk.scrolls_sideways()
    desk.screenshot("console-request-narrow")
    assert desk.faults == []
