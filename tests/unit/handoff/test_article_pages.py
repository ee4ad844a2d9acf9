"""The editors' pages over an open desk: who may, what is shown, what is kept, where a form comes from."""

import html
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import Request

from core import audit
from core.desk import open_desk
from core.models import Role
from handoff.console.access import COOKIE, form_token
from handoff.console.articles import article_routes
from knowledge_base import editing
from knowledge_base.content import Content
from tests.conftest import MakeSettings
from tests.unit.handoff.test_console_access import PASSWORD, Scene

LIST = "/operator/articles"
PAGE = f"{LIST}/password"
ARTICLE = Content("Как сменить пароль", "account", "Откройте профиль.\n\n- Нажмите «Сменить».", ("забыл пароль", "сменить пароль"))
OTHER = Content("Не приходит код", "payments", "Подождите.", ("где код",), published=False)


@pytest.fixture
async def scene(make_settings: MakeSettings) -> AsyncIterator[Scene]:
    desk = open_desk(make_settings())
    made = Scene(desk)
    made.app.include_router(article_routes(desk))
    desk.database.write(editing.create, desk.settings, "password", ARTICLE, "seed", "Первая редакция")
    desk.database.write(editing.create, desk.settings, "code", OTHER, "ivanova", "черновик")
    yield made
    desk.close()


@pytest.fixture
async def editor(scene: Scene) -> AsyncIterator[httpx.AsyncClient]:
    async with logged_in(scene) as client:
        yield client


def logged_in(scene: Scene, role: Role = Role.EDITOR) -> Any:
    class LoggedIn:
        async def __aenter__(self) -> httpx.AsyncClient:
            self.client = scene.client()
            await self.client.__aenter__()
            await self.client.post("/api/operator/login", json={"login": role.value, "password": PASSWORD})
            return self.client

        async def __aexit__(self, *ended: object) -> None:
            await self.client.aclose()

    return LoggedIn()


async def form(client: httpx.AsyncClient, address: str = PAGE) -> dict[str, str]:
    """What the page's last form would send as it stands."""
    return fields((await client.get(address)).text)


