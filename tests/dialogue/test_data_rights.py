"""What citizens may do with their data, told to the real engine: explained, done after a yes, and gone from everywhere."""

import contextlib
import io
import json
import zipfile
from typing import Any

import httpx
import pytest

from tests.stack import PASSWORD, Citizen, OperatorClient, Stack, wait_for

SECRET = "синий-велосипед-у-подъезда"


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    return [message["meta"]["kind"] for message in messages]


def tracker_holds(stack: Stack, words: str) -> bool:
    """In any file of the data folder, the engine's among them; an escape is how JSON writes Russian there."""
    needles = (words.encode(), json.dumps(words)[1:-1].encode())
    for path in stack.data_dir.rglob("*"):
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):  # a log that was just done with
            content = path.read_bytes()
            if any(needle in content for needle in needles):
                return True
    return False


def test_erasure_is_explained_confirmed_and_done(citizen: Citizen) -> None:
    citizen.say(f"у меня {SECRET} и белая страница после входа")
    wait_for("the tracker's row", lambda: tracker_holds(citizen.stack, SECRET))
    (asked,) = citizen.say("удалите мои персональные данные")
    assert asked["expects"] == "erase_confirmation"
    assert "Восстановить их будет нельзя" in asked["text"] and "Открытых обращений в этом разговоре нет" in asked["text"]
    assert citizen.mode == "bot"
    told = citizen.press("Удалить")
    assert kinds(told) == ["erased"]
    assert citizen.mode == "closed"
    assert {message["text"] for message in citizen.messages()[:-1]} == {"данные удалены"}
    assert citizen.post("привет").status_code == 409
    wait_for("the tracker without it", lambda: not tracker_holds(citizen.stack, SECRET))
    assert citizen.stack.citizen().say("привет")  # a new conversation is another one


@pytest.mark.parametrize("yes", ["да", "да, удаляйте"])
def test_a_typed_yes(citizen: Citizen, yes: str) -> None:
    citizen.say("сотрите всё, что вы обо мне знаете")
    assert kinds(citizen.say(yes)) == ["erased"]


def test_a_no_changes_nothing(citizen: Citizen) -> None:
    citizen.say("удалите мои данные")
    assert "ничего не удаляю" in citizen.say("нет")[0]["text"]
    assert kinds(citizen.say("да")) == ["smalltalk"]
    assert citizen.mode == "bot"


def test_an_open_appeal_is_named_first(citizen: Citizen) -> None:
    (handoff,) = citizen.say("позовите оператора")
    citizen.http.post(f"{citizen.path}/leave-queue")
    number = handoff["meta"]["appeal_number"]
    (asked,) = citizen.say("удалите мои данные")
    assert number in asked["text"] and "отозванное" in asked["text"]
    (told,) = citizen.press("Удалить")
    assert told["meta"]["appeal_numbers"] == [number]


def test_in_the_form_too(citizen: Citizen) -> None:
    citizen.say("хочу подать обращение")
    citizen.say("да")
    asked = citizen.say("удалите мои данные")[-1]
    assert asked["expects"] == "erase_confirmation" and "не отправлено" in asked["text"]
    assert kinds(citizen.say("да")) == ["erased"]


def test_consent_is_withdrawn(citizen: Citizen) -> None:
    assert "отзывать нечего" in citizen.say("отзываю согласие на обработку персональных данных")[0]["text"]
    citizen.say("хочу подать обращение")
    citizen.say("да")
    asked = citizen.say("отзываю своё согласие")[-1]
    assert asked["expects"] == "erase_confirmation" and "Отозвать согласие?" in asked["text"]
    told = citizen.press("Отозвать")
    assert "Согласие отозвано" in told[-1]["text"]
    assert citizen.mode == "bot"
    assert "отзывать нечего" in citizen.say("отзываю согласие на обработку персональных данных")[0]["text"]


def test_a_yes_to_one_question_is_none_to_the_other(citizen: Citizen) -> None:
    citizen.say("хочу подать обращение")
    citizen.say("да")
    (*_, withdraw) = citizen.say("отзываю согласие на обработку персональных данных")
    (erase,) = citizen.say("удалите мои данные")
    assert (withdraw["expects"], erase["expects"]) == ("erase_confirmation", "erase_confirmation")
    told = citizen.say("Отозвать", payload=withdraw["buttons"][0]["payload"])
    assert "от вопроса, на который вы уже ответили" in told[0]["text"]
    assert citizen.mode == "bot"
    (asked,) = citizen.say("отзываю своё согласие")  # is no yes to «Удалить?»
    assert "Отозвать согласие?" in asked["text"]
    assert "Согласие отозвано" in citizen.press("Отозвать")[-1]["text"]


def test_in_the_queue_and_with_an_operator(citizen: Citizen, operator: OperatorClient) -> None:
    citizen.say("позовите оператора")
    citizen.say(f"{SECRET}, пишите на anna@example.com")
    (asked,) = citizen.say("Отзываю согласие на обработку персональных данных")
    assert (asked["author"], asked["expects"]) == ("system", "erase_confirmation")
    assert "больше не ждёте оператора" in citizen.press("Отозвать")[0]["text"]
    assert citizen.mode == "bot"
    citizen.say("позовите оператора")
    assert operator.call(citizen.id, "claim").status_code == 200
    citizen.say("Удалите, пожалуйста, мои данные.")
    assert "Восстановить их будет нельзя" in operator.transcript(citizen.id)["messages"][-1]["text"]
    assert kinds(citizen.say("да")) == ["erased"]
    assert operator.transcript(citizen.id)["mode"] == "closed"
    wait_for("the tracker without it", lambda: not tracker_holds(citizen.stack, SECRET))


def test_the_export_arrives_as_a_file(citizen: Citizen) -> None:
    citizen.say("мой СНИЛС 112-233-445 95")
    citizen.say("пришлите мои данные")
    message = wait_for("the file", lambda: next((m for m in citizen.messages() if m["meta"].get("export")), None))
    (attachment,) = message["attachments"]
    answer = citizen.http.get(f"{citizen.path}/attachments/{attachment['id']}")
    assert (answer.status_code, attachment["filename"]) == (200, "Мои данные.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        document = json.loads(archive.read("data.json"))
    assert document["fields"]["snils1"] == "112-233-445 95"
    assert httpx.get(f"{citizen.stack.url}{citizen.path}/attachments/{attachment['id']}", trust_env=False).status_code == 401


def test_from_the_console_by_role(citizen: Citizen, operator: OperatorClient, stack: Stack) -> None:
    stack.add_operator("rights-operator", "Ольга Рядовая")
    plain = stack.operator("rights-operator", PASSWORD)
    citizen.say("мой СНИЛС 112-233-445 95")
    assert plain.call(citizen.id, "erase", {"reason": "просьба"}).status_code == 403
    assert plain.call(citizen.id, "export").status_code == 403
    assert operator.call(citizen.id, "erase", {"reason": " "}).status_code == 422
    assert operator.call(citizen.id, "export").status_code == 202
    wait_for("the file", lambda: any(m["meta"].get("export") for m in citizen.messages()))
    assert operator.call(citizen.id, "erase", {"reason": "просьба письмом"}).json() == {"mode": "closed"}
    assert citizen.mode == "closed"
    assert operator.transcript(citizen.id)["fields"] == {}
    assert operator.call(citizen.id, "export").status_code == 409


def test_from_the_command_line(citizen: Citizen, stack: Stack) -> None:
    citizen.say("привет")
    stack.manage("erase", citizen.id)
    wait_for("the change to be noticed", lambda: citizen.mode == "closed")
    stack.manage("retain", "--now")
