"""The articles together: what one may not have because another has it, and what it may refer to."""

from collections.abc import Iterable, Iterator
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.models import Article
from core.settings import Settings
from core.words import say
from knowledge_base.content import MOST_RELATED, Content, Fault, faults, likeness, slug_faults


class Shelf:
    """Which slugs there are, and whose each alias is."""

    def __init__(self, rows: Iterable[tuple[str, str, Iterable[str]]]) -> None:
        """``rows``: slug, title, aliases. An alias that two of them have is the first one's."""
        self.titles: dict[str, str] = {}
        self._owners: dict[str, str] = {}
        for slug, title, aliases in rows:
            self.titles[slug] = title
            for alias in aliases:
                self._owners.setdefault(likeness(alias), slug)

    @classmethod
    def read(cls, session: Session) -> "Shelf":
        return cls((row[0], row[1], row[2]) for row in session.execute(select(Article.slug, Article.title, Article.aliases)))

    def check(self, slug: str, content: Content, settings: Settings) -> list[Fault]:
        """All that is wrong with a tidied content of the article ``slug``, new or not."""
        return [
            *slug_faults(slug),
            *faults(content, settings),
            *self.alias_faults(slug, content.aliases),
            *self._related_faults(slug, content.related),
        ]

    def alias_faults(self, slug: str, aliases: Iterable[str]) -> Iterator[Fault]:
        for number, alias in enumerate(aliases, 1):
            owner = self._owners.get(likeness(alias), slug)
            if owner != slug:
                yield Fault("aliases", say("article_alias_taken", alias=alias, title=self.titles[owner], slug=owner), number)

    def _related_faults(self, slug: str, related: Iterable[str]) -> Iterator[Fault]:
        for number, other in enumerate(islice(related, MOST_RELATED), 1):
            if other == slug:
                yield Fault("related", say("article_related_itself"), number)
            elif other not in self.titles:
                yield Fault("related", say("article_related_unknown", slug=other), number)
