"""The editors' page of questions over an open desk: who may, what is shown and hidden, what one click does, what is said when it cannot."""

import asyncio
import html
import re
import shutil
import time
import uuid
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import conversations
from core.desk import open_desk
from core.models import Article, Author, OpenQuestion, QuestionOutcome, QuestionState, Role, now
from handoff import erasure, question_groups
from handoff.console.access import form_token
from handoff.console.questions import question_routes
from handoff.question_groups import QuestionGroups
from handoff.suggested_articles import SuggestedArticles
from knowledge_base import articles, editing, questions
from knowledge_base.building import build
from knowledge_base.desk_search import DeskSearch
from tests.conftest import MakeSettings
from tests.scenes import locked, start_conversation, write_message
from tests.unit.handoff.test_article_pages import as_request, logged_in
from tests.unit.handoff.test_console_access import Scene

PAGE = "/operator/questions"
DOGS = ("как зарегистрировать собаку", "где зарегистрировать собаку", "регистрация собаки", "как зарегистрировать собаку")
CODE = "не приходит код подтверждения"


def rows() -> list[Article]:
    given = {
        "code": ("Не приходит код", "Подождите две минуты и запросите код ещё раз.", ["где код"]),
        "dogs": ("Как завести собаку", "Собаку регистрируют в клинике.", ["собака в доме"]),
    }
    return [
        Article(slug=slug, title=title, section="transport", text=text, aliases=aliases, updated=date(2026, 11, 20))
        for slug, (title, text, aliases) in given.items()
    ]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    build(rows(), folder, tuned=False)
    return folder


@pytest.fixture
async def scene(make_settings: MakeSettings, index: Path) -> AsyncIterator[Scene]:
    desk = open_desk(make_settings())
    shutil.copytree(index, desk.settings.index_dir)
    desk.database.write(articles.seed, rows())
    made = Scene(desk)
    search = DeskSearch(desk.settings.index_dir)
    made.app.include_router(question_routes(desk, QuestionGroups(desk, search), SuggestedArticles(search)))
    yield made
    desk.close()


@pytest.fixture
async def editor(scene: Scene) -> AsyncIterator[httpx.AsyncClient]:
    async with logged_in(scene) as client:
        yield client


def ask(scene: Scene, text: str, outcome: QuestionOutcome = QuestionOutcome.NO_ANSWER, article: str = "") -> uuid.UUID:
    """A question in a conversation of its own: the conversation's id."""
    conversation_id = start_conversation(scene.desk)
    seq = write_message(scene.desk, conversation_id, text, Author.CITIZEN).seq
    found = [{"slug": article, "confidence": 0.9, "shown": True}] if article else []
    locked(scene.desk, conversation_id, lambda s, _d, c: questions.keep(s, c.id, seq, outcome, found, now()).id)
    return conversation_id


def groups(page: str) -> list[str]:
    """Each group of the page, with all of its words and marks."""
    return page.split('<article class="question"')[1:]


def heading(group: str) -> str:
    found = re.search(r"<h3[^>]*>(.*?)</h3>", group, re.DOTALL)
    assert found
    return html.unescape(found[1])


def fields(scene: Scene, client: httpx.AsyncClient, group: str, deed: str, **changed: str) -> dict[str, str]:
    """What pressing a button of the group sends."""
    given = {name: html.unescape(value) for name, value in re.findall(r'<input[^>]*?name="(\w+)"[^>]*?\svalue="([^"]*)"', group)}
    given.pop("article", None)
    chosen = re.search(r'name="article" value="([^"]*)" checked', group)
    if chosen:
        given["article"] = chosen[1]
    return {**given, "token": form_token(scene.desk, as_request(client)), "deed": deed, **changed}


async def press(scene: Scene, client: httpx.AsyncClient, group: str, deed: str, **changed: str) -> httpx.Response:
    return await client.post(PAGE, data=fields(scene, client, group, deed, **changed), headers={"Origin": "null"})


