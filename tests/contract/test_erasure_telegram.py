"""Erasure and export in Telegram: the receipt arrives though the chat's address is gone, and what is written next begins anew."""

import io
import uuid
import zipfile

from bot.erasures import Erasures
from bot.exports import Exports
from core.desk import Desk
from core.models import Erasure, Mode, now
from handoff import erasure, export
from tests.bot_api import BotApi
from tests.contract.telegram_desk import anna, api, at_work, conversations_of, desk, only_conversation, rows, until, until_done
from tests.contract.test_erasure import Engine
from tests.data.personas import ANNA
from tests.scenes import locked, reload
from tests.telegram_citizen import TelegramCitizen

__all__ = ["anna", "api", "desk"]


async def begin(desk: Desk, anna: TelegramCitizen) -> uuid.UUID:
    anna.starts()
    await until("the greeting", lambda: anna.received)
    anna.says(f"мой СНИЛС {ANNA.snils}")
    await until_done(desk, 2)
    return only_conversation(desk)


async def test_the_receipt_and_a_new_conversation(desk: Desk, anna: TelegramCitizen) -> None:
    async with at_work(desk):
        conversation_id = await begin(desk, anna)
        locked(desk, conversation_id, lambda s, d, c: erasure.erase(s, d, c, erasure.CITIZEN, now()))
        await until("the receipt", lambda: any("Данные этого разговора удалены" in text for text in anna.read))
        assert (reload(desk, conversation_id).address_hash, reload(desk, conversation_id).push_token) == (None, None)
        worker = Erasures(desk, Engine())

        async def forgotten() -> bool:
            await worker.finish_open()
            row = desk.database.read(lambda session: session.get_one(Erasure, conversation_id))
            return row.addresses_sealed is None and row.data_key is None

        while not await forgotten():
            await until("the end of the delivery", lambda: True)
        assert {row.payload_sealed for row in rows(desk)} == {None}
        anna.says("здравствуйте")
        await until("a new conversation", lambda: len(conversations_of(desk)) == 2)
        old, new = conversations_of(desk)
        assert (old.id, old.mode, new.mode) == (conversation_id, Mode.CLOSED, Mode.BOT)


async def test_the_export_comes_as_a_document(desk: Desk, anna: TelegramCitizen, api: BotApi) -> None:
    assert api.url
    async with at_work(desk):
        conversation_id = await begin(desk, anna)
        locked(desk, conversation_id, export.ask)
        await Exports(desk).make_asked()
        sent = await until("the document", lambda: next((sent for sent in anna.received if sent.document), None))
    assert sent.document is not None
    name, content = sent.document
    assert name == "Мои данные.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert ANNA.snils in archive.read("data.json").decode()
