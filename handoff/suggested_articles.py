"""Articles that fit what a citizen wrote, for the operator who answers."""

import structlog

from knowledge_base.desk_search import DeskSearch
from knowledge_base.index import IndexRefused

log = structlog.get_logger(__name__)

_SHOWN = 3


class SuggestedArticles:
    def __init__(self, search: DeskSearch) -> None:
        self._search = search

    def __call__(self, question: str) -> list[dict[str, str]]:
        """[{"slug", "title", "text"}], best first, none without an index; placeholders in the text are not filled in."""
        try:
            found = [self._search.article(hit.slug) for hit in self._search.search(question, limit=_SHOWN).hits]
        except IndexRefused as error:
            log.warning("suggestions_unavailable", reason=str(error))
            return []
        return [{"slug": article.slug, "title": article.title, "text": article.text} for article in found if article]
