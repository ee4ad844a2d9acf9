"""The classifier inside Rasa: learns, is stored without code in it, and is the same when loaded."""

import tempfile
import unittest
from pathlib import Path
from typing import ClassVar

import numpy
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.components.intent_reader import IntentReader

EXAMPLES: dict[str, list[str]] = {
    "greet": ["здравствуйте", "добрый день", "привет", "доброе утро", "приветствую вас", "здравствуйте, уважаемые", "добрый вечер всем"],
    "file_appeal": [
        "хочу подать обращение",
        "примите обращение",
        "оформите заявку",
        "подать обращение в поддержку",
        "зарегистрируйте моё обращение",
        "надо оставить заявку",
    ],
    "ask_question": [
        "как подать обращение",
        "где оставить заявку",
        "сколько ждать ответа",
        "почему не приходит код",
        "как восстановить пароль",
        "где посмотреть штрафы",
        "куда подают заявку",
    ],
}
CONTEXT = ExecutionContext(GraphSchema({}))
RESOURCE = Resource("intent_reader")


class IntentReaderTest(unittest.TestCase):
    folder: ClassVar[Path]
    storage: ClassVar[LocalModelStorage]
    trained: ClassVar[IntentReader]

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.storage = LocalModelStorage.create(cls.folder)
        cls.trained = IntentReader.create(IntentReader.get_default_config(), cls.storage, RESOURCE, CONTEXT)
        messages = [Message({TEXT: text, INTENT: intent}) for intent, texts in EXAMPLES.items() for text in texts]
        cls.trained.train(TrainingData(messages))

    def test_an_act_and_a_question_are_told_apart(self) -> None:
        for text, intent in {
            "хочу оставить обращение": "file_appeal",
            "как оставить обращение": "ask_question",
            "ghbdtn": "greet",
            "dobryy den": "greet",
        }.items():
            with self.subTest(text=text):
                [message] = self.trained.process([Message({TEXT: text})])
                self.assertEqual(message.get(INTENT)["name"], intent)

    def test_the_ranking_is_of_probabilities(self) -> None:
        [message] = self.trained.process([Message({TEXT: "добрый день"})])
        ranking = message.get("intent_ranking")
        self.assertEqual({each["name"] for each in ranking}, set(EXAMPLES))
        self.assertEqual(ranking[0], message.get(INTENT))
        confidences = [each["confidence"] for each in ranking]
        self.assertEqual(confidences, sorted(confidences, reverse=True))
        self.assertAlmostEqual(sum(confidences), 1.0, places=5)

    def test_what_is_loaded_is_what_was_trained(self) -> None:
        loaded = IntentReader.load(IntentReader.get_default_config(), self.storage, RESOURCE, CONTEXT)
        texts = ["хочу подать обращение", "нечто невиданное", "", "?"]
        for ours, theirs in zip(self.trained.probabilities(texts), loaded.probabilities(texts), strict=True):
            for one, other in zip(ours, theirs, strict=True):
                self.assertAlmostEqual(float(one), float(other), places=5)

    def test_a_text_alone_is_counted_as_scikit_learn_counts_it(self) -> None:
        features = self.trained._features
        for text in ("хочу подать обращение, хочу!", "как восстановить пароль", "нечто невиданное", "ghbdtn", "а", "", "?"):
            for (columns, values), row in zip(features.rows(text), features.transform([text]), strict=True):
                counted = numpy.zeros(row.shape[1])
                counted[columns] = values
                numpy.testing.assert_allclose(counted, row.toarray()[0], rtol=1e-6, err_msg=text)

    def test_no_code_is_stored(self) -> None:
        self.assertEqual({file.suffix for file in self.folder.rglob("*") if file.is_file()}, {".npz", ".json"})
        self.assertFalse([file for file in self.folder.rglob("*.npz") if b"objectO" in file.read_bytes()])

    def test_nothing_to_read_is_no_error(self) -> None:
        self.assertEqual(self.trained.process([]), [])


if __name__ == "__main__":
    unittest.main()
