"""Answers from the knowledge base: a question, a button of an article, and what comes after «Не помогло»."""

import asyncio
import re

import structlog
from rasa_sdk import Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.buttons import HELPFUL, NONE_OF_THESE, OPERATOR, UNHELPFUL, article_button
from actions.guard import Events, GuardedAction, conversation_id
from actions.heard import hear, names_an_appeal
from actions.knowledge import knowledge
from core.settings import settings
from knowledge_base.index import Stored
from knowledge_base.search import SUGGESTIONS, Hit, Result

# Two misses in a row are enough: the next try is a person's.
MISSES_BEFORE_PERSON = 2

_DIGIT = re.compile(r"\d")  # in every number, behind a token or not

CHOSEN = 1.0  # the score of an article that a button named

log = structlog.get_logger(__name__)


class AnswerQuestion(GuardedAction):
    """The answer, up to three suggestions, or the offer of a person."""

    def name(self) -> str:
        return "action_answer_question"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        chosen = next(tracker.get_latest_entity_values("article"), None)
        if chosen is not None:
            (article,) = await asyncio.to_thread(read, [str(chosen)])
            return show(dispatcher, tracker, article, candidates(tracker))
        text = str(tracker.latest_message.get("text") or "")
        if _DIGIT.search(text) and names_an_appeal(await asyncio.to_thread(hear, tracker), settings()):
            return [FollowupAction("action_begin_status_form")]
        found, articles = await asyncio.to_thread(find, text)
        off_topic = tracker.latest_message.get("intent", {}).get("name") == "out_of_scope"
        log.info("question_searched", conversation_id=conversation_id(tracker), outcome=found.outcome, off_topic=off_topic)
        slugs = [hit.slug for hit in found.hits]
        if found.outcome == "answer":
            return show(dispatcher, tracker, articles[0], slugs, found.hits[0].confidence)
        if found.outcome == "suggestions":
            events = suggest(dispatcher, "utter_suggestions", articles, slugs)
            keep_question(dispatcher, "suggestions", found.hits)
            return events
        # The search knows better than the classifier what is off topic; that only chooses the words of finding nothing.
        events = offer_person(dispatcher, tracker, "utter_out_of_scope" if off_topic else "utter_no_answer")
        keep_question(dispatcher, "off_topic" if off_topic else "no_answer", found.hits)
        return events


class SuggestOthers(GuardedAction):
    """After an answer that did not help: the next best articles, or a person."""

    def name(self) -> str:
        return "action_suggest_others"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        if not candidates(tracker) or misses(tracker) + 1 >= MISSES_BEFORE_PERSON:
            events = offer_person(dispatcher, tracker, "utter_nothing_helps")
        else:
            articles = await asyncio.to_thread(read, candidates(tracker)[:SUGGESTIONS])
            suggested = suggest(dispatcher, "utter_other_suggestions", articles, candidates(tracker))
            events = [*suggested, SlotSet("misses", misses(tracker) + 1)]
        mark_answer(dispatcher, helpful=False)
        return events


def find(text: str) -> tuple[Result, list[Stored | None]]:
    """What the search says, and the articles of the first hits: in one thread, for to go over to one takes as long as to read ten."""
    result = knowledge().search(text)
    return result, read([hit.slug for hit in result.hits[:SUGGESTIONS]])


def read(slugs: list[str]) -> list[Stored | None]:
    """The articles, None for one that is there no longer. In a thread: the index may have to be opened anew."""
    return [knowledge().article(slug) for slug in slugs]


def show(
    dispatcher: CollectingDispatcher, tracker: Tracker, article: Stored | None, found: list[str], score: float | None = None
) -> Events:
    """Utters the article and keeps the others that were found. ``score``: None where a button named the article."""
    if article is None:  # a button that is older than the article's removal
        return offer_person(dispatcher, tracker)
    dispatcher.utter_message(
        text=f"{article.title}\n\n{article.text}",
        buttons=[HELPFUL, UNHELPFUL, OPERATOR],
        json_message={"kind": "answer", "article": article.slug, "score": CHOSEN if score is None else round(score, 3)},
    )
    if score is None:
        dispatcher.utter_message(json_message={"do": "drop_question"})
    return [SlotSet("offered", None), SlotSet("candidates", [other for other in found if other != article.slug])]


def suggest(dispatcher: CollectingDispatcher, response: str, articles: list[Stored | None], slugs: list[str]) -> Events:
    """Utters the articles of the first slugs as buttons; what is shown is not suggested again."""
    dispatcher.utter_message(
        response=response,
        buttons=[*(article_button(a.slug, a.title) for a in articles if a), NONE_OF_THESE, OPERATOR],
        json_message={"kind": "suggestions", "articles": [a.slug for a in articles if a]},
    )
    return [SlotSet("offered", None), SlotSet("candidates", slugs[SUGGESTIONS:])]


def offer_person(dispatcher: CollectingDispatcher, tracker: Tracker, response: str = "utter_no_answer") -> Events:
    """Offers a person; after as many misses in a row as are enough, an appeal as well."""
    is_enough = misses(tracker) + 1 >= MISSES_BEFORE_PERSON
    dispatcher.utter_message(response="utter_nothing_helps" if is_enough else response)
    is_asked = is_enough or response != "utter_out_of_scope"  # what is off topic shows the button without asking
    offered = "no_answer" if is_asked else None
    return [SlotSet("offered", offered), SlotSet("candidates", None), SlotSet("misses", misses(tracker) + 1)]


def keep_question(dispatcher: CollectingDispatcher, outcome: str, hits: list[Hit]) -> None:
    """Asks the gateway to keep the question for the editors. An answer that the search was sure of is kept only once it did not help."""
    found = [{"slug": hit.slug, "confidence": round(hit.confidence, 3)} for hit in hits[:SUGGESTIONS]]
    dispatcher.utter_message(json_message={"do": "keep_question", "fields": {"outcome": outcome, "articles": found}})


def mark_answer(dispatcher: CollectingDispatcher, *, helpful: bool) -> None:
    """Asks the gateway to count the citizen's mark for the answer that they mean."""
    dispatcher.utter_message(json_message={"do": "mark_answer", "fields": {"helpful": helpful}})


def candidates(tracker: Tracker) -> list[str]:
    return list(tracker.get_slot("candidates") or [])


def misses(tracker: Tracker) -> int:
    return int(tracker.get_slot("misses") or 0)
