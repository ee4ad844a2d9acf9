"""What is kept for the editors: questions without a good answer, marks for answers, what operators answered with an article."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import effects
from bot.dialogue_engine import Deed, Utterance
from core.desk import Desk
from core.errors import Problem
from core.files import Files
from core.models import (
    Article,
    Author,
    Conversation,
    Message,
    OpenQuestion,
    QuestionOutcome,
    QuestionState,
    Turn,
    now,
)
from core.presence import Presence
from handoff import erasure, queue
from handoff.console.workplace import Workplace
from handoff.export_contents import read_contents
from handoff.question_board import Choice, read_groups, with_nearest
from handoff.question_groups import Group
from knowledge_base import marks, questions
from knowledge_base.marks import Marks
from tests.scenes import (
    LATER,
    MONDAY,
    accept,
    add_operator,
    claim,
    close,
    hand_over,
    in_threads,
    locked,
    messages,
    start_conversation,
    text_of,
)

FOUND = [{"slug": "dogs", "confidence": 0.4}, {"slug": "cats", "confidence": 0.3}]
QUESTION = "как зарегистрировать собаку"
NONE = {"title": "Ничего из этого", "command": "/rate_unhelpful"}
BUTTONS = [{"title": "Помогло", "command": "/rate_helpful"}, {"title": "Не помогло", "command": "/rate_unhelpful"}]


class Chat:
    """A citizen, and the bot's replies as its actions give them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.id = start_conversation(desk)
        self.count = 0

    def says(self, text: str, *reply: Utterance | Deed, payload: str | None = None) -> Message:
        """The citizen's message; the last of what the bot says to it."""
        self.count += 1
        said = accept(self.desk, self.id, text, f"m{self.count}", payload=payload)
        if reply:
            locked(self.desk, self.id, self._carry_out, said.seq, reply)
        return messages(self.desk, self.id)[-1]

    def presses(self, message: Message, title: str, *reply: Utterance | Deed) -> Message:
        place = [button["title"] for button in message.buttons].index(title)
        return self.says(title, *reply, payload=f"{message.id}.{place}")

    def asks(self, outcome: str = "no_answer", text: str = QUESTION) -> Message:
        return self.says(text, no_answer(), kept(outcome))

    def _carry_out(self, session: Session, desk: Desk, conversation: Conversation, seq: int, reply: tuple[Utterance | Deed, ...]) -> None:
        turn = session.scalars(select(Turn).where(Turn.conversation_id == conversation.id, Turn.seq == seq)).one()
        effects.carry_out(session, desk, conversation, turn, reply, MONDAY)


@pytest.fixture
def chat(desk: Desk) -> Chat:
    return Chat(desk)


def answer(slug: str = "dogs", score: float = 0.9) -> Utterance:
    return Utterance("Статья", [dict(button) for button in BUTTONS], meta={"kind": "answer", "article": slug, "score": score})


def suggestions() -> Utterance:
    buttons = [
        {"title": "Собаки", "command": '/ask_question{"article": "dogs"}'},
        dict(NONE),
    ]
    return Utterance("Похожие", buttons, meta={"kind": "suggestions", "articles": ["dogs", "cats"]})


def no_answer() -> Utterance:
    return Utterance("Не нашлось", meta={"kind": "no_answer"})


def small_talk() -> Utterance:
    return Utterance("Хорошо", meta={"kind": "smalltalk"})


def kept(outcome: str) -> Deed:
    return Deed("keep_question", {"outcome": outcome, "articles": FOUND})


def marked(*, helpful: bool) -> Deed:
    return Deed("mark_answer", {"helpful": helpful})


DROPPED = Deed("drop_question")


def stored(desk: Desk) -> list[tuple[int, str, list[str]]]:
    """Of each question its message, outcome and articles."""
    rows = desk.database.read(lambda session: session.scalars(select(OpenQuestion).order_by(OpenQuestion.id)).all())
    return [(row.seq, row.outcome, [article["slug"] for article in row.articles]) for row in rows]


def ids(desk: Desk, after: timedelta = timedelta()) -> list[int]:
    return desk.database.read(questions.open_ids, MONDAY + after, 100)


def counts(desk: Desk) -> dict[str, Marks]:
    return desk.database.read(marks.counts)


@pytest.mark.parametrize("outcome", ["no_answer", "off_topic"])
def test_a_question_without_an_answer_is_kept_with_what_was_found(desk: Desk, chat: Chat, outcome: str) -> None:
    chat.asks(outcome)
    assert stored(desk) == [(1, outcome, ["dogs", "cats"])]
    assert len(ids(desk)) == 1


