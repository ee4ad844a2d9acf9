"""How sure the search is: a probability that some article answers, and the bands that it falls into."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge_base.index import WEIGHTS, Match
from knowledge_base.lexical import Floats

SHORTEST = 1.25  # words: one word is never answered anyway, and the bare name of a matter («документы») should suggest


@dataclass(frozen=True)
class Point:
    """At a threshold: the share of held-out aliases above it, the share of these whose article came first, and the share of texts without
    an article below it."""

    threshold: float
    found: float
    right: float
    refused: float


@dataclass(frozen=True)
class Calibration:
    """The weights of a logistic regression, the bands' thresholds, and what they were derived from.

    suggest, answer: less sure means nothing, surer an answer. The shipped weights are a fit over four domains; an index with enough aliases
    has its own scale and thresholds (calibrating.py).
    """

    bias: float = 4.4
    score: float = 3.7
    unseen: float = -1.3
    outside: float = -16.0
    short: float = -10.5
    suggest: float = 0.5
    answer: float = 0.8
    aliases: int = 0
    outsiders: int = 0
    auroc: float | None = None
    curve: list[Point] = field(default_factory=list)

    def confidence(self, match: Match) -> Floats:
        """For each of the match's articles how likely it is that the question is on its matter, from 0 to 1."""
        if not match.length:
            return np.zeros_like(match.words)
        own = self.bias + self.unseen * match.unseen + self.outside * match.outside + self.short * _shortness(match)
        return np.asarray(1 / (1 + np.exp(-(own + self.score * score(match).astype(np.float64)))), dtype=np.float32)

    @property
    def weights(self) -> NDArray[np.float64]:
        return np.array([self.bias, self.score, self.unseen, self.outside, self.short])

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Calibration":
        stored = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**stored, "curve": [Point(**point) for point in stored["curve"]]})


def score(match: Match) -> Floats:
    """What articles are ranked by."""
    return np.asarray(sum(weight * getattr(match, channel) for channel, weight in WEIGHTS.items()), dtype=np.float32)


def features(match: Match) -> NDArray[np.float64]:
    """Of each article, shape (articles, 5): one for the bias, its score, and three that are the question's own."""
    own = [match.unseen, match.outside, _shortness(match)]
    scores = score(match).astype(np.float64)
    return np.column_stack([np.ones_like(scores), scores, *(np.full_like(scores, value) for value in own)])


def _shortness(match: Match) -> float:
    return 1 / max(match.length, SHORTEST)
