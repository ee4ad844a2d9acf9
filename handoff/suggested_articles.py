"""Articles that fit what a citizen wrote, for the operator who answers."""

from pathlib import Path

import structlog

from knowledge_base.index import IndexRefused
from knowledge_base.search import Search

log = structlog.get_logger(__name__)

_SHOWN = 3


class SuggestedArticles:
    """Opens the index at the first question: a gateway without one serves all the same."""

    def __init__(self, index_dir: Path, embedder_model: str) -> None:
        self._index_dir = index_dir
        self._embedder_model = embedder_model
        self._search: Search | None = None

    def __call__(self, question: str) -> list[dict[str, str]]:
        """[{"slug", "title", "text"}], best first; placeholders in the text are not filled in."""
        try:
            if self._search is None:
                self._search = Search(self._index_dir, self._embedder_model)
        except IndexRefused as error:
            log.warning("suggestions_unavailable", reason=str(error))
            return []
        found = [self._search.article(hit.slug) for hit in self._search.search(question, limit=_SHOWN).hits]
        return [{"slug": article.slug, "title": article.title, "text": article.text} for article in found if article]
