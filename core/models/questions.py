"""What the knowledge base learns from: questions without a good answer, and marks for answers."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base, now
from core.models.kinds import QuestionOutcome, QuestionState


class OpenQuestion(Base):
    """A question for the editors. Its words are those of the message that it names: nothing of it is written twice, and erasing the
    conversation takes the row too.
    """

    __tablename__ = "open_questions"
    __table_args__ = (
        UniqueConstraint("conversation_id", "seq"),
        Index("ix_open_questions_open", "id", sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
        {"sqlite_autoincrement": True},  # a page that an editor has open names ids: none is ever another question's
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"))
    seq: Mapped[int]  # the citizen's message
    outcome: Mapped[QuestionOutcome]
    articles: Mapped[list[dict[str, Any]]]  # [{"slug", "confidence"}]: what was found, did not help, or was sent; the best first
    state: Mapped[QuestionState] = mapped_column(default=QuestionState.OPEN)
    slug: Mapped[str | None] = mapped_column(String(100))  # the article that it went into
    decided_by: Mapped[str | None] = mapped_column(String(60))  # an editor's login
    decided_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class ArticleMark(Base):
    """Whether an article shown as an answer helped. A count: it stays when the conversation is erased."""

    __tablename__ = "article_marks"
    __table_args__ = (Index("ix_article_marks_slug", "slug"),)

    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("messages.id"), primary_key=True)  # the answer
    slug: Mapped[str] = mapped_column(String(100))
    helpful: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(default=now)
