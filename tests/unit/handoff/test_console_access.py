"""Who may do what, what of it is recorded, and how guesses at a password end: the console's calls over an open desk."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from core import audit
from core.desk import Desk, open_desk
from core.files import Files
from core.models import Attachment, Operator, RequestGround, Role, Scan, now
from core.presence import Presence
from core.web import install
from handoff import operators
from handoff.appeal_requests import ask_to_expedite
from handoff.console.access import Access
from handoff.console.api import account_routes, work_routes
from handoff.console.appeal_desk import appeal_routes
from handoff.console.citizen_rights import citizen_rights_routes
from handoff.console.journal import journal_routes
from handoff.console.pages import console_pages
from handoff.console.workplace import Workplace
from handoff.rights import RIGHTS, Right
from tests.conftest import MakeSettings
from tests.scenes import appeals_of, hand_over, locked, messages, start_conversation, text_of, upload, write_message

PASSWORD = "верный пароль"
HASH = operators.hash_password(PASSWORD)


class Scene:
    """A desk with one waiting citizen, and an operator of each role, named after it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        for role in Role:
            desk.database.write(operators.add, role.value, role.value, role, "support", HASH)
        self.conversation_id = start_conversation(desk)
        self.path = f"/api/operator/conversations/{self.conversation_id}"
        hand_over(desk, self.conversation_id)
        (self.appeal,) = appeals_of(desk, self.conversation_id)
        self.number = self.appeal.number
        workplace = Workplace(desk, Files(desk), lambda _question: [], Presence(desk.database))
        access = Access(desk)
        self.app = FastAPI()
        install(self.app, max_file_bytes=1024)
        for routes in (
            account_routes(workplace, access),
            work_routes(workplace, access),
            citizen_rights_routes(workplace, access),
            appeal_routes(workplace, access),
            journal_routes(desk, access),
            console_pages(desk),
        ):
            self.app.include_router(routes)

    def client(self, address: str = "10.0.0.1", token: str = "") -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app, client=(address, 1)), base_url="http://desk", headers=headers)

    async def log_in(self, login: str, password: str = PASSWORD, address: str = "10.0.0.1") -> httpx.Response:
        async with self.client(address) as client:
            return await client.post("/api/operator/login", json={"login": login, "password": password})

    async def call(self, role: str, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        token = self.desk.database.write(operators.begin_session, self.operator(role), now(), 1)
        async with self.client(token=token) as client:
            return await client.request(method, path, json=body)

    def operator(self, login: str) -> Operator:
        found = self.desk.database.read(operators.find_by_login, login)
        assert found
        return found

    def recorded(self) -> list[tuple[str, str, str]]:
        return [(row.actor, row.action, row.subject) for row in reversed(self.desk.database.read(audit.entries))]

    def add_unscanned(self) -> uuid.UUID:
        attachment_id = upload(self.desk, self.conversation_id)
        message = write_message(self.desk, self.conversation_id)

        def mark(session: Any) -> None:
            attachment = session.get_one(Attachment, attachment_id)
            attachment.scan, attachment.message_id = Scan.UNSCANNED, message.id

        self.desk.database.write(mark)
        return attachment_id


@pytest.fixture
async def scene(make_settings: MakeSettings) -> AsyncIterator[Scene]:
    desk = open_desk(make_settings(guesses_free=2, guesses_most=4, logins_per_minute=30))
    yield Scene(desk)
    desk.close()


def test_every_right_is_somebodys_and_an_administrator_holds_all() -> None:
    assert set(RIGHTS) == set(Right)
    assert all(Role.ADMINISTRATOR in roles for roles in RIGHTS.values())


@pytest.mark.parametrize(
    ("method", "path", "body", "allowed"),
    [
        ("GET", "/api/operator/queue", None, "operator senior editor supervisor administrator"),
        ("GET", "{own}", None, "operator senior editor supervisor administrator"),
        ("POST", "{own}/claim", None, "operator senior supervisor administrator"),
        ("POST", "{own}/messages", {"client_message_id": "m", "text": "да"}, "operator senior supervisor administrator"),
        ("POST", "{own}/close", {"resolution": "да"}, "operator senior supervisor administrator"),
        ("POST", "{own}/return-to-bot", None, "operator senior supervisor administrator"),
        ("POST", "{own}/reveal", {"field": "snils1", "reason": "да"}, "operator senior supervisor administrator"),
        ("GET", "/api/operator/attachments/{nobody}", None, "operator senior supervisor administrator"),
        ("POST", "/api/operator/attachments/{nobody}/release", {"reason": "да"}, "senior supervisor administrator"),
        ("GET", "/api/operator/appeals/{number}", None, "operator senior editor supervisor administrator"),
        ("PATCH", "/api/operator/appeals/{number}", {"priority": 3}, "operator senior supervisor administrator"),
        ("PATCH", "/api/operator/appeals/{number}", {"expedite": "refused"}, "operator senior supervisor administrator"),
        ("PATCH", "/api/operator/appeals/{number}", {"higher_instance": "confirmed"}, "senior supervisor administrator"),
        ("GET", "/api/operator/audit", None, "supervisor administrator"),
        ("POST", "{own}/erase", {"reason": "да"}, "supervisor administrator"),
        ("POST", "{own}/export", None, "supervisor administrator"),
    ],
)
async def test_a_call_wants_its_right(scene: Scene, method: str, path: str, body: dict[str, Any] | None, allowed: str) -> None:
    address = path.format(own=scene.path, nobody=uuid.UUID(int=7), number=scene.number)
    for role in Role:
        answer = await scene.call(role, method, address, body)
        assert (answer.status_code != 403) == (role in allowed.split()), (role, answer.text)
        if answer.status_code == 403:
            assert answer.json()["detail"].endswith(".") and "not_by_role_" in answer.json()["type"]


async def test_who_i_am_names_my_rights(scene: Scene) -> None:
    assert (await scene.call("editor", "GET", "/api/operator/me")).json()["rights"] == ["read", "edit_articles"]


async def test_what_is_done_to_a_conversation_is_recorded(scene: Scene) -> None:
    write_message(scene.desk, scene.conversation_id)
    for _ in range(3):
        assert (await scene.call("operator", "GET", scene.path)).status_code == 200
    assert (await scene.call("senior", "GET", scene.path)).status_code == 200
    for _ in range(2):
        assert (await scene.call("senior", "POST", f"{scene.path}/claim")).status_code == 200
    assert (await scene.call("operator", "POST", f"{scene.path}/claim")).status_code == 409
    attachment_id = scene.add_unscanned()
    release = f"/api/operator/attachments/{attachment_id}/release"
    assert (await scene.call("operator", "POST", release, {"reason": "надо"})).status_code == 403
    assert (await scene.call("senior", "POST", release, {"reason": "ждали справку"})).status_code == 204
    assert (await scene.call("senior", "POST", f"{scene.path}/close", {"resolution": "готово"})).status_code == 200
    assert scene.recorded() == [
        ("operator", "open", ""),
        ("senior", "open", ""),
        ("senior", "claim", ""),
        ("senior", "release", str(attachment_id)),
        ("senior", "close", ""),
    ]
    assert scene.desk.database.read(audit.verify, scene.desk.vault).faults == []


async def test_an_appeal_is_read_and_changed_by_its_number(scene: Scene) -> None:
    loosely = scene.number.lower().replace("-", " ")
    for wrong, words in [("ОБ-2026-000999-7", "опечатка"), ("ОБ-2026-000999-6", "нет"), ("пусто", "нет")]:
        answer = await scene.call("operator", "GET", f"/api/operator/appeals/{wrong}")
        assert (answer.status_code, words in answer.json()["detail"]) == (404, True), answer.text
    path = f"/api/operator/appeals/{loosely}"
    read = (await scene.call("operator", "GET", path)).json()
    assert (read["number"], read["priority"], read["requests"], read["expedite"]) == (scene.number, 0, [], None)
    assert [line["kind"] for line in read["history"]] == ["registered", "queued"]
    refused: list[tuple[dict[str, Any], int]] = [
        ({}, 422),
        ({"expedite": "perhaps"}, 422),
        ({"expedite": "confirmed"}, 409),
        ({"urgent_confirmed": True}, 409),
    ]
    for body, status in refused:
        assert (await scene.call("operator", "PATCH", path, body)).status_code == status, body
    assert (await scene.call("operator", "PATCH", path, {"priority": 4})).json()["priority"] == 4
    locked(scene.desk, scene.conversation_id, ask_to_expedite, scene.appeal, RequestGround.LIFE, {"reason": "операция"}, now())
    changed = await scene.call("senior", "PATCH", path, {"expedite": "confirmed", "reason": "справка есть"})
    assert (changed.json()["expedite"], changed.json()["requests"][0]["detail"]) == ("confirmed", {"reason": "операция"})
    told = text_of(scene.desk, messages(scene.desk, scene.conversation_id)[-1])
    assert "подтверждено" in told and "справка есть" in told
    assert scene.recorded() == [
        ("operator", "open", ""),
        ("operator", "appeal_changed", f"{scene.number} priority 4"),
        ("senior", "appeal_changed", f"{scene.number} expedite confirmed"),
    ]


async def test_openings_at_once_are_one(scene: Scene) -> None:
    answers = await asyncio.gather(*(scene.call("operator", "GET", scene.path) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert scene.recorded() == [("operator", "open", "")]


async def test_logins_are_recorded_and_a_failed_one_without_what_was_typed(scene: Scene) -> None:
    assert (await scene.log_in("operator")).status_code == 200
    assert (await scene.log_in("operator", "неверный")).status_code == 401
    assert (await scene.log_in("мой пароль", "operator")).status_code == 401
    succeeded, failed, unknown = scene.recorded()
    assert succeeded == ("operator", "login", "")
    assert failed[:2] == unknown[:2] == ("stranger", "login_failed")
    assert failed[2] == audit.login_subject(scene.desk.vault, "operator") != unknown[2]


async def test_guesses_are_slowed_then_locked_the_same_for_any_login(scene: Scene) -> None:
    seen = {}
    for login in ("operator", "nobody"):
        answers = [await scene.log_in(login, "неверный") for _ in range(3)]
        seen[login] = [(answer.status_code, answer.text) for answer in answers]
        refused = await scene.log_in(login)  # right or not: nobody is told in a pause
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
        assert "Слишком много неудачных попыток" in refused.json()["detail"]
        seen[login].append((refused.status_code, refused.text))
    assert seen["operator"] == seen["nobody"]
    assert [status for status, _ in seen["operator"]] == [401, 401, 401, 429]


async def test_a_stranger_cannot_lock_an_operator_out(scene: Scene) -> None:
    assert (await scene.log_in("operator", address="10.0.0.1")).status_code == 200
    for guess in range(60):  # from many addresses: the login's own limit holds them up in the end
        last = await scene.log_in("operator", "неверный", f"10.9.0.{guess}")
    assert last.status_code == 429
    assert (await scene.log_in("operator", address="10.9.1.1")).status_code == 429
    assert (await scene.log_in("operator", address="10.0.0.1")).status_code == 200


async def test_guesses_at_once_all_count(scene: Scene) -> None:
    answers = await asyncio.gather(*(scene.log_in("operator", "неверный") for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [401] * 3 + [429] * 3


async def test_a_lock_is_recorded(make_settings: MakeSettings) -> None:
    desk = open_desk(make_settings(guesses_free=1, guesses_most=2))
    try:
        scene = Scene(desk)
        for _ in range(2):
            assert (await scene.log_in("operator", "неверный")).status_code == 401
        refused = await scene.log_in("operator")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "900")
        assert [row[1] for row in scene.recorded()] == ["login_failed", "login_locked"]
    finally:
        desk.close()


async def test_a_right_password_forgives_the_wrong_ones(scene: Scene) -> None:
    for _ in range(3):
        for _ in range(2):
            assert (await scene.log_in("operator", "неверный")).status_code == 401
        assert (await scene.log_in("operator")).status_code == 200
