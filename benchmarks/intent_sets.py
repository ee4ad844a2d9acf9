"""Texts with their intents: our own examples, and sets that were written blind. Read by both Pythons."""

from pathlib import Path

import yaml

from benchmarks.measuring import ROOT

BLIND = ROOT / "tests/data/blind/intents.yml"


def read_set(path: Path) -> tuple[list[str], list[str]]:
    """Texts, and the intent of each, of a mapping of intents to texts."""
    cases = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [str(text) for texts in cases.values() for text in texts], [intent for intent, texts in cases.items() for _ in texts]


def read_examples() -> tuple[list[str], list[str]]:
    """What the shipped model learns from."""
    blocks = [
        block
        for file in sorted((ROOT / "nlu/data/intents").glob("*.yml"))
        for block in yaml.safe_load(file.read_text(encoding="utf-8"))["nlu"]
    ]
    lines = [(block["intent"], line.removeprefix("- ")) for block in blocks for line in block["examples"].splitlines() if line]
    return [text for _, text in lines], [intent for intent, _ in lines]