@pytest.mark.parametrize("role", list(Role))
async def test_the_page_is_for_editors_and_who_leads(scene: Scene, role: Role) -> None:
    ask(scene, CODE)
    may = role in (Role.EDITOR, Role.SUPERVISOR, Role.ADMINISTRATOR)
    async with logged_in(scene, role) as client:
        for _ in range(2):
            page = await client.get(PAGE)
        assert (page.status_code, CODE in page.text) == ((200, True) if may else (403, False))
        if not may:
            posted = await client.post(PAGE, data={"first": "1", "deed": "dismiss", "token": form_token(scene.desk, as_request(client))})
            assert posted.status_code == 403
    assert scene.recorded().count((role.value, "questions_read", "")) == (1 if may else 0)  # once an hour
    async with scene.client() as nobody:
        assert (await nobody.get(PAGE)).headers["location"] == "/operator"
        assert (await nobody.post(PAGE, data={"first": "1", "deed": "dismiss"})).status_code == 403


async def test_a_refusal_that_shows_the_questions_is_a_look_too(scene: Scene, editor: httpx.AsyncClient) -> None:
    ask(scene, CODE)
    refused = await editor.post(PAGE, data={"first": "1", "deed": "dismiss", "token": "чужой"}, headers={"Origin": "null"})
    assert (refused.status_code, CODE in refused.text) == (403, True)
    assert scene.recorded().count(("editor", "questions_read", "")) == 1


async def test_alike_questions_are_one_group_the_largest_first_off_topic_last(scene: Scene, editor: httpx.AsyncClient) -> None:
    for text in ("расскажи анекдот", "расскажи анекдот", "расскажи анекдот"):
        ask(scene, text, QuestionOutcome.OFF_TOPIC)
    ask(scene, CODE, QuestionOutcome.UNHELPFUL, "code")
    for text in DOGS:
        ask(scene, text)
    page = (await editor.get(PAGE)).text
    first, second, third = groups(page)
    assert heading(first) in DOGS and "4 вопроса" in first and "нет ответа — 4" in first and "Ещё примеры: 3" in first
    assert all(text in first for text in DOGS)
    assert first.index('value="dogs" checked') and "Как завести собаку" in first
    assert heading(second) == CODE and "ответ не помог" in second and "не помогла: 1" in second
    assert 'value="code" checked' not in second  # it was shown in vain
    assert heading(third) == "расскажи анекдот" and "похоже, не по теме — 3" in third
    assert "8 вопросов, групп: 3" in page


async def test_what_is_personal_is_masked_and_never_prefilled(scene: Scene, editor: httpx.AsyncClient) -> None:
    ask(scene, "я Иванов Пётр Сергеевич, снилс 112-233-445 95, не могу войти <b>никак</b>")
    (group,) = groups((await editor.get(PAGE)).text)
    shown = html.unescape(group)
    assert "Иванов П. С." in shown and "***-***-445 95" in shown and "Пётр" not in shown and "112-233" not in shown
    assert "<b>никак" not in group
    words = fields(scene, editor, group, "alias")["words"]
    assert words == "я, снилс, не могу войти <b>никак</b>"
    refused = await press(scene, editor, group, "alias", article="code", words="не могу войти, снилс ***-***-445 95")
    assert refused.status_code == 422 and "звёздочки" in refused.text
    assert 'value="не могу войти, снилс ***-***-445 95"' in html.unescape(refused.text)  # what was typed stays
    assert 'aria-invalid="true"' in refused.text
    refused = await press(scene, editor, group, "draft", words="пишет Иванов Пётр Сергеевич")
    assert refused.status_code == 422 and "личные данные" in refused.text


async def test_one_click_makes_an_alias_of_the_whole_group(scene: Scene, editor: httpx.AsyncClient) -> None:
    for text in DOGS:
        ask(scene, text)
    ask(scene, CODE)
    group, _ = groups((await editor.get(PAGE)).text)
    done = await press(scene, editor, group, "alias")
    assert done.status_code == 303
    page = (await editor.get(done.headers["location"])).text
    assert "Добавлено в статью «Как завести собаку»" in page
    assert [heading(group) for group in groups(page)] == [CODE]
    assert scene.desk.database.read(editing.find, "dogs").aliases == ["собака в доме", heading(group)]
    assert (await press(scene, editor, group, "alias")).headers["location"] == done.headers["location"]  # pressed twice


