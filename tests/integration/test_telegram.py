"""The whole desk in Telegram, before a local Bot API server: what a citizen and an operator see of it, and what failures leave of it."""

import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.bot_api import BotApi
from tests.data.personas import ANNA
from tests.integration.test_citizen_api import picture
from tests.stack import OperatorClient, Stack, wait_for
from tests.telegram_citizen import TelegramCitizen
from tests.unit.core.samples import PDF

QUESTION = "не приходит смс с кодом"


@pytest.fixture
def api(stack: Stack) -> Iterator[BotApi]:
    yield stack.telegram
    stack.telegram.redeliver = 1


@pytest.fixture
def anna(api: BotApi) -> TelegramCitizen:
    someone = TelegramCitizen(api)
    someone.starts()
    someone.wait_for("бот службы поддержки")
    return someone


def call_operator(anna: TelegramCitizen, operator: OperatorClient) -> str:
    """Into the queue; the conversation's id."""
    anna.presses("Позвать оператора")
    number = re.search(r"ОБ-\d{4}-\d+-\d", anna.wait_for("Передаю разговор оператору").text)
    assert number
    (item,) = [item for item in operator.queue() if item["appeal_number"] == number[0]]
    assert (item["channel"], item["mode"]) == ("telegram", "queued")
    return str(item["conversation_id"])


def written(operator: OperatorClient, conversation_id: str, author: str = "citizen") -> list[dict[str, Any]]:
    return [message for message in operator.transcript(conversation_id)["messages"] if message["author"] == author]


def answers(anna: TelegramCitizen) -> list[str]:
    """What came after the greeting and any notice of a restart."""
    return [text for text in anna.read[1:] if "Помощник перезапускается" not in text]


def test_a_whole_conversation(api: BotApi, anna: TelegramCitizen, operator: OperatorClient) -> None:
    anna.says(QUESTION)
    answer = anna.wait_for_number(2)[1]
    assert [row[0][0] for row in answer.buttons][-1] == "Позвать оператора"
    anna.presses("Не помогло")
    anna.wait_for_number(3)
    conversation_id = call_operator(anna, operator)
    anna.sends_album([picture("JPEG"), picture("PNG")], "вот мои экраны")
    anna.says(f"СНИЛС {ANNA.snils}")
    wait_for("both messages at the operator's", lambda: len(written(operator, conversation_id)) == 5)
    *_, album, snils = written(operator, conversation_id)
    assert (album["text"], [file["content_type"] for file in album["attachments"]]) == ("вот мои экраны", ["image/jpeg", "image/png"])
    operator.claim(conversation_id)
    for file in album["attachments"]:
        assert operator.http.get(f"/api/operator/attachments/{file['id']}").status_code == 200
    assert ANNA.snils not in snils["text"]
    fields = operator.transcript(conversation_id)["fields"]
    assert list(fields) == ["snils1"]  # and not where the answers go
    upload = operator.http.post(
        f"/api/operator/conversations/{conversation_id}/attachments", files={"file": ("Памятка.pdf", PDF, "application/pdf")}
    )
    assert upload.status_code == 201, upload.text
    operator.reply(conversation_id, "Исправили, памятка приложена.", attachment_ids=[upload.json()["id"]])
    anna.wait_for("Исправили, памятка приложена.")
    wait_for("the file", lambda: anna.received[-1].document == ("Памятка.pdf", PDF))
    anna.says("спасибо большое")
    wait_for("the thanks", lambda: written(operator, conversation_id)[-1]["text"] == "спасибо большое")
    assert operator.call(conversation_id, "close", {"resolution": "Памятка помогла"}).status_code == 200
    anna.wait_for("Оцените, пожалуйста, помощь оператора.")
    anna.presses("5")
    anna.wait_for("Спасибо за оценку.")
    wait_for("every spinner to end", lambda: len(api.answered) >= 3)
    # The bot is back.
    before = len(anna.received)
    anna.says("как восстановить пароль")
    anna.wait_for_number(before + 1)
    seqs = [message["seq"] for message in operator.transcript(conversation_id)["messages"]]
    assert seqs == list(range(1, len(seqs) + 1))
    assert operator.transcript(conversation_id)["deliveries"] == []  # nothing went by letter, and nothing failed


