"""How well, how fast and with how much memory classifiers tell the intents: ``python benchmarks/understanding.py [SET.yml …]``.

Each is tried five-fold on the training examples and, trained on all of them, on the sets named (as shipped: tests/data/blind/intents.yml).
A set is a mapping of intents to texts. What Rasa adds to the time is not in it.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.intent_sets import BLIND, read_examples, read_set
from benchmarks.measuring import Clock, in_child, memory
from knowledge_base.embedder import PackagedEmbedder
from nlu.components.features import Features, lemmatised
from nlu.components.reading import Reader

Texts = list[str]


@dataclass
class Classifier:
    """``fit`` gives what turns texts into rows; ``machine`` is trained on the rows."""

    fit: Callable[[Texts], Callable[[Texts], Any]]
    machine: Callable[[], Any]


def _counts(texts: Texts) -> Callable[[Texts], Any]:
    parts = [CountVectorizer(ngram_range=(1, 2)).fit(texts), CountVectorizer(analyzer="char_wb", ngram_range=(2, 4)).fit(texts)]
    return lambda texts: hstack([part.transform(texts) for part in parts], format="csr")


_encoded: dict[str, Any] = {}  # the folds share their texts


@lru_cache(maxsize=1)
def _encoder() -> PackagedEmbedder:
    return PackagedEmbedder()


def _vectors(texts: Texts) -> Any:
    missing = [text for text in dict.fromkeys(texts) if text not in _encoded]
    if missing:
        _encoded.update(zip(missing, _encoder().encode(missing), strict=True))
    return csr_matrix(np.array([_encoded[text] for text in texts]))


def _weighted(*, read: bool, lemmas: bool, encoder: bool, ngrams: bool = True) -> Callable[[Texts], Callable[[Texts], Any]]:
    """TF-IDF and the encoder's vector; ``read``: of the text as nlu/components/reading.py reads it."""

    def fit(texts: Texts) -> Callable[[Texts], Any]:
        reader = Reader.learn(texts)
        features = Features(reader)

        def written(texts: Texts) -> Texts:
            return [reader.read(text) if read else text.lower() for text in texts]

        def words(texts: Texts) -> Texts:
            return list(map(lemmatised, texts)) if lemmas else texts

        features.words.fit(words(written(texts)))
        features.letters.fit(written(texts))

        def rows(texts: Texts) -> Any:
            lines = written(texts)
            parts = [features.words.transform(words(lines)), features.letters.transform(lines)] if ngrams else []
            return hstack([*parts, *([_vectors(lines)] if encoder else [])], format="csr")

        return rows

    return fit


def _regression() -> Any:
    return LogisticRegression(max_iter=1000, tol=1e-3, class_weight="balanced")


def _machine() -> Any:
    return LinearSVC(C=0.5, class_weight="balanced", random_state=0)


CLASSIFIERS = {
    "TF-IDF, linear SVM": Classifier(_weighted(read=False, lemmas=False, encoder=False), _machine),
    "the same, read": Classifier(_weighted(read=True, lemmas=False, encoder=False), _machine),
    "the same, words as lemmas (chosen)": Classifier(_weighted(read=True, lemmas=True, encoder=False), _machine),
    "encoder alone": Classifier(_weighted(read=True, lemmas=False, encoder=True, ngrams=False), _machine),
    "the same with the encoder": Classifier(_weighted(read=True, lemmas=True, encoder=True), _machine),
    "counts, logistic regression": Classifier(_counts, _regression),
}


def measure(name: str, paths: list[Path]) -> dict[str, float]:
    """Accuracies by set; ms: processor time of one message; mb: resident memory that classifying adds."""
    classifier = CLASSIFIERS[name]
    texts, named = read_examples()
    intents = np.array(named)
    hits = []
    for shown, held_out in StratifiedKFold(5, shuffle=True, random_state=0).split(texts, intents):
        rows = classifier.fit([texts[at] for at in shown])
        machine = classifier.machine().fit(rows([texts[at] for at in shown]), intents[shown])
        hits.append(machine.predict(rows([texts[at] for at in held_out])) == intents[held_out])
    figures = {"five-fold": float(np.concatenate(hits).mean())}
    rows = classifier.fit(texts)
    machine = classifier.machine().fit(rows(texts), intents)
    for path in paths:
        asked, right = read_set(path)
        figures[path.stem] = float((machine.predict(rows(asked)) == np.array(right)).mean())
    clock = Clock()
    _encoded.clear()
    for text in texts[::40]:
        with clock:
            machine.predict(rows([text]))
    return {**figures, "ms": clock.summary()["p50_processor"], "mb": memory()}


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--one"]:
        print(json.dumps(measure(arguments[1], [Path(path) for path in arguments[2:-1]])))
        return
    paths = arguments or [str(BLIND)]
    for name in CLASSIFIERS:
        figures = in_child("understanding.py", "--one", name, *paths)
        print(
            f"{name:36}",
            "  ".join(f"{key} {value:.3f}" if value <= 1 else f"{key} {value:.1f}" for key, value in figures.items()),
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
