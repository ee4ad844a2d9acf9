"""The appeal form: asks for what an appeal needs, one field after another, and sends it off. Personal data is in the slots as tokens only.

Rasa's form loop calls ``validate_appeal_form`` at each message. A message that is no answer makes it reject, and the rule of its intent
runs: the question is answered, the person called, and the form asks again.
"""

import asyncio
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import ActionExecuted, ActiveLoop, AllSlotsReset, SessionStarted, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.form_answers import NOTHING, SKIPPED, Heard, SomethingElse, read_answer
from actions.guard import Events, GuardedAction, conversation_id
from actions.records import records
from actions.screenshot_answers import OFFERED, offer_article
from core.settings import settings
from handoff.fields import FieldFault

FORM = "appeal_form"
REQUESTED = "requested_slot"
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
SLOTS = ("appeal_kind", *FIELDS, "files", "field_to_correct", "doubted_name", OFFERED)
_KINDS = {"file_complaint": "complaint", "make_suggestion": "suggestion"}
_BEGINNINGS = frozenset({"file_appeal", *_KINDS})
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
_SUMMARY_CHARACTERS = 600


class ValidateAppealForm(GuardedAction):
    """Reads the answer to the field asked for, and says which comes next."""

    def name(self) -> str:
        return f"validate_{FORM}"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        slots = {name: tracker.get_slot(name) for name in SLOTS}
        asked = tracker.get_slot(REQUESTED)
        if asked is None:
            intent = str(tracker.get_intent_of_latest_message())
            return self._go_on(dispatcher, slots, {"appeal_kind": _KINDS.get(intent, "complex")})
        if not _is_answered_now(tracker):
            return [SlotSet(REQUESTED, asked)]  # back from something else: the field is asked for again
        heard = await _hear(tracker)
        try:
            found = await asyncio.to_thread(read_answer, asked, heard, slots, settings())
        except SomethingElse:
            intent = str(tracker.get_intent_of_latest_message())
            # Who is in the form already is not led into it once more.
            return [SlotSet(asked, None), SlotSet(REQUESTED, asked)] if intent in _BEGINNINGS else []
        except FieldFault as fault:
            dispatcher.utter_message(text=fault.words)  # the question that follows is the same message
            doubted = [SlotSet("doubted_name", next(iter(heard.values), None))] if asked == "full_name" else []
            return [SlotSet(asked, None), *doubted, SlotSet(REQUESTED, asked)]
        if found.get("consent"):
            dispatcher.utter_message(json_message={"do": "record_consent", "fields": {}})
        return self._go_on(dispatcher, slots, found)

    def _go_on(self, dispatcher: CollectingDispatcher, slots: dict[str, Any], found: dict[str, Any]) -> Events:
        after = {**slots, **found}
        following = next_field(after)
        dispatcher.utter_message(json_message={"do": "keep_draft", "fields": {**after, REQUESTED: following}})
        return [*(SlotSet(name, value) for name, value in found.items()), SlotSet(REQUESTED, following)]

    def after_failure(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        super().after_failure(dispatcher, tracker)
        return [SlotSet(REQUESTED, tracker.get_slot(REQUESTED) or FIELDS[0]), SlotSet("offered", "no_answer")]


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
        events = await offer_article(dispatcher, tracker, settings().screenshot_wait_seconds)
        if files:
            dispatcher.utter_message(response="utter_ask_screenshots_more", count=len(files))
        else:
            dispatcher.utter_message(response="utter_ask_screenshots")
        return events


class AskConfirmation(GuardedAction):
    """All that was told, to be looked through."""

    def name(self) -> str:
        return "action_ask_confirmation"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        events = await offer_article(dispatcher, tracker)
        dispatcher.utter_message(response="utter_ask_confirmation", summary=summary(tracker))
        return events


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
        restored = [*(SlotSet(name, value) for name, value in draft.items()), ActiveLoop(FORM)] if draft else []
        return [SessionStarted(), *restored, ActionExecuted("action_listen")]

    def after_failure(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:  # noqa: ARG002
        # The citizen's message is answered all the same; what the form held they see above.
        return [SessionStarted(), ActionExecuted("action_listen")]


def leave(dispatcher: CollectingDispatcher, tracker: Tracker, response: str) -> Events:
    """Forgets the form, if one is under way, and all that was found and offered."""
    in_form = (tracker.active_loop or {}).get("name") == FORM
    if in_form:
        dispatcher.utter_message(json_message={"do": "drop_draft", "fields": {}})
    dispatcher.utter_message(response=f"{response}_form" if in_form else response)
    return [AllSlotsReset(), ActiveLoop(None)]


def next_field(slots: dict[str, Any]) -> str | None:
    """The field to be asked for, None when the form is over."""
    if slots["consent"] is False:
        return None
    if slots["field_to_correct"]:
        return "field_to_correct"
    needless = {"email", "phone"} - {slots["reply_channel"]}
    return next((name for name in FIELDS if slots[name] is None and name not in needless), None)


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


def _is_answered_now(tracker: Tracker) -> bool:
    """Whether nothing was done yet about the latest message. Rasa appends the form's own execution before it asks for validation."""
    done = [event["event"] for event in tracker.events if event["event"] in ("user", "action")]
    return bool(done[-2:-1] == ["user"])


async def _hear(tracker: Tracker) -> Heard:
    message = tracker.latest_message
    text = str(message.get("text") or "")
    intent = message.get("intent") or {}
    return Heard(
        text=text,
        intent=str(intent.get("name")),
        confidence=float(intent.get("confidence") or 0),
        entities={entity["entity"]: entity["value"] for entity in message.get("entities") or []},
        values=await records().values(conversation_id(tracker), text),
        files=await records().files(message["metadata"]["message_id"]) if (message.get("metadata") or {}).get("message_id") else [],
    )
