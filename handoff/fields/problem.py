"""The problem in the citizen's own words."""

import re

from core.models import UNSTORABLE
from core.personal_data import TOKEN
from core.settings import Settings
from handoff.fields.fault import FieldFault
from handoff.fields.writing import LETTER

MIN_CHARACTERS = 15
MIN_WORDS = 3


def parse_problem(text: str, settings: Settings) -> str:
    """The text as written, without white space around. Faults: missing, short, long, characters."""
    told = text.strip()
    if len(told) > settings.message_characters:
        raise FieldFault("problem", "problem_long", {"limit": settings.message_characters, "count": len(told)})
    if UNSTORABLE.search(told):
        raise FieldFault("problem", "message_characters")
    words = re.findall(rf"{LETTER}+", TOKEN.sub(" ", told))
    if not words:
        raise FieldFault("problem", "problem_missing")
    if len(told) < MIN_CHARACTERS or len({word.lower() for word in words}) < MIN_WORDS:
        raise FieldFault("problem", "problem_short")
    return told
