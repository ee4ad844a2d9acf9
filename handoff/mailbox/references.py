"""Which letters a letter answers, by its headers."""

import re
from collections.abc import Sequence

_ID = re.compile(r"<[^<>\s]{3,318}>")
_MOST = 50


def message_ids(text: str) -> list[str]:
    """The Message-IDs in a header or a text, each with its angle brackets, at most 50."""
    return list(dict.fromkeys(_ID.findall(text)))[:_MOST]


def answered_ids(in_reply_to: Sequence[str], references: Sequence[str]) -> list[str]:
    """The letters that one answers, the nearest first."""
    direct = message_ids(" ".join(in_reply_to))
    thread = list(dict.fromkeys(_ID.findall(" ".join(references))))
    return list(dict.fromkeys([*direct, *reversed(thread)]))[:_MOST]
