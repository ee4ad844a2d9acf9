"""What is with an appeal: told to who shows that it is theirs, as the status page tells it; the conversation's own without more."""

import asyncio
from datetime import UTC, datetime

from rasa_sdk import Tracker
from rasa_sdk.events import FollowupAction
from rasa_sdk.executor import CollectingDispatcher
from sqlalchemy.orm import Session

from actions.appeal_lookup import lookup
from actions.buttons import OPERATOR, Button
from actions.forms import Slots
from actions.guard import Events, GuardedAction, conversation_id, form_of
from actions.heard import Heard, hear, names_an_appeal
from actions.known_appeal import NUMBER, PROOF, AskNumber, BeginForm, EndForm, KnownAppealForm, about
from actions.screenshot_answers import answer_files
from core.models import FINISHED, Appeal
from core.settings import Settings, settings
from handoff.appeal_numbers import read_number
from handoff.appeal_status import Status, status_of

FORM = "status_form"
ALL = "all"  # in place of a number: all of the conversation's own
_MOST = 5


class ValidateStatusForm(KnownAppealForm):
    """Asks for the number and its proof, unless the conversation has appeals and none is named."""

    form = FORM
    beginnings = frozenset({"check_appeal_status"})

    def settle(self, heard: Heard, found: Slots) -> Slots:  # noqa: ARG002
        return {}

    def begin(self, heard: Heard, slots: Slots, known: Settings) -> Slots:
        if heard.chosen is None and read_number(heard.plain, known) is None and lookup().own(heard.conversation_id):
            return {NUMBER: ALL, PROOF: ""}
        return super().begin(heard, slots, known)


class BeginStatusForm(BeginForm):
    form = FORM

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        """In the middle of another form what needs no question is told at once."""
        under_way = form_of(tracker)
        if under_way in (None, FORM) or not tell(dispatcher, conversation_id(tracker), ALL, None):
            return await super().answer(dispatcher, tracker)
        return []


class ReadData(GuardedAction):
    """Data that nobody asked for: an appeal's number is a question about it, pictures may hold an error message."""

    def name(self) -> str:
        return "action_read_data"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        if names_an_appeal(await asyncio.to_thread(hear, tracker), settings()):
            return [FollowupAction(f"action_begin_{FORM}")]
        return await answer_files(dispatcher, tracker)


class AskStatusNumber(AskNumber):
    form = FORM


class EndStatusForm(EndForm):
    form = FORM

    def finish(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        if not tell(dispatcher, conversation_id(tracker), str(tracker.get_slot(NUMBER)), tracker.get_slot(PROOF)):
            dispatcher.utter_message(response="utter_apology")
        return []


def tell(dispatcher: CollectingDispatcher, conversation: str, number: str, token: str | None) -> bool:
    """Utters the status; whether there was one to tell."""
    numbers = lookup().own(conversation)[:_MOST] if number == ALL else [number]
    found = [status for each in numbers if (status := lookup().look(conversation, each, token, _status)) is not None]
    if not found:
        return False
    text = found[0].told if len(found) == 1 else "\n\n".join(status.told_briefly for status in found)
    dispatcher.utter_message(text=text, buttons=[*ways_on(found), OPERATOR], json_message={"kind": "status"})
    return True


def ways_on(found: list[Status]) -> list[Button]:
    """What may be asked for next: of the newest appeal that something can be asked of."""
    status = found[0]
    if status.is_withdrawn:
        return []
    if status.is_overdue or status.status in FINISHED:
        again = about("Подать повторное обращение", "repeat_appeal", status.number)
        return [again, about("Передать выше", "escalate_higher", status.number)]
    return [about("Попросить ускорить", "request_expedite", status.number)]


def _status(session: Session, appeal: Appeal) -> Status:
    return status_of(session, appeal, datetime.now(UTC))
