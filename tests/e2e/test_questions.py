"""The editors' page of questions in a real browser, and how an operator's answer comes to be known as an article's."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Window
from tests.e2e.test_articles import look
from tests.e2e.test_data_rights import open_console
from tests.stack import Stack, wait_for

SIZES = [("", 1280, 900), ("-phone", 320, 700)]
DOGS = ("где зарегистрировать собаку", "как зарегистрировать собаку", "регистрация собаки онлайн")
OTHERS = ("сколько лететь до марса, спрашивает Лебедева Анна Сергеевна", "расскажи анекдот")


def ask(stack: Stack, *texts: str) -> None:
    """Each in a conversation of its own; what is suggested is not it."""
    for text in texts:
        citizen = stack.citizen()
        if citizen.say(text)[-1]["meta"]["kind"] in ("suggestions", "answer"):
            last = citizen.messages()[-1]["meta"]["kind"]
            citizen.press("Ничего из этого" if last == "suggestions" else "Не помогло")
        citizen.http.close()


@pytest.mark.parametrize(("name", "width", "height"), SIZES)
def test_an_editor_decides(browser: Browser, stack: Stack, name: str, width: int, height: int) -> None:
    ask(stack, *DOGS, *OTHERS)
    window = open_console(Window(browser, stack, width, height))
    page = window.page
    page.get_by_role("link", name="Статьи").click()
    page.get_by_role("link", name="Вопросы без ответа").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Вопросы без ответа")
    group = page.locator("[data-question]").filter(has=page.get_by_role("heading", name=re.compile("собак")))
    expect(group).to_have_count(1)
    expect(group).to_contain_text("3 вопроса")
    group.get_by_text("Ещё примеры: 2").click()
    expect(page.get_by_role("heading", name=re.compile("марса"))).to_contain_text("спрашивает Лебедева А. С.")
    assert "Анна" not in page.content()
    look(window, f"questions{name}")
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    look(window, f"questions-dark{name}")
    page.emulate_media(color_scheme="light")

    group.get_by_role("radio").nth(1).check()
    group.get_by_label("Формулировка").fill("снилс ***-***-445 95 собаки")
    group.get_by_role("button", name="Добавить в статью").click()
    wrong = page.get_by_role("alert")
    expect(wrong).to_contain_text("звёздочки")
    expect(wrong).to_be_focused()
    expect(group.get_by_label("Формулировка")).to_have_value("снилс ***-***-445 95 собаки")
    expect(group.get_by_role("radio").nth(1)).to_be_checked()
    look(window, f"questions-fault{name}")

    group.get_by_label("Формулировка").fill(f"собака{name} в анкете")
    group.get_by_label("Или другая статья").fill("Как найти услугу")
    group.get_by_role("button", name="Новая статья").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Собака{name} в анкете")
    expect(page.get_by_label("Опубликована")).not_to_be_checked()

    page.goto("/operator/questions")
    expect(group).to_have_count(0)
    while page.locator("[data-question]").count():
        rest = page.locator("[data-question]").count()
        page.locator("[data-question]").first.get_by_role("button", name="Убрать из списка").click()
        expect(page.get_by_role("status").first).to_contain_text("Убрано из списка: ")
        assert page.locator("[data-question]").count() < rest
    look(window, f"questions-empty{name}")
    window.faults[:] = [fault for fault in window.faults if "422" not in fault]  # the form that was refused
    assert window.faults == []


def test_an_answer_taken_from_an_article_is_known_as_such(browser: Browser, stack: Stack) -> None:
    citizen = stack.citizen()
    citizen.say("не приходит смс с кодом")
    citizen.say("позовите оператора")
    window = open_console(Window(browser, stack, 1440, 900))
    page = window.page
    page.goto(f"/operator#{citizen.id}")
    page.get_by_role("button", name="Взять в работу").click()
    article = page.locator("details.article").first
    slug = article.get_attribute("data-slug")
    article.locator("summary").click()
    article.get_by_role("button", name="Вставить в ответ").click()
    reply = page.get_by_label("Ответ гражданину")
    sentences = reply.input_value().split(". ")
    reply.fill(f"Здравствуйте. {sentences[0]}.")  # shortened, as operators are told to
    reply.press("Enter")
    wait_for("the answer", lambda: citizen.messages()[-1]["meta"] == {"article": slug})
    reply.fill("Спасибо, что обратились, хорошего дня.")
    reply.press("Enter")
    wait_for("the other", lambda: citizen.messages()[-1]["text"].startswith("Спасибо") and citizen.messages()[-1]["meta"] == {})
    page.get_by_role("button", name="Завершить").click()
    page.locator("dialog[open] textarea").fill("Подсказали")
    page.locator("dialog[open] button[type=submit], dialog[open] [value=ok]").first.click()
    expect(page.locator("dialog[open]")).to_have_count(0)

    page.goto("/operator/questions")
    offered = page.locator("[data-answered]").filter(has_text="не приходит смс с кодом")
    expect(offered.get_by_role("radio").first).to_have_value(str(slug))
    expect(offered.get_by_role("radio").first).to_be_checked()
    look(window, "questions-answered")
    offered.get_by_label("Формулировка").fill("куда делась смска с кодом входа")
    offered.get_by_role("button", name="Добавить в статью").click()
    expect(page.get_by_role("status").first).to_contain_text("Добавлено в статью")
    expect(offered).to_have_count(0)
    citizen.http.close()
    assert window.faults == []
