"""The help section's search: what the knowledge base finds, and for words that are not typed to their end titles that begin so."""

import asyncio
from dataclasses import dataclass

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.help_catalog import Catalog, article_url, words
from bot.help_text import ArticleTexts, shorten
from core.database import Database
from core.errors import Problem
from core.models import Article
from knowledge_base.desk_search import DeskSearch
from knowledge_base.index import IndexRefused
from knowledge_base.search import Outcome, Result
from knowledge_base.sections import section_name

log = structlog.get_logger(__name__)

LONGEST = 300  # characters of a question that are looked at
_SHOWN = 5
_SNIPPET = 220  # characters
_NEAR = 0.5  # the share of the best article's confidence that another one needs to be shown beside it
_BEGINNING = 3  # letters that a title is told by


@dataclass(frozen=True)
class Found:
    """``snippet``: how the article begins, in plain words. ``url``: its page's path."""

    slug: str
    title: str
    section: str
    snippet: str
    url: str


@dataclass(frozen=True)
class Findings:
    """answer: the first result answers. suggestions: one of them may. none: nothing is near, and there are no results."""

    outcome: Outcome
    results: list[Found]


class HelpSearch:
    def __init__(self, database: Database, search: DeskSearch, catalog: Catalog, texts: ArticleTexts) -> None:
        self._database, self._search, self._catalog, self._texts = database, search, catalog, texts

    async def find(self, text: str) -> Findings:
        """Published articles, best first. Problem 503 while there is no index. The text may hold personal data: it is kept nowhere."""
        question = text[:LONGEST].strip()
        try:
            result = await asyncio.to_thread(self._search.search, question)
        except IndexRefused as error:
            log.error("help_search_unavailable", reason=str(error))
            raise Problem(503, "help_search_down") from None
        return await self._database.read_soon(self._findings, question, result)

    def _findings(self, session: Session, question: str, result: Result) -> Findings:
        slugs = [] if result.outcome == "none" else [hit.slug for hit in result.hits if hit.confidence >= _NEAR * result.hits[0].confidence]
        if result.outcome != "answer" and sum(map(len, words(question))) >= _BEGINNING:
            slugs += [entry.slug for entry in self._catalog.begun(session, question) if entry.slug not in slugs]
        wanted = select(Article).where(Article.slug.in_(slugs[: 2 * _SHOWN]), Article.published)
        articles = {article.slug: article for article in session.scalars(wanted)}
        found = [self._found(articles[slug]) for slug in slugs if slug in articles][:_SHOWN]
        if not found:
            return Findings("none", [])
        is_answered = result.outcome == "answer" and found[0].slug == slugs[0]  # the index may still know what is published no more
        return Findings("answer" if is_answered else "suggestions", found)

    def _found(self, article: Article) -> Found:
        snippet = shorten(self._texts.lead(article.text), _SNIPPET)
        return Found(article.slug, article.title, section_name(article.section), snippet, article_url(article.slug))
