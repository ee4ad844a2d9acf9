"""A citizen's words on their way to an article, which everybody reads: without what is personal in them."""

import re

from core.finding import find
from core.personal_data import TOKEN
from core.settings import Settings
from core.words import say
from knowledge_base.content import ALIAS_CHARACTERS, personal_faults

_EMPTY = re.compile(r"[(«\"]\s*[)»\"]")  # what stood round personal data only
_BEFORE_SIGN = re.compile(r"\s+(?=[,.;:!?)»])")
_TWICE = re.compile(r"[,;:](?=[,;:.])")


def without_tokens(text: str) -> str:
    """In one line, with nothing where personal data stood."""
    line = " ".join(_EMPTY.sub("", TOKEN.sub("", text)).split())
    return _TWICE.sub("", _BEFORE_SIGN.sub("", line)).strip(" ,;:-–—")


def fault(words: str, settings: Settings) -> str:
    """What is wrong with an editor's words, said in words; empty if nothing is."""
    if not words.strip():
        return say("article_alias_missing")
    if len(words) > ALIAS_CHARACTERS:
        return say("question_words_long", limit=ALIAS_CHARACTERS, count=len(words))
    for wrong in personal_faults("words", words, settings):
        return wrong.message
    found = find(words, settings)
    return say("question_words_personal", found=words[found[0].start : found[0].end]) if found else ""
