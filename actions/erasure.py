"""What a citizen may do with their data: have them erased, withdraw the consent, have them sent. Explained first, done after a yes.

The question that stands is in the slot ``offered``; actions/handoff.py hands a yes or a no to it over to here.
"""

from rasa_sdk import Tracker
from rasa_sdk.events import ActiveLoop, AllSlotsReset, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.guard import Events, GuardedAction, conversation_id, form_of
from actions.records import Standing, records
from core.words import say
from handoff import data_requests
from handoff.data_requests import ERASE, WITHDRAW

QUESTIONS = frozenset({ERASE, WITHDRAW})


class ErasePersonalData(GuardedAction):
    """Says what erasing or withdrawing means and asks; a wish repeated as an answer is a yes."""

    def name(self) -> str:
        return "action_erase_personal_data"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        text = str(tracker.latest_message.get("text") or "")
        asked = tracker.get_slot("offered")
        if asked in QUESTIONS and data_requests.is_yes(asked, text):
            return do(dispatcher, asked)
        standing = await records().standing(conversation_id(tracker))
        wish = data_requests.named(text) or ERASE
        if wish == WITHDRAW and not standing.has_consent:
            dispatcher.utter_message(response="utter_no_consent")
            return [SlotSet("offered", "nothing")]
        return _ask(dispatcher, tracker, wish, standing)


class ExportPersonalData(GuardedAction):
    """Asks the gateway for the citizen's data; they come as a file a little later."""

    def name(self) -> str:
        return "action_export_personal_data"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:  # noqa: ARG002
        dispatcher.utter_message(json_message={"do": "export", "fields": {}})
        return [SlotSet("offered", "nothing")]


def _ask(dispatcher: CollectingDispatcher, tracker: Tracker, wish: str, standing: Standing) -> Events:
    in_form = form_of(tracker) is not None
    if in_form:  # a yes would be taken for an answer to the form's question
        dispatcher.utter_message(json_message={"do": "drop_draft", "fields": {}})
    dispatcher.utter_message(response=f"utter_explain_{wish}", appeals=_appeals(wish, standing.open_appeals, in_form=in_form))
    return [AllSlotsReset(), *([ActiveLoop(None)] if in_form else []), SlotSet("offered", wish)]


def _appeals(wish: str, numbers: list[str], *, in_form: bool) -> str:
    """What becomes of the appeals, as a paragraph of its own."""
    words = data_requests.appeals_words(numbers, number_stays=wish == ERASE) if numbers or not in_form else ""
    return f"{words} {say('data_request_form')}".strip() if in_form else words


def do(dispatcher: CollectingDispatcher, asked: str) -> Events:
    """A yes."""
    dispatcher.utter_message(json_message={"do": asked, "fields": {}})
    return [AllSlotsReset(), ActiveLoop(None)]


def leave_be(dispatcher: CollectingDispatcher, asked: str) -> Events:
    """A no."""
    dispatcher.utter_message(response=f"utter_keep_{asked}")
    return [SlotSet("offered", None)]
