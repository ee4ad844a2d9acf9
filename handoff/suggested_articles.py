"""Articles that fit what a citizen wrote, for the operator who answers and for editors."""

from pathlib import Path

import structlog

from knowledge_base.index import IndexRefused, Stored
from knowledge_base.search import Hit, Search

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
        found = [self.article(hit.slug) for hit in self.nearest(question)]
        return [{"slug": article.slug, "title": article.title, "text": article.text} for article in found if article]

    def nearest(self, question: str) -> list[Hit]:
        """The best three, however unlikely."""
        search = self._opened()
        return search.search(question, limit=_SHOWN).hits if search else []

    def article(self, slug: str) -> Stored | None:
        search = self._opened()
        return search.article(slug) if search else None

    def _opened(self) -> Search | None:
        try:
            if self._search is None:
                self._search = Search(self._index_dir, self._embedder_model)
        except IndexRefused as error:
            log.warning("suggestions_unavailable", reason=str(error))
        return self._search
