"""The trained model on phrasings that were written blind."""

from pathlib import Path

import httpx
import yaml

from tests.stack import ROOT, Stack


def test_intents_written_blind_are_understood(stack: Stack) -> None:
    """Measured at first: .931 of 261."""
    environment = dict(line.split("=", 1) for line in Path(f"/proc/{stack.pid('gateway')}/environ").read_text().split("\0") if "=" in line)
    cases = yaml.safe_load((ROOT / "tests" / "data" / "blind" / "intents.yml").read_text(encoding="utf-8"))
    examples = [(intent, text) for intent, texts in cases.items() for text in texts]
    wrong = []
    with httpx.Client(base_url=environment["OTKLIK_RASA_URL"], params={"token": environment["OTKLIK_RASA_TOKEN"]}, trust_env=False) as rasa:
        for intent, text in examples:
            ranking = rasa.post("/model/parse", json={"text": text}).json()["intent_ranking"]
            # What is not sure is searched for, as a question is: the ranking tells what the classifier itself thought.
            best = next(item["name"] for item in ranking if item["name"] != "nlu_fallback")
            if best != intent:
                wrong.append((intent, best, text))
    assert 1 - len(wrong) / len(examples) >= 0.9, wrong
