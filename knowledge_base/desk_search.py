"""The search of a process that serves without an index too: opened at the first question, and until that works at each one."""

import threading
from pathlib import Path

from knowledge_base.index import Index, Stored
from knowledge_base.search import Result, Search


class DeskSearch:
    """As Search, but that each call raises IndexRefused while there is no index that can serve."""

    def __init__(self, directory: Path, embedder_model: str = "") -> None:
        self._directory, self._embedder_model = directory, embedder_model
        self._opening = threading.Lock()
        self._search: Search | None = None

    def search(self, text: str, limit: int = 10) -> Result:
        return self._opened().search(text, limit)

    def article(self, slug: str) -> Stored | None:
        return self._opened().article(slug)

    def index(self) -> Index:
        """The one that serves at this moment."""
        return self._opened().index()

    def _opened(self) -> Search:
        with self._opening:
            if self._search is None:
                self._search = Search(self._directory, self._embedder_model)
            return self._search
