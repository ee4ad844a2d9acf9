"""Telegram's updates on their way in: stored before they are acknowledged, taken once, in order, and none holds up another."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import timedelta

import pytest
import structlog

from bot.channels import telegram, telegram_intake
from bot.channels import telegram_updates as updates
from core.desk import Desk
from core.errors import DatabaseDown
from core.models import Attachment, Author, Mode, Scan, TurnState, now
from core.personal_data import TOKEN
from core.words import say
from tests.bot_api import BotApi
from tests.contract.telegram_desk import (
    anna,
    api,
    at_work,
    change,
    conversations_of,
    desk,
    only_conversation,
    rows,
    said,
    turns,
    until,
    until_done,
)
from tests.data.personas import ANNA
from tests.scenes import messages, reload
from tests.telegram_citizen import TelegramCitizen
from tests.unit.core.samples import GIF, PDF, jpeg, png

__all__ = ["anna", "api", "desk"]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails is tried again at once."""
    monkeypatch.setattr(telegram, "_FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(telegram, "_LONGEST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(telegram, "_WRONG_TOKEN_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(telegram_intake, "_LONGEST_PAUSE_SECONDS", 0.02)


@pytest.fixture
def events() -> Iterator[list[structlog.typing.EventDict]]:
    with structlog.testing.capture_logs() as found:
        yield found


def attachments(desk: Desk) -> list[Attachment]:
    return desk.database.read(lambda session: session.query(Attachment).order_by(Attachment.id).all())


async def test_an_update_given_out_five_times_is_one_row_one_message_one_turn(desk: Desk, api: BotApi, anna: TelegramCitizen) -> None:
    api.redeliver = 5
    anna.starts()
    anna.says("не приходит смс")
    async with at_work(desk):
        await until("the confirmation", lambda: not api.unconfirmed)
        await until_done(desk, 2)
    conversation_id = only_conversation(desk)
    assert [message.author for message in messages(desk, conversation_id)] == [Author.BOT, Author.CITIZEN]
    assert said(desk, conversation_id, "citizen") == ["не приходит смс"]
    assert [(turn.seq, turn.state) for turn in turns(desk)] == [(2, TurnState.RUNNING)]
    assert [(row.payload_sealed, row.attempts) for row in rows(desk)] == [(None, 0), (None, 0)]


@pytest.mark.usefixtures("hasty")
async def test_nothing_is_acknowledged_before_it_is_stored(
    desk: Desk, api: BotApi, anna: TelegramCitizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, fails = updates.store, asyncio.Event()

    def store(*arguments: object) -> None:
        if not fails.is_set():
            raise DatabaseDown
        original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(updates, "store", store)
    update_id = anna.says("вопрос")
    async with at_work(desk):
        await until("some polls", lambda: len(api.made("getUpdates")) > 2)
        assert (api.unconfirmed, rows(desk)) == ([update_id], [])
        fails.set()
        await until_done(desk, 1)
    assert said(desk, only_conversation(desk), "citizen") == ["вопрос"]


async def test_each_chat_has_its_conversation_and_its_order(desk: Desk, api: BotApi, anna: TelegramCitizen) -> None:
    pyotr = TelegramCitizen(api, "Пётр")
    for number in range(4):
        anna.says(f"анна {number}")
        pyotr.says(f"пётр {number}")
    async with at_work(desk):
        await until_done(desk, 8)
        for someone in (anna, pyotr):  # each got a greeting in their own chat
            await until("the greeting", lambda someone=someone: len(someone.received) == 1)  # type: ignore[misc]
    found = {said(desk, conversation.id, "citizen")[0]: conversation for conversation in conversations_of(desk)}
    for name in ("анна", "пётр"):
        assert said(desk, found[f"{name} 0"].id, "citizen") == [f"{name} {number}" for number in range(4)]
    assert {conversation.token_hash for conversation in found.values()} == {None}  # no bearer token opens them
    assert {conversation.channel for conversation in found.values()} == {"telegram"}


async def test_start_is_no_message_and_greets_once(desk: Desk, anna: TelegramCitizen) -> None:
    async with at_work(desk):
        anna.starts()
        anna.starts()
        await until_done(desk, 2)
        conversation_id = only_conversation(desk)
        assert len(messages(desk, conversation_id)) == 1
        anna.says("вопрос")
        anna.sends(text="/start from_portal")
        await until_done(desk, 4)
    assert said(desk, conversation_id)[1:] == ["вопрос", say("telegram_again")]
    assert len(turns(desk)) == 1


async def test_an_album_is_one_message(desk: Desk, anna: TelegramCitizen) -> None:
    pictures = [jpeg(size=(width, 40)) for width in (50, 60, 70)]
    anna.sends_album(pictures, "вот экраны")
    anna.says("и вопрос")
    async with at_work(desk):
        await until_done(desk, 4)
        anna.sends_album(pictures[:2])
        await until_done(desk, 6)
    conversation_id = only_conversation(desk)
    assert said(desk, conversation_id, "citizen") == ["вот экраны", "и вопрос", ""]
    first, _, last = [message for message in messages(desk, conversation_id) if message.author == Author.CITIZEN]
    of = {message.id: [found for found in attachments(desk) if found.message_id == message.id] for message in (first, last)}
    assert [len(of[first.id]), len(of[last.id])] == [3, 2]
    assert {(found.content_type, found.scan) for found in attachments(desk)} == {("image/jpeg", Scan.CLEAN)}
    assert len({row.album_hash for row in rows(desk)}) == 3  # two albums, and what is none


async def test_parts_that_come_late_join_and_survive_a_restart(desk: Desk, anna: TelegramCitizen) -> None:
    async with at_work(desk):
        anna.sends_photo(png(), "часть", media_group_id="77")
        await until("the first part", lambda: rows(desk))
    assert rows(desk)[0].processed_at is None  # the gateway ended while it waited for more
    anna.sends_photo(png(), media_group_id="77")
    async with at_work(desk):
        await until_done(desk, 2)
    assert (said(desk, only_conversation(desk), "citizen"), len(attachments(desk))) == (["часть"], 2)


async def test_a_document_is_checked_as_the_widgets(desk: Desk, api: BotApi, anna: TelegramCitizen) -> None:
    anna.sends_document("Справка.pdf", PDF, "документ")
    anna.sends_document(f"{ANNA.snils}.pdf", GIF, "а это картинка")
    anna.sends_document("большой.pdf", PDF, told_size=1_300_000)
    anna.sends_document("тайком большой.pdf", PDF + b"0" * 1_300_000, told_size=100)
    async with at_work(desk):
        await until_done(desk, 4)
        await until("four messages", lambda: len(anna.received) == 4)
    conversation_id = only_conversation(desk)
    assert said(desk, conversation_id, "citizen") == ["документ", "а это картинка"]
    kind = "Принимаются картинки JPEG и PNG и документы PDF и DOCX. Этот файл другого вида."
    assert [text for text in anna.read if "не принят" in text] == [
        f"Файл «{ANNA.snils}.pdf» не принят. {kind}",
        "Файл «большой.pdf» не принят. Файл больше 1 МБ.",
        "Файл «тайком большой.pdf» не принят. Файл больше 1 МБ.",
    ]
    assert ANNA.snils not in "".join(said(desk, conversation_id))
    assert len(api.made("getFile")) == 3  # the size that was told is believed before anything is fetched
    (found,) = attachments(desk)
    assert (found.scan, found.message_id is not None) == (Scan.UNSCANNED, True)


async def test_what_cannot_be_read_is_said(desk: Desk, anna: TelegramCitizen) -> None:
    anna.sends_voice()
    anna.sends(video={"file_id": "v", "file_unique_id": "u", "width": 9, "height": 9, "duration": 1}, caption="так и висит")
    anna.sends(location={"latitude": 55.7, "longitude": 37.6})
    anna.sends(pinned_message={"message_id": 1, "date": 1, "chat": {"id": anna.chat_id, "type": "private"}, "text": "?"})
    anna.says("д" * 4050)
    async with at_work(desk):
        await until_done(desk, 5)
        await until("the notices", lambda: len(anna.received) == 5)
    assert anna.read[1:] == [say("telegram_only")] * 3 + [say("message_too_long", limit=4000)]
    assert said(desk, only_conversation(desk), "citizen") == ["так и висит"]


async def test_buttons_do_what_they_say_and_stop_spinning(desk: Desk, api: BotApi, anna: TelegramCitizen) -> None:
    anna.starts()
    async with at_work(desk):
        await until("the greeting", lambda: anna.received)
        queries = [anna.presses("Не могу войти"), anna.presses("Позвать оператора")]
        queries += [anna.presses_data("nonsense"), anna.presses_data("")]
        await until_done(desk, 5)
        await until("the answers", lambda: api.answered == queries)
        await until("what is said of it", lambda: len(anna.received) == 4)
    assert said(desk, only_conversation(desk), "citizen") == ["Не могу войти", "Позвать оператора"]
    assert reload(desk, only_conversation(desk)).mode == Mode.QUEUED
    assert "Ответ придёт сюда." in anna.read[1]
    assert anna.read[2:] == [say("telegram_button_gone")] * 2
    assert turns(desk)[0].command == '/ask_question{"article": "login-forgot-password"}'


async def test_another_chats_button_is_none_here(desk: Desk, api: BotApi, anna: TelegramCitizen) -> None:
    pyotr = TelegramCitizen(api, "Пётр")
    anna.starts()
    pyotr.starts()
    async with at_work(desk):
        await until("the greetings", lambda: anna.received and pyotr.received)
        pyotr.presses_data(anna.received[0].buttons[3][0][1])
        await until("a notice", lambda: say("telegram_button_gone") in pyotr.read)
    assert {reload(desk, found.id).mode for found in conversations_of(desk)} == {Mode.BOT}


async def test_typing_is_shown_while_the_bot_thinks(desk: Desk, api: BotApi, anna: TelegramCitizen) -> None:
    anna.says("вопрос")
    async with at_work(desk):
        await until("typing", lambda: api.made("sendChatAction"))
        change(desk, only_conversation(desk), mode=Mode.QUEUED)
        anna.says("жду")
        await until_done(desk, 2)
    assert len(api.made("sendChatAction")) == 1


async def test_groups_are_only_acknowledged(desk: Desk, api: BotApi) -> None:
    chat = {"id": -100, "type": "group", "title": "Соседи"}
    api.put("message", {"message_id": 1, "date": 1, "chat": chat, "text": "/start"})
    api.put("message", {"nonsense": True})
    async with at_work(desk):
        await until("the confirmation", lambda: not api.unconfirmed)
    assert [(row.conversation_id, row.payload_sealed, row.processed_at is None) for row in rows(desk)] == [(None, None, False)] * 2
    assert conversations_of(desk) == []


@pytest.mark.usefixtures("hasty")
async def test_an_update_that_breaks_us_is_parked_and_told(
    desk: Desk, api: BotApi, anna: TelegramCitizen, events: list[structlog.typing.EventDict]
) -> None:
    pyotr = TelegramCitizen(api, "Пётр")
    broken = api.put("message", {"chat": {"id": anna.chat_id, "type": "private"}, "text": "тайна"}, anna.chat_id)
    anna.says("после")
    pyotr.says("рядом")
    async with at_work(desk):
        await until_done(desk, 3)
        await until("the words", lambda: say("telegram_not_taken") in anna.read)
    assert sorted(text for found in conversations_of(desk) for text in said(desk, found.id, "citizen")) == ["после", "рядом"]
    assert [event["update_id"] for event in events if event["event"] == "telegram_update_parked"] == [broken]
    assert "тайна" not in str(events)


@pytest.mark.usefixtures("hasty")
async def test_a_file_that_does_not_come_is_fetched_again(desk: Desk, api: BotApi, anna: TelegramCitizen) -> None:
    api.fail("getFile", 502, times=7)
    api.fail("getFile", 429, retry_after=1)
    anna.sends_photo(png(), "экран")
    anna.says("второе")
    async with at_work(desk):
        await until_done(desk, 2)
    assert said(desk, only_conversation(desk), "citizen") == ["экран", "второе"]
    assert len(attachments(desk)) == 1


@pytest.mark.usefixtures("hasty")
async def test_outages_are_survived(desk: Desk, api: BotApi, anna: TelegramCitizen, events: list[structlog.typing.EventDict]) -> None:
    api.fail("GetUpdates", 401, "Unauthorized")
    api.fail("GetUpdates", 409, "Conflict: can't use getUpdates method while webhook is active")
    api.fail("GetUpdates", 429, retry_after=1)
    api.fail("GetUpdates", 500)
    anna.says("до")
    async with at_work(desk):
        await until_done(desk, 1)
        with api.down():
            await until("a failed poll", lambda: any(event["event"] == "telegram_unreachable" for event in events[5:]))
            anna.says("после")
        await until_done(desk, 2)
    assert said(desk, only_conversation(desk), "citizen") == ["до", "после"]
    heard = [event["event"] for event in events if event["log_level"] in ("warning", "error")]
    assert heard[:4] == ["telegram_token_refused", "telegram_polled_by_another", "telegram_asked_to_wait", "telegram_unreachable"]
    assert api.token not in str(events)


async def test_of_several_gateways_one_polls(desk: Desk, api: BotApi, anna: TelegramCitizen, monkeypatch: pytest.MonkeyPatch) -> None:
    if desk.database.is_sqlite:
        pytest.skip("one gateway owns a SQLite desk")
    monkeypatch.setattr(telegram, "_RENEW_SECONDS", 0.1)
    async with at_work(desk):
        async with at_work(desk):
            anna.says("раз")
            await until_done(desk, 1)
            assert api.conflicts == 0
            # The one that began later ends first; then the other way round.
        anna.says("два")
        await until_done(desk, 2)
    async with contextlib.AsyncExitStack() as first, at_work(desk):
        await first.enter_async_context(at_work(desk))
        await first.aclose()
        anna.says("три")
        await until_done(desk, 3)
    assert said(desk, only_conversation(desk), "citizen") == ["раз", "два", "три"]


async def test_what_is_closed_stays_closed_and_the_chat_begins_anew(desk: Desk, anna: TelegramCitizen) -> None:
    anna.says("раньше")
    async with at_work(desk):
        await until_done(desk, 1)
        change(desk, only_conversation(desk), mode=Mode.CLOSED, data_key=None)
        anna.says("теперь")
        await until_done(desk, 2)
    closed, begun = conversations_of(desk)
    assert (closed.address_hash, len(messages(desk, closed.id))) == (None, 2)
    assert said(desk, begun.id, "citizen") == ["теперь"]


async def test_the_database_does_not_show_who_writes(desk: Desk, anna: TelegramCitizen) -> None:
    anna.says("Моё слово")
    async with at_work(desk):
        await until("the greeting", lambda: anna.received)
        await until_done(desk, 1)
    conversation = conversations_of(desk)[0]
    assert conversation.push_token
    assert TOKEN.fullmatch(conversation.push_token)
    if desk.database.is_sqlite:
        files = [file for file in desk.settings.data_dir.glob("otklik.db*") if file.is_file()]
        content = b"".join(file.read_bytes() for file in files)
        for secret in (str(anna.chat_id), "Моё слово", "Анна"):
            assert secret.encode() not in content
            assert secret.encode("unicode_escape") not in content


def test_old_rows_go_and_with_the_last_the_offset(desk: Desk) -> None:
    chat = {"id": -1, "type": "group"}
    at = now()
    desk.database.write(updates.store, desk, {"update_id": 5, "message": {"chat": chat}}, at - timedelta(days=4))
    desk.database.write(updates.store, desk, {"update_id": 6, "message": {"chat": chat}}, at)
    assert desk.database.read(updates.next_offset) == 7
    desk.database.write(updates.sweep, at, 3)
    assert [row.update_id for row in rows(desk)] == [6]
    desk.database.write(updates.sweep, at + timedelta(days=4), 3)
    assert (rows(desk), desk.database.read(updates.next_offset)) == ([], None)
