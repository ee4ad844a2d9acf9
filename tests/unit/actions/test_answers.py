"""What the actions answer, over a real index, with the tracker and dispatcher of rasa-sdk."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import answer_question, guard
from actions.answer_question import AnswerQuestion, SuggestOthers
from actions.guard import GuardedAction
from actions.handoff import AcceptOffer, DeclineOffer, Forget, HandOver
from knowledge_base.search import Result, Search

Say = Callable[..., Tracker]
QUESTION = "как восстановить пароль если забыл"
GIBBERISH = "ыфваолдж щшзщх"
UNHELPFUL = {"do": "mark_answer", "fields": {"helpful": False}}


@pytest.fixture(scope="session")
def search(shipped_index: Path) -> Search:
    return Search(shipped_index)


@pytest.fixture(autouse=True)
def _knowledge(search: Search, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(answer_question, "knowledge", lambda: search)
    yield


@pytest.fixture
def say() -> Say:
    """``say(text, intent, slots, article=slug)``: the tracker of that message."""

    def make(text: str = "", intent: str = "ask_question", slots: dict[str, Any] | None = None, article: str | None = None) -> Tracker:
        entities = [] if article is None else [{"entity": "article", "value": article}]
        return Tracker.from_dict(
            {
                "sender_id": "0198-abc-3",
                "slots": {"offered": None, "candidates": None, "misses": None, **(slots or {})},
                "latest_message": {"text": text, "intent": {"name": intent, "confidence": 0.9}, "entities": entities},
                "events": [],
                "paused": False,
            }
        )

    return make


async def turn(action: GuardedAction, tracker: Tracker) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What is said, then what is asked of the gateway, and the slots as they are after the turn."""
    dispatcher = CollectingDispatcher()
    events = await action.run(dispatcher, tracker, {})
    slots = dict(tracker.slots)
    for event in events:
        if event["event"] == "reset_slots":
            slots = dict.fromkeys(slots)
        elif event["event"] == "slot":
            slots[event["name"]] = event["value"]
    return dispatcher.messages, slots


async def test_a_plain_question_is_answered_with_its_article(say: Say) -> None:
    [message], slots = await turn(AnswerQuestion(), say(QUESTION))
    assert message["custom"]["kind"] == "answer"
    assert message["custom"]["article"] == "login-forgot-password"
    assert 0 < message["custom"]["score"] <= 1
    assert [button["payload"] for button in message["buttons"]] == ["/rate_helpful", "/rate_unhelpful", "/request_operator"]
    assert "login-forgot-password" not in slots["candidates"]
    assert slots["offered"] is None


async def test_what_is_not_known_leads_to_a_person(say: Say) -> None:
    [message, kept], slots = await turn(AnswerQuestion(), say(GIBBERISH, "nlu_fallback"))
    assert message["response"] == "utter_no_answer"
    assert (slots["offered"], slots["misses"]) == ("no_answer", 1)
    assert kept["custom"]["do"] == "keep_question"
    assert kept["custom"]["fields"]["outcome"] == "no_answer"
    assert len(kept["custom"]["fields"]["articles"]) <= 3


async def test_off_topic_is_told_what_is_done_here(say: Say) -> None:
    [message, kept], slots = await turn(AnswerQuestion(), say(GIBBERISH, "out_of_scope", {"offered": "no_answer"}))
    assert message["response"] == "utter_out_of_scope"
    assert slots["offered"] is None
    assert kept["custom"]["fields"]["outcome"] == "off_topic"


async def test_a_sure_answer_is_given_even_when_taken_for_off_topic(say: Say) -> None:
    [message], _ = await turn(AnswerQuestion(), say("Забыли пароль: как восстановить доступ", "out_of_scope"))
    assert message["custom"]["article"] == "login-forgot-password"


async def test_near_articles_are_suggested_even_when_taken_for_off_topic(say: Say) -> None:
    [message, _], _ = await turn(AnswerQuestion(), say("пароль", "out_of_scope"))
    assert message["custom"]["kind"] == "suggestions"


async def test_a_button_shows_its_article_and_keeps_the_others(say: Say) -> None:
    tracker = say(article="change-password", slots={"candidates": ["change-phone", "change-password"]})
    [message, dropped], slots = await turn(AnswerQuestion(), tracker)
    assert dropped["custom"] == {"do": "drop_question"}
    assert message["custom"] == {"kind": "answer", "article": "change-password", "score": 1.0}
    assert slots["candidates"] == ["change-phone"]


async def test_a_button_of_a_removed_article_leads_to_a_person(say: Say) -> None:
    [message], slots = await turn(AnswerQuestion(), say(article="gone"))
    assert message["response"] == "utter_no_answer"
    assert slots["offered"] == "no_answer"


