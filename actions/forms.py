"""What all forms share: a form asks for one field after another until there is nothing left to ask.

Rasa's form loop calls ``validate_<form>`` at each message. A message that is no answer makes it reject, and the rule of its intent
runs: the question is answered, the person called, and the form asks again. Personal data is in the slots as tokens only.

A form is a subclass of Form in actions/, and in domain.yml: the form itself, a slot for each field, ``utter_ask_<field>`` or
``action_ask_<field>`` (``utter_ask_<form>_<field>`` where another form asks otherwise), ``utter_cancel_<form>`` and
``utter_start_over_<form>``; in rules.yml what begins it, and the action that ends it.
"""

import asyncio
from abc import abstractmethod
from typing import Any, ClassVar

from rasa_sdk import Tracker
from rasa_sdk.events import ActiveLoop, AllSlotsReset, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.guard import Events, GuardedAction
from actions.heard import Heard, SomethingElse, hear
from core.settings import Settings, settings
from handoff.fields import FieldFault

REQUESTED = "requested_slot"
DOUBTED = "doubted"  # the slot of what was asked for again: [field, text]; some fields take it when it is said once more
FORM = "form"  # under this name a draft says whose it is

Slots = dict[str, Any]


class Form(GuardedAction):
    """Reads the answer to the field asked for, and says which comes next."""

    form: ClassVar[str]  # its name in domain.yml
    slots: ClassVar[tuple[str, ...]]  # all that it keeps
    beginnings: ClassVar[frozenset[str]]  # intents that lead into it

    def name(self) -> str:
        return f"validate_{self.form}"

    @abstractmethod
    def begin(self, heard: Heard, slots: Slots, known: Settings) -> Slots:
        """Slots to set by the message that begins the form."""

    @abstractmethod
    def read(self, asked: str, heard: Heard, slots: Slots, known: Settings) -> Slots:
        """Slots to set by an answer. Raises FieldFault or SomethingElse."""

    @abstractmethod
    def next_field(self, slots: Slots) -> str | None:
        """The field to be asked for, None when the form is over."""

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        slots = {name: tracker.get_slot(name) for name in self.slots}
        asked = tracker.get_slot(REQUESTED)
        if asked is None or self._begins_now(tracker):
            return self._go_on(dispatcher, slots, await asyncio.to_thread(self.begin, await hear(tracker), slots, settings()))
        if not _is_answered_now(tracker):
            return [SlotSet(REQUESTED, asked)]  # back from something else: the field is asked for again
        heard = await hear(tracker)
        try:
            found = await asyncio.to_thread(self.read, asked, heard, {**slots, DOUBTED: tracker.get_slot(DOUBTED)}, settings())
        except SomethingElse:
            # Who is in the form already is not led into it once more.
            return [SlotSet(asked, None), SlotSet(REQUESTED, asked)] if heard.intent in self.beginnings else []
        except FieldFault as fault:
            dispatcher.utter_message(text=fault.words)  # the question that follows is the same message
            return [SlotSet(asked, None), SlotSet(DOUBTED, [asked, heard.text]), SlotSet(REQUESTED, asked)]
        return self._go_on(dispatcher, slots, found)

    def _go_on(self, dispatcher: CollectingDispatcher, slots: Slots, found: Slots) -> Events:
        if found.get("consent") and not slots.get("consent"):
            dispatcher.utter_message(json_message={"do": "record_consent", "fields": {}})
        after = {**slots, **found}
        following = self.next_field(after)
        dispatcher.utter_message(json_message={"do": "keep_draft", "fields": {FORM: self.form, **after, REQUESTED: following}})
        return [*(SlotSet(name, value) for name, value in found.items()), SlotSet(DOUBTED, None), SlotSet(REQUESTED, following)]

    def _begins_now(self, tracker: Tracker) -> bool:
        """Also while the slot of the field asked for is still another form's."""
        for event in reversed(tracker.events):
            if event["event"] in ("user", "active_loop"):
                return bool(event["event"] == "active_loop" and event["name"] == self.form)
        return False

    def after_failure(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        super().after_failure(dispatcher, tracker)
        first = self.next_field(dict.fromkeys(self.slots))
        return [SlotSet(REQUESTED, tracker.get_slot(REQUESTED) or first), SlotSet("offered", "no_answer")]


def leave(dispatcher: CollectingDispatcher, tracker: Tracker, response: str) -> Events:
    """Forgets the form, if one is under way, and all that was found and offered. ``response``: what is said outside of forms."""
    form = (tracker.active_loop or {}).get("name")
    if form:
        dispatcher.utter_message(json_message={"do": "drop_draft", "fields": {}})
    dispatcher.utter_message(response=f"{response}_{form}" if form else response)
    return [AllSlotsReset(), ActiveLoop(None)]


def _is_answered_now(tracker: Tracker) -> bool:
    """Whether nothing was done yet about the latest message. Rasa appends the form's own execution before it asks for validation."""
    done = [event["event"] for event in tracker.events if event["event"] in ("user", "action")]
    return bool(done[-2:-1] == ["user"])