def test_what_a_button_or_small_talk_says_is_no_question(desk: Desk, chat: Chat) -> None:
    chat.says("привет", small_talk())
    gone = chat.says("где мой статус", Utterance("…", [{"title": "О статусе", "command": "/ask_question"}], meta={"kind": "offer"}))
    chat.presses(gone, "О статусе", no_answer(), kept("no_answer"))
    assert stored(desk) == []


def test_suggestions_count_once_the_citizen_must_have_left(desk: Desk, chat: Chat) -> None:
    chat.says(QUESTION, suggestions(), kept("suggestions"))
    assert stored(desk) == [(1, "suggestions", ["dogs", "cats"])]
    assert (len(ids(desk)), len(ids(desk, questions.READING * 2))) == (0, 1)


def test_a_chosen_suggestion_answers_the_question_until_it_does_not_help(desk: Desk, chat: Chat) -> None:
    suggested = chat.says(QUESTION, suggestions(), kept("suggestions"))
    shown = chat.presses(suggested, "Собаки", answer(score=1.0), DROPPED)
    assert stored(desk) == []
    chat.presses(shown, "Не помогло", suggestions(), marked(helpful=False))
    assert stored(desk) == [(1, "unhelpful", ["dogs"])]
    assert counts(desk) == {"dogs": Marks(0, 1)}


def test_none_of_the_suggestions_is_no_mark_for_an_article(desk: Desk, chat: Chat) -> None:
    suggested = chat.says(QUESTION, suggestions(), kept("suggestions"))
    chat.presses(suggested, "Ничего из этого", no_answer(), marked(helpful=False))
    assert stored(desk) == [(1, "unhelpful", ["dogs", "cats"])]
    assert len(ids(desk)) == 1
    assert counts(desk) == {}


def test_an_answer_that_did_not_help_leaves_its_question_open(desk: Desk, chat: Chat) -> None:
    shown = chat.says(QUESTION, answer())
    others = chat.presses(shown, "Не помогло", suggestions(), marked(helpful=False))
    assert stored(desk) == [(1, "unhelpful", ["dogs"])]
    other = chat.presses(others, "Собаки", answer("cats", 1.0), DROPPED)
    assert stored(desk) == [(1, "unhelpful", ["dogs"])]  # the first answer was wrong all the same
    chat.presses(other, "Не помогло", no_answer(), marked(helpful=False))
    assert stored(desk) == [(1, "unhelpful", ["cats", "dogs"])]
    assert counts(desk) == {"dogs": Marks(0, 1), "cats": Marks(0, 1)}


def test_only_what_was_shown_was_shown_in_vain(desk: Desk, chat: Chat) -> None:
    titles = {slug: slug.upper() for slug in ("dogs", "b", "c", "d")}
    desk.database.write(
        lambda session: session.add_all(
            Article(slug=slug, title=title, section="account", aliases=[], related=[], text="Текст", updated=MONDAY.date())
            for slug, title in titles.items()
        )
    )
    shown = chat.says(QUESTION, answer("dogs"))
    more = Utterance("Похожие", [dict(NONE)], meta={"kind": "suggestions", "articles": ["b", "c", "d"]})
    others = chat.presses(shown, "Не помогло", more, marked(helpful=False))
    chat.presses(others, "Ничего из этого", no_answer(), marked(helpful=False))
    assert stored(desk) == [(1, "unhelpful", ["b", "c", "d", "dogs"])]
    (number,) = ids(desk)
    (group,) = desk.database.read(read_groups, desk, [Group(number, (number,))])
    nearest = [Choice(slug, title, 90) for slug, title in titles.items()]
    choices = desk.database.read(with_nearest, group, nearest).choices
    assert {choice.slug: choice.unhelpful for choice in choices} == {"dogs": 1, "b": 0, "c": 0, "d": 0}


@pytest.mark.parametrize(("paragraph", "whole"), [("Шаг первый. " * 40, True), ("слово " * 2000, False)])
def test_a_long_answer_is_cut_between_paragraphs_and_leads_to_its_page(desk: Desk, chat: Chat, paragraph: str, whole: bool) -> None:
    paragraph, limit = paragraph.strip(), desk.settings.message_characters
    long = Utterance("\n\n".join([paragraph] * 30), meta={"kind": "answer", "article": "dogs", "score": 0.9})
    *told, last = text_of(desk, chat.says(QUESTION, long)).split("\n\n")
    assert last == f"Полностью: {desk.settings.public_url.rstrip('/')}/help/dogs"
    assert (set(told) == {paragraph}) is whole
    assert told[-1].endswith("." if whole else "слово…")
    length = len("\n\n".join([*told, last]))
    assert limit - len(paragraph) - 2 < length <= limit


