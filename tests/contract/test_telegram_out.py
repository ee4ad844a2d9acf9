"""What the desk says, as it arrives in Telegram: whole, in order, once, and not where nobody reads it."""

import random
import uuid

import pytest
from sqlalchemy.orm import Session

from bot.channels import telegram_courier
from bot.channels.telegram_courier import LONGEST_TEXT, split
from core import deliveries
from core.deliveries import Pauses
from core.desk import Desk
from core.files import Files
from core.models import Author, Conversation, DeliveryState, Operator
from core.presence import Presence
from handoff import letters
from handoff.console.workplace import Workplace
from handoff.letters import overview
from tests.bot_api import BotApi
from tests.contract.telegram_desk import anna, api, at_work, desk, only_conversation, until
from tests.data.personas import ANNA
from tests.scenes import add_operator, claim, hand_over, locked, messages, start_conversation, text_of, write_message
from tests.telegram_citizen import TelegramCitizen
from tests.unit.core.samples import PDF, jpeg, png

__all__ = ["anna", "api", "desk"]


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telegram_courier, "_PAUSES", Pauses(0.05, 0.1))


async def begin(desk: Desk, anna: TelegramCitizen) -> uuid.UUID:
    """A conversation whose greeting has arrived."""
    anna.starts()
    await until("the greeting", lambda: len(anna.received) == 1 and sent_count(desk) == 1)
    return only_conversation(desk)


def sent_count(desk: Desk) -> int:
    rows = desk.database.read(deliveries.of_conversation, only_conversation(desk))
    return len([row for row in rows if row.state == DeliveryState.SENT])


async def reply(desk: Desk, conversation_id: uuid.UUID, operator: Operator, text: str, attachment_ids: list[uuid.UUID]) -> None:
    workplace = Workplace(desk, Files(desk), lambda _: [], Presence(desk.database))
    await workplace.reply(conversation_id, operator, str(uuid.uuid4()), text, attachment_ids)


