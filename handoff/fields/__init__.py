"""What an appeal needs: each field read from what a person wrote, for chat, form and letter alike.

A parser takes the text and the settings, and returns the value in its normal form or raises FieldFault, whose words say how to
correct it. It changes nothing and asks nobody.
"""

from collections.abc import Callable
from typing import Any

from core.settings import Settings
from handoff.fields.answers import parse_confirmation, parse_consent, says_yes
from handoff.fields.application_number import find_application_number, parse_application_number
from handoff.fields.birth_date import parse_birth_date
from handoff.fields.category import parse_category, recognise_urgency
from handoff.fields.email_address import parse_email
from handoff.fields.fault import FieldFault
from handoff.fields.full_name import parse_full_name
from handoff.fields.name_likeness import looks_like_a_name
from handoff.fields.occurred_at import find_occurred_at, parse_occurred_at
from handoff.fields.personal import expected_answer
from handoff.fields.phone import parse_phone
from handoff.fields.problem import parse_problem
from handoff.fields.reply_channel import ReplyChannel, parse_reply_channel
from handoff.fields.snils import parse_snils
from handoff.fields.told import find_told

__all__ = [
    "PARSERS",
    "FieldFault",
    "ReplyChannel",
    "expected_answer",
    "find_application_number",
    "find_occurred_at",
    "find_told",
    "looks_like_a_name",
    "parse_application_number",
    "parse_birth_date",
    "parse_category",
    "parse_confirmation",
    "parse_consent",
    "parse_email",
    "parse_full_name",
    "parse_occurred_at",
    "parse_phone",
    "parse_problem",
    "parse_reply_channel",
    "parse_snils",
    "recognise_urgency",
    "says_yes",
]

# A field's name in the API («expects», «errors») → its parser.
PARSERS: dict[str, Callable[[str, Settings], Any]] = {
    "consent": parse_consent,
    "full_name": parse_full_name,
    "snils": parse_snils,
    "birth_date": parse_birth_date,
    "reply_channel": parse_reply_channel,
    "email": parse_email,
    "phone": parse_phone,
    "category": parse_category,
    "problem": parse_problem,
    "application_number": parse_application_number,
    "occurred_at": parse_occurred_at,
    "confirmation": parse_confirmation,
}