def test_words_count_as_the_button_does_and_lead_to_the_same_question(desk: Desk, chat: Chat) -> None:
    chat.says(QUESTION, answer())
    chat.says("спасибо", small_talk())
    others = chat.says("не помогло", suggestions(), marked(helpful=False))
    assert stored(desk) == [(1, "unhelpful", ["dogs"])]
    chat.presses(others, "Ничего из этого", no_answer(), marked(helpful=False))
    assert stored(desk) == [(1, "unhelpful", ["dogs", "cats"])]
    assert counts(desk) == {"dogs": Marks(0, 1)}


def test_a_changed_mind_replaces_the_mark_of_that_answer_only(desk: Desk, chat: Chat) -> None:
    first = chat.says(QUESTION, answer())
    second = chat.says("а кошку", answer("cats"))
    chat.presses(first, "Помогло", small_talk(), marked(helpful=True))
    chat.presses(first, "Не помогло", suggestions(), marked(helpful=False))
    chat.presses(second, "Помогло", small_talk(), marked(helpful=True))
    chat.presses(second, "Помогло", small_talk(), marked(helpful=True))
    assert counts(desk) == {"dogs": Marks(0, 1), "cats": Marks(1, 0)}
    assert desk.database.read(marks.of_article, "cats") == Marks(1, 0)
    assert desk.database.read(marks.of_article, "none") == Marks()
    assert stored(desk) == [(1, "unhelpful", ["dogs"])]


@pytest.mark.parametrize("between", [no_answer(), Utterance("Согласны?", meta={"kind": "form"})])
def test_a_mark_for_nothing_that_was_shown_marks_nothing(desk: Desk, chat: Chat, between: Utterance) -> None:
    chat.says("не помогло", small_talk(), marked(helpful=False))
    chat.says(QUESTION, answer())
    chat.says("ещё вопрос", between)
    chat.says("не помогло", small_talk(), marked(helpful=False))
    assert (counts(desk), stored(desk)) == ({}, [])


def test_one_decision_takes_all_of_a_group_and_a_later_one_is_refused(desk: Desk, chat: Chat) -> None:
    for text in ("как зарегистрировать собаку", "регистрация собаки", "где собаку"):
        chat.asks(text=text)
    first, second, third = sorted(ids(desk))

    def decide(session: Session, of: int, others: list[int], login: str = "ivanova") -> int:
        return questions.decide(session, of, others, QuestionState.ALIAS, "dogs", login, LATER)

    assert desk.database.write(decide, first, [second]) == 2
    assert ids(desk) == [third]
    with pytest.raises(Problem) as refused:
        desk.database.write(decide, second, [third], "petrov")
    assert refused.value.status == 409 and "ivanova" in refused.value.detail
    assert ids(desk) == [third]
    assert desk.database.write(decide, third, [first, second], "petrov") == 1  # what is decided stays as it was
    rows = desk.database.read(questions.find_all, [first, second, third])
    assert [rows[number].decided_by for number in (first, second, third)] == ["ivanova", "ivanova", "petrov"]
    chat.asks(text="и ещё раз")
    assert stored(desk)[0] == (1, "no_answer", ["dogs", "cats"])


def test_of_editors_at_once_one_decides(desk: Desk, chat: Chat) -> None:
    chat.asks()
    chat.asks(text="регистрация собаки")
    one, other = ids(desk)

    def decide(number: int) -> str:
        order = (one, [other]) if number % 2 else (other, [one])
        try:
            desk.database.write(questions.decide, *order, QuestionState.DISMISSED, None, f"editor{number}", LATER)
        except Problem as problem:
            return str(problem.status)
        return "done"

    assert sorted(in_threads(4, decide)) == ["409", "409", "409", "done"]


def test_what_is_learnt_later_does_not_open_a_decided_question(desk: Desk, chat: Chat) -> None:
    shown = chat.says(QUESTION, answer())
    chat.presses(shown, "Не помогло", small_talk(), marked(helpful=False))
    (question,) = ids(desk)
    desk.database.write(questions.decide, question, [], QuestionState.DISMISSED, None, "ivanova", LATER)
    chat.presses(shown, "Не помогло", small_talk(), marked(helpful=False))
    assert ids(desk) == []


def test_erasure_takes_the_questions_and_leaves_the_counts(desk: Desk, chat: Chat) -> None:
    chat.asks()
    shown = chat.says("а кошку", answer("cats"))
    chat.presses(shown, "Помогло", small_talk(), marked(helpful=True))
    other = Chat(desk)
    other.asks()
    (theirs,) = set(ids(desk)) - {min(ids(desk))}
    exported = desk.database.read(read_contents, desk, chat.id).document
    assert [(mark["message"], mark["article"], mark["helpful"]) for mark in exported["marks"]] == [(4, "cats", True)]
    locked(desk, chat.id, lambda s, d, c: erasure.erase(s, d, c, erasure.CITIZEN, now()))
    assert ids(desk) == [theirs]
    assert counts(desk) == {"cats": Marks(1, 0)}
    with pytest.raises(Problem, match="404"):
        desk.database.write(questions.decide, theirs - 1, [], QuestionState.DISMISSED, None, "ivanova", LATER)


