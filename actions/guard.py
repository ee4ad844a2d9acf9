"""What all actions share: a time limit and an answer to the citizen whatever happens.

Rasa waits 300 s for an action and drops the turn's events when one fails, so neither is left to it.
"""

import asyncio
import traceback
from abc import ABC, abstractmethod
from typing import Any

import structlog
from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

TIME_LIMIT = 5.0  # seconds for one action, the search included

Events = list[dict[str, Any]]
log = structlog.get_logger(__name__)


class GuardedAction(Action, ABC):  # type: ignore[misc]  # rasa-sdk has no types
    """An action that never raises: a failure is logged, and the citizen gets an apology with the offer of a person."""

    @abstractmethod
    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        """Utters through ``dispatcher`` and returns the events (slots) to keep."""

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:  # noqa: ARG002
        try:
            async with asyncio.timeout(TIME_LIMIT):
                return await self.answer(dispatcher, tracker)
        except Exception as error:  # noqa: BLE001  whatever it is, silence would be worse
            # Type and place only: an exception's text may hold what the citizen wrote.
            log.error(
                "action_failed",
                action=self.name(),
                conversation_id=conversation_id(tracker),
                error=type(error).__name__,
                place=place_of(error),
            )
            dispatcher.messages.clear()
            return self.after_failure(dispatcher, tracker)

    def after_failure(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:  # noqa: ARG002
        """What is said instead, and the events to keep."""
        dispatcher.utter_message(response="utter_apology")
        return [SlotSet("offered", "no_answer")]


def place_of(error: Exception) -> str:
    """File and line where it was raised."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{place.filename}:{place.lineno}"


def conversation_id(tracker: Tracker) -> str:
    """The sender without its episode: ``<conversation id>-<episode>``."""
    conversation, _, _episode = tracker.sender_id.rpartition("-")
    return conversation or str(tracker.sender_id)


def form_of(tracker: Tracker) -> str | None:
    """The form that is under way."""
    return (tracker.active_loop or {}).get("name")
