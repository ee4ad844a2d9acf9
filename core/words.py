"""The words of errors and notices: messages.ru.yml."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).with_name("messages.ru.yml")


@cache
def all_words() -> dict[str, str]:
    words = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    if not isinstance(words, dict) or not all(isinstance(text, str) for text in words.values()):
        raise ValueError(f"{_FILE.name}: a mapping from keys to texts is wanted")
    return words


def say(key: str, **values: Any) -> str:
    """The text under ``key`` with its ``{names}`` filled in. KeyError for an unknown key or a missing value."""
    return all_words()[key].format(**values)


def plural(count: int, one: str, few: str, many: str) -> str:
    """A number with its noun: 1 час, 2 часа, 5 часов."""
    if count % 10 == 1 and count % 100 != 11:
        noun = one
    elif 2 <= count % 10 <= 4 and not 12 <= count % 100 <= 14:
        noun = few
    else:
        noun = many
    return f"{count} {noun}"
