"""The way to a person: asked for, or offered and accepted. The gateway carries the handoff out and tells the citizen about it."""

from rasa_sdk import Tracker
from rasa_sdk.events import ActiveLoop, AllSlotsReset, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import erasure
from actions.answer_question import mark_answer
from actions.guard import Events, GuardedAction

# What an offer may have been made for; the slot's other value, "nothing", is no offer.
REASONS = frozenset({"no_answer", "citizen_asked"})


class HandOver(GuardedAction):
    """Asks the gateway for the handoff, with the reason of the offer that stands, if one does."""

    def name(self) -> str:
        return "action_hand_over"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        return hand_over(dispatcher, offered(tracker) or "citizen_asked")


class AcceptOffer(GuardedAction):
    """A yes: what was asked about the citizen's data, the handoff when a person was offered last, else a question back."""

    def name(self) -> str:
        return "action_accept_offer"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        asked = tracker.get_slot("offered")
        if asked in erasure.QUESTIONS:
            return erasure.do(dispatcher, asked)
        reason = offered(tracker)
        if reason is not None:
            return hand_over(dispatcher, reason)
        dispatcher.utter_message(response="utter_ask_question")
        return [SlotSet("offered", None)]


class DeclineOffer(GuardedAction):
    """A no: accepted as it is when a person was offered last, else a question back."""

    def name(self) -> str:
        return "action_decline_offer"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        asked = tracker.get_slot("offered")
        if asked in erasure.QUESTIONS:
            return erasure.leave_be(dispatcher, asked)
        dispatcher.utter_message(response="utter_declined" if offered(tracker) else "utter_ask_question")
        return [SlotSet("offered", None)]


class Forget(GuardedAction):
    """After an answer that helped: has that counted, and forgets what was found and offered. A form that is under way goes on."""

    def name(self) -> str:
        return "action_forget"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:  # noqa: ARG002
        mark_answer(dispatcher, helpful=True)
        return [SlotSet(name, None) for name in ("offered", "candidates", "misses")]


def offered(tracker: Tracker) -> str | None:
    """Why a person was offered in the bot's last message, or None."""
    reason = tracker.get_slot("offered")
    return reason if reason in REASONS else None


def hand_over(dispatcher: CollectingDispatcher, reason: str) -> Events:
    dispatcher.utter_message(json_message={"do": "hand_over", "fields": {"reason": reason}})
    return [AllSlotsReset(), ActiveLoop(None)]
