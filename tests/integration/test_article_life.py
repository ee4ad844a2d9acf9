"""An edit in the console reaches what citizens and operators are told, in every process, without a restart."""

import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.stack import PASSWORD, Citizen, OperatorClient, Stack, wait_for

QUESTION = "как заказать копию журнала дежурств"
ARTICLE = {
    "slug": "duty-journal",
    "title": "Копия журнала дежурств",
    "section": "support",
    "aliases": f"{QUESTION}\nнужна копия журнала дежурств\nгде взять выписку из журнала дежурств",
    "reason": "проверка",
    "published": "on",
}


@pytest.fixture
def editor(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url, timeout=40, trust_env=False) as client:
        assert client.post("/api/operator/login", json={"login": "operator", "password": PASSWORD}).status_code == 200
        yield client


def save(editor: httpx.Client, address: str, text: str, **more: str) -> None:
    """By the form, as a browser posts it."""
    page = editor.get(address).text
    hidden = {name: html.unescape(value) for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="(\w*)"', page)}
    given = {**ARTICLE, **hidden, "text": text, **more}
    answer = editor.post(address, files={name: (None, value) for name, value in given.items() if value}, headers={"Origin": "null"})
    assert answer.status_code == 303, answer.text


def answers(citizen: Citizen, words: str) -> Callable[[], bool]:
    return lambda: any(words in message["text"] for message in citizen.say(QUESTION))


def soon(look: Callable[[], bool]) -> None:
    """Without a restart; how soon depends on what else the machine does (docs/search.md has it measured)."""
    wait_for("what was edited", look, pause=0.5)  # each look may be a message, of which a citizen has so many a minute


def test_an_edit_reaches_the_bot_and_the_console(stack: Stack, citizen: Citizen, operator: OperatorClient, editor: httpx.Client) -> None:
    pids = {name: stack.pid(name) for name in ("gateway", "actions", "rasa")}
    page = "/operator/articles/duty-journal"
    save(editor, "/operator/articles/new", "Закажите первую лазурную копию у дежурного.")
    soon(answers(citizen, "лазурную"))
    save(editor, page, "Закажите вторую багряную копию у дежурного, звоните [[hotline]].")
    soon(answers(citizen, "багряную"))
    assert "[[hotline]]" not in str(citizen.messages())

    citizen.say("Позовите оператора")
    suggested = operator.transcript(citizen.id)["suggested_articles"]
    assert "багряную" in next(article["text"] for article in suggested if article["slug"] == "duty-journal")

    save(editor, page, "Закажите вторую багряную копию у дежурного, звоните [[hotline]].", published="")
    someone = stack.citizen()
    try:
        soon(lambda: not answers(someone, "багряную")())
    finally:
        someone.http.close()
    assert pids == {name: stack.pid(name) for name in pids}


def test_an_import_by_the_command_line_reaches_the_bot(stack: Stack, citizen: Citizen, tmp_path: Path) -> None:
    file = tmp_path / "articles.csv"
    question = "чем полить фикус в приёмной"
    file.write_text(f"slug,title,section,text,aliases\nficus,Фикус в приёмной,support,Полейте янтарной водой.,{question}\n", "utf-8")
    stack.run("knowledge_base", "import", str(file))
    soon(lambda: any("янтарной" in message["text"] for message in citizen.say(question)))
    file.write_text("---\ntitle: Фикус в приёмной\ndraft: true\n---\nПолейте янтарной водой.\n", "utf-8")
    stack.run("knowledge_base", "import", str(file.rename(tmp_path / "ficus.md")))
