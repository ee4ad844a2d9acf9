"""What all forms share: a form asks for one field after another until there is nothing left to ask.

Rasa's form loop calls ``validate_<form>`` at each message. A message that is no answer makes it reject, and the rule of its intent
runs: the question is answered, the person called, and the form asks again. Personal data is in the slots as tokens only.

A form is a subclass of Form in actions/, and in domain.yml: the form itself, a slot for each field, ``utter_ask_<field>`` or
``action_ask_<field>`` (``utter_ask_<form>_<field>`` where another form asks otherwise), ``utter_cancel_<form>`` and
``utter_start_over_<form>``; in rules.yml what begins it, and the action that ends it.
"""

import asyncio
import re
from abc import abstractmethod
from typing import Any, ClassVar

from rasa_sdk import Tracker
from rasa_sdk.events import ActiveLoop, AllSlotsReset, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.form_answers import FREE_TEXT
from actions.guard import Events, GuardedAction, conversation_id, form_of
from actions.heard import Heard, SomethingElse, hear
from actions.records import records
from core.settings import Settings, settings
from handoff.fields import FieldFault

REQUESTED = "requested_slot"
RESUME = "resume"  # what is asked of somebody who left a form and came back with something else; then the form that they leave
DOUBTED = "doubted"  # the slot of what was asked for again: [field, text]; some fields take it when it is said once more
FORM = "form"  # under this name a draft says whose it is

Slots = dict[str, Any]

_LEFT = "left"
_CONTINUE, _AGAIN = "continue", "again"
_CONTINUES = re.compile(r"(?<![а-я])(?:продолж|да(?![а-я])|давай|дальше|хорошо|ок(?![а-я])|конечно)", re.IGNORECASE)
_BEGINS_AGAIN = re.compile(r"(?<![а-я])(?:заново|сначала|снова|с начала|с нуля)", re.IGNORECASE)
_NEEDLESS = re.compile(r"(?<![а-я])(?:нет(?![а-я])|не (?:надо|нужн|буд|хо)|ненужн|отмен|удали|неактуальн)", re.IGNORECASE)
_MOST_WORDS = 5  # of an answer to whether to go on


class Form(GuardedAction):
    """Reads the answer to the field asked for, and says which comes next."""

    form: ClassVar[str]  # its name in domain.yml
    slots: ClassVar[tuple[str, ...]]  # all that it keeps
    beginnings: ClassVar[frozenset[str]]  # intents that lead into it

    def name(self) -> str:
        return f"validate_{self.form}"

    @abstractmethod
    def begin(self, heard: Heard, slots: Slots, known: Settings) -> Slots:
        """Slots to set by the message that begins the form. FieldFault."""

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
            try:
                found = await asyncio.to_thread(lambda: self.begin(hear(tracker), slots, settings()))
            except FieldFault as fault:  # of what the first message brought along
                events = self._go_on(dispatcher, slots, {})
                dispatcher.utter_message(text=fault.words)
                return events
            return self._go_on(dispatcher, slots, found)
        was_left, heard = await asyncio.to_thread(_listen, tracker)
        if heard is None:
            return [SlotSet(REQUESTED, RESUME if was_left else asked)]  # back from something else: it is asked for again
        read = self._read_resume if asked == RESUME else self.read
        try:
            if was_left and heard.is_other_wish and asked in FREE_TEXT:
                raise SomethingElse  # after a pause a question is one
            found = await asyncio.to_thread(read, asked, heard, {**slots, DOUBTED: tracker.get_slot(DOUBTED)}, settings())
        except SomethingElse:
            # Who is in the form already is not led into it once more.
            return self._ask_again(asked, heard, was_left=was_left) if heard.intent in self.beginnings else []
        except FieldFault as fault:
            if not was_left:
                dispatcher.utter_message(text=fault.words)  # the question that follows is the same message
            return self._ask_again(asked, heard, was_left=was_left)
        if found.get(RESUME) == _LEFT:
            return [SlotSet(RESUME, self.form), SlotSet(REQUESTED, None), FollowupAction("action_cancel")]
        return self._go_on(dispatcher, slots, found)

    def _ask_again(self, asked: str, heard: Heard, *, was_left: bool) -> Events:
        doubted = None if asked == RESUME or heard.is_button else [asked, heard.text]
        return [SlotSet(asked, None), SlotSet(DOUBTED, doubted), SlotSet(REQUESTED, RESUME if was_left else asked)]

    def _read_resume(self, _asked: str, heard: Heard, slots: Slots, known: Settings) -> Slots:
        """Go on, begin again, leave; or the answer to what was asked before the pause."""
        short = len(heard.text.split()) <= _MOST_WORDS and not heard.is_button
        if heard.chosen == _AGAIN or (short and _BEGINS_AGAIN.search(heard.text)):
            return {name: None for name in self.slots if name != "consent"}
        if heard.chosen == _CONTINUE or (short and _CONTINUES.match(heard.text.strip())):
            return {RESUME: None}
        if short and _NEEDLESS.match(heard.text.strip()):
            return {RESUME: _LEFT}
        before = self.next_field(slots)
        try:
            return self.read(str(before), heard, slots, known)
        except FieldFault:
            raise FieldFault(RESUME, "resume_unclear") from None

    def _go_on(self, dispatcher: CollectingDispatcher, slots: Slots, found: Slots) -> Events:
        if found.get("consent") and not slots.get("consent"):
            dispatcher.utter_message(json_message={"do": "record_consent", "fields": {}})
        after = {**slots, **found}
        following = self.next_field(after)
        dispatcher.utter_message(json_message={"do": "keep_draft", "fields": {FORM: self.form, **after, REQUESTED: following}})
        return [*map(SlotSet, found, found.values()), SlotSet(RESUME, None), SlotSet(DOUBTED, None), SlotSet(REQUESTED, following)]

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
    form = form_of(tracker) or tracker.get_slot(RESUME)
    if form:
        dispatcher.utter_message(json_message={"do": "drop_draft", "fields": {}})
    dispatcher.utter_message(response=f"{response}_{form}" if form else response)
    return [AllSlotsReset(), ActiveLoop(None), FollowupAction("action_listen")]


def _listen(tracker: Tracker) -> tuple[bool, Heard | None]:
    """Whether the form was left, and its answer, if there is one."""
    was_left = records().draft_is_left(conversation_id(tracker))
    return was_left, hear(tracker) if _is_answered_now(tracker) else None


def _is_answered_now(tracker: Tracker) -> bool:
    """Whether nothing was done yet about the latest message. Rasa appends the form's own execution before it asks for validation."""
    done = [event["event"] for event in tracker.events if event["event"] in ("user", "action")]
    return bool(done[-2:-1] == ["user"])
