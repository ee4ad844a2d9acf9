"""The training data and the domain fit each other: what `rasa data validate` checks, without its start of twenty seconds."""

import unittest

from rasa.shared.importers.importer import TrainingDataImporter
from rasa.validator import Validator


class TrainingDataTest(unittest.TestCase):
    validator: Validator

    @classmethod
    def setUpClass(cls) -> None:
        cls.validator = Validator.from_importer(TrainingDataImporter.load_from_config("config.yml", "domain.yml", ["nlu/data"]))

    def test_the_domain_is_valid(self) -> None:
        self.assertTrue(self.validator.verify_domain_validity())
        self.assertTrue(self.validator.verify_slot_mappings())
        self.assertTrue(self.validator.verify_form_slots())

    def test_each_intent_is_known_and_has_examples(self) -> None:
        self.assertTrue(self.validator.verify_intents(ignore_warnings=False))

    def test_no_example_stands_under_two_intents(self) -> None:
        self.assertTrue(self.validator.verify_example_repetition_in_intents(ignore_warnings=False))

    def test_rules_do_not_contradict_each_other_and_name_what_is_there(self) -> None:
        self.assertTrue(self.validator.verify_story_structure(ignore_warnings=False))
        self.assertTrue(self.validator.verify_forms_in_stories_rules())
        self.assertTrue(self.validator.verify_actions_in_stories_rules())
