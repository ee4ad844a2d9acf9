"""A desk on Telegram without a dialogue engine: what comes in is stored, what the tests say goes out."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.channels.telegram import Telegram
from bot.channels.telegram_updates import CHANNEL
from bot.claims import Begun
from bot.delivery import Deliveries
from bot.dialogue_engine import RasaEngine
from bot.turns import Turns
from core.desk import Desk, open_desk
from core.files import Files
from core.models import Conversation, TelegramUpdate, Turn
from tests.bot_api import BotApi
from tests.conftest import MakeSettings
from tests.scenes import messages, text_of
from tests.telegram_citizen import TelegramCitizen

T = TypeVar("T")


@pytest.fixture
def api() -> Iterator[BotApi]:
    server = BotApi()
    yield server
    server.close()


@pytest.fixture
def desk(make_settings: MakeSettings, database_url: str, api: BotApi) -> Iterator[Desk]:
    settings = make_settings(
        database_url=database_url,
        telegram_token=api.token,
        telegram_api_url=api.url,
        telegram_poll_seconds=5,
        sweep_seconds=0.1,
        max_document_bytes=1_048_576,
    )
    opened = open_desk(settings)
    yield opened
    opened.close()


@pytest.fixture
def anna(api: BotApi) -> TelegramCitizen:
    return TelegramCitizen(api)


class ClaimedTurns(Turns):
    """Leaves them as a worker does that dies right after the claim."""

    def start(self, begun: Begun | None) -> None:
        pass


@contextlib.asynccontextmanager
async def at_work(desk: Desk) -> AsyncIterator[None]:
    """Polls, processes and sends inside the ``with``; turns are claimed and not run."""
    engine = RasaEngine(desk.settings)
    telegram = Telegram(desk, ClaimedTurns(desk, engine), Files(desk))
    tasks = [
        asyncio.create_task(telegram.run_forever()),
        asyncio.create_task(Deliveries(desk, {CHANNEL: telegram.courier}).run_forever()),
    ]
    try:
        yield
        for task in tasks:
            assert not task.done(), task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await telegram.close()
        await engine.close()


async def until(what: str, look: Callable[[], T | None], seconds: float = 20) -> T:
    """What ``look`` returns once it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = await asyncio.to_thread(look)
        if found:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")


def rows(desk: Desk) -> list[TelegramUpdate]:
    return desk.database.read(lambda session: list(session.scalars(select(TelegramUpdate).order_by(TelegramUpdate.update_id))))


def turns(desk: Desk) -> list[Turn]:
    return desk.database.read(lambda session: list(session.scalars(select(Turn).order_by(Turn.seq))))


def conversations_of(desk: Desk) -> list[Conversation]:
    return desk.database.read(lambda session: list(session.scalars(select(Conversation).order_by(Conversation.id))))


def only_conversation(desk: Desk) -> uuid.UUID:
    (found,) = conversations_of(desk)
    return found.id


def said(desk: Desk, conversation_id: uuid.UUID, *authors: str) -> list[str]:
    """Texts with tokens, oldest first; of ``authors``, else of all."""
    return [text_of(desk, message) for message in messages(desk, conversation_id) if not authors or message.author in authors]


async def until_done(desk: Desk, count: int) -> list[TelegramUpdate]:
    """The rows, once ``count`` of them are processed."""

    def look() -> list[TelegramUpdate] | None:
        found = rows(desk)
        return found if len([row for row in found if row.processed_at]) == count else None

    return await until(f"{count} processed updates", look)


def change(desk: Desk, conversation_id: uuid.UUID, **values: Any) -> None:
    def work(session: Session) -> None:
        conversation = session.get_one(Conversation, conversation_id)
        for name, value in values.items():
            setattr(conversation, name, value)

    desk.database.write(work)
