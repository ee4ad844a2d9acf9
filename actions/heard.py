"""A citizen's message as a form hears it, and whether it is an answer at all: a command, a question and another wish are not."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rasa_sdk import Tracker

from actions.guard import conversation_id
from actions.records import records
from core.models import now
from core.personal_data import TOKEN, resolve
from core.settings import Settings
from handoff.appeal_numbers import read_number
from handoff.fields import PARSERS, FieldFault
from handoff.fields.writing import is_cyrillic, words_of
from knowledge_base.words import morphology

# What leads away from a form, to be handled by its own rule; the form asks again afterwards.
_COMMANDS = frozenset({"request_operator", "cancel", "start_over"})
_OTHER_WISHES = frozenset(
    {
        "ask_abilities",
        "ask_official_address",
        "ask_question",
        "bot_challenge",
        "check_appeal_status",
        "erase_personal_data",
        "export_personal_data",
        "escalate_higher",
        "express_anger",
        "goodbye",
        "greet",
        "repeat_appeal",
        "request_expedite",
        "thank",
    }
)
_SMALL_TALK = frozenset({"greet", "goodbye", "thank", "bot_challenge", "affirm"})
_CHANGED_MIND = frozenset({"передумал", "передумала", "передумали", "хотел", "хотела", "надоело", "устал", "устала", "решил", "решила"})
_SURE = 0.5
_SMALL_TALK_WORDS = 4
_COMMAND_WORDS = 6  # a longer text about an operator or a cancelling is a story, not a command
_QUESTION_WORDS = 12
_NUMBER_WORDS = 12  # words; a longer message tells more than a number
_ASKS = re.compile(
    r"\?\s*$|^\s*(?:а |и |но )?(?:зачем|почему|для чего|как |как(?:ой|ие|ую|ая) |что |где |куда |кто |кому |сколько |можно ли)",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"^\W*$|\b(?:нет|нету|неа|ничего|не знаю|не помню|не было|не подава\w*|не относится|не надо|не нужн\w*"
    r"|не буду|не могу|не хочу|не скажу|не указ\w*|пропус\w*|пропущ\w*"
    r"|без (?:номера|него|скрин\w*|файл\w*)|дальше|далее|готово|вс[её]|хватит)\b",
    re.IGNORECASE,
)
_NOTHING_WORDS = 6
# Faults of a text that does not even look like the field.
_NO_TRY = ("_missing", "_unclear", "_unknown", "_unlike", "_one_word", "_short")


class SomethingElse(Exception):
    """The message is no answer to the field: a question, a command, small talk."""


@dataclass(frozen=True)
class Heard:
    """``values``: token → value; ``files``: ids of the message's attachments; ``at``: when it was said."""

    text: str
    intent: str
    confidence: float
    entities: dict[str, Any] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    conversation_id: str = ""
    at: datetime = field(default_factory=now)

    @property
    def is_button(self) -> bool:
        return self.text.startswith("/")  # the gateway sends no typed text that does

    @property
    def plain(self) -> str:
        """As it was written."""
        return resolve(self.text, self.values, masked=False)

    @property
    def is_small_talk(self) -> bool:
        """«Спасибо», «добрый день»: no field may be filled with it."""
        short = len(self.text.split()) <= _SMALL_TALK_WORDS
        return not self.is_button and short and self.intent in _SMALL_TALK and self.confidence >= _SURE

    @property
    def is_other_wish(self) -> bool:
        return not self.is_button and self.intent in _OTHER_WISHES | _COMMANDS and self.confidence >= _SURE

    @property
    def chosen(self) -> Any:
        """The value that a pressed button stands for, or None."""
        return self.entities.get("value") if self.is_button else None


def hear(tracker: Tracker) -> Heard:
    """The latest message, with what the vault and the desk's files hold of it. From a worker thread."""
    message = tracker.latest_message
    text = str(message.get("text") or "")
    intent = message.get("intent") or {}
    message_id = (message.get("metadata") or {}).get("message_id")
    values, files = records().behind(conversation_id(tracker), text, message_id)
    return Heard(
        text=text,
        intent=str(intent.get("name")),
        confidence=float(intent.get("confidence") or 0),
        entities={entity["entity"]: entity["value"] for entity in message.get("entities") or []},
        values=values,
        files=files,
        conversation_id=conversation_id(tracker),
    )


def refuse_commands(heard: Heard, *, free_text: bool) -> None:
    """Raises SomethingElse for commands, and for questions where the field takes any text: no field may swallow one."""
    if heard.is_button:
        if heard.intent not in ("affirm", "deny", "inform"):
            raise SomethingElse
        return
    words = len(heard.text.split())
    is_command = heard.intent in _COMMANDS and heard.confidence >= _SURE and words <= _COMMAND_WORDS
    if free_text and _tells(heard.text):
        is_command = False  # «звонила оператору», «перезагружал»
    if free_text and not TOKEN.fullmatch(heard.text.strip()):
        asks = bool(_ASKS.search(heard.text)) and words <= _QUESTION_WORDS and heard.text.strip().endswith("?")
        if is_command or asks:
            raise SomethingElse
    elif is_command and not TOKEN.search(heard.text):
        raise SomethingElse


def _tells(text: str) -> bool:
    """Whether somebody tells what they did or what happened."""
    words = [word for word in words_of(text) if word not in _CHANGED_MIND and all(map(is_cyrillic, word))]
    return any({"VERB", "past"} <= set(morphology().parse(word)[0].tag.grammemes) for word in words)


def is_a_try(fault: FieldFault) -> bool:
    """Whether what was written is the field, written wrongly."""
    return not fault.key.endswith(_NO_TRY)


def refuse_other_wishes(heard: Heard, fault: FieldFault, *, free_text: bool = False) -> None:
    """Raises SomethingElse if what could not be read as the field was no try at it; else the fault stands."""
    if is_a_try(fault) or heard.is_button or TOKEN.search(heard.text):
        return
    if _ASKS.search(heard.text) or (heard.is_other_wish and not free_text):
        raise SomethingElse


def says_nothing(heard: Heard) -> bool:
    """«Нет», «не знаю», «пропустить», or the button that says so: an optional field is left empty."""
    text = heard.text.strip()
    if heard.is_button:
        return heard.intent == "deny"
    is_skipped = heard.intent == "skip" and heard.confidence >= _SURE
    return not re.search(r"\d", text) and len(text.split()) <= _NOTHING_WORDS and (is_skipped or bool(_NOTHING.search(text)))


def token_of(name: str, heard: Heard, settings: Settings) -> str:
    """The token that holds the field's value, checked in full: what is personal is behind one, or it is not an answer. FieldFault."""
    faults: list[FieldFault] = []
    for found in TOKEN.finditer(heard.text):
        try:
            PARSERS[name](heard.values.get(found[0], ""), settings)
        except FieldFault as fault:
            faults.append(fault)
        else:
            return found[0]
    raise faults[0] if faults else FieldFault(name, f"{name}_missing")


def names_an_appeal(heard: Heard, known: Settings) -> bool:
    """Whether a short message is about an appeal by its number, well typed or not."""
    if heard.is_button or len(heard.text.split()) > _NUMBER_WORDS:
        return False
    try:
        return read_number(heard.plain, known) is not None
    except FieldFault:
        return True
