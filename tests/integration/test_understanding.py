"""The trained model on phrasings that were written blind."""

from pathlib import Path

import httpx
import yaml

from tests.stack import ROOT, Stack

SEARCHED = {"ask_question", "out_of_scope", "nlu_fallback"}


def test_intents_written_blind_are_understood(stack: Stack) -> None:
    """Measured at first, outside of the server: .971 of 695; 1.0 % acted on wrongly."""
    environment = dict(line.split("=", 1) for line in Path(f"/proc/{stack.pid('gateway')}/environ").read_text().split("\0") if "=" in line)
    cases = yaml.safe_load((ROOT / "tests" / "data" / "blind" / "intents.yml").read_text(encoding="utf-8"))
    examples = [(intent, text) for intent, texts in cases.items() for text in texts]
    wrong, acted_wrongly = [], []
    with httpx.Client(base_url=environment["OTKLIK_RASA_URL"], params={"token": environment["OTKLIK_RASA_TOKEN"]}, trust_env=False) as rasa:
        for intent, text in examples:
            parsed = rasa.post("/model/parse", json={"text": text}).json()
            # What is not sure is searched for, as a question is: the ranking tells what the classifier itself thought.
            best = next(item["name"] for item in parsed["intent_ranking"] if item["name"] != "nlu_fallback")
            if best != intent:
                wrong.append((intent, best, text))
                if parsed["intent"]["name"] not in SEARCHED:
                    acted_wrongly.append((intent, best, text))
    assert 1 - len(wrong) / len(examples) >= 0.95, wrong
    assert len(acted_wrongly) / len(examples) <= 0.02, acted_wrongly
