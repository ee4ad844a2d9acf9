"""What is asked about an appeal that is there, with the real engine: status, repeat, expedite, higher instance, and ways out of each."""

import re
import sqlite3
from typing import Any

import pytest

from tests.data.personas import ANNA, PYOTR
from tests.dialogue.appeal_form import expects
from tests.dialogue.test_appeal_form import picture
from tests.stack import Citizen, OperatorClient

# A form → the wish that begins it.
WISHES = {
    "status": "где моё обращение",
    "repeat": "пишу повторно, прошлое обращение осталось без ответа",
    "expedite": "прошу ускорить рассмотрение моего обращения",
    "higher": "передайте моё обращение в вышестоящую инстанцию",
}
UNKNOWN = "ОБ-2026-000999-6"


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    return [message["meta"]["kind"] for message in messages]


def titles(messages: list[dict[str, Any]]) -> list[str]:
    return [button["title"] for message in messages for button in message["buttons"]]


def register(citizen: Citizen) -> dict[str, str]:
    """An appeal of the conversation, by way of a person; its number and access code."""
    citizen.say(f"мой снилс {ANNA.snils}")
    citizen.say("позовите оператора")
    assert citizen.http.post(f"{citizen.path}/leave-queue").status_code == 200
    (appeal,) = citizen.http.get(f"{citizen.path}/appeals").json()["appeals"]
    return dict(appeal)


def pass_deadline(citizen: Citizen, number: str) -> None:
    database = sqlite3.connect(citizen.stack.data_dir / "otklik.db", timeout=30)
    with database:
        database.execute("UPDATE appeals SET due_at = '2026-11-01 10:00:00.000000' WHERE number = ?", (number,))
    database.close()


@pytest.fixture
def other(citizen: Citizen) -> Any:
    """Somebody else, or the same person on another day."""
    someone = citizen.stack.citizen()
    yield someone
    someone.http.close()


def test_the_conversations_own_appeals_are_told_at_once(citizen: Citizen) -> None:
    number = register(citizen)["number"]
    (told,) = citizen.say("что с моим обращением")
    assert (told["meta"]["kind"], told["expects"]) == ("status", None)
    assert number in told["text"]
    assert "зарегистрировано" in told["text"]
    assert "Обращение ждёт оператора" in told["text"]
    assert {"Попросить ускорить", "Позвать оператора"} <= set(titles([told]))
    assert ANNA.snils not in told["text"]


@pytest.mark.parametrize("proof", ["code", "snils"])
def test_a_number_in_any_writing_wants_a_proof(citizen: Citizen, other: Citizen, proof: str) -> None:
    appeal = register(citizen)
    loosely = appeal["number"].lower().replace("-", " ")
    asked = other.say(f"узнать статус обращения {loosely}")
    assert expects(asked) == "access_code", asked
    assert "зарегистрировано" not in asked[-1]["text"]
    answered = other.say("а что такое код доступа?")
    assert (kinds(answered), expects(answered)) == (["answer", "form"], "access_code")
    (told,) = other.say({"code": appeal["access_code"].lower(), "snils": ANNA.snils_digits}[proof])
    assert told["meta"]["kind"] == "status", told
    assert appeal["number"] in told["text"]
    secret = {"code": appeal["access_code"].lower(), "snils": ANNA.snils_digits}[proof]
    for file in (other.stack.data_dir / "rasa").rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes()


def test_without_a_proof_all_numbers_get_the_same_words(citizen: Citizen, other: Citizen) -> None:
    number = register(citizen)["number"]
    words = set()
    for named in (number, UNKNOWN):
        assert expects(other.say(f"статус обращения {named}")) == "access_code"
        for wrong in (PYOTR.snils, "ABCD2345"):
            answers = other.say(wrong)
            assert expects(answers) == "access_code"
            words.add(answers[-1]["text"].split("\n\n")[0])
        other.say("отмена")
    assert len(words) == 1
    mistyped = other.say("статус обращения ОБ-2026-000417-3")
    assert expects(mistyped) == "appeal_number"
    assert "опечатка" in mistyped[-1]["text"]
    assert expects(other.say("какой-то номер")) == "appeal_number"
    assert expects(other.say(number)) == "access_code"
    assert kinds(other.say(f"{ANNA.snils}")) == ["status"]


