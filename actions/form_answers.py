"""What an answer means to the field that a form has asked for: slots to set, a fault, or something else altogether.

The fields here are those that forms share; a form adds readers of its own to READERS.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from actions.heard import Heard, SomethingElse, refuse_commands, refuse_other_wishes, says_nothing, token_of
from core.personal_data import TOKEN
from core.settings import Settings
from handoff.fields import PARSERS, FieldFault, find_application_number, parse_reply_channel

SKIPPED = ""

Slots = dict[str, Any]
Reader = Callable[[Heard, Slots, Settings], Slots]

FREE_TEXT = frozenset({"full_name", "problem"})  # almost any text may be an answer
_PERSONAL_WORD = re.compile(r"снилс|телефон|\bтел\b|звонит", re.IGNORECASE)
# «Почты нет»: the other way of reply it is.
_HAS_NONE = {
    "email": re.compile(
        r"\bнету?\s+(?:\w+\s+)?(?:почт|адрес|ящик|e-?mail|имейл)|(?:почт\w*|адрес\w*|ящик\w*|e-?mail|имейл\w*)\s+(?:у меня\s+)?нет",
        re.IGNORECASE,
    ),
    "phone": re.compile(
        r"\bнету?\s+(?:\w+\s+)?(?:телефон|номер|мобильн)|(?:телефон\w*|номер\w*|мобильн\w*)\s+(?:у меня\s+)?нет", re.IGNORECASE
    ),
}


def read_answer(asked: str, heard: Heard, slots: Slots, settings: Settings, readers: Mapping[str, Reader]) -> Slots:
    """Slots to set. Raises FieldFault or SomethingElse."""
    files = {"files": [*(slots.get("files") or []), *heard.files]} if heard.files else {}
    if files and heard.is_button and heard.intent == "inform":
        return files  # files without a word
    free_text = asked in FREE_TEXT
    try:
        refuse_commands(heard, free_text=free_text)
    except SomethingElse:
        if not files or heard.intent in ("request_operator", "cancel", "start_over"):
            raise
    try:
        return files | readers[asked](heard, slots, settings)
    except FieldFault as fault:
        if files:
            return files
        refuse_other_wishes(heard, fault, free_text=asked == "problem")
        raise


def read_consent(heard: Heard, _slots: Slots, settings: Settings) -> Slots:
    try:
        return {"consent": _is_yes("consent", heard, settings)}
    except FieldFault as fault:
        if fault.key != "consent_refused":
            raise
        return {"consent": False}


def read_full_name(heard: Heard, slots: Slots, settings: Settings) -> Slots:
    """A name that does not look like one is asked for once more; who writes the same again has it so."""
    doubted = _doubted("full_name", slots)
    insisted = next((found[0] for found in TOKEN.finditer(heard.text) if found[0] in doubted), None)
    return {"full_name": insisted or token_of("full_name", heard, settings)}


def read_snils(heard: Heard, _slots: Slots, settings: Settings) -> Slots:
    return {"snils": token_of("snils", heard, settings)}


def read_reply_channel(heard: Heard, _slots: Slots, settings: Settings) -> Slots:
    """The address that came along, too."""
    if heard.is_button:
        if heard.chosen not in ("email", "phone"):
            raise FieldFault("reply_channel", "reply_channel_unknown")
        return {"reply_channel": heard.chosen}
    channel = str(parse_reply_channel(heard.plain, settings))
    if any(found[1] == channel for found in TOKEN.finditer(heard.text)):
        return {"reply_channel": channel, channel: token_of(channel, heard, settings)}
    return {"reply_channel": channel}


def read_email(heard: Heard, _slots: Slots, settings: Settings) -> Slots:
    return _read_address("email", "phone", heard, settings)


def read_phone(heard: Heard, _slots: Slots, settings: Settings) -> Slots:
    return _read_address("phone", "email", heard, settings)


def read_problem(heard: Heard, slots: Slots, settings: Settings) -> Slots:
    """The text, and the number of the application that it names, unless that is known."""
    PARSERS["problem"](heard.text, settings)
    number = find_application_number(heard.text, settings)  # behind a token there is none
    return {"problem": heard.text} | ({"application_number": number} if number and slots.get("application_number") is None else {})


def read_application_number(heard: Heard, _slots: Slots, settings: Settings) -> Slots:
    """The number; its token where the vault took it for something personal."""
    if heard.is_button or says_nothing(heard):
        return {"application_number": SKIPPED}
    if not TOKEN.search(heard.text):
        return {"application_number": str(PARSERS["application_number"](heard.text, settings))}
    if len(TOKEN.findall(heard.text)) == 1 and not _PERSONAL_WORD.search(heard.text):
        return {"application_number": token_of("application_number", heard, settings)}
    raise FieldFault("application_number", "application_number_personal")


def read_screenshots(heard: Heard, _slots: Slots, _settings: Settings) -> Slots:
    if heard.is_button or says_nothing(heard):
        return {"screenshots": True}
    raise FieldFault("screenshots", "screenshots_missing")


def read_confirmation(heard: Heard, _slots: Slots, settings: Settings) -> Slots:
    return {"confirmation": True} if _is_yes("confirmation", heard, settings) else {"field_to_correct": True}


READERS: Mapping[str, Reader] = {
    "consent": read_consent,
    "full_name": read_full_name,
    "snils": read_snils,
    "reply_channel": read_reply_channel,
    "email": read_email,
    "phone": read_phone,
    "problem": read_problem,
    "application_number": read_application_number,
    "screenshots": read_screenshots,
    "confirmation": read_confirmation,
}


def _is_yes(asked: str, heard: Heard, settings: Settings) -> bool:
    if not heard.is_button:
        return bool(PARSERS[asked](heard.plain, settings))
    if heard.intent == "inform":
        raise FieldFault(asked, f"{asked}_unclear")
    return heard.intent == "affirm"


def _doubted(field: str, slots: Slots) -> str:
    """What was said when the field was asked for before, in vain."""
    asked, text = slots.get("doubted") or (None, "")
    return str(text) if asked == field else ""


def _read_address(asked: str, other: str, heard: Heard, settings: Settings) -> Slots:
    """The e-mail or the phone that was asked for, or the other one after all."""
    try:
        return {asked: token_of(asked, heard, settings)}
    except FieldFault as fault:
        try:
            return {"reply_channel": other, other: token_of(other, heard, settings)}
        except FieldFault:
            if _HAS_NONE[asked].search(heard.text) or _chosen(heard.text, settings) == other:
                return {"reply_channel": other}
            raise fault from None


def _chosen(text: str, settings: Settings) -> str | None:
    try:
        return str(parse_reply_channel(text, settings))
    except FieldFault:
        return None
