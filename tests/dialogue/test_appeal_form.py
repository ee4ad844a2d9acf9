"""The appeal form with the real engine, from its beginning to an appeal: by words, by buttons, with corrections, without consent."""

import io
import os
import signal

import pytest
from PIL import Image

from tests.data.personas import ANNA, PYOTR
from tests.dialogue.appeal_form import PROBLEM, WAY, begin, expects, go_to
from tests.stack import Citizen, OperatorClient


def picture() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(content, "PNG")
    return content.getvalue()


def test_an_appeal_is_registered(citizen: Citizen, operator: OperatorClient) -> None:
    summary = go_to(citizen, "confirmation")[-1]["text"]
    for value in (ANNA.full_name, ANNA.snils, ANNA.email, PROBLEM, "Дата рождения: не указано", "Вид: техническая проблема"):
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
    assert not {"birth_date", "occurred_at", "tried", "application_number"} & set(seen["fields"])
    assert meta["access_code"] not in str(seen)
    assert ANNA.snils not in str(seen)
    value = operator.call(citizen.id, "reveal", {"field": "full_name", "reason": "звонок"}).json()["value"]
    assert value == ANNA.full_name


@pytest.mark.parametrize(("wish", "kind"), [("хочу подать жалобу", "complaint"), ("хочу внести предложение", "suggestion")])
def test_what_the_wish_says_is_not_asked_for(citizen: Citizen, wish: str, kind: str) -> None:
    asked = begin(citizen, wish)
    for name, answer in WAY:
        if name != "category":
            assert expects(asked) == name
            asked = citizen.say(answer)
    assert asked[-1]["meta"]["kind"] == "appeal_registered"
    assert citizen.http.get(f"{citizen.path}/appeals").json()["appeals"][0]["kind"] == kind


def test_everything_in_the_first_message(citizen: Citizen, operator: OperatorClient) -> None:
    asked = begin(
        citizen,
        f"Хочу подать обращение, меня зовут {ANNA.full_name}, дата рождения {ANNA.birth_date}, СНИЛС {ANNA.snils}, почта {ANNA.email}",
    )
    assert expects(asked) == "consent"
    assert expects(citizen.say("да")) == "category"
    assert expects(citizen.press("Вопрос по заявлению")) == "problem"
    assert expects(citizen.say("14 ноября не пришёл ответ по заявлению 1234567890123, в личном кабинете пусто")) == "tried"
    assert expects(citizen.say("перезагружала страницу")) == "screenshots"
    summary = citizen.press("Дальше")[-1]["text"]
    for line in (
        "Вид: вопрос",
        f"Дата рождения: {ANNA.birth_date}",
        f"письмом на {ANNA.email}",
        "Номер заявления: 1234567890123",
        "14 ноября",
        "перезагружала",
    ):
        assert line in summary, line
    assert citizen.press("Отправить")[-1]["meta"]["kind"] == "appeal_registered"
    assert citizen.http.get(f"{citizen.path}/appeals").json()["appeals"][0]["kind"] == "simple"
    fields = operator.transcript(citizen.id)["fields"]
    assert fields["birth_date"] == "**.**.1987"
    assert fields["tried"] == "перезагружала страницу"


def test_several_answers_in_one_message(citizen: Citizen) -> None:
    go_to(citizen, "full_name")
    asked = citizen.say(f"снилс {PYOTR.snils} телефон {PYOTR.phone}, зовут соловьёв пётр ильич")
    assert expects(asked) == "birth_date"
    assert expects(citizen.say(PYOTR.birth_date)) == "category"


def test_somebody_elses_data_is_not_taken(citizen: Citizen) -> None:
    asked = begin(citizen, f"Хочу подать жалобу на сотрудника, его зовут {PYOTR.full_name}, он отказал моей маме, её СНИЛС {PYOTR.snils}")
    assert expects(asked) == "consent"
    assert expects(citizen.say("да")) == "full_name"
    assert expects(citizen.say(ANNA.full_name)) == "snils"


def test_an_outage_is_urgent(citizen: Citizen) -> None:
    go_to(citizen, "problem")
    citizen.say("Мою учётную запись взломали и сменили пароль, войти никак не могу")
    for answer in ("нет", "не помню", "ничего"):
        citizen.say(answer)
    summary = citizen.say("нет")[-1]["text"]
    assert "Вид: срочное" in summary
    assert citizen.say("да")[-1]["meta"]["kind"] == "appeal_registered"
    assert citizen.http.get(f"{citizen.path}/appeals").json()["appeals"][0]["kind"] == "urgent"


