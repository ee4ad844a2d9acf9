"""How well intents are told: by the trained model on the phrasings written blind, and by 5-fold cross-validation on the training data.

`rasa test nlu` does both, in Rasa's own environment. It looks past the fallback: an unsure intent counts as the intent it is.
"""

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from benchmarks.measuring import RASA_ENVIRONMENT, ROOT
from bot.dialogue_engine import as_text

FOLDS = 5
_CONFUSIONS = 12  # pairs shown, the most frequent first
_EXAMPLES = 6  # texts shown of each


@dataclass(frozen=True)
class Told:
    """A text with the intent that it has, and the one that was told."""

    text: str
    intent: str
    predicted: str
    confidence: float


def on_blind(model: Path, phrasings: Path) -> dict[str, Any]:
    """The trained model on a file of ``{intent: [text, …]}``, each as the gateway passes it on."""
    with TemporaryDirectory(prefix="otklik-intents-") as place:
        given = yaml.safe_load(phrasings.read_text(encoding="utf-8"))
        blind = Path(place) / "blind.yml"
        blind.write_text(
            _as_training_data({intent: [as_text(text) for text in texts] for intent, texts in given.items()}), encoding="utf-8"
        )
        return summary(_test(Path(place) / "told", "--nlu", str(blind), "--model", str(model)))


def by_folds() -> dict[str, Any]:
    """Each example told by a model that has learned from the other four fifths."""
    with TemporaryDirectory(prefix="otklik-folds-") as place:
        return summary(_test(Path(place), "--nlu", "nlu/data", "--config", "config.yml", "--cross-validation", "--folds", str(FOLDS)))


def summary(told: list[Told]) -> dict[str, Any]:
    """Shares from 0 to 1. ``matrix``: a row for each intent in ``intents``, in it how often each was told."""
    intents = sorted({each.intent for each in told} | {each.predicted for each in told})
    counts = Counter((each.intent, each.predicted) for each in told)
    rows = [_of_one(intent, intents, counts) for intent in intents]
    rated = [row for row in rows if row["examples"]]
    return {
        "examples": len(told),
        "accuracy": _share(sum(each.intent == each.predicted for each in told), len(told)),
        "macro_f1": round(sum(row["f1"] for row in rated) / len(rated), 4),
        "intents": rows,
        "names": intents,
        "matrix": [[counts[intent, predicted] for predicted in intents] for intent in intents],
        "confusions": _confusions(told),
    }


def _of_one(intent: str, intents: Iterable[str], counts: Counter[tuple[str, str]]) -> dict[str, Any]:
    right = counts[intent, intent]
    examples = sum(counts[intent, predicted] for predicted in intents)
    told = sum(counts[other, intent] for other in intents)
    precision, recall = _share(right, told), _share(right, examples)
    f1 = round(2 * precision * recall / (precision + recall), 4) if right else 0.0
    return {"intent": intent, "examples": examples, "precision": precision, "recall": recall, "f1": f1}


def _confusions(told: list[Told]) -> list[dict[str, Any]]:
    """The surest mistakes first among the texts of a pair."""
    mistakes = sorted((each for each in told if each.intent != each.predicted), key=lambda each: -each.confidence)
    pairs = Counter((each.intent, each.predicted) for each in mistakes)
    return [
        {
            "intent": intent,
            "predicted": predicted,
            "count": count,
            "texts": [
                {"text": each.text, "confidence": round(each.confidence, 2)}
                for each in mistakes
                if (each.intent, each.predicted) == (intent, predicted)
            ][:_EXAMPLES],
        }
        for (intent, predicted), count in pairs.most_common(_CONFUSIONS)
    ]


def _test(out: Path, *arguments: str) -> list[Told]:
    command = [str(ROOT / ".venv-rasa/bin/rasa"), "test", "nlu", "--no-plot", "--successes", "--out", str(out), *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **RASA_ENVIRONMENT, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"'{' '.join(command)}' failed:\n{done.stderr[-3000:]}")
    return [each for name in ("intent_successes.json", "intent_errors.json") for each in _read(out / name)]


def _read(path: Path) -> list[Told]:
    if not path.exists():  # no mistakes
        return []
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [Told(row["text"], row["intent"], row["intent_prediction"]["name"], row["intent_prediction"]["confidence"]) for row in rows]


def _as_training_data(phrasings: dict[str, list[str]]) -> str:
    nlu = [{"intent": intent, "examples": "".join(f"- {_plain(text)}\n" for text in texts)} for intent, texts in phrasings.items()]
    return yaml.safe_dump({"version": "3.1", "nlu": nlu}, allow_unicode=True, sort_keys=False, width=10_000)


def _plain(text: str) -> str:
    """On one line, and without brackets, which would mark an entity in training data; the tokenizer strips them anyway."""
    return " ".join(text.replace("[", " ").replace("]", " ").split())


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
