"""The knowledge base."""

from datetime import date

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from core.models.base import Base


class Article(Base):
    """What editors write. The folder of Markdown files is its seed."""

    __tablename__ = "articles"

    slug: Mapped[str] = mapped_column(String(100), primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    section: Mapped[str] = mapped_column(String(100))
    aliases: Mapped[list[str]]
    text: Mapped[str]
    updated: Mapped[date]