def fields(page: str) -> dict[str, str]:
    post = page.split('<form method="post"')[-1].split("</form>")[0]
    found = {name: html.unescape(value) for name, value in re.findall(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', post)}
    found |= {
        name: html.unescape(value) for name, value in re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>\n?(.*?)</textarea>', post, re.DOTALL)
    }
    if 'name="published"' in post and " checked" in post:
        found["published"] = "on"
    chosen = re.search(r'<option value="(\w*)" selected>', post)
    return found | ({"section": chosen[1]} if chosen else {})


async def post(client: httpx.AsyncClient, given: dict[str, str], address: str = PAGE, **headers: str) -> httpx.Response:
    """As a browser posts it: our pages send no referrer, so the origin is "null"."""
    files = {name: (None, value) for name, value in given.items()}
    return await client.post(address, files=files, headers={"Origin": "null", **headers})


def as_request(client: httpx.AsyncClient) -> Request:
    cookie = f"{COOKIE}={client.cookies[COOKIE]}".encode()
    return Request({"type": "http", "headers": [(b"cookie", cookie)]})


def numbers(scene: Scene, slug: str = "password") -> list[int]:
    return [revision.number for revision in scene.desk.database.read(editing.revisions, slug)]


def error(page: httpx.Response, name: str) -> str:
    found = re.search(rf'<p id="{name}-error" class="error">(.*?)</p>', page.text, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


@pytest.mark.parametrize("role", list(Role))
async def test_the_pages_are_for_editors_and_who_leads(scene: Scene, role: Role) -> None:
    may = role in (Role.EDITOR, Role.SUPERVISOR, Role.ADMINISTRATOR)
    async with logged_in(scene, role) as client:
        for address in (LIST, f"{LIST}/new", PAGE, f"{PAGE}/revisions/1"):
            answer = await client.get(address)
            assert answer.status_code == (200 if may else 403)
            assert ("пароль" in answer.text) == (may and address != f"{LIST}/new")
            assert answer.headers["cache-control"] == "no-store"
        if not may:
            for address in (f"{LIST}/new", PAGE, f"{PAGE}/revisions/1"):
                own = form_token(scene.desk, as_request(client))
                answer = await post(client, {"token": own, "title": "Чужая", "section": "account", "text": "Т.", "reason": "так"}, address)
                assert (answer.status_code, "Статьи правят редактор" in answer.text) == (403, True)
        assert ("/operator/articles" in (await client.get("/operator")).text) == may
    assert numbers(scene) == [1]


async def test_who_is_not_logged_in_is_sent_to_the_login_and_keeps_what_was_typed(scene: Scene, editor: httpx.AsyncClient) -> None:
    given = {**await form(editor), "text": "Долго набирали.", "reason": "правка"}
    async with scene.client() as nobody:
        for address in (LIST, f"{LIST}/new", PAGE, f"{PAGE}/revisions/1"):
            assert (await nobody.get(address)).headers["location"] == "/operator"
        answer = await post(nobody, given)
        assert (answer.status_code, numbers(scene)) == (403, [1])
        assert "Вы вышли из консоли" in answer.text and "Первая редакция" not in answer.text
        assert fields(answer.text)["text"] == "Долго набирали."
        await nobody.post("/api/operator/login", json={"login": "editor", "password": PASSWORD})
        again = await post(nobody, fields(answer.text))  # the form of the time before the login
        assert (again.status_code, numbers(scene)) == (403, [1])
        assert "вход в консоль сменился" in again.text
        assert (await post(nobody, fields(again.text))).status_code == 303
    assert scene.desk.database.read(editing.find, "password").text == "Долго набирали."


async def test_a_form_of_another_site_or_session_changes_nothing(scene: Scene, editor: httpx.AsyncClient) -> None:
    given = {**await form(editor), "text": "Подделка.", "reason": "правка"}
    foreign = await post(editor, given, Origin="http://evil.example")
    assert (foreign.status_code, foreign.json()["type"]) == (403, "urn:otklik:problem:foreign_origin")
    async with logged_in(scene, Role.SUPERVISOR) as other:
        stolen = (await form(other))["token"]
    for token in ("", stolen, "ё"):
        assert (await post(editor, {**given, "token": token})).status_code == 403
        assert (await post(editor, {**given, "token": token}, f"{LIST}/new")).status_code == 403
        assert (await post(editor, {**given, "token": token}, f"{PAGE}/revisions/1")).status_code == 403
    assert numbers(scene) == [1]
    assert (await post(editor, given, Origin="http://desk")).status_code == 303


async def test_a_change_is_stored_told_and_recorded(scene: Scene, editor: httpx.AsyncClient) -> None:
    given = await form(editor)
    assert {name: given[name] for name in ("title", "section", "text", "aliases", "published")} == {
        "title": ARTICLE.title,
        "section": "account",
        "text": ARTICLE.text,
        "aliases": "забыл пароль\nсменить пароль",
        "published": "on",
    }
    answer = await post(editor, {**given, "text": "Новые\r\nслова <ещё>.", "aliases": "раз\r\n\r\nдва\r\n", "reason": "стало короче"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?saved=2")
    shown = await editor.get(answer.headers["location"])
    assert "Сохранено, редакция 2. Бот станет отвечать новыми словами через несколько секунд." in shown.text
    assert "стало короче" in shown.text and "Новые\nслова &lt;ещё&gt;." in shown.text
    article = scene.desk.database.read(editing.find, "password")
    assert Content.of(article) == replace(ARTICLE, text="Новые\nслова <ещё>.", aliases=("раз", "два"))
    (row, *_) = scene.desk.database.read(audit.entries)
    assert (row.actor, row.action, row.subject) == ("editor", "article_changed", "2 password")
    async with logged_in(scene, Role.SUPERVISOR) as supervisor:
        log = (await supervisor.get("/operator/audit")).text
    assert "изменена статья" in log and "password, редакция 2" in log


async def test_nothing_changed_is_no_revision(scene: Scene, editor: httpx.AsyncClient) -> None:
    answer = await post(editor, {**await form(editor), "reason": "просто так"})
    assert answer.headers["location"] == f"{PAGE}?saved=0"
    assert "Ничего не изменилось" in (await editor.get(answer.headers["location"])).text
    assert numbers(scene) == [1]


async def test_each_wrong_field_says_what_to_do_and_keeps_what_was_typed(scene: Scene, editor: httpx.AsyncClient) -> None:
    wrong = {"title": "", "text": "<b>\nСм. https://evil.ru и [[hotlin]]", "aliases": "где код\nновая", "related": "no-such", "reason": " "}
    answer = await post(editor, {**await form(editor), **wrong})
    assert answer.status_code == 422
    assert "Напишите название" in error(answer, "title")
    assert all(words in error(answer, "text") for words in ("«<b>»", "https://evil.ru", "[[hotlin]]"))
    assert "уже есть у статьи «Не приходит код» (code)" in error(answer, "aliases")
    assert "no-such" in error(answer, "related")
    assert "зачем эта правка" in error(answer, "reason")
    typed = fields(answer.text)
    assert (typed["text"], typed["aliases"], typed["related"], typed["based_on"]) == (wrong["text"], wrong["aliases"], "no-such", "1")
    assert answer.text.count('aria-invalid="true"') == 5
    assert numbers(scene) == [1]


async def test_who_is_late_sees_it_keeps_the_words_and_may_save_again(scene: Scene, editor: httpx.AsyncClient) -> None:
    given = {**await form(editor), "text": "Моя правка.", "reason": "правка"}
    desk = scene.desk
    desk.database.write(editing.change, desk.settings, "password", replace(ARTICLE, text="Чужая правка."), "petrova", "раньше", 1)
    late = await post(editor, given)
    assert late.status_code == 409
    assert "её изменили (petrova): теперь это редакция 2" in late.text
    assert f"{PAGE}/revisions/2?against=1" in late.text
    assert (fields(late.text)["text"], numbers(scene)) == ("Моя правка.", [2, 1])
    assert (await post(editor, fields(late.text))).headers["location"] == f"{PAGE}?saved=3"


async def test_what_was_wrong_with_a_form_does_not_make_up_for_being_late(scene: Scene, editor: httpx.AsyncClient) -> None:
    given = {**await form(editor), "text": "Моя правка.", "reason": "правка"}
    desk = scene.desk
    write_soon = desk.database.write_soon

    async def refused_and_overtaken(*work: Any) -> Any:
        try:
            return await write_soon(*work)
        finally:
            desk.database.write(editing.change, desk.settings, "password", replace(ARTICLE, text="Чужая правка."), "petrova", "раньше", 1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk.database, "write_soon", refused_and_overtaken)
        wrong = await post(editor, {**given, "title": ""})
    assert (wrong.status_code, numbers(scene)) == (422, [2, 1])
    assert (await post(editor, {**fields(wrong.text), "title": given["title"]})).status_code == 409


async def test_a_new_article_and_its_address(editor: httpx.AsyncClient) -> None:
    given = {
        **await form(editor, f"{LIST}/new"),
        "title": "Как вернуть деньги",
        "section": "payments",
        "text": "Подождите.",
        "reason": "новая",
    }
    assert (given["published"], given["slug"]) == ("on", "")
    del given["published"]
    answer = await post(editor, given, f"{LIST}/new")
    assert answer.headers["location"] == f"{LIST}/kak-vernut-dengi?saved=1"
    assert "Черновик сохранён" in (await editor.get(answer.headers["location"])).text
    again = await post(editor, {**given, "aliases": "верните деньги"}, f"{LIST}/new")
    assert again.status_code == 422
    assert "уже есть: «Как вернуть деньги»" in error(again, "slug")
    for slug in ("new", "Пароль", "a/b"):
        refused = await post(editor, {**given, "slug": slug}, f"{LIST}/new")
        assert (refused.status_code, fields(refused.text)["slug"]) == (422, slug)
        assert error(refused, "slug")


async def test_revisions_are_compared_and_restored(scene: Scene, editor: httpx.AsyncClient) -> None:
    desk = scene.desk
    second = replace(ARTICLE, text="Откройте кабинет.\n\n- Нажмите «Сменить».", aliases=("забыл пароль",))
    desk.database.write(editing.change, desk.settings, "password", second, "petrova", "кабинет", 1)
    page = (await editor.get(f"{PAGE}/revisions/2")).text
    assert "<mark>профиль</mark>" in page and "<mark>кабинет</mark>" in page
    assert "Вернуть эту редакцию" not in page
    assert '<p class="diff-removed">' in page and "сменить пароль" in page
    old = f"{PAGE}/revisions/1"
    assert "Эти редакции одинаковые" not in (await editor.get(f"{old}?against=2")).text
    assert (await post(editor, {**await form(editor, old), "reason": ""}, old)).status_code == 422
    answer = await post(editor, {**await form(editor, old), "reason": "было лучше"}, old)
    assert answer.headers["location"] == f"{PAGE}?saved=3"
    assert Content.of(desk.database.read(editing.find, "password")) == ARTICLE
    (row, *_) = desk.database.read(audit.entries)
    assert (row.action, row.subject) == ("article_restored", "3 password")
    assert "Эти редакции одинаковые" in (await editor.get(f"{PAGE}/revisions/3?against=1")).text


async def test_who_restores_late_is_told_and_may_go_on(scene: Scene, editor: httpx.AsyncClient) -> None:
    desk, old = scene.desk, f"{PAGE}/revisions/1"
    desk.database.write(editing.change, desk.settings, "password", replace(ARTICLE, text="Раз."), "petrova", "раз", 1)
    given = {**await form(editor, old), "reason": "было лучше"}
    desk.database.write(editing.change, desk.settings, "password", replace(ARTICLE, text="Два."), "petrova", "два", 2)
    late = await post(editor, given, old)
    assert late.status_code == 409
    assert "её изменили (petrova): теперь это редакция 3" in late.text
    assert (fields(late.text)["reason"], numbers(scene)) == ("было лучше", [3, 2, 1])
    assert (await post(editor, fields(late.text), old)).headers["location"] == f"{PAGE}?saved=4"


async def test_the_list_is_searched_and_marks_drafts(editor: httpx.AsyncClient) -> None:
    async def titles(**query: str) -> list[str]:
        page = (await editor.get(LIST, params=query)).text
        return re.findall(r'<a href="/operator/articles/(?!new)([\w-]+)">', page)

    assert await titles() == ["password", "code"]
    assert await titles(q="ПАРОЛЬ забыл") == ["password"]
    assert await titles(q="подождите") == ["code"]
    assert await titles(section="payments") == ["code"]
    assert await titles(section="нет такого") == ["password", "code"]
    assert await titles(q="«»") == []
    assert await titles(q="x" * 5000, page="999") == []
    assert (await editor.get(LIST)).text.count("Черновик") == 1


@pytest.mark.parametrize(
    ("address", "status"),
    [
        (f"{LIST}/nothing", 404),
        (f"{LIST}/%00", 404),
        (f"{PAGE}/revisions/9", 404),
        (f"{PAGE}/revisions/1?against=9", 404),
        (f"{PAGE}/revisions/x", 422),
    ],
)
async def test_what_is_not_there(editor: httpx.AsyncClient, address: str, status: int) -> None:
    assert (await editor.get(address)).status_code == status


async def test_a_form_that_is_too_large_is_refused(scene: Scene, editor: httpx.AsyncClient) -> None:
    assert (await post(editor, {**await form(editor), "text": "я" * 200_000})).status_code in (400, 413)
    assert numbers(scene) == [1]
