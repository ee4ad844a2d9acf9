"""The life of an article: every change is checked and leaves a revision with its author and reason."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.database import hint, one_at_a_time
from core.errors import Problem, conflict, not_found
from core.events import ARTICLES
from core.models import UNSTORABLE, Article, ArticleRevision, now
from core.settings import Settings
from core.words import say
from core.working_time import MOSCOW
from knowledge_base.articles import record
from knowledge_base.content import Content, Fault, alias_faults, likeness, personal_faults, slug_faults
from knowledge_base.shelf import Shelf

REASON_CHARACTERS = 500
_NOBODY = {"seed": "article_author_seed", "import": "article_author_import"}  # whom no operator stands behind
_ARTICLES_LOCK = 0x07_0B_11_1D


class ContentRefused(Problem):
    """Problem 422 with all ``faults``, each of a field: slug, title, section, text, aliases, related, published or reason."""

    def __init__(self, found: list[Fault]) -> None:
        super().__init__(422, "article_refused")
        self.faults = found

    def document(self) -> dict[str, object]:
        return {**super().document(), "errors": [{"field": fault.field, "message": fault.message} for fault in self.faults]}


def create(session: Session, settings: Settings, slug: str, content: Content, author: str, reason: str) -> ArticleRevision:
    """A new article, its first revision. ``author`` is an operator's login. ContentRefused."""
    hold_all(session)
    content, shelf = content.tidied(), Shelf.read(session)
    found = shelf.check(slug, content, settings)
    if slug in shelf.titles:
        found.append(Fault("slug", say("article_slug_taken", slug=slug, title=shelf.titles[slug])))
    return write(session, settings, Article(slug=slug), content, author, reason, found)


def change(
    session: Session, settings: Settings, slug: str, content: Content, author: str, reason: str, based_on: int
) -> ArticleRevision | None:
    """A new revision of an article, or None if ``content`` is what it holds already.

    ``based_on``: the revision that the author saw. Problem 404; 409 if there is a newer one; ContentRefused.
    """
    article, content = _held(session, slug), content.tidied()
    if content == Content.of(article).tidied():
        return None
    _expect(session, article, based_on)
    return write(session, settings, article, content, author, reason, Shelf.read(session).check(slug, content, settings))


def restore(
    session: Session, settings: Settings, slug: str, number: int, author: str, reason: str, based_on: int
) -> ArticleRevision | None:
    """Makes an earlier revision the newest one, published or not as it was; None if nothing differs.

    ``based_on``: the newest revision that the author saw. Problem 404; 409 if there is a newer one; ContentRefused.
    """
    article, content = _held(session, slug), Content.of(revision(session, slug, number)).tidied()
    if content == Content.of(article).tidied():
        return None
    _expect(session, article, based_on)
    return write(session, settings, article, content, author, reason, Shelf.read(session).check(slug, content, settings))


def add_alias(session: Session, settings: Settings, slug: str, alias: str, author: str, reason: str) -> ArticleRevision | None:
    """One alias more; None if the article has it already. Problem 404, ContentRefused.

    Only the alias is checked: who adds one cannot mend the rest.
    """
    article, added = _held(session, slug), Content("", "", "", aliases=(alias,)).tidied().aliases
    content = Content.of(article)
    if not added:
        raise ContentRefused([Fault("aliases", say("article_alias_missing"))])
    if likeness(added[0]) in map(likeness, content.aliases):
        return None
    found = [*alias_faults((*content.aliases, *added), settings), *Shelf.read(session).alias_faults(slug, added)]
    return write(session, settings, article, replace(content, aliases=(*content.aliases, *added)), author, reason, found)


def find(session: Session, slug: str) -> Article:
    """Drafts too. Problem 404."""
    article = session.get(Article, slug) if not slug_faults(slug) else None
    if article is None:
        raise not_found("article_not_found")
    return article


def revisions(session: Session, slug: str) -> list[ArticleRevision]:
    """All of an article's, newest first."""
    return list(session.scalars(select(ArticleRevision).where(ArticleRevision.slug == slug).order_by(ArticleRevision.number.desc())))


def revision(session: Session, slug: str, number: int) -> ArticleRevision:
    """Problem 404."""
    found = session.get(ArticleRevision, (slug, number)) if not slug_faults(slug) else None
    if found is None:
        raise not_found("article_revision_not_found")
    return found


def author_name(revision: ArticleRevision) -> str:
    """Who made it, as its readers are told: an operator's login, or in words where it came from."""
    if revision.author in _NOBODY:
        return say(_NOBODY[revision.author])
    return say("article_author_imported", login=revision.author) if revision.imported else revision.author


def write(
    session: Session,
    settings: Settings,
    article: Article,
    content: Content,
    author: str,
    reason: str,
    found: list[Fault],
    *,
    updated: date | None = None,
    imported: bool = False,
) -> ArticleRevision:
    """Stores a tidied and checked content as the article's next revision. ContentRefused for the faults ``found`` by the checks.

    ``updated``: the day that a file tells, else today.
    """
    found = [*found, *_reason_faults(reason, settings)]
    if article.published and not content.published and _is_last_published(session, article):
        found.append(Fault("published", say("article_last_published")))
    if found:
        raise ContentRefused(found)
    at = now()
    article.title, article.section, article.text = content.title, content.section, content.text
    article.aliases, article.related, article.published = list(content.aliases), list(content.related), content.published
    article.updated = updated or at.astimezone(MOSCOW).date()
    article.revision = (article.revision or 0) + 1
    session.add(article)
    session.flush()  # before its revision, which refers to it
    written = record(session, article, author, reason.strip(), at, imported=imported)
    session.flush()
    hint(session, ARTICLES)
    return written


def hold_all(session: Session) -> None:
    """No other transaction writes articles until this one ends: an alias is one article's, and one article stays published."""
    one_at_a_time(session, _ARTICLES_LOCK)


def _held(session: Session, slug: str) -> Article:
    hold_all(session)
    article = find(session, slug)
    session.refresh(article, with_for_update=True)
    return article


def _expect(session: Session, article: Article, based_on: int) -> None:
    if article.revision != based_on:
        newest = revision(session, article.slug, article.revision)
        raise conflict("article_changed_meanwhile", author=author_name(newest), number=newest.number)


def _reason_faults(reason: str, settings: Settings) -> Iterator[Fault]:
    if not reason.strip():
        yield Fault("reason", say("article_reason_missing"))
    elif len(reason.strip()) > REASON_CHARACTERS:
        yield Fault("reason", say("article_reason_long", limit=REASON_CHARACTERS))
    elif UNSTORABLE.search(reason):
        yield Fault("reason", say("article_characters"))
    else:
        yield from personal_faults("reason", reason, settings)


def _is_last_published(session: Session, article: Article) -> bool:
    others = select(Article.slug).where(Article.published, Article.slug != article.slug)
    return session.scalar(others.limit(1)) is None
