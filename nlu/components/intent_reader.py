"""Tells the intent of a text: a linear support vector machine over n-grams of lemmas and letters.

How it was chosen: docs/understanding.md. It is stored as arrays and JSON: loading a model runs nothing that is in it.
"""

import json
from typing import Any, Dict, List

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, INTENT_NAME_KEY, INTENT_RANKING_KEY, PREDICTED_CONFIDENCE_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.sparse import csr_matrix, hstack
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.svm import LinearSVC

from nlu.components.features import Features, Floats
from nlu.components.reading import Reader

_ARRAYS, _WORDS = "intents.npz", "intents.json"
_SHARPNESS = np.arange(1.0, 8.0, 0.25)  # candidates for what turns margins into probabilities


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class IntentReader(GraphComponent, IntentClassifier):
    """In config.yml; followed by Rasa's FallbackClassifier, which reads its confidences."""

    def __init__(self, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._features = Features(Reader(()))
        self._intents: List[str] = []
        self._weights: List[Floats] = []  # one for each kind of feature
        self._bias = np.zeros(0, dtype=np.float32)
        self._sharpness = 1.0

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """penalty: the machine's C; ranking_length: how many intents a message carries."""
        return {"penalty": 0.5, "ranking_length": 10}

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003  Rasa passes these four by name
    ) -> "IntentReader":
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        examples = [example for example in training_data.intent_examples if example.get(TEXT)]
        texts = [example.get(TEXT) for example in examples]
        intents = np.array([example.get(INTENT) for example in examples])
        self._features = Features(Reader.learn(texts)).fit(texts)
        parts = self._features.transform(texts)
        rows = hstack(parts, format="csr")
        self._sharpness = self._calibrate(rows, intents)
        machine = self._fit(rows, intents)
        self._intents = [str(intent) for intent in machine.classes_]
        ends = np.cumsum([part.shape[1] for part in parts])[:-1]
        self._weights = np.split(np.ascontiguousarray(machine.coef_.T, dtype=np.float32), ends)
        self._bias = machine.intercept_.astype(np.float32)
        self._persist()
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Sets the intent and the ranking of each message."""
        if not messages:
            return messages
        for message, row in zip(messages, self.probabilities([message.get(TEXT) or "" for message in messages]), strict=True):
            ranking = [
                {INTENT_NAME_KEY: self._intents[at], PREDICTED_CONFIDENCE_KEY: float(row[at])}
                for at in np.argsort(-row)[: self._config["ranking_length"]]
            ]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages

    def probabilities(self, texts: List[str]) -> Floats:
        """Of one text or more; shape (texts, intents), each row adds up to 1."""
        return _softmax(self._sharpness * np.array([self._margins(text) for text in texts]))

    def _margins(self, text: str) -> Floats:
        # Not @: for a product this small OpenBLAS wakes threads, which go on spinning for a millisecond.
        parts = zip(self._features.rows(text), self._weights, strict=True)
        return np.asarray(sum(np.einsum("i,ij->j", values, weights[columns]) for (columns, values), weights in parts) + self._bias)

    def _fit(self, rows: csr_matrix, intents: Floats) -> LinearSVC:
        return LinearSVC(C=self._config["penalty"], class_weight="balanced", random_state=0).fit(rows, intents)

    def _calibrate(self, rows: csr_matrix, intents: Floats) -> float:
        """The sharpness that makes examples which were held out most likely."""
        ((shown, held_out),) = StratifiedShuffleSplit(1, test_size=0.2, random_state=0).split(rows, intents)
        machine = self._fit(rows[shown], intents[shown])
        margins = machine.decision_function(rows[held_out])
        right = np.searchsorted(machine.classes_, intents[held_out])

        def likelihood(sharpness: float) -> float:
            return float(np.log(_softmax(sharpness * margins)[np.arange(len(right)), right]).mean())

        return float(max(_SHARPNESS, key=likelihood))

    def _persist(self) -> None:
        with self._model_storage.write_to(self._resource) as folder:
            np.savez(
                folder / _ARRAYS,
                **{f"weights{at}": weights for at, weights in enumerate(self._weights)},
                bias=self._bias,
                sharpness=self._sharpness,
                words=self._features.words.idf_,
                letters=self._features.letters.idf_,
            )
            words = {
                "intents": self._intents,
                "known": sorted(self._features.reader.known),
                "words": self._features.words.get_feature_names_out().tolist(),
                "letters": self._features.letters.get_feature_names_out().tolist(),
            }
            (folder / _WORDS).write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003
        **kwargs: Any,  # noqa: ARG003
    ) -> "IntentReader":
        reader = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder, np.load(folder / _ARRAYS, allow_pickle=False) as arrays:
            words = json.loads((folder / _WORDS).read_text(encoding="utf-8"))
            features = Features(Reader(words["known"]))
            for part in ("words", "letters"):
                vectorizer = getattr(features, part)
                vectorizer.vocabulary = {gram: at for at, gram in enumerate(words[part])}
                vectorizer.idf_ = arrays[part]
            reader._features = features
            reader._intents = words["intents"]
            reader._weights = [arrays[f"weights{at}"] for at in range(2)]
            reader._bias, reader._sharpness = arrays["bias"], float(arrays["sharpness"])
        reader.probabilities(["готово"])  # the dictionary loads at its first use
        return reader


def _softmax(rows: Floats) -> Floats:
    raised = np.exp(rows - rows.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
