"""What a citizen's message means to the field that the form has asked for: values to keep, a fault, or something else altogether."""

import re
from dataclasses import dataclass, field
from typing import Any

from core.personal_data import TOKEN, resolve
from core.settings import Settings
from handoff.fields import PARSERS, FieldFault, find_application_number, parse_reply_channel

SKIPPED = ""
NOTHING = "nothing"

# What leads away from the form, to be handled by its own rule; the form asks again afterwards.
_COMMANDS = frozenset({"request_operator", "cancel", "start_over"})
_OTHER_WISHES = frozenset(
    {
        "ask_question",
        "bot_challenge",
        "check_appeal_status",
        "erase_personal_data",
        "export_personal_data",
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
    r"^\W*$|\b(?:нет|нету|неа|ничего|не знаю|не помню|не было|не подава\w*|не относится|не надо|не нужн\w*"
    r"|не буду|не могу|не хочу|пропус\w*|без (?:номера|него|скрин\w*|файл\w*)|дальше|далее|готово|вс[её]|хватит)\b",
    re.IGNORECASE,
)
_NOTHING_WORDS = 6
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
# Faults of a text that does not even look like the field.
_NO_TRY = ("_missing", "_unclear", "_unknown", "_unlike", "_one_word", "_short")
# A field → what people call it.
_NAMES_OF_FIELDS = {
    "full_name": r"\bим(?:я|ени|ене)\b|фио|фамил|отчеств",
    "snils": r"снилс",
    "reply_channel": r"почт|адрес|e-?mail|имейл|телефон|способ|ответ|связ",
    "problem": r"описан|проблем|текст|случилось|суть",
    "application_number": r"заявлен|заявк|номер",
    "screenshots": r"скрин|снимк|файл|картин|фото|вложен",
}
_NOTHING_TO_CORRECT = re.compile(r"ничего|вс[её] (?:верно|правильно|хорошо|так)|отправ|назад|\bнет\b|передумал")


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
    if _leads_away(asked, heard) and not (files and heard.intent not in _COMMANDS):
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
        case "full_name":
            return {asked: _read_name(heard, slots, settings)}
        case "snils":
            return {asked: _token_of(asked, heard, settings)}
        case "email" | "phone":
            return _read_address(asked, heard, settings)
        case "consent" | "confirmation":
            return _read_yes_or_no(asked, heard, settings)
        case "reply_channel":
            return _read_reply_channel(heard, settings)
        case "problem":
            PARSERS["problem"](heard.text, settings)
            number = find_application_number(heard.text, settings)  # behind a token there is none
            known = slots.get("application_number")
            return {"problem": heard.text} | ({"application_number": number} if number and known is None else {})
        case "application_number":
            if heard.is_button or _is_nothing(heard):
                return {asked: SKIPPED}
            return {asked: _read_application_number(heard, settings)}
        case "screenshots":
            if heard.is_button or _is_nothing(heard):
                return {asked: True}
            raise FieldFault(asked, "screenshots_missing")
        case _:
            return _read_field_to_correct(heard)


def _token_of(asked: str, heard: Heard, settings: Settings) -> str:
    """The token that holds the value, checked in full. What is personal is behind one, or it is not an answer."""
    faults: list[FieldFault] = []
    for found in TOKEN.finditer(heard.text):
        try:
            PARSERS[asked](heard.values.get(found[0], ""), settings)
        except FieldFault as fault:
            faults.append(fault)
        else:
            return found[0]
    raise faults[0] if faults else FieldFault(asked, f"{asked}_missing")


def _read_address(asked: str, heard: Heard, settings: Settings) -> dict[str, Any]:
    """The e-mail or the phone that was asked for, or the other one after all."""
    other = "phone" if asked == "email" else "email"
    try:
        return {asked: _token_of(asked, heard, settings)}
    except FieldFault as fault:
        try:
            return {"reply_channel": other, other: _token_of(other, heard, settings)}
        except FieldFault:
            if _HAS_NONE[asked].search(heard.text) or _chosen(heard.text, settings) == other:
                return {"reply_channel": other}
            raise fault from None


def _chosen(text: str, settings: Settings) -> str | None:
    try:
        return str(parse_reply_channel(text, settings))
    except FieldFault:
        return None


def _read_application_number(heard: Heard, settings: Settings) -> str:
    """The number; its token where the vault took it for something personal."""
    if not TOKEN.search(heard.text):
        return str(PARSERS["application_number"](heard.text, settings))
    if len(TOKEN.findall(heard.text)) == 1 and not _PERSONAL_WORD.search(heard.text):
        return _token_of("application_number", heard, settings)
    raise FieldFault("application_number", "application_number_personal")


def _read_name(heard: Heard, slots: dict[str, Any], settings: Settings) -> str:
    """A name that does not look like one is asked for once more; who writes the same again has it so."""
    insisted = next((found[0] for found in TOKEN.finditer(heard.text) if found[0] == slots.get("doubted_name")), None)
    return insisted or _token_of("full_name", heard, settings)


def _is_nothing(heard: Heard) -> bool:
    text = heard.text.strip()
    return not re.search(r"\d", text) and len(text.split()) <= _NOTHING_WORDS and bool(_NOTHING.search(text))


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
    """Empties the field, which is asked for next; nothing to correct leads back to the confirmation."""
    wanted = heard.entities.get("value") if heard.is_button else None
    text = heard.text.lower()
    if wanted is None and not heard.is_button:
        wanted = next((name for name, words in _NAMES_OF_FIELDS.items() if re.search(words, text)), None)
        if wanted is None and _NOTHING_TO_CORRECT.search(text):
            wanted = NOTHING
    if wanted == NOTHING:
        return {"field_to_correct": None}
    if wanted not in _NAMES_OF_FIELDS:
        raise FieldFault("field_to_correct", "field_to_correct_unknown")
    emptied: dict[str, Any] = {wanted: None, "field_to_correct": None}
    if wanted == "reply_channel":
        emptied |= {"email": None, "phone": None}
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
