"""Derives an index's calibration: aliases, each searched for in an index that does not hold it, against texts that no article answers.

The embedders have learnt from these aliases too, so that real questions do a little worse than the curve says.
"""

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from core.models import Article
from knowledge_base.assembly import Encoders, assemble
from knowledge_base.calibration import Calibration, Point, features, score
from knowledge_base.index import Index
from knowledge_base.outsiders import outsiders
from knowledge_base.passages import Texts
from knowledge_base.spelling import Speller
from knowledge_base.synonyms import Synonyms
from knowledge_base.vectors import KeptVectors

_REFUSED = 0.95  # the share of texts without an article that get neither answer nor suggestions
_NOT_ANSWERED = 0.99  # and that get no answer
_BANDS = (0.3, 0.9), (0.6, 0.97)  # where the thresholds may lie, whatever a small set of articles says
_STEPS = np.round(np.arange(0.05, 1.0, 0.05), 2)

_FOLDS = 2
_FEWEST, _MOST = 60, 500  # aliases that are searched for
_MOST_ARTICLES = 3_000  # of more a lot is drawn: every fold is an index of its own
_BATCH = 64
_SEED = 20

First = tuple[int, NDArray[np.float64]]  # the best article's position, and its features

Progress = Callable[[str], None]


def calibrate(
    articles: list[Article],
    texts: list[Texts],
    encoders: Encoders,
    kept: KeptVectors,
    synonyms: Synonyms,
    speller: Speller,
    progress: Progress,
) -> Calibration:
    """The shipped calibration where there are too few aliases. ``texts`` as ``cut`` made them: a title, then the aliases."""
    chance = random.Random(_SEED)  # noqa: S311 - a shuffle, not a secret
    if len(articles) > _MOST_ARTICLES:
        lot = sorted(chance.sample(range(len(articles)), _MOST_ARTICLES))
        articles, texts = [articles[at] for at in lot], [texts[at] for at in lot]
    aliases = [(owner, at) for owner, text in enumerate(texts) for at in range(1, len(text.phrases))]
    if len(aliases) < _FEWEST:
        return Calibration()
    aliases = chance.sample(aliases, min(len(aliases), _MOST))
    strangers = chance.sample(outsiders(), len(outsiders()))
    progress(f"Calibrating on {len(aliases)} aliases and {len(strangers)} other texts that the index does not see …")
    inside: list[First] = []
    right: list[bool] = []
    outside: list[First] = []
    for fold in range(_FOLDS):
        hidden, unknown = aliases[fold::_FOLDS], strangers[fold::_FOLDS]
        known = [text for at, text in enumerate(strangers) if at % _FOLDS != fold]
        index = assemble(articles, _without(texts, set(hidden)), encoders, kept, synonyms, speller, known)
        found = _firsts(index, [texts[owner].phrases[at] for owner, at in hidden])
        inside += found
        right += [article == owner for (article, _), (owner, _) in zip(found, hidden, strict=True)]
        outside += _firsts(index, unknown)
    rows, others = (np.array([features for _, features in firsts]) for firsts in (inside, outside))
    return fit(Calibration(), rows, np.array(right), others)


def _without(texts: list[Texts], hidden: set[tuple[int, int]]) -> list[Texts]:
    return [
        replace(text, phrases=[phrase for at, phrase in enumerate(text.phrases) if (owner, at) not in hidden])
        for owner, text in enumerate(texts)
    ]


def _firsts(index: Index, questions: list[str]) -> list[First]:
    firsts = []
    for start in range(0, len(questions), _BATCH):
        for match in index.match_all([index.read(text) for text in questions[start : start + _BATCH]]):
            if len(match.articles):
                best = int(score(match).argmax())
                firsts.append((int(match.articles[best]), features(match)[best]))
            else:
                firsts.append((-1, np.array([1.0, 0.0, 1.0, 1.0, 1.0])))
    return firsts


def fit(shipped: Calibration, inside: NDArray[np.float64], right: NDArray[np.bool_], outside: NDArray[np.float64]) -> Calibration:
    """A calibration of one index by Platt's scaling (1999): the shipped weights in another scale, which keeps their order of questions.

    inside: features of the first article for each question that has one, shape (questions, 5); right: whether it was the one. outside: the
    same for texts that have none. Both sides weigh the same.
    """
    logits = np.concatenate([inside, outside]) @ shipped.weights
    wanted = np.repeat([1.0, 0.0], [len(inside), len(outside)])
    weight = np.repeat([0.5 / len(inside), 0.5 / len(outside)], [len(inside), len(outside)])

    def loss(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scaled = line[0] * logits + line[1]
        wrong = weight * (expit(scaled) - wanted)
        return float(weight @ (np.logaddexp(0, scaled) - wanted * scaled)), np.array([wrong @ logits, wrong.sum()])

    slope, shift = map(float, minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0.2, 5), (-5, 5)]).x)
    sure, unsure = np.split(expit(slope * logits + shift), [len(inside)])
    suggest, answer = (np.clip(np.quantile(unsure, share), *band) for share, band in zip((_REFUSED, _NOT_ANSWERED), _BANDS, strict=True))
    return Calibration(
        bias=slope * shipped.bias + shift,
        score=slope * shipped.score,
        unseen=slope * shipped.unseen,
        outside=slope * shipped.outside,
        short=slope * shipped.short,
        suggest=round(float(suggest), 3),
        answer=round(float(answer), 3),
        aliases=len(inside),
        outsiders=len(outside),
        auroc=round(auroc(sure, unsure), 4),
        curve=[_point(float(step), sure, right, unsure) for step in _STEPS],
    )


def auroc(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> float:
    """How often a question with an article is surer than one without, ties counting half (Mann and Whitney 1947)."""
    ordered = np.sort(outside)
    below = np.searchsorted(ordered, inside, "left") + np.searchsorted(ordered, inside, "right")
    return float(below.mean() / 2 / len(outside))


def _point(threshold: float, sure: NDArray[np.float64], right: NDArray[np.bool_], unsure: NDArray[np.float64]) -> Point:
    above = sure >= threshold
    share_right = float(right[above].mean()) if above.any() else 1.0
    return Point(threshold, round(float(above.mean()), 4), round(share_right, 4), round(float((unsure < threshold).mean()), 4))
