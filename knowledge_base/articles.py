"""Articles: read from the seed folder, put into an empty database, taken out of it again."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.models import Article, ArticleRevision, now
from core.settings import Settings
from core.words import say
from knowledge_base.candidate import ArticleError as ArticleError
from knowledge_base.candidate import Candidate, read_text
from knowledge_base.front_matter import parse
from knowledge_base.shelf import Shelf

SEED = "seed"  # the author of what came from the seed folder


def read_folder(path: Path, settings: Settings | None = None) -> list[Article]:
    """All ``*.md`` of one folder as transient rows, ordered by slug. Raises ArticleError at the first broken file.

    With ``settings`` what the articles say is checked too, as an editor's words are.
    """
    if not path.is_dir():
        raise ArticleError(path, 0, "there is no such folder of articles")
    candidates: dict[str, Candidate] = {}
    for file in sorted(path.glob("*.md")):
        candidate = parse(file, read_text(file))
        slug, line = candidate.slug, candidate.lines["slug"][0]
        if slug in candidates:
            raise ArticleError(file, line, f"slug {slug!r} is taken by {candidates[slug].file.name}")
        if slug != file.stem:
            raise ArticleError(file, line, f"slug {slug!r} differs from the file's name {file.stem!r}")
        candidates[slug] = candidate
    if settings is not None:
        _check(candidates.values(), settings)
    return [_article(candidate) for candidate in candidates.values()]


def seed(session: Session, articles: list[Article]) -> int:
    """Puts the articles into the table if it is empty: edits are never overwritten. Returns how many; the caller commits."""
    if session.scalar(select(func.count()).select_from(Article)):
        return 0
    session.add_all(articles)
    session.flush()
    for article in articles:
        record(session, article, SEED, say("article_seeded"), now(), imported=True)
    session.flush()
    return len(articles)


def record(session: Session, article: Article, author: str, reason: str, at: datetime, *, imported: bool = False) -> ArticleRevision:
    """Keeps what a stored article is now under its revision's number; the caller flushes."""
    written = ArticleRevision(
        slug=article.slug,
        number=article.revision,
        title=article.title,
        section=article.section,
        aliases=list(article.aliases),
        related=list(article.related),
        text=article.text,
        published=article.published,
        author=author,
        reason=reason,
        created_at=at,
        imported=imported,
    )
    session.add(written)
    return written


def stored(session: Session) -> list[Article]:
    """The desk's articles, drafts too, ordered by slug."""
    return list(session.scalars(select(Article).order_by(Article.slug)))


def published(session: Session) -> list[Article]:
    """What citizens may read, ordered by slug."""
    return list(session.scalars(select(Article).where(Article.published).order_by(Article.slug)))


def _check(candidates: Iterable[Candidate], settings: Settings) -> None:
    contents = [(candidate, candidate.content()) for candidate in candidates]
    shelf = Shelf((candidate.slug, content.title, content.aliases) for candidate, content in contents)
    for candidate, content in contents:
        for fault in shelf.check(candidate.slug, content, settings):
            raise candidate.error(fault)


def _article(candidate: Candidate) -> Article:
    content = candidate.content()
    return Article(
        slug=candidate.slug,
        title=content.title,
        section=content.section,
        aliases=list(content.aliases),
        related=list(content.related),
        text=content.text,
        updated=candidate.updated,
        published=content.published,
    )
