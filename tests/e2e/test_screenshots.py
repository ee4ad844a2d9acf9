"""The text of a citizen's picture in the operator's console, beside the picture."""

import pytest
from playwright.sync_api import Browser, expect

from tests.data.personas import ANNA
from tests.e2e.conftest import Window
from tests.e2e.test_articles import look
from tests.e2e.test_data_rights import open_console
from tests.screens import Screen
from tests.stack import Stack

SCREEN = Screen("Ошибка 503", f"{ANNA.full_name}, СНИЛС {ANNA.snils}: данные не прошли проверку. Попробуйте позже.", is_dark=True)


@pytest.mark.parametrize(("name", "width", "height"), [("", 1440, 900), ("-phone", 320, 700)])
def test_an_operator_reads_what_a_picture_says(browser: Browser, stack: Stack, name: str, width: int, height: int) -> None:
    citizen = stack.citizen()
    handoff = citizen.say("позовите оператора")[-1]
    window = open_console(Window(browser, stack, width, height))
    page = window.page
    page.get_by_text(handoff["meta"]["appeal_number"]).first.click()
    # The text comes after the picture is shown: nothing has to be opened anew.
    citizen.send("вот что на экране", attachment_ids=[citizen.upload("ошибка.png", SCREEN.png()).json()["id"]])
    summary = page.get_by_text("Текст на снимке")
    expect(summary).to_be_visible()
    text = page.locator(".picture-text p")
    expect(text).to_be_hidden()
    summary.click()
    expect(text).to_contain_text("данные не прошли")
    expect(text).to_contain_text("***")
    assert ANNA.snils not in page.content() and "Сергеевна" not in page.content()
    look(window, f"screenshot-text{name}")
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    look(window, f"screenshot-text-dark{name}")
    assert window.faults == []
    citizen.http.close()
