"""The link in a form's receipt: it gives the citizen's chat the appeal's conversation, once."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk, open_desk
from core.ids import new_id, new_token
from core.models import Author, Conversation, Delivery, Mode
from core.transcript import masked_fields
from core.words import say
from handoff import feedback_form, letters
from handoff.fields import ReplyChannel
from handoff.letters.renderer import render
from tests.bot_api import BotApi
from tests.conftest import MakeSettings
from tests.contract.telegram_desk import anna, api, at_work, only_conversation, rows, said, until, until_done
from tests.contract.test_feedback_form import FEEDBACK
from tests.scenes import MONDAY, change_mode, reload, write_message
from tests.telegram_citizen import TelegramCitizen

__all__ = ["anna", "api"]


@pytest.fixture
def desk(make_settings: MakeSettings, database_url: str, api: BotApi) -> Iterator[Desk]:
    found = {"telegram_token": api.token, "telegram_api_url": api.url, "telegram_bot_name": "otklik_bot", "sweep_seconds": 0.1}
    opened = open_desk(make_settings(database_url=database_url, telegram_poll_seconds=5, **found))
    yield opened
    opened.close()


def send_form(desk: Desk) -> tuple[uuid.UUID, str, str]:
    """The form's conversation, its appeal's number, and the code of the receipt's link."""
    holder = Conversation(id=new_id())
    desk.vault.new_key(holder)
    feedback = replace(FEEDBACK, reply_channel=ReplyChannel.MESSENGER, form_id=new_token())
    registered = desk.database.write(feedback_form.register, desk, holder, feedback, [], MONDAY)

    def read(session: Session) -> str:
        wanted = select(Delivery).where(Delivery.conversation_id == holder.id, Delivery.kind == letters.RECEIPT)
        body = render(session, desk, session.scalars(wanted).one()).get_body(("plain",))
        assert body
        fields = masked_fields(session, desk, conversations.find(session, holder.id))
        link = re.search(r"https://t\.me/otklik_bot\?start=(\S+)", body.get_content())
        assert link and "telegram_code" not in fields and link[1] not in str(fields)
        return link[1]

    return holder.id, registered.number, desk.database.read(read)


async def test_the_chat_becomes_the_appeal_s_once(desk: Desk, api: BotApi, anna: TelegramCitizen) -> None:
    form, number, code = send_form(desk)
    stranger = TelegramCitizen(api, "Пётр")
    async with at_work(desk):
        anna.sends(text=f"/start {code}")
        await until_done(desk, 1)
        linked = say("telegram_linked", number=number)
        await until("the notice", lambda: linked in anna.read)
        anna.says("и ещё: ошибка 503")
        stranger.sends(text=f"/start {code}")  # who found the letter later
        stranger.says("здравствуйте")
        await until_done(desk, 4)
        write_message(desk, form, "Мы всё исправили", Author.OPERATOR)
        await until("the answer", lambda: "Мы всё исправили" in anna.read)
    assert said(desk, form, "citizen") == [FEEDBACK.text, "и ещё: ошибка 503"]
    assert not any(number in text or "исправили" in text for text in stranger.read)
    bound = reload(desk, form)
    assert (bound.channel, bound.token_hash) == ("telegram", None)
    assert all(row.payload_sealed is None for row in rows(desk))


async def test_a_chat_with_an_operator_stays_with_them(desk: Desk, anna: TelegramCitizen) -> None:
    async with at_work(desk):
        anna.starts()
        await until_done(desk, 1)
        chat = only_conversation(desk)
        change_mode(desk, chat, Mode.QUEUED)
        form, _, code = send_form(desk)
        anna.sends(text=f"/start {code}")
        await until_done(desk, 2)
        await until("the notice", lambda: say("telegram_link_later") in anna.read)
        assert reload(desk, form).channel == "form"
        change_mode(desk, chat, Mode.BOT)
        anna.sends(text=f"/start {code}")
        await until_done(desk, 3)
    assert reload(desk, form).channel == "telegram"
    assert reload(desk, chat).address_hash is None
