"""Questions grouped by likeness: the groups of a set made by hand come out, whatever the order."""

from collections.abc import Iterable
from itertools import combinations

import numpy as np
import pytest
import yaml

from knowledge_base import clusters
from knowledge_base.clusters import Cluster, cluster
from knowledge_base.embedder import Embedder
from knowledge_base.lexical import Floats
from knowledge_base.search import Search
from tests.stack import ROOT

SET = yaml.safe_load((ROOT / "tests" / "data" / "unanswered.yml").read_text(encoding="utf-8"))
GROUPS: list[list[str]] = [*SET["groups"], *([text] for text in SET["single"])]
TEXTS = [text for group in GROUPS for text in group]


@pytest.fixture(scope="session")
def embedder(search: Search) -> Embedder:
    return search.index().static


@pytest.fixture(scope="session")
def background(search: Search) -> list[str]:
    return [article.title for article in search.index().articles]


def pairs(groups: Iterable[Iterable[str]]) -> set[frozenset[str]]:
    return {frozenset(pair) for group in groups for pair in combinations(group, 2)}


def agreement(texts: list[str], found: list[Cluster]) -> tuple[float, float]:
    """The share of found pairs that were made by hand, and of those made by hand that were found."""
    wanted, got = pairs(GROUPS), pairs([texts[place] for place in one.members] for one in found)
    return len(wanted & got) / max(len(got), 1), len(wanted & got) / len(wanted)


@pytest.mark.parametrize("order", range(3))
def test_the_groups_made_by_hand_come_out_in_any_order(embedder: Embedder, background: list[str], order: int) -> None:
    texts = [TEXTS[place] for place in np.random.default_rng(order).permutation(len(TEXTS))]
    right, complete = agreement(texts, cluster(texts, embedder, background))
    assert right >= 0.95 and complete >= 0.9
    assert pairs([texts[place] for place in one.members] for one in cluster(texts, embedder, background)) == pairs(
        [TEXTS[place] for place in one.members] for one in cluster(TEXTS, embedder, background)
    )


def test_the_largest_come_first_and_are_named_by_one_of_their_own(embedder: Embedder, background: list[str]) -> None:
    found = cluster(TEXTS, embedder, background)
    sizes = [len(one.members) for one in found]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] == 5
    assert sorted(place for one in found for place in one.members) == list(range(len(TEXTS)))
    assert all(one.medoid in one.members for one in found)
    (dogs,) = (one for one in found if TEXTS[one.medoid].count("собак") and len(one.members) == 5)
    assert TEXTS[dogs.medoid] != "хочу поставить собаку на учет"  # the one that has least in common with the others


def test_what_questions_are_wrapped_in_joins_nothing(embedder: Embedder, background: list[str]) -> None:
    texts = [f"Здравствуйте! Подскажите пожалуйста, {group[0]}? Заранее спасибо!" for group in GROUPS]
    assert len(cluster(texts, embedder, background)) == len(GROUPS)


@pytest.mark.parametrize("texts", [[], ["", "  ", "?!", "спасибо", "👍"], ["ъыьщ", "qwrtp"]])
def test_texts_without_known_words_stand_alone(embedder: Embedder, background: list[str], texts: list[str]) -> None:
    assert [one.members for one in cluster(texts, embedder, background)] == [(place,) for place in range(len(texts))]


def test_the_same_words_are_one_group_even_where_no_index_serves() -> None:
    texts = ["как зарегистрировать собаку", "яма на дороге", "как зарегистрировать собаку?", "Как зарегистрировать собаку"]
    assert [one.members for one in cluster(texts, None, [])] == [(0, 2, 3), (1,)]


class Cone:
    """A model whose vectors all lie close together, as those of many sentence encoders do."""

    name, dimensions = "cone", 301

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def encode(self, texts: list[str]) -> Floats:
        vectors = np.hstack([self._embedder.encode(texts), np.full((len(texts), 1), 3.0, dtype=np.float32)])
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def test_a_model_that_finds_everything_alike_tells_matters_apart_too(embedder: Embedder, background: list[str]) -> None:
    right, complete = agreement(TEXTS, cluster(TEXTS, Cone(embedder), background))
    assert right >= 0.95 and complete >= 0.9


def test_more_than_are_compared_are_refused() -> None:
    with pytest.raises(ValueError, match="5001"):
        cluster(["а"] * (clusters.MOST + 1), None, [])