async def test_after_a_miss_the_next_best_are_suggested_then_a_person(say: Say) -> None:
    _, slots = await turn(AnswerQuestion(), say(QUESTION))
    [message, marked], slots = await turn(SuggestOthers(), say(intent="rate_unhelpful", slots=slots))
    assert marked["custom"] == UNHELPFUL
    shown = message["custom"]["articles"]
    assert message["custom"]["kind"] == "suggestions"
    assert 0 < len(shown) <= 3
    assert "login-forgot-password" not in shown
    assert not set(shown) & set(slots["candidates"])
    [message, marked], slots = await turn(SuggestOthers(), say(intent="rate_unhelpful", slots=slots))
    assert message["response"] == "utter_nothing_helps" and marked["custom"] == UNHELPFUL
    assert slots["offered"] == "no_answer"


async def test_suggestions_are_buttons_with_a_way_out(say: Say, search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    hits = search.search(QUESTION).hits
    monkeypatch.setattr(Search, "search", lambda *_: Result("suggestions", hits))
    [message, kept], _ = await turn(AnswerQuestion(), say("пароль"))
    assert kept["custom"]["fields"]["outcome"] == "suggestions"
    assert [article["slug"] for article in kept["custom"]["fields"]["articles"]] == [hit.slug for hit in hits[:3]]
    titles = [button["title"] for button in message["buttons"]]
    assert titles == [*(hit.title for hit in hits[:3]), "Ничего из этого", "Позвать оператора"]
    assert message["buttons"][0]["payload"] == f'/ask_question{{"article": "{hits[0].slug}"}}'


@pytest.mark.parametrize("reason", ["no_answer", "citizen_asked"])
async def test_yes_to_an_offer_hands_over_for_its_reason(say: Say, reason: str) -> None:
    [message], slots = await turn(AcceptOffer(), say("да", "affirm", {"offered": reason, "misses": 2}))
    assert message["custom"] == {"do": "hand_over", "fields": {"reason": reason}}
    assert message["text"] is None
    assert slots == {"offered": None, "candidates": None, "misses": None}


@pytest.mark.parametrize("offered", [None, "nothing"])
async def test_yes_and_no_without_an_offer_ask_back(say: Say, offered: str | None) -> None:
    for action in (AcceptOffer(), DeclineOffer()):
        [message], _ = await turn(action, say("да", "affirm", {"offered": offered}))
        assert message["response"] == "utter_ask_question"


async def test_no_to_an_offer_is_accepted_and_forgets_it(say: Say) -> None:
    [message], slots = await turn(DeclineOffer(), say("нет", "deny", {"offered": "no_answer"}))
    assert message["response"] == "utter_declined"
    assert slots["offered"] is None


@pytest.mark.parametrize(("offered", "reason"), [(None, "citizen_asked"), ("nothing", "citizen_asked"), ("no_answer", "no_answer")])
async def test_asking_for_a_person_hands_over(say: Say, offered: str | None, reason: str) -> None:
    [message], _ = await turn(HandOver(), say("оператор", "request_operator", {"offered": offered}))
    assert message["custom"] == {"do": "hand_over", "fields": {"reason": reason}}


async def test_what_helped_is_counted_and_forgotten(say: Say) -> None:
    [marked], slots = await turn(Forget(), say(slots={"offered": "no_answer", "candidates": ["a"], "misses": 1}))
    assert marked["custom"] == {"do": "mark_answer", "fields": {"helpful": True}} and marked["text"] is None
    assert set(slots.values()) == {None}


async def test_a_failure_is_an_apology_and_keeps_the_words_out_of_the_log(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: Search, text: str) -> Result:
        raise RuntimeError(text)

    monkeypatch.setattr(Search, "search", fail)
    with structlog.testing.capture_logs() as logs:
        [message], slots = await turn(AnswerQuestion(), say("личные слова"))
    assert message["response"] == "utter_apology"
    assert slots["offered"] == "no_answer"
    [entry] = [entry for entry in logs if entry["event"] == "action_failed"]
    assert (entry["conversation_id"], entry["error"]) == ("0198-abc", "RuntimeError")
    assert "личные" not in str(logs)


async def test_a_slow_search_is_an_apology_within_the_limit(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "TIME_LIMIT", 0.05)
    monkeypatch.setattr(Search, "search", lambda *_: time.sleep(0.5))
    began = time.monotonic()
    [message], _ = await turn(AnswerQuestion(), say(QUESTION))
    assert message["response"] == "utter_apology"
    assert time.monotonic() - began < 0.4
