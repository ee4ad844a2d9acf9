"""A repeat appeal (S16): which one it repeats, what was done since, what is wanted and by when; the appeal form asks for the rest.

Whose the earlier one is the gateway finds out by the SNILS that the appeal form asks for anyway.
"""

from datetime import UTC, date, datetime
from typing import ClassVar

from rasa_sdk import Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import appeal_form
from actions.appeal_lookup import lookup
from actions.buttons import Button
from actions.forms import Slots
from actions.guard import Events, conversation_id
from actions.heard import Heard, says_nothing
from actions.known_appeal import NUMBER, AskNumber, BeginForm, EndForm, KnownAppealForm, read_free_text
from core.settings import Settings
from core.working_time import MOSCOW
from handoff.appeal_numbers import format_number, read_number
from handoff.fields import FieldFault, parse_birth_date

FORM = "repeat_form"
DATE = "first_date"
_SKIPPED = ""
_NOT_KNOWN = Button(title="Не помню", payload="/deny")
_FEWEST_LETTERS = 10


class ValidateRepeatForm(KnownAppealForm):
    form = FORM
    beginnings = frozenset({"repeat_appeal"})
    fields = ("tried", "problem", DATE)
    readers: ClassVar = {"tried": read_free_text("tried", _FEWEST_LETTERS, "tried_since_missing")}

    def settle(self, heard: Heard, found: Slots) -> Slots:  # noqa: ARG002
        return {}

    def begin(self, heard: Heard, slots: Slots, known: Settings) -> Slots:  # noqa: ARG002
        number = heard.chosen or read_number(heard.plain, known)
        if number is not None:
            return {NUMBER: str(number)}
        own = lookup().own(heard.conversation_id)
        return {NUMBER: own[0]} if len(own) == 1 else {}

    def next_field(self, slots: Slots) -> str | None:
        return next((name for name in (NUMBER, "tried", "problem") if slots[name] is None), None)

    def _read_number(self, heard: Heard, slots: Slots, known: Settings) -> Slots:  # noqa: ARG002
        """The number, or the day of the first one, or neither."""
        number = heard.chosen or read_number(heard.plain, known)
        if number is not None:
            return {NUMBER: str(number)}
        day = _day(heard.plain, known)
        if day is not None:
            return {NUMBER: _SKIPPED, DATE: day.isoformat()}
        if says_nothing(heard):
            return {NUMBER: _SKIPPED}
        raise FieldFault(NUMBER, "earlier_appeal_unlike", {"example": format_number(known.appeal_prefix, 2026, 417)})


class BeginRepeatForm(BeginForm):
    form = FORM


class AskEarlierNumber(AskNumber):
    form = FORM
    more = (_NOT_KNOWN,)


class EndRepeatForm(EndForm):
    form = FORM

    def finish(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:  # noqa: ARG002
        """The appeal form goes on."""
        told = {name: tracker.get_slot(name) for name in (NUMBER, DATE, "tried", "problem")}
        known = lookup().told_before(conversation_id(tracker), str(told[NUMBER] or ""))
        slots = {name: value for name, value in {**known, **told}.items() if value is not None}
        return [*(SlotSet(name, value) for name, value in slots.items()), FollowupAction(appeal_form.FORM)]


def _day(text: str, known: Settings) -> date | None:
    """A day in the past: «14.10.2026», «14 октября» of the last one that there was."""
    today = datetime.now(UTC).astimezone(MOSCOW).date()
    for written in (text, f"{text} {today.year}", f"{text} {today.year - 1}"):
        try:
            return parse_birth_date(written, known, today=today)
        except FieldFault:
            continue
    return None
