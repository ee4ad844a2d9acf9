"""The search: which articles answer a text, and whether to answer, to suggest, or to admit that there is nothing."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import structlog

from knowledge_base.index import POINTER, Index, IndexRefused, Match, Stored, load
from knowledge_base.lexical import Floats, lemmas, tokens
from knowledge_base.passages import split_sentences

Outcome = Literal["answer", "suggestions", "none"]

# Fixed weights beat learned and rank-based fusion; chosen on held-out aliases and on XQuAD (ru) together.
WORDS, GRAMS, MEANING = 1.0, 1.0, 0.7

# Confidence: a logistic fit, rounded, between held-out aliases of the articles and tests/data/off_topic.txt (AUROC .95; the share of
# words, half the meaning and the coverage alone: .91). A short text, and one of words that no article holds, is trusted less.
C_WORDS, C_GRAMS, C_MEANING, C_UNSEEN, C_SHORT, C_BIAS = 3.0, 4.0, 2.0, -3.0, -5.0, 0.8
SHORTEST = 1.25  # words: one word is never answered anyway, and the bare name of a matter («документы») should suggest

# On the same data: above SUGGEST are 90 % of the aliases, though their article never saw them, and 13 % of what is off topic;
# above ANSWER 66 % and 2.5 %.
SUGGEST, ANSWER = 0.5, 0.85
MARGIN = 0.05  # an answer leads the next article's score by this share, else both are suggested
SUGGESTIONS = 3
LONG_TEXT = 25  # words: beyond it the sentences are searched for one by one too, or a story would drown its question
MOST_SENTENCES = 12

log = structlog.get_logger()


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
        self._reloading = threading.Lock()
        self._seen = self._pointer()
        self._index = load(directory, embedder_model)

    def search(self, text: str, limit: int = 10) -> Result:
        """The ``limit`` best articles, best first, and what to do with them. Never raises, whatever the text."""
        return search(self._fresh(), text, limit)

    def article(self, slug: str) -> Stored | None:
        return self._fresh().by_slug.get(slug)

    def _fresh(self) -> Index:
        pointer = self._pointer()
        if pointer != self._seen and self._reloading.acquire(blocking=False):  # the others go on with the old one meanwhile
            try:
                self._index = load(self._directory, self._embedder_model)
                log.info("index_loaded", articles=len(self._index.articles))
            except Exception as error:  # noqa: BLE001 - whatever is wrong with the new one, the last good one goes on serving
                log.error("index_refused", reason=str(error) if isinstance(error, IndexRefused) else type(error).__name__)
            finally:
                self._seen = pointer  # a refused one is tried again only when the pointer moves
                self._reloading.release()
        return self._index

    def _pointer(self) -> tuple[int, int]:
        try:
            status = (self._directory / POINTER).stat()
        except OSError:
            return 0, 0
        return status.st_mtime_ns, status.st_ino


def search(index: Index, text: str, limit: int = 10) -> Result:
    scores, confidences = rate(index, text)
    best = [int(at) for at in np.argsort(-scores, kind="stable")[:limit] if scores[at] > 0]
    hits = [
        Hit(index.articles[at].slug, index.articles[at].title, round(float(scores[at]), 4), round(float(confidences[at]), 4)) for at in best
    ]
    return Result(decide(text, hits), hits)


def rate(index: Index, text: str) -> tuple[Floats, Floats]:
    """Scores and confidences, shape (articles,) each."""
    parts = [text]
    if len(tokens(text)) > LONG_TEXT:
        parts += split_sentences(text)[:MOST_SENTENCES]
    matches = [index.match(part) for part in parts]
    scores = np.max([score(match) for match in matches], axis=0)
    confidences = np.max([confidence(match) for match in matches], axis=0)
    return scores, confidences


def score(match: Match) -> Floats:
    return np.asarray(WORDS * match.words + GRAMS * match.grams + MEANING * match.meaning, dtype=np.float32)


def confidence(match: Match) -> Floats:
    """How likely it is that the text is on the article's matter, from 0 to 1."""
    if not match.length:
        return np.zeros_like(match.words)
    near = C_WORDS * match.words + C_GRAMS * match.grams + C_MEANING * match.meaning
    logit = near + C_UNSEEN * match.unseen + C_SHORT / max(match.length, SHORTEST) + C_BIAS
    return np.asarray(1 / (1 + np.exp(-logit)), dtype=np.float32)


def decide(text: str, hits: list[Hit]) -> Outcome:
    if not hits or hits[0].confidence < SUGGEST:
        return "none"
    vague = len(set(lemmas(text))) < 2  # one word names a matter and asks nothing
    close = len(hits) > 1 and hits[1].score > (1 - MARGIN) * hits[0].score
    return "suggestions" if vague or close or hits[0].confidence < ANSWER else "answer"
