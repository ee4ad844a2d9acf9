"""Articles that fit what a citizen wrote, for the operator who answers and for editors."""

import structlog

from knowledge_base.desk_search import DeskSearch
from knowledge_base.index import IndexRefused, Stored
from knowledge_base.search import Hit

log = structlog.get_logger(__name__)

_SHOWN = 3


class SuggestedArticles:
    """Without an index nothing is suggested."""

    def __init__(self, search: DeskSearch) -> None:
        self._search = search

    def __call__(self, question: str) -> list[dict[str, str]]:
        """[{"slug", "title", "text"}], best first; placeholders in the text are not filled in."""
        found = [self.article(hit.slug) for hit in self.nearest(question)]
        return [{"slug": article.slug, "title": article.title, "text": article.text} for article in found if article]

    def nearest(self, question: str) -> list[Hit]:
        """The best three, however unlikely."""
        try:
            return self._search.search(question, limit=_SHOWN).hits
        except IndexRefused as error:
            log.warning("suggestions_unavailable", reason=str(error))
            return []

    def article(self, slug: str) -> Stored | None:
        try:
            return self._search.article(slug)
        except IndexRefused:
            return None
