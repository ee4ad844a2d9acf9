"""The audit log as those who answer for the desk read it: a call, a page, words for people."""

import html
import json
import re
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy.orm import Session

from core import audit
from core.desk import open_desk
from core.finding.search import KINDS
from core.models import Role
from handoff import audit_words
from handoff.console.reasons import REASON_CHARACTERS
from handoff.field_words import FIELDS, field_words
from handoff.fields import PARSERS
from tests.conftest import MakeSettings
from tests.scenes import write_message
from tests.unit.handoff.test_console_access import PASSWORD, Scene

CALL = "/api/operator/audit"
PAGE = "/operator/audit"


@pytest.fixture
async def scene(make_settings: MakeSettings) -> AsyncIterator[Scene]:
    desk = open_desk(make_settings(guesses_free=2, guesses_most=4, logins_per_minute=30))
    yield Scene(desk)
    desk.close()


async def read(scene: Scene, **wanted: Any) -> dict[str, Any]:
    query = str(httpx.QueryParams(wanted))
    answer = await scene.call("supervisor", "GET", f"{CALL}?{query}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def read_page(scene: Scene, address: str = PAGE, role: str = "supervisor") -> httpx.Response:
    async with scene.client() as client:
        await client.post("/api/operator/login", json={"login": role, "password": PASSWORD})
        return await client.get(address)


def record(scene: Scene, action: str, subject: str = "", times: int = 1) -> None:
    def write(session: Session) -> None:
        for _ in range(times):
            audit.append(session, scene.desk.vault, audit.DESK, action, subject)

    scene.desk.database.write(write)


async def test_the_page_is_for_who_may_read_the_log(scene: Scene) -> None:
    assert (await scene.call("operator", "GET", scene.path)).status_code == 200
    async with scene.client() as client:
        assert (await client.get(PAGE)).headers["location"] == "/operator"
    refused, shown = await read_page(scene, role="operator"), await read_page(scene)
    assert (refused.status_code, shown.status_code) == (403, 200)
    assert "открыта переписка" not in refused.text and "открыта переписка" in shown.text
    assert "ОБ-" in shown.text and shown.headers["cache-control"] == "no-store"
    assert "открыта переписка" not in (await read_page(scene, f"{PAGE}?operator=supervisor")).text
    assert "открыта переписка" not in (await read_page(scene, f"{PAGE}?number=ОБ-2026-999999-9")).text
    found = (await read(scene, conversation=scene.conversation_id))["entries"]
    assert [(entry["actor"], entry["action"]) for entry in found] == [("operator", "open")]


@pytest.mark.parametrize(("since", "is_listed"), [("0001-01-01", True), ("9999-12-31", False)])
async def test_a_day_far_away_is_a_day(scene: Scene, since: str, is_listed: bool) -> None:
    assert (await scene.call("operator", "GET", scene.path)).status_code == 200
    assert bool((await read(scene, since=since))["entries"]) == is_listed
    page = await read_page(scene, f"{PAGE}?since={since}")
    assert page.status_code == 200 and ("открыта переписка" in page.text) == is_listed


@pytest.mark.parametrize("since", ["вчера", "2026-02-30"])
async def test_a_wrong_day_is_said(scene: Scene, since: str) -> None:
    page = await read_page(scene, f"{PAGE}?since={since}")
    assert page.status_code == 422 and "Дата указана неверно" in page.text
    assert "<table" not in page.text and "Таких строк нет" not in page.text
    assert (await scene.call("supervisor", "GET", f"{CALL}?since={since}")).status_code == 422


@pytest.mark.parametrize("login", ["%00", "operator%00", "nobody"])
async def test_who_is_nobody_did_nothing(scene: Scene, login: str) -> None:
    assert (await scene.call("operator", "GET", scene.path)).status_code == 200
    assert (await scene.call("supervisor", "GET", f"{CALL}?operator={login}")).json()["entries"] == []
    assert "Таких строк нет" in (await read_page(scene, f"{PAGE}?operator={login}")).text


async def test_older_rows_are_a_page_further(scene: Scene) -> None:
    record(scene, audit.LOGIN, times=200)
    assert [(entries["more"], entries["before"]) for entries in [await read(scene)]] == [(False, None)]
    record(scene, audit.EXPORT)
    newest = await read(scene)
    assert [entry["seq"] for entry in newest["entries"]] == list(range(201, 1, -1)) and newest["more"]
    oldest = await read(scene, before=newest["before"])
    assert [entry["seq"] for entry in oldest["entries"]] == [1] and not oldest["more"] and oldest["before"] is None
    assert (await scene.call("supervisor", "GET", f"{CALL}?before={2**31}")).status_code == 422

    first = await read_page(scene, f"{PAGE}?since=2020-01-01")
    link = re.search(r'href="([^"]*)"[^>]*>Раньше<', first.text)
    assert link and "К новым" not in first.text
    second = await read_page(scene, html.unescape(link[1]))
    assert 'value="2020-01-01"' in second.text and "<td>1</td>" in second.text and "<td>200</td>" not in second.text
    assert "К новым" in second.text and "Раньше" not in second.text


async def test_failed_logins_are_found_under_the_login(scene: Scene) -> None:
    for login in ("operator", "мой пароль"):
        assert (await scene.log_in(login, "неверный")).status_code == 401
    assert [entry["subject_words"] for entry in (await read(scene))["entries"]] == ["логин, которого нет", "логин operator"]
    assert [entry["action"] for entry in (await read(scene, operator="operator"))["entries"]] == ["login_failed"]
    assert [entry["subject_words"] for entry in (await read(scene, operator="мой пароль"))["entries"]] == ["логин мой пароль"]


async def test_what_was_touched_is_said_in_words(scene: Scene) -> None:
    write_message(scene.desk, scene.conversation_id, "звоните +79215550142 или +79215550143")
    for field in ("phone1", "phone2"):
        assert (await scene.call("senior", "POST", f"{scene.path}/reveal", {"field": field, "reason": "надо"})).status_code == 200
    file = scene.add_unscanned()
    assert (await scene.call("senior", "POST", f"/api/operator/attachments/{file}/release", {"reason": "надо"})).status_code == 204
    record(scene, audit.FORGET, "1-9")
    record(scene, audit.ACCOUNT_ADDED, "petrova")
    record(scene, "key_rotated", "0123456789abcdef")
    found = [entry["subject_words"] for entry in reversed((await read(scene))["entries"])]
    assert found == ["Телефон", "Телефон 2", f"файл {str(file)[-8:]}", "строки 1–9", "логин petrova", "ключ 01234567"]
    page = (await read_page(scene)).text
    assert "<td>Телефон 2</td>" in page and "phone2" not in page and str(file) not in page


async def test_why_data_were_erased_is_kept_without_the_data(scene: Scene) -> None:
    write_message(scene.desk, scene.conversation_id, "мой номер +79215550142")
    assert (await scene.call("supervisor", "GET", scene.path)).status_code == 200
    reveal = {"field": "phone1", "reason": "звонок на +79215550142"}
    assert (await scene.call("supervisor", "POST", f"{scene.path}/reveal", reveal)).status_code == 200
    assert (await read(scene))["entries"][0]["reason"] == "звонок на +* *** ***-01-42"
    reason = {"reason": "просил письмом, тел. +79215550142"}
    assert (await scene.call("supervisor", "POST", f"{scene.path}/erase", reason)).status_code == 200
    erased, revealed, opened = (await read(scene))["entries"]
    assert (erased["action"], erased["reason"]) == ("erase", "просил письмом, тел. [данные удалены]")
    assert (revealed["reason"], opened["reason"]) == ("данные удалены", "")


def test_every_action_has_words() -> None:
    actors = {audit.CITIZEN, audit.COMMAND_LINE, audit.DESK, audit.STRANGER}
    constants = {value for name, value in vars(audit).items() if name.isupper() and not name.startswith("_") and isinstance(value, str)}
    assert constants - actors <= set(audit_words.ACTIONS) and actors == set(audit_words.ACTORS)


def test_every_field_has_words() -> None:
    assert {*KINDS, *PARSERS} - {"confirmation"} <= set(FIELDS)
    assert [field_words(name) for name in ("snils", "birthdate1", "email_2", "phone12", "x1", "")] == [
        "СНИЛС",
        "Дата рождения",
        "Электронная почта 2",
        "Телефон 12",
        "x1",
        "",
    ]


async def test_the_console_knows_the_words_and_the_longest_reason(scene: Scene) -> None:
    page = (await read_page(scene, "/operator")).text
    words = re.search(r"data-field-words='([^']*)'", page)
    assert words and json.loads(html.unescape(words[1])) == FIELDS
    assert f'data-reason-characters="{REASON_CHARACTERS}"' in page
    for length, status in ((REASON_CHARACTERS, 404), (REASON_CHARACTERS + 1, 422)):
        reveal = {"field": "none", "reason": "х" * length}
        assert (await scene.call("senior", "POST", f"{scene.path}/reveal", reveal)).status_code == status


async def test_a_role_may_what_me_says(scene: Scene) -> None:
    for role in Role:
        held = (await scene.call(role, "GET", "/api/operator/me")).json()["rights"]
        refused = (await scene.call(role, "POST", f"/api/operator/conversations/{uuid.uuid4()}/export")).status_code == 403
        assert ("export" in held) != refused