def test_a_question_a_cancel_and_a_person_at_each_step(citizen: Citizen) -> None:
    number = register(citizen)["number"]
    answers = {"appeal_number": number, "service_category": "пособия", "reason": "нужна срочная операция", "screenshots": "нет"}
    for field in ("service_category", "reason", "screenshots", "confirmation"):
        asked = citizen.say(f"прошу ускорить рассмотрение обращения {number}")
        while expects(asked) != field:
            asked = citizen.say(answers[str(expects(asked))])
        digression = citizen.say("как восстановить пароль от личного кабинета?")
        assert (kinds(digression), expects(digression)) == (["answer", "form"], field), (field, digression)
        assert expects(citizen.say("спасибо")) == field
        cancelled = citizen.say("отмена")
        assert (expects(cancelled), "ускорении не отправлена" in cancelled[-1]["text"]) == (None, True)
    assert expects(citizen.say("прошу ускорить рассмотрение моего обращения")) == "service_category"
    assert kinds(citizen.say("позовите оператора")) == ["handoff"]
    assert citizen.http.post(f"{citizen.path}/leave-queue").status_code == 200
    assert kinds(citizen.say("не приходит смс с кодом")) == ["answer"]


def test_expedite_from_the_chat_to_the_operators_word(citizen: Citizen, operator: OperatorClient) -> None:
    number = register(citizen)["number"]
    assert expects(citizen.say("прошу ускорить рассмотрение моего обращения")) == "service_category"
    assert expects(citizen.say("да")) == "service_category"
    assert expects(citizen.say("пособия")) == "reason"
    assert expects(citizen.say("потому что так хочу")) == "reason"
    assert expects(citizen.press("Срочно нужен документ")) == "screenshots"
    asked = citizen.say("", attachment_ids=[citizen.upload("a.png", picture()).json()["id"]])
    assert expects(asked) == "screenshots"
    summary = citizen.press("Дальше")
    assert expects(summary) == "confirmation"
    assert "приложено: 1" in summary[-1]["text"]
    assert expects(citizen.say("нет")) == "field_to_correct"
    assert expects(citizen.press("Причина")) == "reason"
    summary = citizen.say("угроза здоровью ребёнка")
    assert "угроза здоровью ребёнка" in summary[-1]["text"]
    (done,) = citizen.say("да")
    assert (done["meta"]["kind"], done["meta"]["request"], done["meta"]["state"]) == ("request", "expedite", "requested")
    listed = next(item for item in operator.queue() if item["conversation_id"] == citizen.id)
    assert listed["requests"][0]["kind"] == "expedite"
    (request,) = operator.transcript(citizen.id)["requests"]
    assert (request["ground"], request["detail"]["service_category"]) == ("life", "пособия")
    assert request["detail"]["files"]
    again = citizen.say("прошу ускорить рассмотрение моего обращения")
    assert "уже принята" in again[-1]["text"]
    seen = citizen.messages()[-1]["seq"]
    changed = operator.http.patch(f"/api/operator/appeals/{number}", json={"expedite": "confirmed"})
    assert changed.status_code == 200, changed.text
    assert "подтверждено" in citizen.messages(after=seen)[-1]["text"]
    assert citizen.mode == "bot"


def test_the_higher_instance_only_with_a_ground(citizen: Citizen, operator: OperatorClient) -> None:
    number = register(citizen)["number"]
    (refused,) = citizen.say("передайте моё обращение в вышестоящую инстанцию")
    assert (refused["expects"], "пока нельзя" in refused["text"]) == (None, True)
    assert re.search(r"до \d+ \w+ \d{4} года, \d\d:\d\d", refused["text"])
    pass_deadline(citizen, number)
    (told,) = citizen.say("что с моим обращением")
    assert "Срок ответа прошёл" in told["text"]
    assert expects(citizen.press("Передать выше")) == "problem"  # the ground is plain
    assert expects(citizen.say("верните деньги")) == "problem"
    assert expects(citizen.say("Без ответа я теряю пособие за два месяца, примите решение")) == "screenshots"
    assert expects(citizen.say("нет")) == "confirmation"
    (done,) = citizen.press("Отправить")
    assert (done["meta"]["kind"], done["meta"]["request"]) == ("request", "higher_instance")
    read = operator.http.get(f"/api/operator/appeals/{number}").json()
    assert (read["department"], read["higher_instance"]) == ("senior", "requested")


