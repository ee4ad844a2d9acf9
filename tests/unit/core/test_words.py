"""messages.ru.yml and the code that uses it do not drift apart."""

import ast
import string
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from core.settings import ROOT
from core.words import all_words, say

ROOMS = ("core", "knowledge_base", "handoff", "bot", "actions")
# A function that takes a key → the key's place among its arguments.
KEY_ARGUMENT = {"say": 0, "conflict": 0, "too_large": 0, "wrong_type": 0, "not_found": 0, "not_allowed": 0, "not_authenticated": 0}
KEY_ARGUMENT |= {"invalid": 1, "Problem": 1, "Refused": 0}


@dataclass(frozen=True)
class Use:
    place: str
    key: str
    values: frozenset[str] | None  # None: filled in elsewhere


def calls() -> Iterator[Use]:
    ours: dict[str, set[str]] = defaultdict(set)  # file → what it has from words and errors: another "say" is not meant
    for place, node in nodes():
        if isinstance(node, ast.ImportFrom) and node.module in ("core.words", "core.errors"):
            ours[place] |= {alias.name for alias in node.names}
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            ours[place].add(node.name)
    for place, node in nodes():
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        index = KEY_ARGUMENT.get(name)
        if index is None or len(node.args) <= index or name not in ours[place]:
            continue
        key = node.args[index]
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield Use(f"{place}:{node.lineno}", key.value, values_of(name, node))


def values_of(name: str, call: ast.Call) -> frozenset[str] | None:
    if name == "Refused" or any(keyword.arg is None for keyword in call.keywords):
        return None
    if name != "Problem":
        return frozenset(keyword.arg for keyword in call.keywords if keyword.arg)
    if len(call.args) < 3:
        return frozenset()
    given = call.args[2]
    return frozenset(str(key.value) for key in given.keys if isinstance(key, ast.Constant)) if isinstance(given, ast.Dict) else None


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                yield str(file.relative_to(ROOT)), node


def placeholders(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def test_what_the_code_says_has_words_and_fills_them() -> None:
    uses = list(calls())
    assert len(uses) > 50  # the search above finds them
    words = all_words()
    assert [use for use in uses if use.key not in words] == []
    assert [use for use in uses if use.values is not None and use.values != placeholders(words[use.key])] == []


def test_every_text_is_used() -> None:
    constants = {node.value for _, node in nodes() if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    statuses = {str(node.value) for _, node in nodes() if isinstance(node, ast.Constant) and isinstance(node.value, int)}
    unused = [key for key in all_words() if key not in constants and not (key.startswith("title_") and key[6:] in statuses)]
    assert unused == []


def test_every_status_of_a_problem_has_a_title() -> None:
    statuses = {
        node.args[0].value
        for _, node in nodes()
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem" and isinstance(node.args[0], ast.Constant)
        if isinstance(node.args[0].value, int)
    }
    assert {f"title_{status}" for status in statuses} <= set(all_words())


def test_texts_are_tidy() -> None:
    for key, text in all_words().items():
        assert text == text.strip(), key
        assert "!" not in text, key
        assert "  " not in text, key


def test_an_unknown_key_or_a_missing_value_is_a_fault() -> None:
    with pytest.raises(KeyError):
        say("nothing_such")
    with pytest.raises(KeyError):
        say("too_many")