async def answered(desk: Desk, chat: Chat, *sent: str | None) -> None:
    """An operator takes the conversation, sends a text from each article, and closes."""
    operator = add_operator(desk, f"operator{chat.count}")
    hand_over(desk, chat.id)
    claim(desk, chat.id, operator)
    workplace = Workplace(desk, Files(desk), lambda _: [], Presence(desk.database))
    for number, slug in enumerate(sent):
        document = await workplace.reply(chat.id, operator, f"r{chat.count}-{number}", "Вот ответ", [], slug)
        assert document["meta"] == ({"article": slug} if slug else {})
    close(desk, chat.id, operator)


@pytest.fixture
def _articles(desk: Desk) -> None:
    def add(session: Session) -> None:
        for slug in ("dogs", "cats"):
            session.add(Article(slug=slug, title=slug, section="support", aliases=[], text="…", updated=MONDAY.date()))

    desk.database.write(add)


@pytest.mark.usefixtures("_articles")
async def test_what_an_operator_answered_with_an_article_is_offered(desk: Desk, chat: Chat) -> None:
    chat.says("привет", small_talk())
    chat.asks()
    chat.asks(text="а если кошка")
    await answered(desk, chat, "cats", None, "dogs", None)
    assert stored(desk) == [(3, "no_answer", ["dogs", "cats"]), (5, "operator", ["dogs", "cats"])]
    (offered,) = desk.database.read(questions.answered_by_operators, LATER, 10)
    assert (offered.seq, offered.id in ids(desk)) == (5, False)

    chat.says("как завести попугая", answer("birds"))
    await answered(desk, chat, "cats")
    newest, _ = desk.database.read(questions.answered_by_operators, LATER, 10)
    assert newest.articles == [{"slug": "cats", "confidence": 1.0}]
    assert messages(desk, chat.id)[newest.seq - 1].author == Author.CITIZEN and newest.seq > offered.seq


@pytest.mark.usefixtures("_articles")
async def test_what_the_bot_has_helped_with_is_not_what_the_operator_answered(desk: Desk, chat: Chat) -> None:
    chat.says("как завести попугая", suggestions())
    shown = chat.says(QUESTION, answer())
    chat.presses(shown, "Помогло", small_talk(), marked(helpful=True))
    chat.says("позовите мне пожалуйста оператора")
    hand_over(desk, chat.id)
    chat.says("не получается оплатить пошлину")
    asked = messages(desk, chat.id)[-1]
    await answered(desk, chat, "cats")
    assert stored(desk) == [(asked.seq, "operator", ["cats"])]


@pytest.mark.usefixtures("_articles")
@pytest.mark.parametrize("asked", [True, False])
async def test_who_asks_a_person_at_once_asks_later(desk: Desk, chat: Chat, asked: bool) -> None:
    called = accept(desk, chat.id, "позовите мне пожалуйста оператора")
    locked(desk, chat.id, lambda s, d, c: queue.hand_over(s, d, c, "citizen_asked", MONDAY, in_reply_to=called.seq))
    accept(desk, chat.id, "мой снилс 112-233-445 95, anna@example.com", "m2")
    asking = accept(desk, chat.id, "не получается оплатить пошлину", "m3") if asked else None
    await answered(desk, chat, "dogs")
    assert [seq for seq, _, _ in stored(desk)] == ([asking.seq] if asking else [])


@pytest.mark.usefixtures("_articles")
async def test_a_conversation_without_an_article_teaches_nothing(desk: Desk, chat: Chat) -> None:
    chat.says(QUESTION, answer())
    await answered(desk, chat, None)
    assert stored(desk) == []
    hand_over(desk, chat.id)
    operator = add_operator(desk)
    claim(desk, chat.id, operator)
    workplace = Workplace(desk, Files(desk), lambda _: [], Presence(desk.database))
    with pytest.raises(Problem) as refused:
        await workplace.reply(chat.id, operator, "r", "Вот ответ", [], "nowhere")
    assert (refused.value.status, refused.value.field_name) == (422, "article")


def test_the_kinds_are_those_that_the_actions_name() -> None:
    assert {"no_answer", "off_topic", "suggestions"} <= set(QuestionOutcome)


def test_a_pressed_button_tells_whose_it_was(desk: Desk, chat: Chat) -> None:
    shown = chat.says(QUESTION, answer())
    chat.presses(shown, "Помогло", small_talk(), marked(helpful=True))
    assert [message.meta.get("about") for message in messages(desk, chat.id)] == [None, None, 2, None]
