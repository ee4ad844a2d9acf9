"""The shipped pipeline beside a small DIET, in Rasa: ``.venv-rasa/bin/python benchmarks/diet.py [--folds N] [SET.yml …]``.

Both learn from the same examples. Each model is then loaded by a process of its own, which tells the intents of the sets (as shipped:
tests/data/blind/intents.yml), the processor time of one message and its resident memory. DIET takes some ten minutes to learn, and as long
for each fold.
"""

import argparse
import asyncio
import json
import logging
import os
import random
import sys
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import structlog
import yaml

from benchmarks.intent_sets import BLIND, read_examples, read_set
from benchmarks.measuring import RASA_ENVIRONMENT, Clock, in_child, memory

_DIET: list[dict[str, Any]] = [
    {"name": "WhitespaceTokenizer"},
    {"name": "CountVectorsFeaturizer"},
    {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 2, "max_ngram": 4},
    {
        "name": "DIETClassifier",
        "epochs": 30,
        "number_of_transformer_layers": 1,
        "transformer_size": 64,
        "hidden_layers_sizes": {"text": [64]},
        "entity_recognition": False,
        "random_seed": 0,
    },
]
_TIMED = 40  # every so many-th example is


def main() -> None:
    if sys.argv[1:2] == ["--asked"]:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))  # Rasa logs to the same stream
        print(json.dumps(asyncio.run(_ask(Path(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text(encoding="utf-8"))))))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", type=Path, metavar="SET.yml", default=[BLIND])
    parser.add_argument("--folds", type=int, default=0, help="of the examples: learn from all but one of so many parts, and ask that one")
    arguments = parser.parse_args()
    os.environ.update(RASA_ENVIRONMENT)
    shipped = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))["pipeline"]
    for name, pipeline in {"shipped": shipped, "DIET, small": _DIET}.items():
        with TemporaryDirectory(prefix="otklik-diet-") as folder:
            print(name, json.dumps(_measure(pipeline, Path(folder), arguments.sets, arguments.folds)), flush=True)


def _measure(pipeline: list[dict[str, Any]], folder: Path, sets: list[Path], folds: int) -> dict[str, float]:
    """Accuracies by set; ms: processor time of one message; mb: resident memory of a process with the model."""
    examples = list(zip(*read_examples(), strict=True))
    model = _train(pipeline, folder / "all", examples)
    figures: dict[str, float] = {}
    for path in sets:
        told = _asked(model, folder / "asked.json", list(zip(*read_set(path), strict=True)))
        figures |= {path.stem: told["right"], "ms": told["ms"], "mb": told["mb"]}
    random.Random(0).shuffle(examples)  # noqa: S311 - an order, no secret
    parts = [examples[number::folds] for number in range(folds)]
    rights = []
    for number, part in enumerate(parts):
        shown = [example for other in parts if other is not part for example in other]
        rights.append(_asked(_train(pipeline, folder / f"fold{number}", shown), folder / "asked.json", part)["right"])
    return {**figures, **({"folds": round(sum(rights) / folds, 3)} if folds else {})}


def _train(pipeline: list[dict[str, Any]], folder: Path, examples: list[tuple[str, str]]) -> Path:
    from rasa.model_training import train_nlu

    by_intent: dict[str, list[str]] = defaultdict(list)
    for text, intent in examples:
        by_intent[intent].append(text)
    folder.mkdir()
    config = {"recipe": "default.v1", "assistant_id": "diet", "language": "ru", "pipeline": pipeline}
    data = {"nlu": [{"intent": intent, "examples": "".join(f"- {text}\n" for text in texts)} for intent, texts in by_intent.items()]}
    for name, content in {"config.yml": config, "nlu.yml": data}.items():
        (folder / name).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    trained = train_nlu(str(folder / "config.yml"), str(folder / "nlu.yml"), str(folder), fixed_model_name="model")
    if trained is None:
        raise SystemExit("the model could not be trained")
    return Path(trained)


def _asked(model: Path, cases: Path, examples: list[tuple[str, str]]) -> dict[str, float]:
    cases.write_text(json.dumps(examples, ensure_ascii=False), encoding="utf-8")
    answers: dict[str, float] = in_child("diet.py", "--asked", model, cases)
    return answers


async def _ask(model: Path, examples: list[tuple[str, str]]) -> dict[str, float]:
    from rasa.core.agent import Agent

    agent = Agent.load(str(model))
    right = 0
    for text, intent in examples:
        ranked = [each["name"] for each in (await agent.parse_message(text))["intent_ranking"]]
        right += next(name for name in ranked if name != "nlu_fallback") == intent
    clock = Clock()
    for text in read_examples()[0][::_TIMED]:
        with clock:
            await agent.parse_message(text)
    return {"right": round(right / len(examples), 3), "ms": clock.summary()["p50_processor"], "mb": memory()}


if __name__ == "__main__":
    main()
