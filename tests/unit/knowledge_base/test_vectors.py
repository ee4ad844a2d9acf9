"""Vectors found and compared, few and many."""

from pathlib import Path

import numpy as np
import pytest

from knowledge_base.embedder import unit
from knowledge_base.lexical import Bm25, Floats, GramTfIdf
from knowledge_base.vectors import STATIC_WEIGHT, Meaning, Parts, PassageVectors


def random_rows(number: int, dimensions: int, seed: int) -> Floats:
    return unit(np.random.default_rng(seed).normal(size=(number, dimensions)).astype(np.float32))


@pytest.mark.parametrize("number", [1, 300, 10_500])
def test_the_nearest_are_found_after_saving_too(tmp_path: Path, number: int) -> None:
    """10,500 have cells, of which the nearest are looked at."""
    sentence, static = random_rows(number, 24, 1), random_rows(number, 12, 2)
    PassageVectors.of(sentence, static).save(tmp_path / "passages.faiss")
    vectors = PassageVectors.load(tmp_path / "passages.faiss", 24)
    for asked in range(0, number, max(1, number // 40)):
        meaning = Meaning(sentence[asked], static[asked])
        nearest, sums = vectors.nearest(meaning, 5)
        assert nearest[0] == asked
        assert list(sums) == sorted(sums, reverse=True)
        of_sentence, of_static = vectors.cosines(meaning, nearest)
        assert of_sentence == pytest.approx(sentence[nearest] @ meaning.sentence, abs=2e-3)
        assert of_static == pytest.approx(static[nearest] @ meaning.static, abs=2e-3 / STATIC_WEIGHT)


def test_a_byte_a_dimension_is_near_enough() -> None:
    rows = random_rows(200, 512, 3)
    parts = Parts.of([str(number) for number in range(200)], rows.astype(np.float16))
    chosen = np.array([5, 199, 0])
    assert parts.cosines(rows[5], chosen) == pytest.approx(rows[chosen] @ rows[5], abs=0.01)


def test_passages_without_a_word_take_nothing_from_others() -> None:
    passages = ["как сменить пароль", "пароль", ""]
    grams = GramTfIdf.of(passages)
    alone = grams.scores("пароль", np.array([1]))
    assert grams.scores("пароль", np.array([0, 1, 2])) == pytest.approx([grams.scores("пароль", np.array([0]))[0], alone[0], 0.0])
    assert grams.scores("пароль", np.array([2])) == pytest.approx([0.0])


def test_bm25_is_a_share_of_what_could_be_reached() -> None:
    words = Bm25.of([["пароль", "сменить"], ["паспорт"], []])
    scores = words.scores(["пароль", "сменить"])
    assert 0 < scores[0] <= 1 and scores[1] == scores[2] == 0
    assert words.unseen(["пароль"]) == 0.0
    assert 0 < words.unseen(["пароль", "борщ"]) < 1
    assert words.unseen([]) == 1.0
