"""The appeal form with the real engine: every field wrong once, digressions at every field, and an appeal at the end."""

import io
import os
import signal
from typing import Any

import pytest
from PIL import Image

from tests.data.personas import ANNA, PYOTR
from tests.stack import Citizen, OperatorClient

PROBLEM = "Не могу войти в личный кабинет: после ввода кода страница белая"
# What brings the form to a field, from its beginning: (the field asked for, what is said).
WAY = [
    ("consent", "да"),
    ("full_name", ANNA.full_name),
    ("snils", ANNA.snils),
    ("reply_channel", "на почту"),
    ("email", ANNA.email),
    ("problem", PROBLEM),
    ("application_number", "пропустить"),
    ("screenshots", "нет"),
    ("confirmation", "да"),
]
FIELDS = [field for field, _ in WAY]


def expects(messages: list[dict[str, Any]]) -> str | None:
    return messages[-1]["expects"] if messages else None


def begin(citizen: Citizen, wish: str = "хочу подать обращение") -> list[dict[str, Any]]:
    return citizen.say(wish)


def go_to(citizen: Citizen, field: str) -> list[dict[str, Any]]:
    """Answers everything before ``field``; the messages that ask for it."""
    asked = begin(citizen)
    for name, answer in WAY[: FIELDS.index(field)]:
        assert expects(asked) == name, asked
        asked = citizen.say(answer)
    assert expects(asked) == field, asked
    return asked


def picture() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(content, "PNG")
    return content.getvalue()


def test_an_appeal_is_registered(citizen: Citizen, operator: OperatorClient) -> None:
    summary = go_to(citizen, "confirmation")[-1]["text"]
    for value in (ANNA.full_name, ANNA.snils, ANNA.email, PROBLEM):
        assert value in summary
    (registered,) = citizen.say("да")
    meta = registered["meta"]
    assert meta["kind"] == "appeal_registered"
    assert meta["appeal_number"] in registered["text"]
    assert meta["access_code"] in registered["text"]
    assert citizen.mode == "bot"
    (appeal,) = citizen.http.get(f"{citizen.path}/appeals").json()["appeals"]
    assert (appeal["number"], appeal["kind"], appeal["access_code"]) == (meta["appeal_number"], "complex", meta["access_code"])
    listed = next(item for item in operator.queue() if item["conversation_id"] == citizen.id)
    assert (listed["appeal_number"], listed["mode"]) == (meta["appeal_number"], "bot")
    seen = operator.transcript(citizen.id)
    assert seen["fields"]["full_name"] == "Лебедева А. С."
    assert seen["fields"]["snils"].endswith("45 95")
    assert seen["fields"]["email"] == "a***@example.com"
    assert meta["access_code"] not in str(seen)
    assert ANNA.snils not in str(seen)
    value = operator.call(citizen.id, "reveal", {"field": "full_name", "reason": "звонок"}).json()["value"]
    assert value == ANNA.full_name


@pytest.mark.parametrize(("wish", "kind"), [("хочу подать жалобу", "complaint"), ("хочу внести предложение", "suggestion")])
def test_complaints_and_suggestions_go_the_same_way(citizen: Citizen, wish: str, kind: str) -> None:
    asked = begin(citizen, wish)
    for name, answer in WAY:
        assert expects(asked) == name
        asked = citizen.say(answer)
    assert asked[-1]["meta"]["kind"] == "appeal_registered"
    assert citizen.http.get(f"{citizen.path}/appeals").json()["appeals"][0]["kind"] == kind


def test_every_field_wrong_once(citizen: Citizen) -> None:
    begin(citizen)
    for field, wrong, words, right in [
        ("consent", "может быть", "«да» или «нет»", "согласен"),
        ("full_name", "Анна", "хотя бы фамилия и имя", "лебедева анна сергеевна"),
        ("snils", "112-233-445 9", "11 цифр", None),
        ("snils", "112-233-445 9О", "буквы", None),
        ("snils", "112-233-445 96", "Контрольное число", "11223344595"),
        ("reply_channel", "в телеграм", "В мессенджер", "по телефону"),
        ("phone", "+7 921 555", "не хватает цифр", ANNA.phone),
        ("problem", "не работает", "подробнее", PROBLEM),
        ("application_number", "№ 12", "не похоже", "заявление 1234567890123"),
        ("screenshots", "сейчас поищу", "Приложите картинку", "нет"),
        ("confirmation", "наверное", "«да», если всё верно", "да"),
    ]:
        told = citizen.say(wrong)
        assert expects(told) == field, (wrong, told)
        assert words in told[-1]["text"], (wrong, told)
        if right:
            told = citizen.say(right)
    assert told[-1]["meta"]["kind"] == "appeal_registered"
    assert "позвоним" in told[-1]["text"]


