"""Repeat appeals (S16): which earlier appeal one names, and whether it is its citizen who names it."""

from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from core.desk import Desk
from core.models import Appeal, Conversation
from core.working_time import day_in_words
from handoff.ownership import find_own, find_received

# Slots of a form: the number as ``read_number`` returned it, or the first one's date in ISO format; the access code's token.
NUMBER, DATE, CODE = "appeal_number", "first_date", "access_code"


def find_earlier(session: Session, desk: Desk, conversation: Conversation, slots: dict[str, Any], snils: str) -> Appeal | None:
    """The appeal that ``slots`` name, if it is the conversation's own, has that SNILS, or its access code was told."""
    if slots.get(NUMBER):
        number, code = str(slots[NUMBER]), str(slots.get(CODE) or "")
        told = desk.vault.values(session, conversation, [code]).get(code, code)
        return find_own(session, desk.vault, conversation.id, number, snils) or find_own(session, desk.vault, conversation.id, number, told)
    if slots.get(DATE):
        return find_received(session, desk.vault, conversation.id, date.fromisoformat(str(slots[DATE])), snils)
    return None


def named(slots: dict[str, Any]) -> str | None:
    """What is named of the earlier one, for an operator to look at: nobody has shown that it is theirs."""
    if slots.get(NUMBER):
        return str(slots[NUMBER])
    return day_in_words(date.fromisoformat(str(slots[DATE]))) if slots.get(DATE) else None
