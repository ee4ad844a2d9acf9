"""What citizens ask in vain reaches the editors' page, and what an editor makes of it reaches the next citizen."""

import html
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.stack import PASSWORD, Citizen, OperatorClient, Stack, wait_for

PAGE = "/operator/questions"
UNKNOWN = "сколько стоит аренда гидроцикла на водохранилище"
FIRST = "как вернуть залог за прокатный велосипед"


class Editor:
    """Somebody at the editors' page, without JavaScript."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def group(self, text: str) -> str | None:
        """The group of questions that begins with ``text``, as the page shows it."""
        page = html.unescape(self.client.get(PAGE).text)
        return next((group for group in page.split('<article class="question"')[1:] if f">{text}</h3>" in group), None)

    def press(self, group: str, deed: str, **changed: str) -> httpx.Response:
        given = dict(re.findall(r'<input[^>]*?name="(\w+)"[^>]*?\svalue="([^"]*)"', group))
        return self.client.post(PAGE, data={**given, "deed": deed, **changed}, headers={"Origin": "null"})


@pytest.fixture
def editor(stack: Stack) -> Iterator[Editor]:
    with httpx.Client(base_url=stack.url, timeout=40, trust_env=False) as client:
        assert client.post("/api/operator/login", json={"login": "operator", "password": PASSWORD}).status_code == 200
        yield Editor(client)


def articles_of(answers: list[dict[str, Any]]) -> list[str | None]:
    return [message["meta"].get("article") for message in answers]


def test_a_question_in_vain_becomes_an_alias_that_answers(stack: Stack, citizen: Citizen, editor: Editor) -> None:
    assert citizen.say(UNKNOWN)[-1]["meta"]["kind"] in ("no_answer", "suggestions")
    if citizen.messages()[-1]["meta"]["kind"] == "suggestions":
        citizen.press("Ничего из этого")
    group = editor.group(UNKNOWN)
    assert group is not None
    slug = "access-code"
    done = editor.press(group, "alias", other_article=slug)
    assert done.status_code == 303, done.text
    assert editor.group(UNKNOWN) is None
    another = stack.citizen()
    try:
        wait_for("the answer", lambda: articles_of(another.say(UNKNOWN)) == [slug], pause=0.5)
        marks = html.unescape(editor.client.get(f"/operator/articles/{slug}").text)
        assert "Оценки граждан" not in marks
        another.press("Помогло")
        another.say("не помогло")
        marks = html.unescape(editor.client.get(f"/operator/articles/{slug}").text)
        assert "помогла — 0, не помогла — 1" in marks  # the last word counts
        again = editor.group(UNKNOWN)
        assert again is not None and "ответ не помог" in again
        assert editor.press(again, "dismiss").status_code == 303
    finally:
        another.http.close()


def test_small_talk_and_buttons_are_no_questions(citizen: Citizen, editor: Editor) -> None:
    for words in ("привет", "спасибо", "ты бот?"):
        citizen.say(words)
        assert editor.group(words) is None
    citizen.say("не приходит смс с кодом")
    citizen.press("Не помогло")
    assert editor.group("Не помогло") is None
    citizen.press("Ничего из этого")
    assert editor.group("Ничего из этого") is None
    group = editor.group("не приходит смс с кодом")
    assert group is not None and editor.press(group, "dismiss").status_code == 303


def test_what_an_operator_answered_with_an_article_is_offered(citizen: Citizen, operator: OperatorClient, editor: Editor) -> None:
    citizen.say(FIRST)
    citizen.say("позовите оператора")
    operator.claim(citizen.id)
    refused = operator.call(citizen.id, "messages", {"client_message_id": "1", "text": "Вот ответ", "article": "no-such-article"})
    assert refused.status_code == 422 and refused.json()["errors"][0]["field"] == "article"
    assert operator.reply(citizen.id, "Вот ответ", article="payment-refund")["meta"] == {"article": "payment-refund"}
    assert operator.call(citizen.id, "close", {"resolution": "Подсказали"}).status_code == 200
    group = editor.group(FIRST)
    assert group is not None and "data-answered" in group and 'value="payment-refund" checked' in group
    assert editor.press(group, "dismiss").status_code == 303
    assert editor.group(FIRST) is None