@pytest.mark.parametrize("field", FIELDS)
def test_a_question_a_person_and_a_cancel_work_at_every_field(citizen: Citizen, field: str) -> None:
    go_to(citizen, field)
    answered = citizen.say("как восстановить пароль от личного кабинета?")
    assert [message["meta"]["kind"] for message in answered] == ["answer", "form"]
    assert expects(answered) == field
    polite = citizen.say("спасибо")
    assert expects(polite) == field, polite
    cancelled = citizen.say("отмена")
    assert [message["expects"] for message in cancelled] == [None]
    assert "не отправлено" in cancelled[-1]["text"]
    assert citizen.say("не приходит смс с кодом")[-1]["meta"]["kind"] == "answer"
    go_to(citizen, field)
    assert citizen.say("позовите оператора")[-1]["meta"]["kind"] == "handoff"
    assert citizen.mode == "queued"


def test_buttons_do_what_words_do(citizen: Citizen) -> None:
    begin(citizen)
    citizen.press("Согласен")
    citizen.say(PYOTR.full_name)
    citizen.say(PYOTR.snils)
    assert expects(citizen.press("Письмом на почту")) == "email"
    citizen.say(PYOTR.email)
    citizen.say(PROBLEM)
    assert expects(citizen.press("Пропустить")) == "screenshots"
    assert expects(citizen.press("Дальше")) == "confirmation"
    assert expects(citizen.press("Исправить")) == "field_to_correct"
    assert expects(citizen.press("Способ ответа")) == "reply_channel"
    assert expects(citizen.press("По телефону")) == "phone"
    asked = citizen.say(PYOTR.phone)
    assert expects(asked) == "confirmation"
    assert PYOTR.email not in asked[-1]["text"]
    assert citizen.press("Отправить")[-1]["meta"]["kind"] == "appeal_registered"


def test_without_consent_there_is_no_appeal_but_a_way_out(citizen: Citizen) -> None:
    begin(citizen)
    refused = citizen.say("не согласен")
    assert expects(refused) is None
    assert "оператора" in str(refused[-1]["buttons"]).lower()
    assert citizen.http.get(f"{citizen.path}/appeals").json()["appeals"] == []
    assert citizen.say("не приходит смс с кодом")[-1]["meta"]["kind"] == "answer"


def test_files_are_taken_and_counted(citizen: Citizen) -> None:
    go_to(citizen, "screenshots")
    ids = [citizen.upload(f"{number}.png", picture()).json()["id"] for number in range(3)]
    asked = citizen.say("", attachment_ids=ids[:2])
    assert expects(asked) == "screenshots"
    assert "2" in asked[-1]["text"]
    asked = citizen.say("вот ещё один", attachment_ids=ids[2:])
    assert expects(asked) == "screenshots"
    assert "приложено: 3" in citizen.press("Дальше")[-1]["text"]
    assert citizen.say("да")[-1]["meta"]["kind"] == "appeal_registered"


def test_a_number_in_the_story_is_not_asked_for_again(citizen: Citizen) -> None:
    go_to(citizen, "problem")
    asked = citizen.say("По заявлению 1234567890123 третью неделю нет никакого ответа")
    assert expects(asked) == "screenshots"
    assert "Номер заявления: 1234567890123" in citizen.say("нет")[-1]["text"]


def test_the_form_survives_the_end_of_an_episode(citizen: Citizen) -> None:
    go_to(citizen, "snils")
    with citizen.stack.frozen("actions") as pid:  # back sooner than Rasa: the turn is asked again, in a new episode
        sent = citizen.send(ANNA.snils)
        os.kill(pid, signal.SIGKILL)
    citizen.wait_until_answered(120)
    assert expects(citizen.messages(after=sent["seq"])) == "reply_channel"
    citizen.stack.wait_until_ready()