def test_against_an_answer(citizen: Citizen, operator: OperatorClient) -> None:
    number = register(citizen)["number"]
    operator.claim(citizen.id)
    operator.call(citizen.id, "close", {"resolution": "Отказано"})
    (closed,) = citizen.say(f"статус обращения {number}")
    assert "закрыто" in closed["text"]
    assert expects(citizen.press("Передать выше")) == "reason"
    assert expects(citizen.say("спасибо")) == "reason"
    assert expects(citizen.say("в отказе ничего не объяснили")) == "problem"
    citizen.say("Не могу получить выплату, прошу назвать причину отказа")
    citizen.press("Дальше")
    assert kinds(citizen.say("да")) == ["request"]
    assert operator.http.get(f"/api/operator/appeals/{number}").json()["status"] == "reopened"


def test_a_repeat_appeal_takes_the_earlier_ones_number_and_the_form_the_rest(
    citizen: Citizen, other: Citizen, operator: OperatorClient
) -> None:
    number = register(citizen)["number"]
    assert expects(other.say("пишу повторно, прошлое обращение осталось без ответа")) == "appeal_number"
    assert expects(other.say("как выглядит номер обращения?")) == "appeal_number"
    assert expects(other.say(number)) == "tried"
    assert expects(other.say("Прошёл месяц, никто не ответил и не позвонил")) == "problem"
    asked = other.say("Верните доступ к кабинету до 15 декабря, он так и закрыт")
    assert expects(asked) == "consent", asked
    answers = {
        "consent": "да",
        "full_name": ANNA.full_name,
        "snils": ANNA.snils,
        "reply_channel": "на почту",
        "email": ANNA.email,
        "category": "жалоба",
        "screenshots": "нет",
    }
    while (field := expects(asked)) not in ("confirmation", None):
        asked = other.say(answers.get(str(field), "пропустить"))
    assert expects(asked) == "confirmation", asked
    assert number in asked[-1]["text"]
    done = other.say("да")
    assert kinds(done) == ["appeal_registered"], done
    assert "Повторное обращение" in done[-1]["text"]
    read = operator.http.get(f"/api/operator/appeals/{done[-1]['meta']['appeal_number']}").json()
    assert read["parent"]["number"] == number
    assert read["priority"] == 1
    assert next(item for item in operator.queue() if item["conversation_id"] == other.id)["repeats"]


@pytest.mark.parametrize("answer", ["14 октября", "не помню"])
def test_a_repeat_appeal_without_the_number(citizen: Citizen, answer: str) -> None:
    assert expects(citizen.say("хочу подать повторное обращение")) == "appeal_number"
    assert expects(citizen.say(answer)) == "tried"
    assert expects(citizen.say("Ответили отпиской, ничего не изменилось")) == "problem"
    assert expects(citizen.say("Хочу получить справку до конца недели, её всё нет")) == "consent"


def test_another_wish_in_the_middle_of_a_form_loses_nothing(citizen: Citizen) -> None:
    register(citizen)
    citizen.say("хочу подать обращение")
    assert expects(citizen.say("да")) == "full_name"
    told = citizen.say("что с моим обращением")
    assert (kinds(told), expects(told)) == (["status", "form"], "full_name")
    told = citizen.say("прошу ускорить рассмотрение моего обращения")
    assert (kinds(told), expects(told)) == (["notice", "form"], "full_name")
    assert expects(citizen.say(ANNA.full_name)) == "snils"


@pytest.mark.parametrize("flow", WISHES)
def test_start_over_and_a_person_lead_out(citizen: Citizen, flow: str) -> None:
    asked = citizen.say(WISHES[flow])
    assert expects(asked) == "appeal_number", asked
    begun = citizen.say("давай начнём сначала")
    assert (kinds(begun), expects(begun)) == (["smalltalk"], None)
    assert expects(citizen.say(WISHES[flow])) == "appeal_number"
    assert kinds(citizen.press("Позвать оператора")) == ["handoff"]
