"""Whole conversations with the real engine: each way ends in an answer, or at a person."""

from typing import Any

import pytest

from tests.stack import Citizen


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    return [message["meta"]["kind"] for message in messages]


def titles(messages: list[dict[str, Any]]) -> list[str]:
    return [button["title"] for message in messages for button in message["buttons"]]


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("не приходит смс с кодом", "login-code-not-coming"),
        ("забыл пароль что делать", "login-forgot-password"),
        ("как подать обращение в поддержку", "create-appeal"),
        ("сколько ждать ответа на обращение", "deadlines"),
        ("мне позвонили и попросили код из смс", "fraud-calls"),
    ],
)
def test_a_typical_question_is_answered_at_once(citizen: Citizen, question: str, article: str) -> None:
    answers = citizen.say(question)
    assert kinds(answers) == ["answer"]
    assert answers[0]["meta"]["article"] == article
    assert 0 < answers[0]["meta"]["score"] <= 1
    assert "[[" not in answers[0]["text"]
    assert {"Помогло", "Не помогло", "Позвать оператора"} <= set(titles(answers))


def test_helpful(citizen: Citizen) -> None:
    citizen.say("не приходит смс с кодом")
    assert kinds(citizen.press("Помогло")) == ["smalltalk"]
    assert citizen.mode == "bot"


def test_unhelpful_leads_to_others_and_then_to_a_person(citizen: Citizen) -> None:
    first = citizen.say("не приходит смс с кодом")[0]["meta"]["article"]
    others = citizen.press("Не помогло")
    assert kinds(others) == ["suggestions"]
    assert first not in others[0]["meta"]["articles"]
    assert 1 <= len(others[0]["meta"]["articles"]) <= 3
    offered = citizen.press("Ничего из этого")
    assert "Позвать оператора" in titles(offered)
    assert kinds(citizen.say("да")) == ["handoff"]
    assert citizen.mode == "queued"


def test_a_suggestion_is_chosen_by_its_button(citizen: Citizen) -> None:
    others = citizen.say("не приходит смс с кодом") and citizen.press("Не помогло")
    chosen = citizen.press(others[0]["buttons"][1]["title"])
    assert kinds(chosen) == ["answer"]
    assert chosen[0]["meta"]["article"] == others[0]["meta"]["articles"][1]


def test_a_declined_offer_leaves_the_bot_in_charge(citizen: Citizen) -> None:
    assert "Позвать оператора" in titles(citizen.say("asdf qwer zxcv"))
    assert kinds(citizen.say("нет")) == ["smalltalk"]
    assert citizen.mode == "bot"


def test_off_topic_is_told_apart(citizen: Citizen) -> None:
    answers = citizen.say("какая завтра погода")
    assert kinds(answers) == ["no_answer"]
    assert "Позвать оператора" in titles(answers)


def test_after_two_misses_in_a_row_a_person_and_an_appeal_are_offered(citizen: Citizen) -> None:
    assert "Подать обращение" not in titles(citizen.say("asdf qwer zxcv"))
    offered = citizen.say("йцук фыва ячсм")
    assert {"Позвать оператора", "Подать обращение"} <= set(titles(offered))
    assert citizen.press("Подать обращение")[-1]["expects"] == "consent"


@pytest.mark.parametrize("text", ["привет", "спасибо", "до свидания", "ты бот или человек", "отмена", "давай начнём сначала"])
def test_small_talk(citizen: Citizen, text: str) -> None:
    answers = citizen.say(text)
    assert kinds(answers) == ["smalltalk"]
    assert citizen.mode == "bot"


@pytest.mark.parametrize("words", ["позовите оператора", "хочу поговорить с живым человеком", "надоел бот, дайте специалиста"])
def test_a_person_is_always_reachable(citizen: Citizen, words: str) -> None:
    handoff = citizen.say(words)
    assert kinds(handoff) == ["handoff"]
    assert handoff[0]["meta"]["appeal_number"].startswith("ОБ-")
    assert handoff[0]["meta"]["queue_position"] >= 1
    assert citizen.say("жду") == []


def test_personal_data_reach_the_engine_as_tokens_only(citizen: Citizen) -> None:
    citizen.say("мой снилс 112-233-445 95, почта zinaida.testova@example.org, телефон +7 916 555-44-33")
    citizen.say("не приходит смс с кодом")
    for file in citizen.stack.data_dir.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            for needle in ("zinaida.testova", "112-233-445", "11223344595", "555-44-33", "5554433"):
                assert needle.encode() not in content, file


def test_a_long_conversation_begins_new_episodes_unseen(citizen: Citizen) -> None:
    for number in range(45):
        assert kinds(citizen.say("привет" if number % 2 else "не приходит смс с кодом")) == ["smalltalk" if number % 2 else "answer"]
