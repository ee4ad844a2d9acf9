"""The knowledge base."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base


class Article(Base):
    """What editors write, as it is now. The folder of Markdown files is its seed."""

    __tablename__ = "articles"

    slug: Mapped[str] = mapped_column(String(100), primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    section: Mapped[str] = mapped_column(String(100))  # the slug of one of knowledge_base/sections.yml
    aliases: Mapped[list[str]]
    related: Mapped[list[str]] = mapped_column(default=list)  # slugs of articles to read next
    text: Mapped[str]
    updated: Mapped[date]
    published: Mapped[bool] = mapped_column(default=True)  # a draft is seen by editors only
    revision: Mapped[int] = mapped_column(default=1)  # the number of its newest revision; each change adds one


class ArticleRevision(Base):
    """What an article was after one change. Never changed, never deleted."""

    __tablename__ = "article_revisions"

    slug: Mapped[str] = mapped_column(ForeignKey("articles.slug"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    section: Mapped[str] = mapped_column(String(100))
    aliases: Mapped[list[str]]
    related: Mapped[list[str]]
    text: Mapped[str]
    published: Mapped[bool]
    author: Mapped[str] = mapped_column(String(60))  # an operator's login; "seed" or "import" for files that nobody answers for
    reason: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime]
    imported: Mapped[bool] = mapped_column(default=False)  # it came from files, the seed's too: a later import may follow it