@pytest.mark.parametrize(("written", "slug"), [("code", "code"), ("  не приходит  КОД ", "code"), ("dogs", "dogs")])
async def test_another_article_is_named_by_address_or_title(scene: Scene, editor: httpx.AsyncClient, written: str, slug: str) -> None:
    ask(scene, "анекдот про собаку")
    (group,) = groups((await editor.get(PAGE)).text)
    assert (await press(scene, editor, group, "alias", other_article=written)).status_code == 303
    assert "анекдот про собаку" in scene.desk.database.read(editing.find, slug).aliases


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"other_article": "нет такой"}, "Статьи «нет такой» нет"),
        ({"article": "", "other_article": " "}, "Выберите статью"),
        ({"article": "\x00"}, "нет"),
        ({"deed": "шалость"}, "Форма устарела"),
        ({"words": ""}, "Напишите формулировку"),
        ({"token": "чужой"}, "вход в консоль сменился"),
    ],
)
async def test_what_cannot_be_done_is_said(scene: Scene, editor: httpx.AsyncClient, changed: dict[str, str], told: str) -> None:
    ask(scene, CODE)
    (group,) = groups((await editor.get(PAGE)).text)
    refused = await press(scene, editor, group, changed.pop("deed", "alias"), **changed)
    assert refused.status_code in (403, 422) and told in refused.text
    wrong = re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', refused.text)
    assert wrong == {"Напишите": ["words"], "Форма": [], "вход": []}.get(told.split()[0], ["other_article"])
    assert len(groups(refused.text)) == 1


@pytest.mark.parametrize("others", ["x", "1,,;", "9" * 20, "-1"])
async def test_a_form_that_is_not_ours_is_refused(scene: Scene, editor: httpx.AsyncClient, others: str) -> None:
    ask(scene, CODE)
    (group,) = groups((await editor.get(PAGE)).text)
    assert (await press(scene, editor, group, "dismiss", others=others)).status_code == 422
    elsewhere = await editor.post(PAGE, data=fields(scene, editor, group, "dismiss"), headers={"Origin": "https://evil.example"})
    assert elsewhere.status_code == 403
    assert len(groups((await editor.get(PAGE)).text)) == 1


async def test_a_draft_is_begun_and_opened(scene: Scene, editor: httpx.AsyncClient) -> None:
    ask(scene, "собака пропала, что делать")
    (group,) = groups((await editor.get(PAGE)).text)
    done = await press(scene, editor, group, "draft")
    assert done.headers["location"] == "/operator/articles/sobaka-propala-chto-delat"
    article = scene.desk.database.read(editing.find, "sobaka-propala-chto-delat")
    assert (article.title, article.published, article.section) == ("Собака пропала, что делать", False, "transport")
    assert groups((await editor.get(PAGE)).text) == []


async def test_two_editors_at_once(scene: Scene, editor: httpx.AsyncClient) -> None:
    ask(scene, CODE)
    ask(scene, "регистрация собаки")
    first, second = groups((await editor.get(PAGE)).text)
    async with logged_in(scene, Role.ADMINISTRATOR) as other:
        done = await press(scene, other, first, "dismiss")
        assert "Убрано из списка: 1 вопрос" in (await other.get(done.headers["location"])).text
    late = await press(scene, editor, first, "alias", article="dogs")
    assert late.status_code == 409 and "логин редактора: administrator" in late.text
    assert [heading(group) for group in groups(late.text)] == [heading(second)]


async def test_erased_in_between(scene: Scene, editor: httpx.AsyncClient) -> None:
    gone = ask(scene, CODE)
    ask(scene, CODE)
    (group,) = groups((await editor.get(PAGE)).text)
    locked(scene.desk, gone, lambda s, d, c: erasure.erase(s, d, c, erasure.CITIZEN, now()))
    page = (await editor.get(PAGE)).text
    assert "1 вопрос, групп: 1" in page
    assert (await press(scene, editor, group, "dismiss")).status_code in (303, 404)


