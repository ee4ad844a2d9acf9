"""What a citizen's message means to the field that the form has asked for: values to keep, a fault, or something else altogether."""

import re
from dataclasses import dataclass, field
from typing import Any

from core.personal_data import TOKEN, resolve
from core.settings import Settings
from handoff.fields import PARSERS, FieldFault, find_application_number, parse_reply_channel

SKIPPED = ""

# What leads away from the form, to be handled by its own rule; the form asks again afterwards.
_COMMANDS = frozenset({"request_operator", "cancel", "start_over"})
_OTHER_WISHES = frozenset(
    {
        "ask_question",
        "bot_challenge",
        "check_appeal_status",
        "erase_personal_data",
        "escalate_higher",
        "goodbye",
        "greet",
        "out_of_scope",
        "repeat_appeal",
        "request_expedite",
        "thank",
    }
)
_SURE = 0.5
_COMMAND_WORDS = 6  # a longer text about an operator or a cancelling is a story, not a command
_QUESTION_WORDS = 12
_ASKS = re.compile(
    r"\?\s*$|^\s*(?:а |и |но )?(?:зачем|почему|для чего|как |как(?:ой|ие|ую|ая) |что |где |куда |кто |кому |сколько |можно ли)",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"^\W*(?:нет|нету|не знаю|не помню|не было|пропуст\w*|пропуска\w*|без (?:номера|него|скрин\w*|файл\w*)"
    r"|дальше|далее|готово|вс[её]|хватит"
    r"|не(?:т|чего| могу| буду| хочу) (?:номера|скрин\w*|файл\w*|прилож\w*|прикреп\w*))\b[\w\s]{0,20}\W*$",
    re.IGNORECASE,
)
# Faults of a text that does not even look like the field.
_NO_TRY = ("_missing", "_unclear", "_unknown", "_unlike", "_one_word", "_short")
# A field → what people call it.
_NAMES_OF_FIELDS = {
    "full_name": r"\bим[яе]|фио|фамил|отчеств",
    "snils": r"снилс",
    "problem": r"описан|проблем|текст|случилось|суть",
    "application_number": r"заявлен|заявк|номер",
    "screenshots": r"скрин|снимк|файл|картин|фото|вложен",
    "reply_channel": r"почт|адрес|e-?mail|имейл|телефон|способ|ответ|связ",
}


class SomethingElse(Exception):
    """The message is no answer to the field: a question, a command, small talk."""


@dataclass(frozen=True)
class Heard:
    """A citizen's message. ``values``: token → value; ``files``: ids of its attachments."""

    text: str
    intent: str
    confidence: float
    entities: dict[str, Any] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    @property
    def is_button(self) -> bool:
        return self.text.startswith("/")  # the gateway sends no typed text that does

    @property
    def plain(self) -> str:
        """As it was written."""
        return resolve(self.text, self.values, masked=False)


