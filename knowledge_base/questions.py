"""Questions without a good answer: kept for the editors, and taken from the list by one decision.

A row names a citizen's message; nothing here reads or holds its words. Every writing function is part of a transaction that holds the
conversation.
"""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from core.errors import conflict, not_found
from core.models import OpenQuestion, QuestionOutcome, QuestionState

MOST_ARTICLES = 3
# Who was shown suggestions may still be reading: after that long they have left without choosing one.
READING = timedelta(minutes=30)
# A later thing that is known of a question tells more than an earlier one.
_RANK = {
    QuestionOutcome.SUGGESTIONS: 0,
    QuestionOutcome.OFF_TOPIC: 1,
    QuestionOutcome.NO_ANSWER: 1,
    QuestionOutcome.UNHELPFUL: 2,
    QuestionOutcome.OPERATOR: 3,
}


def keep(
    session: Session, conversation_id: uuid.UUID, seq: int, outcome: QuestionOutcome, articles: list[dict[str, Any]], at: datetime
) -> OpenQuestion:
    """The question in message ``seq``; kept before, it learns the rest, unless an editor has decided on it.

    ``articles``: [{"slug", "confidence", "shown"}], what was found for it, did not help, or was sent. ``shown``, if there: as an answer.
    """
    question = _find(session, conversation_id, seq)
    if question is None:
        question = OpenQuestion(conversation_id=conversation_id, seq=seq, outcome=outcome, articles=[], created_at=at)
        session.add(question)
    if question.state in (None, QuestionState.OPEN) and _RANK[outcome] >= _RANK[question.outcome]:
        question.outcome = outcome
        question.articles = _merged(articles, question.articles)
        session.flush()
    return question


def drop_suggested(session: Session, conversation_id: uuid.UUID, seq: int) -> None:
    """One of the articles suggested for the question was chosen: it is no open one, until that answer does not help."""
    suggested = (OpenQuestion.outcome == QuestionOutcome.SUGGESTIONS) & (OpenQuestion.state == QuestionState.OPEN)
    session.execute(delete(OpenQuestion).where(OpenQuestion.conversation_id == conversation_id, OpenQuestion.seq == seq, suggested))


def forget(session: Session, conversation_id: uuid.UUID) -> None:
    """All of an erased conversation's: their words are gone."""
    session.execute(delete(OpenQuestion).where(OpenQuestion.conversation_id == conversation_id))


def open_ids(session: Session, at: datetime, limit: int) -> list[int]:
    """The newest ``limit`` questions that editors may see at ``at``, newest first, without those that operators answered."""
    shown = select(OpenQuestion.id).where(_is_open(at), OpenQuestion.outcome != QuestionOutcome.OPERATOR)
    return list(session.scalars(shown.order_by(OpenQuestion.id.desc()).limit(limit)))


def answered_by_operators(session: Session, at: datetime, limit: int) -> list[OpenQuestion]:
    """Open ones that an operator answered with an article, newest first."""
    shown = select(OpenQuestion).where(_is_open(at), OpenQuestion.outcome == QuestionOutcome.OPERATOR)
    return list(session.scalars(shown.order_by(OpenQuestion.id.desc()).limit(limit)))


def find_all(session: Session, ids: Collection[int]) -> dict[int, OpenQuestion]:
    return {question.id: question for question in session.scalars(select(OpenQuestion).where(OpenQuestion.id.in_(ids)))}


def decide(session: Session, first: int, others: Collection[int], state: QuestionState, slug: str | None, login: str, at: datetime) -> int:
    """Takes ``first`` and those of ``others`` that are still open from the list. Returns how many that were.

    Problem 404 if its conversation was erased; 409 with who was quicker if it is decided already.
    """
    decision = {"state": state, "slug": slug, "decided_by": login, "decided_at": at}
    ids = sorted({first, *others})
    still_open = select(OpenQuestion.id).where(OpenQuestion.id.in_(ids), OpenQuestion.state == QuestionState.OPEN)
    held = set(session.scalars(still_open.order_by(OpenQuestion.id).with_for_update()))  # in one order: two editors wait, not lock
    if first not in held:
        question = session.get(OpenQuestion, first, populate_existing=True)
        if question is None:
            raise not_found("question_gone")
        raise conflict("question_decided", login=question.decided_by or "")
    session.execute(update(OpenQuestion).where(OpenQuestion.id.in_(held)).values(**decision).execution_options(synchronize_session=False))
    return len(held)


def is_decided_so(session: Session, first: int, state: QuestionState, login: str) -> OpenQuestion | None:
    """The question if ``login`` has decided on it like that before: a button pressed twice."""
    question = session.get(OpenQuestion, first)
    return question if question is not None and (question.state, question.decided_by) == (state, login) else None


def _find(session: Session, conversation_id: uuid.UUID, seq: int) -> OpenQuestion | None:
    return session.scalar(select(OpenQuestion).where(OpenQuestion.conversation_id == conversation_id, OpenQuestion.seq == seq))


def _is_open(at: datetime) -> ColumnElement[bool]:
    has_left = or_(OpenQuestion.outcome != QuestionOutcome.SUGGESTIONS, OpenQuestion.created_at < at - READING)
    return and_(OpenQuestion.state == QuestionState.OPEN, has_left)


def _merged(new: list[dict[str, Any]], known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newer first. What was shown as an answer stays, however much is suggested later."""
    by_slug: dict[str, dict[str, Any]] = {}
    for article in [*new, *known]:
        if article["slug"] not in by_slug or article.get("shown"):
            by_slug.setdefault(article["slug"], {}).update(article)
    return [article for place, article in enumerate(by_slug.values()) if place < MOST_ARTICLES or article.get("shown")]
