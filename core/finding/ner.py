"""natasha's recogniser of people (MIT), loaded once, when a text first needs it. It goes by capitals."""

import threading
from functools import lru_cache
from typing import Any

from natasha import NewsEmbedding, NewsNERTagger
from threadpoolctl import ThreadpoolController

_MOST_CHARACTERS = 4000
_one_at_a_time = threading.Lock()


@lru_cache(maxsize=1)
def _tagger() -> Any:
    return NewsNERTagger(NewsEmbedding())


@lru_cache(maxsize=1)
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


def people(text: str) -> list[tuple[int, int]]:
    """Where people are named, start and end."""
    tagger = _tagger()
    # Its matrices are small: several threads of BLAS only wait for each other, 40 ms instead of 1 where the machine is busy.
    with _one_at_a_time, _threads().limit(limits=1, user_api="blas"):
        spans = tagger(text[:_MOST_CHARACTERS]).spans
    return [(span.start, span.stop) for span in spans if span.type == "PER"]