def read_answer(asked: str, heard: Heard, slots: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Slots to set. Raises FieldFault or SomethingElse."""
    if heard.is_button and heard.intent not in ("affirm", "deny", "inform"):
        raise SomethingElse
    files = {"files": [*(slots.get("files") or []), *heard.files]} if heard.files else {}
    if heard.files and heard.intent == "inform" and heard.is_button:
        return files  # files without a word
    if _leads_away(asked, heard):
        raise SomethingElse
    try:
        return files | _read_field(asked, heard, slots, settings)
    except FieldFault as fault:
        if files:
            return files
        if fault.key.endswith(_NO_TRY) and _is_other_wish(asked, heard):
            raise SomethingElse from None
        raise


def _read_field(asked: str, heard: Heard, slots: dict[str, Any], settings: Settings) -> dict[str, Any]:
    match asked:
        case "full_name" | "snils" | "email" | "phone":
            return {asked: _token_of(asked, heard, settings)}
        case "consent" | "confirmation":
            return _read_yes_or_no(asked, heard, settings)
        case "reply_channel":
            return _read_reply_channel(heard, settings)
        case "problem":
            PARSERS["problem"](heard.plain, settings)
            number = find_application_number(heard.plain, settings)
            known = slots.get("application_number")
            return {"problem": heard.text} | ({"application_number": number} if number and known is None else {})
        case "application_number":
            if heard.is_button or _NOTHING.match(heard.text):
                return {asked: SKIPPED}
            return {asked: PARSERS[asked](heard.plain, settings)}
        case "screenshots":
            if heard.is_button or _NOTHING.match(heard.text):
                return {asked: True}
            raise FieldFault(asked, "screenshots_missing")
        case _:
            return _read_field_to_correct(heard)


def _token_of(asked: str, heard: Heard, settings: Settings) -> str:
    """The token that holds the value, checked in full. What is personal is behind one, or it is not an answer."""
    tokens = [found[0] for found in TOKEN.finditer(heard.text) if found[0] in heard.values]
    if not tokens:
        raise FieldFault(asked, f"{asked}_missing")
    if len(tokens) == 1:
        PARSERS[asked](heard.values[tokens[0]] if asked == "full_name" else heard.plain, settings)
        return tokens[0]
    PARSERS[asked](heard.plain, settings)  # of several numbers the parser knows which one is meant, or says that it does not
    for token in tokens:
        try:
            PARSERS[asked](heard.values[token], settings)
        except FieldFault:
            continue
        return token
    raise FieldFault(asked, f"{asked}_missing")


def _read_yes_or_no(asked: str, heard: Heard, settings: Settings) -> dict[str, Any]:
    if heard.is_button:
        if heard.intent == "inform":
            raise FieldFault(asked, f"{asked}_unclear")
        agreed = heard.intent == "affirm"
    else:
        try:
            agreed = PARSERS[asked](heard.plain, settings)
        except FieldFault as fault:
            if fault.key != "consent_refused":
                raise
            agreed = False
    if asked == "confirmation":
        return {"confirmation": True} if agreed else {"field_to_correct": True}
    return {"consent": agreed}


def _read_reply_channel(heard: Heard, settings: Settings) -> dict[str, Any]:
    if heard.is_button:
        value = heard.entities.get("value")
        if value not in ("email", "phone"):
            raise FieldFault("reply_channel", "reply_channel_unknown")
        return {"reply_channel": value}
    channel = str(parse_reply_channel(heard.plain, settings))
    if any(found[1] == channel for found in TOKEN.finditer(heard.text)):  # the address came along
        return {"reply_channel": channel, channel: _token_of(channel, heard, settings)}
    return {"reply_channel": channel}


def _read_field_to_correct(heard: Heard) -> dict[str, Any]:
    """Empties the field; it is asked for next."""
    wanted = heard.entities.get("value") if heard.is_button else None
    if wanted is None:
        text = heard.text.lower()
        wanted = next((name for name, words in _NAMES_OF_FIELDS.items() if re.search(words, text)), None)
    if wanted not in _NAMES_OF_FIELDS:
        raise FieldFault("field_to_correct", "field_to_correct_unknown")
    emptied: dict[str, Any] = {wanted: None, "field_to_correct": None}
    if wanted == "reply_channel":
        emptied |= {"email": None, "phone": None}
    if wanted == "screenshots":
        emptied["files"] = None
    return emptied


def _leads_away(asked: str, heard: Heard) -> bool:
    """Commands and questions are recognised before the field is read: no field that takes free text may swallow one."""
    if heard.is_button:
        return False
    words = len(heard.text.split())
    is_command = heard.intent in _COMMANDS and heard.confidence >= _SURE and words <= _COMMAND_WORDS
    if asked in ("full_name", "problem") and not TOKEN.fullmatch(heard.text.strip()):
        return is_command or (bool(_ASKS.search(heard.text)) and words <= _QUESTION_WORDS and heard.text.strip().endswith("?"))
    return is_command and not TOKEN.search(heard.text)


def _is_other_wish(asked: str, heard: Heard) -> bool:
    """Whether what could not be read as the field is something else, and not the field written wrongly."""
    if heard.is_button or TOKEN.search(heard.text):
        return False
    if _ASKS.search(heard.text):
        return True
    return asked != "problem" and heard.intent in _OTHER_WISHES | _COMMANDS and heard.confidence >= _SURE