def know_address(session: Session, desk: Desk, conversation: Conversation) -> None:
    conversation.email_token = desk.vault.put(session, conversation, "email", ANNA.email)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n ",
        "слово",
        "й" * LONGEST_TEXT,
        "й" * (LONGEST_TEXT + 1),
        "👍" * 3000,
        "строка слов\n" * 900,
        "слово " * 2000,
        "\n" + "а б" * 5000,
    ],
)
def test_a_long_text_is_split_where_it_may_be(text: str) -> None:
    parts = split(text)
    assert all(0 < len(part.encode("utf-16-le")) // 2 <= LONGEST_TEXT for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert len(parts) <= 1 + len(text.encode("utf-16-le")) // LONGEST_TEXT
    if "\n" in text.strip():
        assert all(part.endswith(text.strip().rpartition("\n")[2][-3:]) for part in parts)


async def test_words_arrive_as_written_with_their_buttons(desk: Desk, anna: TelegramCitizen) -> None:
    async with at_work(desk):
        conversation_id = await begin(desk, anna)
        anna.says(f"мой СНИЛС {ANNA.snils}")
        await until("what was said", lambda: len(messages(desk, conversation_id)) == 2)
        token = text_of(desk, messages(desk, conversation_id)[-1]).rpartition(" ")[2]
        buttons = [{"title": title, "command": "/affirm"} for title in ("Да", "Нет")]
        message = write_message(desk, conversation_id, f"Проверьте: {token}. *Не* <b>разметка</b> [[x]]", Author.BOT, buttons=buttons)
        await until("the message", lambda: len(anna.received) == 2)
    greeting, said_to_anna = anna.received
    assert [row[0][0] for row in greeting.buttons] == ["Не могу войти", "Подать обращение", "Что с моим обращением", "Позвать оператора"]
    assert said_to_anna.text == f"Проверьте: {ANNA.snils}. *Не* <b>разметка</b> [[x]]"
    assert said_to_anna.buttons == [[("Да", f"{message.id}.0")], [("Нет", f"{message.id}.1")]]
    assert token not in said_to_anna.text


async def test_what_the_citizen_wrote_does_not_come_back(desk: Desk, anna: TelegramCitizen) -> None:
    async with at_work(desk):
        conversation_id = await begin(desk, anna)
        write_message(desk, conversation_id, "от гражданина")
        write_message(desk, conversation_id, "от бота", Author.BOT)
        await until("the bot's", lambda: len(anna.received) == 2)
    assert anna.read[1:] == ["от бота"]


async def test_many_messages_arrive_in_their_order_whatever_fails(desk: Desk, api: BotApi, anna: TelegramCitizen) -> None:
    async with at_work(desk):
        conversation_id = await begin(desk, anna)
        for _ in range(4):
            api.fail("sendMessage", random.choice([500, 502, 401]), "Bad")  # noqa: S311 - any of them
        api.fail("sendMessage", 429, retry_after=1)
        for number in range(12):
            write_message(desk, conversation_id, f"{number}", Author.BOT)
        await until("all", lambda: len(anna.received) == 13)
    assert anna.read[1:] == [f"{number}" for number in range(12)]


async def test_a_pause_that_is_asked_for_is_kept(desk: Desk, api: BotApi, anna: TelegramCitizen) -> None:
    async with at_work(desk):
        conversation_id = await begin(desk, anna)
        api.fail("sendMessage", 429, "Too Many Requests: retry after 1", retry_after=1)
        write_message(desk, conversation_id, "первое", Author.BOT)
        refused = await until("the refusal", lambda: len(api.made("sendMessage")) == 2 and len(anna.received))
        assert refused == 1
        write_message(desk, conversation_id, "второе", Author.BOT)
        await until("both", lambda: len(anna.received) == 3)
    first, last = anna.received[1:]
    assert (first.text, last.text) == ("первое", "второе")
    row = desk.database.read(deliveries.of_conversation, conversation_id)[1]
    assert (row.attempts, (row.sent_at - row.created_at).total_seconds() >= 1 if row.sent_at else False) == (2, True)


async def test_a_network_that_was_away_is_tried_again_soon(desk: Desk, api: BotApi, anna: TelegramCitizen) -> None:
    async with at_work(desk):
        conversation_id = await begin(desk, anna)
        with api.down():
            write_message(desk, conversation_id, "ответ", Author.BOT)

            def failed() -> bool:
                return desk.database.read(deliveries.of_conversation, conversation_id)[-1].attempts > 1

            await until("some attempts", failed)
        await until("the answer", lambda: len(anna.received) == 2)
    assert anna.read[1:] == ["ответ"]


async def test_an_operators_answer_comes_with_its_files_and_not_by_letter(desk: Desk, anna: TelegramCitizen) -> None:
    operator = add_operator(desk)
    async with at_work(desk):
        conversation_id = await begin(desk, anna)
        locked(desk, conversation_id, know_address)
        hand_over(desk, conversation_id)
        claim(desk, conversation_id, operator)
        files = Files(desk)
        uploads = [("экран.png", png()), ("Памятка.pdf", PDF), ("длинный.png", png(size=(900, 30)))]
        ids = [(await files.accept(conversation_id, name, content, operator)).id for name, content in uploads]
        await reply(desk, conversation_id, operator, "Посмотрите.\n" + "Слово " * 640, ids[:2])
        await reply(desk, conversation_id, operator, "", ids[2:])
        await until("everything", lambda: len(anna.received) == 7)
    _, _, joined, words, photo, document, long_picture = anna.received
    assert joined.text == "К разговору подключился оператор (Мария Иванова)."
    assert (words.text.startswith("Посмотрите."), photo.photo is not None) == (True, True)
    assert document.document == ("Памятка.pdf", PDF)
    assert long_picture.document is not None  # too long for a photo of Telegram's
    assert long_picture.document[0] == "длинный.png"
    rows = desk.database.read(deliveries.of_conversation, conversation_id)
    assert [row.kind for row in rows if row.channel == letters.CHANNEL] == [letters.RECEIPT]


async def test_a_message_in_parts_goes_on_where_it_stopped(desk: Desk, api: BotApi, anna: TelegramCitizen) -> None:
    operator = add_operator(desk)
    async with at_work(desk):
        conversation_id = await begin(desk, anna)
        claim(desk, conversation_id, operator)
        ids = [
            (await Files(desk).accept(conversation_id, f"{number}.jpg", jpeg(size=(40 + number, 40)), operator)).id for number in range(3)
        ]
        api.fail("sendPhoto", 500, times=3)
        await reply(desk, conversation_id, operator, "Три снимка", ids)
        await until("all of it", lambda: len(anna.received) == 6)
        write_message(desk, conversation_id, "дальше", Author.SYSTEM)
        await until("what follows", lambda: anna.read[-1] == "дальше")
    assert anna.read[1:] == ["К разговору подключился оператор (Мария Иванова).", "Три снимка", "дальше"]
    assert len([sent for sent in anna.received if sent.photo]) == 3


async def test_who_stopped_the_bot_gets_an_operators_answer_by_letter(desk: Desk, api: BotApi, anna: TelegramCitizen) -> None:
    operator = add_operator(desk)
    async with at_work(desk):
        conversation_id = await begin(desk, anna)
        locked(desk, conversation_id, know_address)
        claim(desk, conversation_id, operator)
        api.blocked.add(anna.chat_id)
        before = len(messages(desk, conversation_id))
        write_message(desk, conversation_id, "подождите", Author.SYSTEM)
        await reply(desk, conversation_id, operator, "Ответ", [])

        def by_letter() -> bool:
            rows = desk.database.read(deliveries.of_conversation, conversation_id)
            return [row.kind for row in rows if row.channel == letters.CHANNEL] == [letters.ANSWER]

        await until("a letter", by_letter)
        api.blocked.clear()
        write_message(desk, conversation_id, "снова здесь", Author.SYSTEM)
        await until("what comes after", lambda: anna.read[-1] == "снова здесь")
    assert len(messages(desk, conversation_id)) == before + 3  # no notice about notices
    documents = desk.database.read(lambda session: overview.letter_documents(session, session.get_one(Conversation, conversation_id)))
    failed = [(row["channel"], row["failure"]) for row in documents if row["state"] == "failed"]
    assert failed[-2:] == [("telegram", "гражданин остановил бота или удалил свой чат")] * 2


async def test_what_telegram_refuses_does_not_hold_up_the_rest(desk: Desk, api: BotApi, anna: TelegramCitizen) -> None:
    async with at_work(desk):
        conversation_id = await begin(desk, anna)
        api.fail("sendMessage", 400, "Bad Request: chat not found")
        api.fail("sendMessage", 400, "Bad Request: BUTTON_DATA_INVALID")
        for text in ("1", "2", "3"):
            write_message(desk, conversation_id, text, Author.BOT)
        await until("the last", lambda: anna.read[-1] == "3")
    rows = desk.database.read(deliveries.of_conversation, conversation_id)
    assert [(row.state, row.failure) for row in rows[1:]] == [
        (DeliveryState.FAILED, "no_chat"),
        (DeliveryState.FAILED, "not_taken"),
        (DeliveryState.SENT, None),
    ]


async def test_a_fault_of_ours_ends_and_the_rest_goes_on(desk: Desk, anna: TelegramCitizen, monkeypatch: pytest.MonkeyPatch) -> None:
    original = telegram_courier.split

    def fail(text: str) -> list[str]:
        if text == "сломано":
            raise RuntimeError(text)
        return original(text)

    async with at_work(desk):
        conversation_id = await begin(desk, anna)
        monkeypatch.setattr(telegram_courier, "split", fail)
        write_message(desk, conversation_id, "сломано", Author.BOT)
        write_message(desk, conversation_id, "цело", Author.BOT)
        await until("the next", lambda: anna.read[-1] == "цело")
    row = desk.database.read(deliveries.of_conversation, conversation_id)[1]
    assert (row.state, row.failure, row.attempts) == (DeliveryState.FAILED, "fault", 5)


def test_the_widgets_conversations_push_nothing(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    write_message(desk, conversation_id, "ответ", Author.BOT)
    assert desk.database.read(deliveries.of_conversation, conversation_id) == []
