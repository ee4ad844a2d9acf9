"""The appeal form: what an appeal needs, and how it is sent off. The steps of any form are in actions/forms.py."""

import re

from rasa_sdk import Tracker
from rasa_sdk.events import ActionExecuted, ActiveLoop, AllSlotsReset, SessionStarted, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import forms
from actions.form_answers import READERS, SKIPPED, read_answer
from actions.forms import Form, Slots, leave
from actions.guard import Events, GuardedAction, conversation_id
from actions.heard import Heard
from actions.records import records
from core.settings import Settings
from handoff.fields import FieldFault

FORM = "appeal_form"
# In the order in which they are asked for.
FIELDS = (
    "consent",
    "full_name",
    "snils",
    "reply_channel",
    "email",
    "phone",
    "problem",
    "application_number",
    "screenshots",
    "confirmation",
)
NOTHING = "nothing"  # to be corrected
_KINDS = {"file_complaint": "complaint", "make_suggestion": "suggestion"}
_KIND_WORDS = {"complex": "Обращение", "complaint": "Жалоба", "suggestion": "Предложение"}
_CORRECTIONS = {
    "full_name": "Имя",
    "snils": "СНИЛС",
    "reply_channel": "Способ ответа",
    "problem": "Описание",
    "application_number": "Номер заявления",
    "screenshots": "Приложить ещё файлы",
    NOTHING: "Ничего, всё верно",
}
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
_SUMMARY_CHARACTERS = 600


class ValidateAppealForm(Form):
    """Asks for what an appeal needs."""

    form = FORM
    slots = ("appeal_kind", *FIELDS, "files", "field_to_correct")
    beginnings = frozenset({"file_appeal", *_KINDS})

    def begin(self, heard: Heard, slots: Slots, known: Settings) -> Slots:  # noqa: ARG002
        return {"appeal_kind": _KINDS.get(heard.intent, "complex")}

    def read(self, asked: str, heard: Heard, slots: Slots, known: Settings) -> Slots:
        return read_answer(asked, heard, slots, known, {**READERS, "field_to_correct": read_field_to_correct})

    def next_field(self, slots: Slots) -> str | None:
        if slots["consent"] is False:
            return None
        if slots["field_to_correct"]:
            return "field_to_correct"
        needless = {"email", "phone"} - {slots["reply_channel"]}
        return next((name for name in FIELDS if slots[name] is None and name not in needless), None)


def read_field_to_correct(heard: Heard, _slots: Slots, _settings: Settings) -> Slots:
    """Empties the field, which is asked for next; nothing to correct leads back to the confirmation."""
    wanted = heard.chosen
    text = heard.text.lower()
    if wanted is None and not heard.is_button:
        wanted = next((name for name, words in _NAMES_OF_FIELDS.items() if re.search(words, text)), None)
        if wanted is None and _NOTHING_TO_CORRECT.search(text):
            wanted = NOTHING
    if wanted == NOTHING:
        return {"field_to_correct": None}
    if wanted not in _NAMES_OF_FIELDS:
        raise FieldFault("field_to_correct", "field_to_correct_unknown")
    emptied: Slots = {wanted: None, "field_to_correct": None}
    if wanted == "reply_channel":
        emptied |= {"email": None, "phone": None}
    return emptied


class EndAppealForm(GuardedAction):
    """The form is over: the appeal is registered by the gateway, or there is none for want of consent."""

    def name(self) -> str:
        return "action_end_appeal_form"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        if tracker.get_slot("consent"):
            fields = {name: tracker.get_slot(name) for name in ("appeal_kind", *FIELDS, "files")}
            dispatcher.utter_message(json_message={"do": "register_appeal", "fields": fields})
        else:
            dispatcher.utter_message(json_message={"do": "drop_draft", "fields": {}})
            dispatcher.utter_message(response="utter_consent_refused")
        return [AllSlotsReset(), ActiveLoop(None)]


class Cancel(GuardedAction):
    """A wish to stop."""

    def name(self) -> str:
        return "action_cancel"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        return leave(dispatcher, tracker, "utter_cancel")


class StartOver(GuardedAction):
    """A wish to begin anew."""

    def name(self) -> str:
        return "action_start_over"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        return leave(dispatcher, tracker, "utter_start_over")


class AskScreenshots(GuardedAction):
    """Says how to take a good one, or how many there are."""

    def name(self) -> str:
        return "action_ask_screenshots"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        files = tracker.get_slot("files") or []
        if files:
            dispatcher.utter_message(response="utter_ask_screenshots_more", count=len(files))
        else:
            dispatcher.utter_message(response="utter_ask_screenshots")
        return []


class AskConfirmation(GuardedAction):
    """All that was told, to be looked through."""

    def name(self) -> str:
        return "action_ask_confirmation"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        dispatcher.utter_message(response="utter_ask_confirmation", summary=summary(tracker))
        return []


class AskFieldToCorrect(GuardedAction):
    """A button for each field."""

    def name(self) -> str:
        return "action_ask_field_to_correct"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:  # noqa: ARG002
        buttons = [{"title": title, "payload": f'/inform{{"value": "{name}"}}'} for name, title in _CORRECTIONS.items()]
        dispatcher.utter_message(response="utter_ask_field_to_correct", buttons=buttons)
        return []


class StartSession(GuardedAction):
    """A new episode takes up the form that was under way in the last one."""

    def name(self) -> str:
        return "action_session_start"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:  # noqa: ARG002
        draft = await records().draft(conversation_id(tracker))
        if draft is None:
            return [SessionStarted(), ActionExecuted("action_listen")]
        form = draft.pop(forms.FORM)
        return [SessionStarted(), *map(SlotSet, draft, draft.values()), ActiveLoop(form), ActionExecuted("action_listen")]

    def after_failure(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:  # noqa: ARG002
        # The citizen's message is answered all the same; what the form held they see above.
        return [SessionStarted(), ActionExecuted("action_listen")]


def summary(tracker: Tracker) -> str:
    """The form's contents as lines, with tokens."""
    channel = tracker.get_slot("reply_channel")
    problem = str(tracker.get_slot("problem"))
    number = tracker.get_slot("application_number")
    files = len(tracker.get_slot("files") or [])
    lines = {
        "Вид": _KIND_WORDS[tracker.get_slot("appeal_kind")],
        "Имя": tracker.get_slot("full_name"),
        "СНИЛС": tracker.get_slot("snils"),
        "Ответить": f"письмом на {tracker.get_slot('email')}" if channel == "email" else f"по телефону {tracker.get_slot('phone')}",
        "Что случилось": problem if len(problem) <= _SUMMARY_CHARACTERS else problem[:_SUMMARY_CHARACTERS].rsplit(" ", 1)[0] + "…",
        "Номер заявления": "не указан" if number == SKIPPED else number,
        "Файлы": f"приложено: {files}" if files else "нет",
    }
    return "\n".join(f"{title}: {value}" for title, value in lines.items())
