"""The search: which articles answer a text, and whether to answer, to suggest, or to admit that there is nothing."""

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import structlog

from knowledge_base.calibration import Calibration, score
from knowledge_base.index import Index, IndexRefused, Match, Stored
from knowledge_base.lexical import Floats
from knowledge_base.passages import split_sentences
from knowledge_base.query import LONGEST, Query
from knowledge_base.versions import POINTER, load

Outcome = Literal["answer", "suggestions", "none"]

# An answer leads the next article's score by this share, else both are suggested. On blind questions to the shipped articles 82 % lead so
# far, and of these 93 % are right; without it 86 %.
LEAD = 0.07
# The score from which a lone word names an article's matter: «паспорт» has 2.6, «обращение» 2.5, «почта» 2.2; «телефон» 2.2, «деньги» 2.1,
# «здравствуйте» 1.5, «погода» .5. It asks nothing, so that it suggests and never answers.
NAMED = 2.1
SUGGESTIONS = 3
LONG_TEXT = 40  # words: beyond it the sentences are searched for one by one too, or a story would drown its question
MOST_SENTENCES = 8

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Hit:
    """score ranks and has no bound; confidence is from 0 to 1 and comparable between queries."""

    slug: str
    title: str
    score: float
    confidence: float


@dataclass(frozen=True)
class Result:
    """answer: the first hit answers. suggestions: up to three of the hits may. none: nothing here is near; hits are for staff."""

    outcome: Outcome
    hits: list[Hit]


class Search:
    """Reads what the pointer names and follows it. Any number of threads may search."""

    def __init__(self, directory: Path, embedder_model: str = "") -> None:
        """Raises IndexRefused when there is no index that can serve."""
        self._directory, self._embedder_model = directory, embedder_model
        self._pointer_path = str(directory / POINTER)
        self._reloading = threading.Lock()
        self._seen = self._pointer()
        self._loaded = load(directory, embedder_model)

    def search(self, text: str, limit: int = 10) -> Result:
        """The ``limit`` best articles, best first, and what to do with them. Never raises, whatever the text."""
        index, calibration = self._fresh()
        return search(index, calibration, text, limit)

    def article(self, slug: str) -> Stored | None:
        return self.index().by_slug.get(slug)

    def index(self) -> Index:
        """The one that serves at this moment."""
        return self._fresh()[0]

    def _fresh(self) -> tuple[Index, Calibration]:
        pointer = self._pointer()
        if pointer != self._seen and self._reloading.acquire(blocking=False):  # the others go on with the old one meanwhile
            try:
                if pointer == self._seen:  # somebody has just done it
                    return self._loaded
                self._loaded = load(self._directory, self._embedder_model)
                log.info("index_loaded", articles=len(self._loaded[0].articles))
            except Exception as error:  # noqa: BLE001 - whatever is wrong with the new one, the last good one goes on serving
                log.error("index_refused", reason=str(error) if isinstance(error, IndexRefused) else type(error).__name__)
            finally:
                self._seen = pointer  # a refused one is tried again only when the pointer moves
                self._reloading.release()
        return self._loaded

    def _pointer(self) -> tuple[int, int]:
        try:
            status = os.stat(self._pointer_path)  # noqa: PTH116 - at every search: a Path takes several times as long
        except OSError:
            return 0, 0
        return status.st_mtime_ns, status.st_ino


def search(index: Index, calibration: Calibration, text: str, limit: int = 10) -> Result:
    """As ``Search.search``, in one index."""
    queries = readings(index, text)
    scores, confidences = rate(index, calibration, queries)
    best = [int(at) for at in np.argsort(-scores, kind="stable")[:limit] if scores[at] > 0]
    hits = [
        Hit(index.articles[at].slug, index.articles[at].title, round(float(scores[at]), 4), round(float(confidences[at]), 4)) for at in best
    ]
    return Result(decide(calibration, queries[0].lemmas, hits), hits)


def rate(index: Index, calibration: Calibration, queries: list[Query]) -> tuple[Floats, Floats]:
    """The best score and confidence of all queries, shape (articles,) each; 0 for articles not looked at closely."""
    scores = np.zeros(len(index.articles), dtype=np.float32)
    confidences = np.zeros_like(scores)
    for match in index.match_all(queries):
        scores[match.articles] = np.maximum(scores[match.articles], score(match))
        confidences[match.articles] = np.maximum(confidences[match.articles], calibration.confidence(match))
    return scores, confidences


def readings(index: Index, text: str) -> list[Query]:
    """The whole text, and the sentences of a long one."""
    whole = index.read(text)
    if len(whole.words) <= LONG_TEXT:
        return [whole]
    return [whole, *(index.read(sentence) for sentence in split_sentences(text[:LONGEST])[:MOST_SENTENCES])]


def explain(index: Index, text: str) -> tuple[Query, Match]:
    """What the whole text was read as, and each channel's scores: for people who tune."""
    query = index.read(text)
    return query, index.match(query)


def decide(calibration: Calibration, lemmas: list[str], hits: list[Hit]) -> Outcome:
    """``lemmas``: of the whole text."""
    if not hits:
        return "none"
    if len(set(lemmas)) < 2:
        return "suggestions" if hits[0].score >= NAMED else "none"
    if hits[0].confidence < calibration.suggest:
        return "none"
    close = len(hits) > 1 and hits[1].score > (1 - LEAD) * hits[0].score
    return "suggestions" if close or hits[0].confidence < calibration.answer else "answer"