async def test_what_operators_answered_is_offered_with_their_article(scene: Scene, editor: httpx.AsyncClient) -> None:
    ask(scene, "собака пропала", QuestionOutcome.OPERATOR, "code")
    page = (await editor.get(PAGE)).text
    (group,) = groups(page)
    assert "Из закрытых разговоров" in page and "data-answered" in group and 'value="code" checked' in group
    assert "Таких вопросов сейчас нет" in page
    assert (await press(scene, editor, group, "alias", words="собака пропала куда звонить")).status_code == 303
    assert "собака пропала куда звонить" in scene.desk.database.read(editing.find, "code").aliases
    assert groups((await editor.get(PAGE)).text) == []


async def test_a_long_story_is_shown_in_short(scene: Scene, editor: httpx.AsyncClient) -> None:
    ask(scene, "не могу войти " * 200)
    (group,) = groups((await editor.get(PAGE)).text)
    assert len(heading(group)) <= 300 and heading(group).endswith("…")
    assert len(fields(scene, editor, group, "alias")["words"]) <= 200


async def test_many_groups_are_pages(scene: Scene, editor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handoff.console.questions._SHOWN", 2)
    for text in (CODE, "регистрация собаки", "расскажи анекдот"):
        ask(scene, text)
    first, second = (await editor.get(PAGE)).text, (await editor.get(f"{PAGE}?page=2")).text
    assert (len(groups(first)), len(groups(second))) == (2, 1)
    assert "Страница 2 из 2" in second and len(groups((await editor.get(f"{PAGE}?page=99")).text)) == 1
    done = await press(scene, editor, groups(second)[0], "dismiss")
    assert done.headers["location"].startswith(f"{PAGE}?page=2&")
    assert len(groups((await editor.get(done.headers["location"])).text)) == 2  # the page there was is no more


async def test_without_an_index_the_page_opens_all_the_same(scene: Scene, editor: httpx.AsyncClient) -> None:
    shutil.rmtree(scene.desk.settings.index_dir)
    ask(scene, CODE)
    ask(scene, CODE)
    (group,) = groups((await editor.get(PAGE)).text)
    assert "2 вопроса" in group and "Близких статей нет" in group


async def test_five_thousand_questions_open_within_a_second(scene: Scene, editor: httpx.AsyncClient) -> None:
    pool = [*DOGS, CODE, "где код", "собака пропала", "как купить собаку", "код неверный", "анекдот", "погода завтра"]

    def fill(session: Session) -> None:
        for number in range(5_000):
            conversation = conversations.start(session, scene.desk.vault, "widget")[0]
            text = f"{pool[number % len(pool)]} {number % 97}"
            seq = conversations.append(session, scene.desk.vault, conversation, Author.BOT, text).seq
            session.add(OpenQuestion(conversation_id=conversation.id, seq=seq, outcome=QuestionOutcome.NO_ANSWER, articles=[]))

    scene.desk.database.write(fill)
    assert "5000 вопросов" in (await editor.get(PAGE)).text  # grouped by the worker, or for the first reader
    ask(scene, "совсем новый вопрос про ежа")
    began = time.process_time()
    page = (await editor.get(PAGE)).text
    seconds = time.process_time() - began
    assert "5000 вопросов" in page and "Показаны последние 5000" in page
    assert seconds < 1.0
    newest = scene.desk.database.read(lambda session: session.scalar(select(OpenQuestion.id).order_by(OpenQuestion.id.desc()).limit(1)))
    assert newest == 5_001


async def test_more_than_a_look_can_group_are_grouped_between_two_looks(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question_groups, "_AT_ONCE", 0)
    monkeypatch.setattr(question_groups, "_PAUSE_SECONDS", 0.02)
    found = QuestionGroups(scene.desk, DeskSearch(scene.desk.settings.index_dir))
    ask(scene, CODE)
    assert [len(group.members) for group in await found.read()] == [1]
    ask(scene, CODE)
    assert [len(group.members) for group in await found.read()] == [1, 1]
    worker = asyncio.create_task(found.keep_fresh_forever())
    try:
        for _ in range(1_000):
            if len(await found.read()) == 1:
                break
            await asyncio.sleep(0.02)
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    (group,) = await found.read()
    scene.desk.database.write(questions.decide, group.first, [], QuestionState.DISMISSED, None, "editor", now())
    (rest,) = await found.read()
    assert rest.members == tuple(number for number in group.members if number != group.first) == (rest.first,)
