"""What a citizen's pictures say: the error message on them is searched for, and its article offered. Never waited for long."""

import asyncio
import re
import time
from dataclasses import dataclass

import structlog
from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.answer_question import find, show, suggest
from actions.buttons import article_button
from actions.guard import Events, conversation_id
from actions.records import records
from core.models import Reading
from core.settings import settings
from core.words import say
from knowledge_base.error_messages import find_error, shorten
from knowledge_base.index import Stored
from knowledge_base.search import Result

OFFERED = "article_offered"  # the slot: once a form is enough
_LOOK_SECONDS = 0.1
_QUOTED_CHARACTERS = 120
_MARKS = re.compile(r"[{}\[\]«»]")  # would mean something in a text of ours

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Finding:
    """An error message with what the search has about it."""

    error: str
    result: Result
    articles: list[Stored | None]  # of the first hits

    @property
    def quoted(self) -> str:
        return shorten(_MARKS.sub("", self.error), _QUOTED_CHARACTERS).rstrip(".")


async def answer_files(dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
    """Files without a word, or a button that nobody asked for: the error message on a picture is answered, if there is one."""
    message_id = (tracker.latest_message.get("metadata") or {}).get("message_id")
    files = await records().files(message_id) if message_id else []
    finding = await find_article(files, settings().screenshot_wait_seconds)
    if finding is None:
        dispatcher.utter_message(response="utter_read")
        return []
    result, slugs = finding.result, [hit.slug for hit in finding.result.hits]
    log.info("screenshot_searched", conversation_id=conversation_id(tracker), outcome=result.outcome)
    if result.outcome == "none":
        dispatcher.utter_message(response="utter_screenshot_unknown", error=finding.quoted)
        return []
    dispatcher.utter_message(text=say("screenshot_error", error=finding.quoted))  # what follows is the same message
    if result.outcome == "answer":
        return show(dispatcher, tracker, finding.articles[0], slugs, result.hits[0].confidence)
    return suggest(dispatcher, "utter_suggestions", finding.articles, slugs)


async def offer_article(dispatcher: CollectingDispatcher, tracker: Tracker, wait_seconds: float = 0) -> Events:
    """Says before a form's question which article answers the error on a picture, with its button; once a form, and only when sure."""
    files = list(tracker.get_slot("files") or [])
    if not files or tracker.get_slot(OFFERED):
        return []
    finding = await find_article(files, wait_seconds)
    if finding is None or finding.result.outcome != "answer":
        return []
    best = finding.result.hits[0]
    log.info("screenshot_article_offered", conversation_id=conversation_id(tracker), article=best.slug)
    words = say("screenshot_article", error=finding.quoted, title=best.title)
    dispatcher.utter_message(text=words, buttons=[article_button(best.slug, best.title)])  # the question that follows is the same message
    return [SlotSet(OFFERED, True)]


async def find_article(files: list[str], wait_seconds: float) -> Finding | None:
    """Of the pictures among ``files``, the newest one with an error message that the search is sure of; else the newest with any."""
    unsure: Finding | None = None
    for text in await _texts(files, wait_seconds):
        error = find_error(text)
        if error is None:
            continue
        finding = Finding(error, *await asyncio.to_thread(find, error))
        if finding.result.outcome == "answer":
            return finding
        unsure = unsure or finding
    return unsure


async def _texts(files: list[str], wait_seconds: float) -> list[str]:
    """What is known of the pictures once all are read, or when the time is over."""
    deadline = time.monotonic() + wait_seconds
    while True:
        readings = await records().readings(files)
        is_over = time.monotonic() >= deadline
        if is_over or all(reading.state != Reading.ASKED for reading in readings):
            return [reading.text for reading in reversed(readings) if reading.text]
        await asyncio.sleep(_LOOK_SECONDS)
