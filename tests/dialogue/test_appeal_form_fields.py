"""Each field of the appeal form with the real engine: answered wrongly, and left for a question, a person, a cancel, a new beginning."""

import pytest

from tests.data.personas import ANNA
from tests.dialogue.appeal_form import FIELDS, PROBLEM, begin, expects, go_to
from tests.stack import Citizen


def test_every_field_wrong_once(citizen: Citizen) -> None:
    begin(citizen)
    for field, wrong, words, right in [
        ("consent", "может быть", "«да» или «нет»", "согласен"),
        ("full_name", "Анна", "хотя бы фамилия и имя", "лебедева анна сергеевна"),
        ("snils", "112-233-445 9", "11 цифр", None),
        ("snils", "112-233-445 9О", "буквы", None),
        ("snils", "112-233-445 96", "Контрольное число", "11223344595"),
        ("birth_date", "31.02.1985", "в календаре нет", None),
        ("birth_date", "14.03.2099", "ещё не наступил", "14 марта 1987"),
        ("reply_channel", "в телеграм", "В мессенджер", "по телефону"),
        ("phone", "+7 921 555", "не хватает цифр", ANNA.phone),
        ("category", "разное", "Выберите, о чём", "техническая проблема"),
        ("problem", "не работает", "подробнее", PROBLEM),
        ("application_number", "№ 12", "не похоже", "заявление 1234567890123"),
        ("occurred_at", "25 декабря 2099 года", "не наступило", "14 ноября около трёх"),
        ("screenshots", "сейчас поищу", "Приложите картинку", "нет"),
        ("confirmation", "наверное", "«да», если всё верно", "да"),
    ]:
        if field == "screenshots":
            told = citizen.say("заходила с другого компьютера")
        told = citizen.say(wrong)
        assert expects(told) == field, (wrong, told)
        assert words in told[-1]["text"], (wrong, told)
        if right:
            told = citizen.say(right)
    assert told[-1]["meta"]["kind"] == "appeal_registered"
    assert "позвоним" in told[-1]["text"]


@pytest.mark.parametrize("field", FIELDS)
def test_a_question_and_a_cancel_work_at_every_field(citizen: Citizen, field: str) -> None:
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


@pytest.mark.parametrize("field", FIELDS)
def test_a_new_beginning_and_a_person_work_at_every_field(citizen: Citizen, field: str) -> None:
    go_to(citizen, field)
    anew = citizen.say("начать заново")
    assert expects(anew) is None, anew
    assert "Начнём сначала" in anew[-1]["text"]
    go_to(citizen, field)
    assert citizen.say("позовите оператора")[-1]["meta"]["kind"] == "handoff"
    assert citizen.mode == "queued"


def test_a_name_that_is_unlike_one_is_taken_after_a_yes(citizen: Citizen) -> None:
    go_to(citizen, "full_name")
    doubted = citizen.say("Сукарно")
    assert expects(doubted) == "full_name"
    assert "Сукарно" in doubted[-1]["text"]
    assert expects(citizen.press("Всё верно")) == "snils"
    citizen.say("отмена")
    go_to(citizen, "full_name")
    citizen.say("Сукарно")
    assert expects(citizen.say("Сукарно")) == "snils"


def test_what_is_vague_is_asked_for_once(citizen: Citizen) -> None:
    go_to(citizen, "problem")
    assert "подробнее" in citizen.say("не работает")[-1]["text"]
    assert expects(citizen.say("вход")) == "application_number"
    citizen.press("Пропустить")
    assert expects(citizen.say("абракадабра")) == "occurred_at"
    assert expects(citizen.say("в тот самый день")) == "tried"
    citizen.say("ничего")
    summary = citizen.say("нет")[-1]["text"]
    assert "Что случилось: не работает. вход" in summary
    assert "Когда: в тот самый день" in summary


def test_a_number_in_the_story_is_not_asked_for_again(citizen: Citizen) -> None:
    go_to(citizen, "problem")
    assert expects(citizen.say("По заявлению 1234567890123 третью неделю нет никакого ответа")) == "occurred_at"
    citizen.press("Пропустить")
    citizen.press("Пропустить")
    assert "Номер заявления: 1234567890123" in citizen.say("нет")[-1]["text"]


def test_when_it_happened_is_shown_back(citizen: Citizen) -> None:
    go_to(citizen, "occurred_at")
    citizen.say("14 ноября около трёх")
    citizen.say("нет")
    assert "около 15:00" in citizen.say("нет")[-1]["text"]
