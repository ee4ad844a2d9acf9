"""The training examples of the dialogue: enough of them, told apart, without personal data."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
INTENTS = {
    "greet",
    "goodbye",
    "thank",
    "affirm",
    "deny",
    "ask_question",
    "request_operator",
    "file_appeal",
    "file_complaint",
    "make_suggestion",
    "check_appeal_status",
    "repeat_appeal",
    "request_expedite",
    "escalate_higher",
    "cancel",
    "start_over",
    "bot_challenge",
    "erase_personal_data",
    "export_personal_data",
    "rate_helpful",
    "rate_unhelpful",
    "out_of_scope",
    "inform",
    "express_anger",
    "ask_official_address",
    "ask_abilities",
    "skip",
}
NEAR = 0.8
# What would be somebody's: an address, a run of digits that no appeal or application number explains, a typed token of the wrong form.
PERSONAL = (
    re.compile(r"\S@\S"),
    re.compile(r"\b\d{3}[- ]\d{3}[- ]\d{3}[- ]\d{2}\b"),
    re.compile(r"(?:\+7|\b8)[ (-]*\d{3}[ )-]*\d{3}[ -]*\d{2}[ -]*\d{2}\b"),
    re.compile(r"(?<!\d)\d{4} \d{6}(?!\d)"),
    re.compile(r"(?<![\d-])\d{11}(?![\d-])"),
)


def read_examples() -> Iterator[tuple[str, str]]:
    """(intent, example) of every file."""
    for file in sorted((ROOT / "nlu" / "data" / "intents").glob("*.yml")):
        for block in yaml.safe_load(file.read_text(encoding="utf-8"))["nlu"]:
            for line in block["examples"].splitlines():
                if line.strip():
                    yield block["intent"], line.removeprefix("- ").strip()


EXAMPLES = list(read_examples())


def normalise(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", text.lower().replace("ё", "е")).split())


def grams(text: str) -> frozenset[str]:
    padded = f" {normalise(text)} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def near_pairs(texts: list[str]) -> list[tuple[str, str]]:
    """Pairs whose 3-gram Jaccard similarity is above NEAR. Such a pair shares one of each one's rarest grams: only these are indexed."""
    sets = [grams(text) for text in texts]
    counts = Counter(gram for own in sets for gram in own)
    seen: dict[str, list[int]] = defaultdict(list)
    pairs = []
    for at, own in enumerate(sets):
        rarest = sorted(own, key=lambda gram: (counts[gram], gram))[: len(own) - math.ceil(NEAR * len(own)) + 1]
        for other in {other for gram in rarest for other in seen[gram]}:
            both = len(own & sets[other])
            if both / (len(own) + len(sets[other]) - both) > NEAR:
                pairs.append((texts[other], texts[at]))
        for gram in rarest:
            seen[gram].append(at)
    return pairs


def test_intents_are_exactly_those_of_the_domain() -> None:
    domain = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
    named = {next(iter(intent)) if isinstance(intent, dict) else intent for intent in domain["intents"]}
    assert {intent for intent, _ in EXAMPLES} == named == INTENTS


def test_every_intent_has_enough_examples() -> None:
    counts = Counter(intent for intent, _ in EXAMPLES)
    assert {intent: count for intent, count in counts.items() if count < 100} == {}
    assert counts["ask_question"] >= 400


def test_no_two_examples_are_near_duplicates() -> None:
    assert near_pairs([text for _, text in EXAMPLES]) == []


def test_near_duplicates_would_be_found() -> None:
    assert near_pairs(["где посмотреть моё обращение", "какая завтра погода", "Где посмотреть мое обращение?"]) != []
    sample = [text for _, text in EXAMPLES[::40]]
    for text in sample[::10]:
        changed = text.replace("е", "ё", 1) + "!"
        assert near_pairs([*sample, changed]) == [(text, changed)]


@pytest.mark.parametrize("personal", ["почта ivan@example.ru", "снилс 112-233-445 95", "звоните 8 900 123-45-67", "паспорт 4510 123456"])
def test_personal_data_would_be_found(personal: str) -> None:
    assert any(pattern.search(personal) for pattern in PERSONAL)


def test_no_example_looks_like_personal_data_or_a_command() -> None:
    assert [text for _, text in EXAMPLES if any(pattern.search(text) for pattern in PERSONAL)] == []
    assert [text for _, text in EXAMPLES if text.startswith("/") or any(mark in text for mark in "[]{}")] == []


@pytest.mark.parametrize("kind", ["pdsnils", "pdphone", "pdemail", "pdname"])
def test_inform_knows_the_tokens_of_the_vault(kind: str) -> None:
    assert sum(re.search(rf"\b{kind}\d\b", text) is not None for intent, text in EXAMPLES if intent == "inform") >= 3


def test_blind_set_shares_no_example_with_the_training_data() -> None:
    blind = yaml.safe_load((ROOT / "tests" / "data" / "blind" / "intents.yml").read_text(encoding="utf-8"))
    trained = {normalise(text) for _, text in EXAMPLES}
    assert [text for texts in blind.values() for text in texts if normalise(text) in trained] == []
