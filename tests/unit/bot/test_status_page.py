"""The status page and its call, over an open desk without a running one."""

import html
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.orm import Session

from bot.status_page import status_routes
from core.desk import Desk, open_desk
from core.models import Appeal, now
from core.web import install
from handoff import appeals
from tests.conftest import MakeSettings
from tests.scenes import hand_over, reload, start_conversation

WRONG = "Обращения с таким номером и кодом доступа нет"
MISTYPED = "В номере опечатка"


class Scene:
    """A desk with one appeal, and somebody who asks about it."""

    def __init__(self, desk: Desk) -> None:
        conversation_id = start_conversation(desk)
        hand_over(desk, conversation_id, now())
        self.desk = desk
        self.appeal: Appeal = desk.database.read(appeals.of_conversation, conversation_id)[0]
        self.number = self.appeal.number
        self.code = desk.vault.open(reload(desk, conversation_id), self.appeal.access_code_sealed)
        self.app = FastAPI()
        install(self.app, max_file_bytes=1024)
        self.app.include_router(status_routes(desk))

    def client(self, address: str = "10.0.0.1") -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app, client=(address, 1)), base_url="http://desk")

    async def ask(self, number: str, code: str, address: str = "10.0.0.1") -> httpx.Response:
        async with self.client(address) as client:
            return await client.get(f"/api/appeals/{number}", params={"access_code": code})

    async def post(self, **fields: str) -> httpx.Response:
        async with self.client() as client:
            return await client.post("/appeals", data=fields)


@pytest.fixture
async def scene(make_settings: MakeSettings) -> AsyncIterator[Scene]:
    desk = open_desk(make_settings(status_checks_per_minute=10))
    yield Scene(desk)
    desk.close()


def fields_with_errors(page: httpx.Response) -> dict[str, str]:
    return {name: html.unescape(words) for name, words in re.findall(r'id="(\w+)-error">([^<]+)<', page.text)}


async def test_the_call_tells_the_status(scene: Scene) -> None:
    answer = await scene.ask("ob 2026".replace("2026", str(scene.appeal.year)) + scene.number[7:], scene.code.lower())
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert (document["number"], document["status"], document["overdue"]) == (scene.number, "registered", False)
    assert [event["kind"] for event in document["history"]] == ["registered", "queued"]
    assert answer.headers["cache-control"] == "no-store"


async def test_every_wrong_pair_is_told_the_same(scene: Scene) -> None:
    mistyped = scene.number[:-1] + str((int(scene.number[-1]) + 1) % 10)
    pairs = [(scene.number, "AAAAAAAA"), ("ОБ-2026-999999-9", scene.code), (mistyped, scene.code), ("x", scene.code), (scene.number, "")]
    answers = [await scene.ask(*pair) for pair in pairs]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({str(sorted(answer.headers.items())) for answer in answers}) == 1
    assert WRONG in answers[0].json()["detail"]


async def test_guesses_from_one_address_are_slowed_down(scene: Scene) -> None:
    for number in ["ОБ-2026-999999-9", "x"] * 5:
        assert (await scene.ask(number, "AAAAAAAA")).status_code == 404
    refused = await scene.ask(scene.number, scene.code)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    page = await scene.post(number=scene.number, access_code=scene.code)
    assert (page.status_code, page.headers["retry-after"]) == (429, refused.headers["retry-after"])
    assert 'role="alert">Слишком много запросов' in page.text and scene.code not in page.text
    assert (await scene.ask(scene.number, scene.code, "10.0.0.2")).status_code == 200


async def test_guesses_at_one_number_are_slowed_down_wherever_they_come_from(scene: Scene) -> None:
    for guess in range(50):  # a number that does not exist is no different
        assert (await scene.ask("ОБ-2026-999999-9", "AAAAAAAA", f"10.1.0.{guess}")).status_code == 404
    assert (await scene.ask("2026 999999 9", "AAAAAAAA", "10.2.0.1")).status_code == 429
    assert (await scene.ask(scene.number, scene.code, "10.2.0.2")).status_code == 200


async def test_the_page_shows_the_status_and_not_the_code(scene: Scene) -> None:
    page = await scene.post(number=scene.number.lower(), access_code=scene.code)
    assert page.status_code == 200
    assert f">{scene.number}</span></h1>" in page.text
    assert "Зарегистрировано" in page.text and "(по Москве)" in page.text and "Обращение ждёт оператора" in page.text
    assert scene.code not in page.text and "Срок ответа прошёл" not in page.text
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "no-referrer")


async def test_the_page_says_what_to_do_when_it_is_overdue(scene: Scene) -> None:
    def move(session: Session) -> None:
        session.get_one(Appeal, scene.appeal.id).due_at = now() - timedelta(minutes=1)

    scene.desk.database.write(move)
    page = await scene.post(number=scene.number, access_code=scene.code)
    assert "Срок ответа прошёл" in page.text and scene.desk.settings.hotline in page.text
    assert (await scene.ask(scene.number, scene.code)).json()["overdue"] is True


@pytest.mark.parametrize(
    ("number", "code", "status", "errors"),
    [
        ("", "", 422, {"number": "Напишите номер обращения", "access_code": "Напишите код доступа"}),
        ("ОБ-2026", "AAAAAAAA", 422, {"number": "На номер обращения не похоже"}),
        ("ОБ-2026-000001-2", " ", 422, {"number": MISTYPED, "access_code": "Напишите код доступа"}),
        ("ОБ-2026-000001-1", "AAAAAAAA", 404, {"access_code": WRONG}),
        ("ОБ-2026-999999-9", "AAAAAAAA", 404, {"access_code": WRONG}),
    ],
)
async def test_errors_stand_beside_their_field(scene: Scene, number: str, code: str, status: int, errors: dict[str, str]) -> None:
    page = await scene.post(number=number, access_code=code)
    assert page.status_code == status
    shown = fields_with_errors(page)
    assert shown.keys() == errors.keys()
    assert all(shown[name].startswith(words) for name, words in errors.items())
    assert f'value="{number}"' in page.text and "AAAAAAAA" not in page.text
    assert re.search(r"<title>\s*Ошибка: ", page.text)


async def test_what_is_typed_is_never_markup(scene: Scene) -> None:
    hostile = '"><script>alert(1)</script>{{ 7 * 7 }}'
    async with scene.client() as client:
        pages: list[Any] = [await client.get("/appeals/%22%3E%3Cscript%3E"), await scene.post(number=hostile, access_code="x")]
    for page in pages:
        assert "<script" not in page.text and "&lt;script&gt;" in page.text and "49" not in page.text


async def test_the_letter_s_link_fills_in_the_number(scene: Scene) -> None:
    async with scene.client() as client:
        page = await client.get(f"/appeals/{scene.number}", params={"access_code": scene.code})
        empty = await client.get("/appeals")
    assert f'value="{scene.number}"' in page.text and scene.code not in page.text
    assert page.status_code == empty.status_code == 200
    assert 'name="number"' in empty.text and scene.number not in re.sub(r"Например: [\w-]+", "", empty.text)
