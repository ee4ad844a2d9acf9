"""Taking articles from files into a desk that has articles of its own: what differs, is sound, and overwrites nobody's work."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.models import Article, ArticleRevision
from core.settings import Settings
from knowledge_base import editing
from knowledge_base.candidate import ArticleError, Candidate
from knowledge_base.content import Content
from knowledge_base.editing import ContentRefused
from knowledge_base.shelf import Shelf


@dataclass(frozen=True)
class Options:
    """section: of new articles whose file tells none. published: whether new articles are; None: as their file tells, else they are.

    overwrite: whether what was changed here since the last import gives way to the file.
    """

    author: str
    reason: str
    section: str = ""
    published: bool | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Wanted:
    """A candidate that differs from what is stored. ``article``: the stored one, None for a new one."""

    candidate: Candidate
    article: Article | None
    content: Content


@dataclass
class Plan:
    """What an import does, in the files' order."""

    wanted: list[Wanted] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)  # slugs
    changed_here: list[tuple[Candidate, ArticleRevision]] = field(default_factory=list)  # with the newest revision, nobody's import
    refused: list[ArticleError] = field(default_factory=list)  # several for an article with several faults
    refusals: int = 0  # of articles

    def refuse(self, errors: list[ArticleError]) -> None:
        self.refused += errors
        self.refusals += 1

    @property
    def is_clean(self) -> bool:
        """Whether all that the files hold is in the desk afterwards."""
        return not self.refused and not self.changed_here


def plan(session: Session, settings: Settings, found: Iterable[Candidate | ArticleError], options: Options) -> Plan:
    """Decides about each article."""
    articles = {article.slug: article for article in session.scalars(select(Article).order_by(Article.slug))}
    newest, imported = _newest(session, imported_only=False), _newest(session, imported_only=True)
    made, seen = Plan(), dict[str, Candidate]()
    for candidate in found:
        if isinstance(candidate, ArticleError):
            made.refuse([candidate])
            continue
        first = seen.setdefault(candidate.slug, candidate)
        if first is not candidate:
            taken = f"slug {candidate.slug!r} is taken by {first.file.name}:{first.line}"
            made.refuse([ArticleError(candidate.file, candidate.lines.get("slug", [candidate.line])[0], taken)])
            continue
        article = articles.get(candidate.slug)
        stored = Content.of(article).tidied() if article else None
        content = candidate.content(stored, options.section, options.published)
        if content == stored or (not options.overwrite and _is_as_imported(candidate, imported.get(candidate.slug))):
            made.unchanged.append(candidate.slug)
        elif article and not options.overwrite and not newest[article.slug].imported:
            made.changed_here.append((candidate, newest[article.slug]))
        else:
            made.wanted.append(Wanted(candidate, article, content))
    _refuse_unsound(made, articles, settings)
    return made


def take(
    session: Session, settings: Settings, found: Iterable[Candidate | ArticleError], options: Options
) -> tuple[Plan, list[ArticleRevision]]:
    """Does what ``plan`` says, and tells which revisions it wrote."""
    editing.hold_all(session)
    made = plan(session, settings, found, options)
    written = []
    for wanted in list(made.wanted):
        article = wanted.article or Article(slug=wanted.candidate.slug)
        try:
            revision = editing.write(
                session,
                settings,
                article,
                wanted.content,
                options.author,
                options.reason,
                [],
                updated=wanted.candidate.updated,
                imported=True,
            )
        except ContentRefused as refused:  # the last published one was to become a draft
            made.wanted.remove(wanted)
            made.refuse([wanted.candidate.error(fault) for fault in refused.faults])
        else:
            written.append(revision)
    return made, written


def _newest(session: Session, *, imported_only: bool) -> dict[str, ArticleRevision]:
    """Each article's newest revision, or the newest that came from files."""
    number = select(ArticleRevision.slug, func.max(ArticleRevision.number).label("number")).group_by(ArticleRevision.slug)
    last = (number.where(ArticleRevision.imported) if imported_only else number).subquery()
    rows = select(ArticleRevision).join(last, (ArticleRevision.slug == last.c.slug) & (ArticleRevision.number == last.c.number))
    return {revision.slug: revision for revision in session.scalars(rows)}


def _is_as_imported(candidate: Candidate, last: ArticleRevision | None) -> bool:
    """Whether the file holds what it held at the last import: then all that was changed since was changed here."""
    if last is None:
        return False
    base = Content.of(last).tidied()
    return candidate.content(base) == base


def _refuse_unsound(made: Plan, articles: dict[str, Article], settings: Settings) -> None:
    """Checks what is wanted against all articles as they will be. What is refused stays as it was, so the rest is checked once more."""
    while True:
        wanted = {one.candidate.slug: one for one in made.wanted}
        rows = [(slug, article.title, article.aliases) for slug, article in articles.items() if slug not in wanted]
        rows += [(slug, one.content.title, list(one.content.aliases)) for slug, one in wanted.items()]
        shelf = Shelf(rows)
        unsound = {slug: found for slug, one in wanted.items() if (found := shelf.check(slug, one.content, settings))}
        if not unsound:
            return
        for slug, faults in unsound.items():
            made.refuse([wanted[slug].candidate.error(fault) for fault in faults])
        made.wanted = [one for one in made.wanted if one.candidate.slug not in unsound]