def test_buttons_do_what_words_do(citizen: Citizen) -> None:
    begin(citizen)
    citizen.press("Согласен")
    citizen.say(PYOTR.full_name)
    citizen.say(PYOTR.snils)
    assert expects(citizen.press("Пропустить")) == "reply_channel"
    assert expects(citizen.press("Письмом на почту")) == "email"
    citizen.say(PYOTR.email)
    assert expects(citizen.press("Жалоба")) == "problem"
    citizen.say(PROBLEM)
    assert expects(citizen.press("Пропустить")) == "occurred_at"
    assert expects(citizen.press("Пропустить")) == "tried"
    assert expects(citizen.press("Пропустить")) == "screenshots"
    assert expects(citizen.press("Дальше")) == "confirmation"
    assert expects(citizen.press("Способ ответа")) == "reply_channel"
    assert expects(citizen.press("По телефону")) == "phone"
    asked = citizen.say(PYOTR.phone)
    assert expects(asked) == "confirmation"
    assert PYOTR.email not in asked[-1]["text"]
    assert citizen.press("Отправить")[-1]["meta"]["kind"] == "appeal_registered"


def test_each_field_is_corrected_from_the_summary(citizen: Citizen) -> None:
    go_to(citizen, "confirmation")
    for title, field, answer, line in [
        ("Вид", "category", "жалоба", "Вид: жалоба"),
        ("Имя", "full_name", PYOTR.full_name, f"Имя: {PYOTR.full_name}"),
        ("СНИЛС", "snils", PYOTR.snils, f"СНИЛС: {PYOTR.snils}"),
        ("Дата рождения", "birth_date", PYOTR.birth_date, f"Дата рождения: {PYOTR.birth_date}"),
        ("Описание", "problem", "Не приходит код подтверждения на телефон", "Что случилось: Не приходит код"),
        ("Номер заявления", "application_number", "1234567890123", "Номер заявления: 1234567890123"),
        ("Когда случилось", "occurred_at", "в октябре", "Когда: с 1 по 31 октября"),
        ("Что пробовали", "tried", "заходил с телефона", "Что пробовали: заходил с телефона"),
    ]:
        asked = citizen.press(title)
        assert expects(asked) == field, (title, asked)
        summary = citizen.say(answer)
        assert expects(summary) == "confirmation", (title, summary)
        assert line in summary[-1]["text"]
    assert expects(citizen.press("Приложить ещё файлы")) == "screenshots"
    assert expects(citizen.press("Дальше")) == "confirmation"
    told = citizen.say(f"нет, снилс другой: {ANNA.snils}")
    assert f"СНИЛС: {ANNA.snils}" in told[-1]["text"]
    assert expects(citizen.say("исправьте имя")) == "full_name"
    assert expects(citizen.say(ANNA.full_name)) == "confirmation"
    assert expects(citizen.say("нет")) == "field_to_correct"
    assert expects(citizen.press("Ничего, всё верно")) == "confirmation"
    assert citizen.say("всё верно, отправляйте")[-1]["meta"]["kind"] == "appeal_registered"


def test_without_consent_there_is_no_appeal_but_a_way_out(citizen: Citizen) -> None:
    asked = begin(citizen)
    assert "2026-11" in asked[-1]["text"]
    refused = citizen.say("не согласен")
    assert expects(refused) is None
    assert "оператора" in str(refused[-1]["buttons"]).lower()
    assert citizen.http.get(f"{citizen.path}/appeals").json()["appeals"] == []
    assert citizen.say("не приходит смс с кодом")[-1]["meta"]["kind"] == "answer"


def test_files_are_taken_and_counted(citizen: Citizen) -> None:
    asked = go_to(citizen, "screenshots")
    assert "5 МБ" in asked[-1]["text"]
    ids = [citizen.upload(f"{number}.png", picture()).json()["id"] for number in range(3)]
    asked = citizen.say("", attachment_ids=ids[:2])
    assert expects(asked) == "screenshots"
    assert "2" in asked[-1]["text"]
    asked = citizen.say("вот ещё один", attachment_ids=ids[2:])
    assert expects(asked) == "screenshots"
    assert "приложено: 3" in citizen.press("Дальше")[-1]["text"]
    assert citizen.say("да")[-1]["meta"]["kind"] == "appeal_registered"


def test_the_form_survives_the_end_of_an_episode(citizen: Citizen) -> None:
    go_to(citizen, "snils")
    with citizen.stack.frozen("actions") as pid:  # back sooner than Rasa: the turn is asked again, in a new episode
        sent = citizen.send(ANNA.snils)
        os.kill(pid, signal.SIGKILL)
    citizen.wait_until_answered(120)
    assert expects(citizen.messages(after=sent["seq"])) == "birth_date"
    citizen.stack.wait_until_ready()
