"""How sure the search is, and how that is derived."""

from pathlib import Path

import numpy as np
import pytest

from knowledge_base.calibrating import auroc, fit
from knowledge_base.calibration import Calibration
from knowledge_base.search import Hit, Outcome, decide
from knowledge_base.versions import load

CALIBRATION = Calibration(suggest=0.5, answer=0.8)


def rows(scores: list[float], outside: float) -> "np.typing.NDArray[np.float64]":
    return np.array([[1.0, score, 0.1, outside, 0.2] for score in scores])


def test_probabilities_tell_how_many_are_inside() -> None:
    chance = np.random.default_rng(1)
    inside, outside = rows(list(chance.normal(2.0, 0.4, 400)), 0.3), rows(list(chance.normal(1.2, 0.4, 400)), 0.4)
    fitted = fit(Calibration(), inside, np.ones(400, dtype=bool), outside)
    sure = 1 / (1 + np.exp(-np.vstack([inside, outside]) @ fitted.weights))
    wanted = np.repeat([1.0, 0.0], 400)
    for low in (0.2, 0.4, 0.6, 0.8):
        band = (sure >= low) & (sure < low + 0.2)
        if band.sum() > 30:
            assert wanted[band].mean() == pytest.approx(low + 0.1, abs=0.15)


def test_thresholds_refuse_what_they_should() -> None:
    chance = np.random.default_rng(2)
    inside, outside = rows(list(chance.normal(2.0, 0.4, 300)), 0.3), rows(list(chance.normal(1.0, 0.4, 300)), 0.4)
    fitted = fit(Calibration(), inside, chance.random(300) < 0.9, outside)
    unsure = 1 / (1 + np.exp(-outside @ fitted.weights))
    assert 0.3 <= fitted.suggest <= fitted.answer <= 0.97
    assert (unsure < fitted.suggest).mean() >= 0.94
    assert [point.threshold for point in fitted.curve] == sorted(point.threshold for point in fitted.curve)
    refused = [point.refused for point in fitted.curve]
    assert refused == sorted(refused)


def test_auroc() -> None:
    assert auroc(np.array([0.9, 0.8]), np.array([0.1, 0.2])) == 1.0
    assert auroc(np.array([0.5]), np.array([0.5])) == 0.5
    assert auroc(np.array([0.1]), np.array([0.9])) == 0.0


@pytest.mark.parametrize(
    ("text", "hits", "outcome"),
    [
        ("как войти", [], "none"),
        ("как войти", [(2.5, 0.9), (1.0, 0.2)], "answer"),
        ("как войти", [(2.5, 0.9), (2.45, 0.88)], "suggestions"),
        ("как войти", [(2.5, 0.7), (1.0, 0.2)], "suggestions"),
        ("как войти", [(1.0, 0.4)], "none"),
        ("вход", [(2.5, 0.99)], "suggestions"),
        ("вход", [(1.0, 0.99)], "none"),
    ],
)
def test_the_bands(text: str, hits: list[tuple[float, float]], outcome: Outcome) -> None:
    assert decide(CALIBRATION, text.split(), [Hit("a", "А", score, confidence) for score, confidence in hits]) == outcome


def test_an_index_carries_its_own(index_dir: Path) -> None:
    index, calibration = load(index_dir)
    assert calibration.aliases > 100
    assert calibration.auroc is not None
    assert calibration.auroc > 0.9
    assert len(index.outsiders) > 500


def test_it_is_read_as_it_was_written(tmp_path: Path, index_dir: Path) -> None:
    _, calibration = load(index_dir)
    calibration.save(tmp_path / "calibration.json")
    assert Calibration.read(tmp_path / "calibration.json") == calibration
