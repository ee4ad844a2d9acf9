"""What an answer means to the field that a form has asked for: slots to set, a fault, or something else altogether.

The fields here are those that forms share; a form adds readers of its own to READERS.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from actions.heard import Heard, SomethingElse, refuse_commands, refuse_other_wishes, says_nothing, token_of
from core.models import AppealKind
from core.personal_data import TOKEN
from core.settings import Settings
from handoff.fields import PARSERS, FieldFault, parse_occurred_at, parse_reply_channel, recognise_urgency, says_yes
from handoff.fields.writing import LETTER

SKIPPED = ""

Slots = dict[str, Any]
Reader = Callable[[Heard, Slots, Settings], Slots]

FREE_TEXT = frozenset({"full_name", "problem", "service_category", "tried"})  # almost any text may be an answer
_LIKE_A_PROBLEM = frozenset({"ask_question", "express_anger"})  # as a few words of one are understood
_MOST_CHARACTERS = 200  # of a time that is kept as written
_DID = re.compile(r"проб|дела|переза|обнов|чист|меня|зван|звон|писал|заход|входил", re.IGNORECASE)
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
    """A name that does not look like one is asked for once more; who writes the same again, or says yes to it, has it so."""
    doubted = [found[0] for found in TOKEN.finditer(_doubted("full_name", slots))]
    if len(doubted) == 1 and (heard.intent == "affirm" if heard.is_button else says_yes(heard.text)):
        return {"full_name": doubted[0]}
    insisted = next((found[0] for found in TOKEN.finditer(heard.text) if found[0] in doubted), None)
    return {"full_name": insisted or token_of("full_name", heard, settings)}


def read_snils(heard: Heard, _slots: Slots, settings: Settings) -> Slots:
    return {"snils": token_of("snils", heard, settings)}


def read_birth_date(heard: Heard, _slots: Slots, settings: Settings) -> Slots:
    if says_nothing(heard):
        return {"birth_date": SKIPPED}
    return {"birth_date": token_of("birth_date", heard, settings)}


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
    """The text. What is too vague is asked for in detail once, and then taken with it. An outage or blocked access makes it urgent."""
    text = heard.text
    try:
        PARSERS["problem"](text, settings)
    except FieldFault as fault:
        vague = _doubted("problem", slots)
        is_something_else = heard.is_small_talk or (heard.is_other_wish and heard.intent not in _LIKE_A_PROBLEM)
        if fault.key != "problem_short" or not vague or is_something_else or text.rstrip().endswith("?"):
            raise
        text = vague if vague == text else f"{vague.rstrip('. ')}. {text}"
    urgent = slots.get("category") in (AppealKind.SIMPLE, AppealKind.COMPLEX) and recognise_urgency(text)
    return {"problem": text} | ({"category": str(AppealKind.URGENT)} if urgent else {})


def read_category(heard: Heard, _slots: Slots, settings: Settings) -> Slots:
    if heard.is_button:
        if heard.chosen not in set(AppealKind):
            raise FieldFault("category", "category_unknown")
        return {"category": str(heard.chosen)}
    return {"category": str(PARSERS["category"](heard.text, settings))}


def read_occurred_at(heard: Heard, slots: Slots, settings: Settings) -> Slots:
    """The days and hours in words, shown back by the summary. What is no date is asked for once more, and then kept as written."""
    if heard.is_button or says_nothing(heard):
        return {"occurred_at": SKIPPED}
    try:
        return {"occurred_at": parse_occurred_at(heard.text, settings, now=heard.at).in_words()}
    except FieldFault as fault:
        if heard.is_small_talk or not _doubted("occurred_at", slots) or heard.text.rstrip().endswith("?"):
            raise
        refuse_other_wishes(heard, fault, free_text=True)
        return {"occurred_at": heard.text.strip()[:_MOST_CHARACTERS]}


def read_tried(heard: Heard, _slots: Slots, _settings: Settings) -> Slots:
    if heard.is_button or (says_nothing(heard) and not _DID.search(heard.text)):
        return {"tried": SKIPPED}
    if heard.is_small_talk or not re.search(rf"{LETTER}{{2}}", TOKEN.sub(" ", heard.text)):
        raise FieldFault("tried", "tried_missing")
    return {"tried": heard.text.strip()}


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
    """A no asks what is to be corrected."""
    return {"confirmation": True} if _is_yes("confirmation", heard, settings) else {"field_to_correct": True}


READERS: Mapping[str, Reader] = {
    "consent": read_consent,
    "full_name": read_full_name,
    "snils": read_snils,
    "birth_date": read_birth_date,
    "reply_channel": read_reply_channel,
    "email": read_email,
    "phone": read_phone,
    "category": read_category,
    "problem": read_problem,
    "application_number": read_application_number,
    "occurred_at": read_occurred_at,
    "tried": read_tried,
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
