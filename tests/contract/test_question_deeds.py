"""What editors do with questions, on each database: once, whole, by one of them; nothing personal comes into an article."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.desk import Desk
from core.errors import Problem
from core.models import Author, OpenQuestion, Operator, QuestionOutcome, QuestionState
from handoff import question_board, question_deeds
from handoff.question_groups import QuestionGroups
from handoff.question_words import without_tokens
from knowledge_base import editing, questions
from knowledge_base.content import Content
from knowledge_base.desk_search import DeskSearch
from knowledge_base.editing import ContentRefused
from tests.scenes import LATER, MONDAY, add_operator, in_threads, locked, start_conversation, write_message

DOGS = Content("Как завести собаку", "support", "Заведите.", ("собака в доме",))
CATS = Content("Как завести кошку", "support", "Заведите.", ("кошка в доме",))


@pytest.fixture
def editor(desk: Desk) -> Operator:
    for slug, content in (("dogs", DOGS), ("cats", CATS)):
        desk.database.write(editing.create, desk.settings, slug, content, "seed", "Первая редакция")
    return add_operator(desk)


def ask(desk: Desk, *texts: str) -> list[int]:
    """Questions without an answer, each of a conversation of its own: their numbers."""
    numbers = []
    for text in texts:
        conversation_id = start_conversation(desk)
        seq = write_message(desk, conversation_id, text, Author.CITIZEN).seq
        kept = partial(questions.keep, seq=seq, outcome=QuestionOutcome.NO_ANSWER, articles=[], at=MONDAY)
        numbers.append(locked(desk, conversation_id, lambda s, _d, c, kept=kept: kept(s, c.id).id))
    return numbers


def make_alias(desk: Desk, editor: Operator, first: int, others: list[int], words: str = "регистрация собаки", slug: str = "dogs") -> str:
    return desk.database.write(question_deeds.make_alias, desk, editor, first, others, slug, words, LATER).slug


def begin_draft(desk: Desk, editor: Operator, first: int, words: str = "как зарегистрировать собаку") -> str:
    return desk.database.write(question_deeds.begin_draft, desk, editor, first, [], "transport", words, LATER)


def states(desk: Desk) -> list[tuple[str, str | None]]:
    rows = desk.database.read(lambda session: session.scalars(select(OpenQuestion).order_by(OpenQuestion.id)).all())
    return [(row.state, row.slug) for row in rows]


def recorded(desk: Desk) -> list[tuple[str, str]]:
    return [(row.action, row.subject) for row in reversed(desk.database.read(audit.entries))]


def test_an_alias_is_made_of_a_group_at_once(desk: Desk, editor: Operator) -> None:
    first, second, other = ask(desk, "регистрация собаки", "как зарегистрировать собаку", "другое")
    assert make_alias(desk, editor, first, [second]) == "dogs"
    article = desk.database.read(editing.find, "dogs")
    assert (article.aliases, article.revision) == (["собака в доме", "регистрация собаки"], 2)
    assert states(desk) == [("alias", "dogs"), ("alias", "dogs"), ("open", None)]
    assert recorded(desk) == [("article_changed", "2 dogs"), ("question_alias", "2 dogs")]
    decided = desk.database.read(questions.find_all, [first])[first]
    assert (decided.decided_by, decided.decided_at) == ("ivanova", LATER)
    assert desk.database.read(questions.open_ids, LATER, 10) == [other]


def test_an_alias_that_the_article_has_already_ends_the_question_too(desk: Desk, editor: Operator) -> None:
    (first,) = ask(desk, "собака в доме")
    make_alias(desk, editor, first, [], "Собака в доме!")
    assert states(desk) == [("alias", "dogs")]
    assert desk.database.read(editing.find, "dogs").revision == 1
    assert recorded(desk) == [("question_alias", "1 dogs")]


def test_a_draft_is_begun_out_of_sight_of_citizens(desk: Desk, editor: Operator) -> None:
    first, second = ask(desk, "как зарегистрировать собаку", "как зарегистрировать собаку?")
    slug = begin_draft(desk, editor, first)
    article = desk.database.read(editing.find, slug)
    assert (slug, article.title, article.section, article.published) == (
        "kak-zaregistrirovat-sobaku",
        "Как зарегистрировать собаку",
        "transport",
        False,
    )
    assert begin_draft(desk, editor, second) == "kak-zaregistrirovat-sobaku-2"
    assert states(desk) == [("draft", slug), ("draft", f"{slug}-2")]
    assert recorded(desk)[:2] == [("article_created", f"1 {slug}"), ("question_draft", f"1 {slug}")]


@pytest.mark.parametrize("words", ["?!", "new", "Dogs"])
def test_a_draft_gets_an_address_that_is_free(desk: Desk, editor: Operator, words: str) -> None:
    (first,) = ask(desk, "вопрос")
    slug = begin_draft(desk, editor, first, words)
    assert slug == {"?!": "vopros", "new": "new-2", "Dogs": "dogs-2"}[words]


def test_dismissed_questions_leave_the_articles_alone(desk: Desk, editor: Operator) -> None:
    first, second = ask(desk, "анекдот", "расскажи анекдот")
    for _ in range(2):  # pressed twice
        assert desk.database.write(question_deeds.dismiss, desk, editor, first, [second], LATER) == 2
    assert states(desk) == [("dismissed", None), ("dismissed", None)]
    assert recorded(desk) == [("question_dismissed", "2")]


def test_only_what_was_still_open_is_counted_as_dismissed(desk: Desk, editor: Operator) -> None:
    first, second, third = ask(desk, "анекдот", "расскажи анекдот", "регистрация собаки")
    make_alias(desk, editor, third, [])
    assert desk.database.write(question_deeds.dismiss, desk, editor, first, [second, third, 999], LATER) == 2
    assert recorded(desk)[-1] == ("question_dismissed", "2")


def test_an_alias_of_another_article_is_not_told_as_done(desk: Desk, editor: Operator) -> None:
    (first,) = ask(desk, "регистрация собаки")
    make_alias(desk, editor, first, [])
    with pytest.raises(Problem, match="409 question_decided"):
        make_alias(desk, editor, first, [], slug="cats")
    assert desk.database.read(editing.find, "cats").aliases == ["кошка в доме"]


DEEDS: dict[str, Callable[[Desk, Operator, int], Any]] = {
    "alias": lambda desk, editor, first: make_alias(desk, editor, first, []),
    "draft": lambda desk, editor, first: begin_draft(desk, editor, first),
    "dismiss": lambda desk, editor, first: desk.database.write(question_deeds.dismiss, desk, editor, first, [], LATER),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_a_button_pressed_twice_is_pressed_once(desk: Desk, editor: Operator, deed: str) -> None:
    (first,) = ask(desk, "регистрация собаки")
    done = DEEDS[deed](desk, editor, first)
    after = recorded(desk)
    assert DEEDS[deed](desk, editor, first) == done or deed == "alias"
    assert recorded(desk) == after


@pytest.mark.parametrize("deed", DEEDS)
def test_of_two_editors_the_slower_one_is_told_and_changes_nothing(desk: Desk, editor: Operator, deed: str) -> None:
    (first,) = ask(desk, "регистрация собаки")
    desk.database.write(question_deeds.dismiss, desk, add_operator(desk, "petrova"), first, [], LATER)
    before = recorded(desk)
    with pytest.raises(Problem) as refused:
        DEEDS[deed](desk, editor, first)
    assert (refused.value.status, "petrova" in refused.value.detail) == (409, True)
    assert recorded(desk) == before
    assert desk.database.read(editing.find, "dogs").revision == 1


@pytest.mark.usefixtures("editor")
def test_many_at_once_make_one_alias(desk: Desk) -> None:
    numbers = ask(desk, "регистрация собаки", "как зарегистрировать собаку", "собаку на учёт")
    editors = [add_operator(desk, f"editor{number}") for number in range(4)]

    def decide(place: int) -> str:
        first, *others = numbers[place % 3 :] + numbers[: place % 3]
        try:
            return make_alias(desk, editors[place], first, others, f"слова редактора {'абвг'[place]}")
        except Problem as problem:
            return str(problem.status)

    assert sorted(in_threads(4, decide)) == ["409", "409", "409", "dogs"]
    article = desk.database.read(editing.find, "dogs")
    assert (article.revision, len(article.aliases)) == (2, 2)
    assert len({row[1] for row in states(desk)}) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("мой снилс pdsnils1 не подходит", "метки"),
        ("не найден ***-***-445 95", "звёздочки"),
        ("не подходит снилс 112-233-445 95", "112-233-445 95"),
        ("не приходит код на +7 916 555-44-33", "555-44-33"),
        ("пишет Иванов Пётр Сергеевич", "Иванов Пётр Сергеевич"),
        ("  ", "Напишите формулировку"),
        ("а" * 201, "не больше 200"),
        ("кошка в доме", "уже есть у статьи «Как завести кошку»"),
        ("см. https://example.com/x", "Ссылка"),
    ],
)
def test_what_may_not_stand_in_an_article_is_refused_and_nothing_done(desk: Desk, editor: Operator, words: str, told: str) -> None:
    (first,) = ask(desk, "вопрос")
    with pytest.raises(ContentRefused) as refused:
        make_alias(desk, editor, first, [], words)
    assert told in " ".join(fault.message for fault in refused.value.faults)
    assert states(desk) == [("open", None)] and recorded(desk) == []


def test_an_article_that_is_not_there_takes_nothing(desk: Desk, editor: Operator) -> None:
    (first,) = ask(desk, "вопрос")
    with pytest.raises(Problem, match="404"):
        make_alias(desk, editor, first, [], slug="birds")
    assert states(desk) == [("open", None)]


def test_a_decided_question_that_is_asked_again_is_a_new_one(desk: Desk, editor: Operator) -> None:
    (first,) = ask(desk, "анекдот")
    desk.database.write(question_deeds.dismiss, desk, editor, first, [], LATER)

    def again(session: Session) -> QuestionState:
        row = session.get_one(OpenQuestion, first)
        return questions.keep(session, row.conversation_id, row.seq, QuestionOutcome.UNHELPFUL, [], LATER).state

    assert desk.database.write(again) == QuestionState.DISMISSED  # the same message stays decided
    assert len(ask(desk, "анекдот")) == 1
    assert [state for state, _ in states(desk)] == ["dismissed", "open"]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("мой снилс pdsnils1 не находится", "мой снилс не находится"),
        ("я, pdname1, не могу войти", "я, не могу войти"),
        ("не приходит код (pdphone1).", "не приходит код."),
        ("pdemail1", ""),
        ("пишу\nна  pdemail2, не доходит", "пишу на, не доходит"),
        ("обычный вопрос?", "обычный вопрос?"),
    ],
)
def test_an_alias_begins_without_what_was_personal(stored: str, shown: str) -> None:
    assert without_tokens(stored) == shown


@pytest.mark.usefixtures("editor")
async def test_what_an_editor_sees(desk: Desk) -> None:
    def later(session: Session) -> None:
        for number, outcome, slug in ((second, QuestionOutcome.UNHELPFUL, "dogs"), (answered, QuestionOutcome.OPERATOR, "cats")):
            row = session.get_one(OpenQuestion, number)
            questions.keep(session, row.conversation_id, row.seq, outcome, [{"slug": slug, "confidence": 0.9, "shown": True}], LATER)

    first, second, answered = await asyncio.to_thread(
        ask, desk, "регистрация собаки", "регистрация собаки, я Иванов Пётр Сергеевич", "кошка"
    )
    await desk.database.write_soon(later)
    found = await QuestionGroups(desk, DeskSearch(desk.settings.index_dir)).read()
    assert [set(group.members) for group in found] == [{first, second}]
    (shown,) = await desk.database.read_soon(question_board.read_groups, desk, found)
    assert {shown.text, shown.examples[0].text} == {"регистрация собаки", "регистрация собаки, я Иванов П. С."}
    assert (shown.count, shown.began) == (2, MONDAY) and "ответ не помог — 1" in shown.outcomes
    shown = await desk.database.read_soon(question_board.with_nearest, shown, [question_board.Choice("cats", "Кошки", 70)])
    assert [(choice.slug, choice.unhelpful) for choice in shown.choices] == [("cats", 0), ("dogs", 1)] and shown.chosen == "cats"
    offered = await desk.database.read_soon(questions.answered_by_operators, LATER, 10)
    (one,) = await desk.database.read_soon(question_board.read_answered, desk, offered)
    assert (one.first, one.chosen, one.choices[0].title) == (answered, "cats", "Как завести кошку")
