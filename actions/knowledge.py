"""The search, loaded once in a process."""

from functools import lru_cache

from core.settings import settings
from knowledge_base.search import Search


@lru_cache(maxsize=1)
def knowledge() -> Search:
    """Opens the desk's index. Raises IndexRefused when there is none that can serve."""
    return Search(settings().index_dir, settings().embedder_model)
