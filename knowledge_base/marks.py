"""Citizens' marks for answers: whether an article helped."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from core.models import ArticleMark, Message


@dataclass(frozen=True)
class Marks:
    """How many citizens an article has helped, and how many not."""

    helpful: int = 0
    unhelpful: int = 0


def put(session: Session, answer: Message, *, helpful: bool, at: datetime) -> None:
    """Keeps one mark for an answer, the last one given. The caller holds its conversation."""
    session.merge(ArticleMark(message_id=answer.id, slug=answer.meta["article"], helpful=helpful, created_at=at))
    session.flush()


def helpful_among(session: Session, answers: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Those of the answers, by the ids of their messages, whose mark says that they helped."""
    return list(session.scalars(select(ArticleMark.message_id).where(ArticleMark.message_id.in_(answers), ArticleMark.helpful)))


def counts(session: Session) -> dict[str, Marks]:
    """Slug → its marks; without those that have none."""
    helpful = func.sum(case((ArticleMark.helpful, 1), else_=0))
    rows = session.execute(select(ArticleMark.slug, helpful, func.count()).group_by(ArticleMark.slug))
    return {slug: Marks(int(good), int(every) - int(good)) for slug, good, every in rows}


def of_article(session: Session, slug: str) -> Marks:
    given = select(ArticleMark.helpful, func.count()).where(ArticleMark.slug == slug).group_by(ArticleMark.helpful)
    found = {bool(helpful): count for helpful, count in session.execute(given)}
    return Marks(found.get(True, 0), found.get(False, 0))
