"""What the help section shows: the published articles by section, as they stand in the database now."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.models import Article
from knowledge_base.sections import Section, section_name, sections

_SEE_ALSO = 5


@dataclass(frozen=True)
class Entry:
    """A published article without its text. ``section`` is a slug, ``related`` are slugs, ``words`` are those of the title."""

    slug: str
    title: str
    section: str
    related: list[str]
    updated: date
    words: list[str]

    @property
    def url(self) -> str:
        return article_url(self.slug)


@dataclass(frozen=True)
class Chapter:
    """A section with its articles, in alphabetical order."""

    section: Section
    entries: list[Entry]

    @property
    def url(self) -> str:
        return section_url(self.section.slug)

    @property
    def updated(self) -> date:
        return max(entry.updated for entry in self.entries)


def article_url(slug: str) -> str:
    return f"/help/{slug}"


def section_url(slug: str) -> str:
    return f"/help/sections/{slug}"


class Catalog:
    """All entries in alphabetical order. Asks the database each time whether one has changed, and reads them only then."""

    def __init__(self) -> None:
        self._known: tuple[tuple[int, int | None] | None, list[Entry]] = None, []

    def entries(self, session: Session) -> list[Entry]:
        count, revisions = session.execute(select(func.count(), func.sum(Article.revision)).select_from(Article)).one()
        known, entries = self._known
        if known != (count, revisions):  # each change of an article adds a revision
            entries = _read(session)
            self._known = (count, revisions), entries
        return entries

    def chapters(self, session: Session) -> list[Chapter]:
        """Sections that have articles, in the order of the help; at the end those that it does not know any more."""
        by_section: dict[str, list[Entry]] = {}
        for entry in self.entries(session):
            by_section.setdefault(entry.section, []).append(entry)
        slugs = [*sections(), *sorted(by_section.keys() - sections().keys())]
        return [Chapter(Section(slug, section_name(slug)), by_section[slug]) for slug in slugs if slug in by_section]

    def chapter(self, session: Session, slug: str) -> Chapter | None:
        return next((chapter for chapter in self.chapters(session) if chapter.section.slug == slug), None)

    def article(self, session: Session, slug: str) -> tuple[Article, list[Entry]] | None:
        """A published article and what to read next: what it names itself, then others of its section. None if there is none."""
        article = session.scalar(select(Article).where(Article.slug == slug, Article.published))
        if article is None:
            return None
        entries = [entry for entry in self.entries(session) if entry.slug != slug]
        by_slug = {entry.slug: entry for entry in entries}
        near = [by_slug[name] for name in article.related if name in by_slug]
        near += [entry for entry in entries if entry.section == article.section and entry not in near]
        return article, near[:_SEE_ALSO]

    def begun(self, session: Session, question: str) -> list[Entry]:
        """Those in whose title each word of the question begins a word."""
        beginnings = words(question)
        return [
            entry
            for entry in self.entries(session)
            if beginnings and all(any(word.startswith(begun) for word in entry.words) for begun in beginnings)
        ]


def most_useful(chapters: list[Chapter], count: int) -> dict[str, list[Entry]]:
    """Of each section the ``count`` articles that most others send their readers to, by the section's slug."""
    wanted = Counter(slug for chapter in chapters for entry in chapter.entries for slug in entry.related)
    return {chapter.section.slug: sorted(chapter.entries, key=lambda entry: -wanted[entry.slug])[:count] for chapter in chapters}


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold().replace("ё", "е"))


def _read(session: Session) -> list[Entry]:
    columns = select(Article.slug, Article.title, Article.section, Article.related, Article.updated)
    found = [Entry(*row, words=words(row.title)) for row in session.execute(columns.where(Article.published))]
    return sorted(found, key=lambda entry: (entry.title.casefold().replace("ё", "е"), entry.slug))
