"""The highest of very many scores are found without sorting them, also where most are equal."""

import numpy as np
import pytest

from knowledge_base.index import _MANY, _highest


@pytest.mark.parametrize("matching", [0, 7, 150, 1_000, 2 * _MANY])
@pytest.mark.parametrize("kinds", [2, 1_000_000])
def test_the_highest_of_many(matching: int, kinds: int) -> None:
    order = np.random.default_rng(0)
    scores = np.zeros(2 * _MANY + 17, dtype=np.float32)
    scores[order.permutation(len(scores))[:matching]] = order.integers(1, kinds, matching) / kinds
    found = _highest(scores, 200)
    assert len(set(found)) == 200
    assert np.array_equal(np.sort(scores[found]), np.sort(scores)[-200:])
