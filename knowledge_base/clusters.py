"""Questions grouped by likeness: average linkage over meaning and spelling together.

Every pair is compared, so that the result does not depend on an order: 5,000 texts take a second and 100 MB for as long.
"""

import math
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse

from knowledge_base.embedder import Embedder, unit
from knowledge_base.lexical import Floats
from knowledge_base.words import grams, tokens

MOST = 5_000  # texts at once
# Chosen on tests/data/unanswered.yml, whose matters no article holds: from .2 to .26 its groups come out exactly. Below, different matters
# run together; above, one matter falls apart. Meaning alone, or spelling alone, never gets all of them.
ALIKE = 0.23
MEANING = 0.5  # the weight of meaning; the rest is spelling's
_BUCKETS = 1024
_LONGEST = 400  # characters: of a long story the rest is not looked at
# Words that people wrap any question in; as they are common in a text, so would be the groups that they make.
_COURTESY = re.compile(
    r"\b(здравствуй(?:те)?|добр(?:ый|ое|ого)|день|дня|вечера?|утро|привет|(?:под)?скажите?|ответьте|помогите?|пожалуйста|плиз|спасибо"
    r"|благодарю|заранее|срочно|уважаем(?:ые|ая)|господа|прошу)\b"
)


@dataclass(frozen=True)
class Cluster:
    """Places in the list of texts. ``medoid``: of the one nearest to all others."""

    members: tuple[int, ...]
    medoid: int


def cluster(texts: list[str], embedder: Embedder | None, background: list[str]) -> list[Cluster]:
    """At most MOST texts as groups of one or more, the largest first, then in the order of the texts.

    ``embedder``: None where no index serves; then only what is spelt alike comes together. ``background``: texts of the desk's whole
    field, as the articles' titles: what is common to all of them tells nothing apart.
    """
    if len(texts) > MOST:
        raise ValueError(f"{len(texts)} texts; at most {MOST} are compared")
    if not texts:
        return []
    texts = [_matter(text) for text in texts]
    vectors = math.sqrt(1 - MEANING) * _spelling(texts)
    if embedder is not None:
        vectors = np.hstack([vectors, math.sqrt(MEANING) * _meaning(texts, embedder, background)])
    found = [_cluster(members, vectors) for members in _average_linkage(vectors)]
    return sorted(found, key=lambda one: (-len(one.members), one.members))


def _matter(text: str) -> str:
    """Normalised, without courtesies, unless there is nothing else."""
    whole = " ".join(tokens(text[:_LONGEST]))
    return _COURTESY.sub(" ", whole).strip() or whole


def _meaning(texts: list[str], embedder: Embedder, background: list[str]) -> Floats:
    """Vectors as seen from the background's middle: some models' lie in a narrow cone, where everything is alike. Rows of unit length;
    of a text without a known word zeros.
    """
    vectors = embedder.encode(texts)
    known = vectors.any(axis=1, keepdims=True)
    if background:
        vectors = (vectors - embedder.encode(background).mean(axis=0)) * known
    return unit(vectors)


def _spelling(texts: list[str]) -> Floats:
    """Character n-grams, rare ones weighing more, in hashed columns; rows of unit length."""
    places: dict[str, int] = {}
    found = [[places.setdefault(gram, len(places)) for gram in grams(text)] for text in texts]
    rows = np.repeat(np.arange(len(texts)), [len(one) for one in found])
    ones = np.ones(len(rows), dtype=np.float32)
    counts = sparse.csr_matrix((ones, (rows, np.concatenate(found).astype(int))), shape=(len(texts), len(places)))
    counts.sum_duplicates()
    rarity = 1 + np.log((1 + len(texts)) / (1 + np.bincount(counts.indices, minlength=len(places))))
    counts.data = (1 + np.log(counts.data)) * rarity[counts.indices]
    return unit(np.asarray((counts @ _columns(places)).toarray(), dtype=np.float32))


def _columns(grams: Iterable[str]) -> sparse.csr_matrix:
    """Grams × columns, each gram in one with a sign of its own: those that meet there cancel out as often as they add up."""
    digests = np.array([zlib.crc32(gram.encode()) for gram in grams], dtype=np.int64)
    signs = np.where(digests >> 31, 1, -1).astype(np.float32)
    return sparse.csr_matrix((signs, (np.arange(len(digests)), digests % _BUCKETS)), shape=(len(digests), _BUCKETS))


def _average_linkage(vectors: Floats) -> list[tuple[int, ...]]:
    """Joins the two most alike groups until no two are ALIKE on the average, by chains of nearest neighbours.

    A group whose nearest neighbour is farther than that is done: no later joining brings another nearer (average linkage is reducible).
    """
    likeness: Floats = vectors @ vectors.T
    np.fill_diagonal(likeness, -np.inf)
    members: dict[int, list[int]] = {place: [place] for place in range(len(vectors))}
    done: list[tuple[int, ...]] = []
    chain: list[int] = []

    def drop(group: int) -> None:
        likeness[:, group] = -np.inf
        del members[group]

    while members:
        if not chain:
            chain.append(next(iter(members)))
        last = chain[-1]
        nearest = int(np.argmax(likeness[last]))
        if likeness[last, nearest] < ALIKE:
            done.append(tuple(sorted(members[last])))
            drop(last)
            chain.pop()
        elif len(chain) > 1 and likeness[last, chain[-2]] >= likeness[last, nearest]:
            one, other = chain.pop(), chain.pop()
            mine, theirs = len(members[one]), len(members[other])
            joined = (mine * likeness[one] + theirs * likeness[other]) / (mine + theirs)
            members[one] += members[other]
            drop(other)
            joined[[one, other]] = -np.inf
            likeness[one] = joined
            likeness[:, one] = joined
        else:
            chain.append(nearest)
    return done


def _cluster(members: tuple[int, ...], vectors: Floats) -> Cluster:
    own = vectors[list(members)]
    return Cluster(members, members[int(np.argmax(own @ own.sum(axis=0)))])
