"""What an editor sees of the open questions: words with personal data masked, counts, times, and the articles nearest to each group."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.desk import Desk
from core.models import Article, Conversation, OpenQuestion, QuestionOutcome
from core.personal_data import resolve
from core.words import plural
from handoff.question_groups import Group, open_text, with_message
from handoff.question_words import without_tokens
from handoff.suggested_articles import SuggestedArticles

_EXAMPLES = 10  # of a group, the one that stands for it not counted
_LIKELY = 50  # per cent: an article below that is offered and not chosen, so that nothing goes into it by a careless click
_LONGEST = 300  # characters of a question: the rest of a story is in its conversation
_OUTCOMES = {
    QuestionOutcome.NO_ANSWER: "нет ответа",
    QuestionOutcome.UNHELPFUL: "ответ не помог",
    QuestionOutcome.SUGGESTIONS: "статью не выбрали",
    QuestionOutcome.OFF_TOPIC: "похоже, не по теме",
    QuestionOutcome.OPERATOR: "ответил оператор",
}


@dataclass(frozen=True)
class Example:
    text: str
    at: datetime
    conversation_id: str


@dataclass(frozen=True)
class Choice:
    """An article that a group may go into. ``confidence``: in per cent, None for what an operator chose."""

    slug: str
    title: str
    confidence: int | None
    unhelpful: int = 0  # how many of the group's questions it was shown for in vain


@dataclass(frozen=True)
class Shown:
    """One group. ``words``: of its first question, without what is personal: what an alias or a title begins with."""

    first: int
    members: tuple[int, ...]
    text: str
    words: str
    outcomes: str
    began: datetime
    ended: datetime
    conversation_id: str
    examples: list[Example] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.members)

    @property
    def others(self) -> str:
        """As a form carries them."""
        return ",".join(str(number) for number in self.members if number != self.first)

    @property
    def chosen(self) -> str:
        """The slug of the article that is likely the right one; empty if none is, or it was shown in vain."""
        likely = (choice.slug for choice in self.choices if choice.confidence is None or choice.confidence >= _LIKELY)
        return next((slug for slug in likely if slug not in self.in_vain), "")

    @property
    def in_vain(self) -> set[str]:
        return {choice.slug for choice in self.choices if choice.unhelpful}


def read_groups(session: Session, desk: Desk, groups: Sequence[Group]) -> list[Shown]:
    """Without the groups that an erasure has just emptied; ``choices`` are not filled in."""
    wanted = {number for group in groups for number in group.members[: _EXAMPLES + 1]} | {group.first for group in groups}
    rows = _rows(session, {number for group in groups for number in group.members})
    texts = _masked(session, desk, [row for row in rows.values() if row.id in wanted])
    return [shown for group in groups if (shown := _shown(group, rows, texts)) is not None]


def with_nearest(session: Session, shown: Shown, nearest: list[Choice]) -> Shown:
    """Adds what the search finds for the group's words, and what was shown for its questions in vain."""
    vain = Counter(
        article["slug"]
        for row in session.execute(select(OpenQuestion.articles, OpenQuestion.outcome).where(OpenQuestion.id.in_(shown.members)))
        if row.outcome == QuestionOutcome.UNHELPFUL
        for article in row.articles
        if article.get("shown")
    )
    known = {choice.slug for choice in nearest}
    titles = _titles(session, vain)
    more = [Choice(slug, titles[slug], None) for slug in vain if slug not in known and slug in titles]
    choices = [Choice(choice.slug, choice.title, choice.confidence, vain[choice.slug]) for choice in [*nearest, *more]]
    return replace(shown, choices=choices)


def search_nearest(articles: SuggestedArticles, words: str) -> list[Choice]:
    return [Choice(hit.slug, hit.title, round(hit.confidence * 100)) for hit in articles.nearest(words)]


def read_answered(session: Session, desk: Desk, found: Sequence[OpenQuestion]) -> list[Shown]:
    """Questions that operators answered with an article, which is their only choice."""
    shown = read_groups(session, desk, [Group(question.id, (question.id,)) for question in found])
    sent = {question.id: question.articles[0]["slug"] for question in found}
    titles = _titles(session, sent.values())
    return [replace(one, choices=[Choice(sent[one.first], titles.get(sent[one.first], sent[one.first]), None)]) for one in shown]


def _titles(session: Session, slugs: Collection[str]) -> dict[str, str]:
    rows = session.execute(select(Article.slug, Article.title).where(Article.slug.in_(slugs)))
    return {row.slug: row.title for row in rows}


def _rows(session: Session, numbers: set[int]) -> dict[int, Any]:
    columns = (OpenQuestion.id, OpenQuestion.outcome, OpenQuestion.created_at)
    return {row.id: row for row in session.execute(with_message(*columns).where(OpenQuestion.id.in_(numbers)))}


def _masked(session: Session, desk: Desk, rows: list[Any]) -> dict[int, tuple[str, str]]:
    """Number → the words as they are shown, and as an article may hold them."""
    found = {}
    for row in rows:
        text = open_text(desk, row)
        values = desk.vault.values(session, Conversation(id=row.conversation_id, data_key=row.data_key), [text])
        found[row.id] = (_short(resolve(text, values, masked=True)), without_tokens(text))
    return found


def _shown(group: Group, rows: dict[int, Any], texts: dict[int, tuple[str, str]]) -> Shown | None:
    members = tuple(number for number in group.members if number in rows)
    first = group.first if group.first in rows else next((number for number in members if number in texts), None)
    if first is None:
        return None
    outcomes = Counter(rows[number].outcome for number in members)
    times = [rows[number].created_at for number in members]
    others = [number for number in members if number != first and number in texts][:_EXAMPLES]
    return Shown(
        first,
        members,
        *texts[first],
        ", ".join(
            f"{_OUTCOMES[outcome]} — {count}" if len(members) > 1 else _OUTCOMES[outcome] for outcome, count in outcomes.most_common()
        ),
        min(times),
        max(times),
        str(rows[first].conversation_id),
        [Example(texts[number][0], rows[number].created_at, str(rows[number].conversation_id)) for number in others],
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}…"


def count_words(count: int) -> str:
    return plural(count, "вопрос", "вопроса", "вопросов")