def test_updates_given_out_five_times_have_one_answer_each(api: BotApi, anna: TelegramCitizen, operator: OperatorClient) -> None:
    api.redeliver = 5
    anna.says(QUESTION)
    anna.wait_for_number(2)
    anna.says("как восстановить пароль")
    anna.wait_for_number(3)
    conversation_id = call_operator(anna, operator)
    wait_for("the last confirmation", lambda: not api.unconfirmed)
    anna.says("жду")
    wait_for("what came after", lambda: written(operator, conversation_id)[-1]["text"] == "жду")
    texts = [message["text"] for message in written(operator, conversation_id)]
    assert texts == [QUESTION, "как восстановить пароль", "Позвать оператора", "жду"]
    assert len(anna.received) == 4


def test_a_busy_telegram_gets_each_message_once(api: BotApi, anna: TelegramCitizen) -> None:
    api.fail("sendMessage", 429, "Too Many Requests: retry after 1", retry_after=1, times=2)
    anna.says(QUESTION)
    answer = anna.wait_for_number(2)[1]
    assert answer.buttons
    anna.says("как восстановить пароль")
    anna.wait_for_number(3)
    assert len(set(anna.read)) == 3


def test_a_gateway_killed_between_receipt_and_answer_loses_and_doubles_nothing(stack: Stack, api: BotApi, anna: TelegramCitizen) -> None:
    with stack.frozen("rasa"):
        anna.says(QUESTION)
        wait_for("the acknowledgement", lambda: not api.unconfirmed)
        wait_for("typing", lambda: api.made("sendChatAction"))
        os.kill(stack.pid("gateway"), signal.SIGKILL)
    stack.wait_until_ready()
    wait_for("an answer", lambda: answers(anna), 120)
    anna.says("как восстановить пароль")
    wait_for("the next answer", lambda: len(answers(anna)) >= 2)
    assert len(answers(anna)) == len(set(answers(anna))) == 2


def test_a_gateway_killed_before_it_acknowledged_takes_the_update_once(
    stack: Stack, api: BotApi, anna: TelegramCitizen, operator: OperatorClient
) -> None:
    conversation_id = call_operator(anna, operator)
    os.kill(stack.pid("gateway"), signal.SIGKILL)
    anna.sends_album([picture("PNG"), picture("PNG")], "пока никого нет")
    anna.says("и ещё")
    stack.wait_until_ready()
    wait_for("everything", lambda: written(operator, conversation_id)[-1]["text"] == "и ещё", 120)
    texts = [(message["text"], len(message["attachments"])) for message in written(operator, conversation_id)]
    assert texts == [("Позвать оператора", 0), ("пока никого нет", 2), ("и ещё", 0)]
    assert not api.unconfirmed


def test_telegram_away_for_a_while(api: BotApi, anna: TelegramCitizen) -> None:
    with api.down():
        anna.says(QUESTION)
    anna.wait_for_number(2)
    assert len(anna.received) == 2


def test_no_log_holds_the_token_or_what_was_said(stack: Stack, api: BotApi, anna: TelegramCitizen) -> None:
    anna.says("мое редкостное слово бубенчик")
    anna.wait_for_number(2)
    logs = b"".join(file.read_bytes() for file in (stack.data_dir / "logs").iterdir()) + stack.output.read_bytes()
    gateway = (stack.data_dir / "logs" / "gateway.log").read_text()
    assert "telegram_polling_started" in gateway
    assert stack.environment["OTKLIK_LOG_LEVEL"] == "DEBUG"
    for secret in (api.token, api.token.partition(":")[2], str(anna.chat_id)):
        assert secret.encode() not in logs
    assert "бубенчик" not in gateway
    assert "бот службы поддержки" not in gateway
