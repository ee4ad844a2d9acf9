"""Telegram: a loop of our own around getUpdates, in which nothing is acknowledged before it is stored.

One gateway of several polls and processes, under a lease: Telegram lets one call for news stand at a time. All of them send.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Sequence
from typing import Any

import structlog
from telegram import Bot
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from bot.channels import telegram_updates as updates
from bot.channels.telegram_content import asked_pause
from bot.channels.telegram_courier import TelegramCourier
from bot.channels.telegram_intake import TelegramIntake
from bot.turns import Turns
from core import leases
from core.desk import Desk
from core.errors import DatabaseDown
from core.files import Files
from core.ids import new_id
from core.models import now
from core.settings import Settings

os.environ.setdefault("PTB_TIMEDELTA", "true")  # the library warns otherwise each time that it is told to wait

log = structlog.get_logger(__name__)

_LEASE = "telegram"
_LEASE_SECONDS = 20.0
_RENEW_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_WRONG_TOKEN_PAUSE_SECONDS = 60.0
_ANSWER_SECONDS = 10.0  # more than the poll itself
_SWEEP_SECONDS = 3600.0


class Telegram:
    """The channel in one gateway process."""

    def __init__(self, desk: Desk, turns: Turns, files: Files) -> None:
        self._desk = desk
        self._requests = _requests()
        self._bot = _bot(desk.settings, self._requests)
        self._intake = TelegramIntake(desk, self._bot, files, turns)
        self._owner = new_id().hex
        self._swept_at: float | None = None
        self.courier = TelegramCourier(desk, self._bot)

    async def run_forever(self) -> None:
        """Polls and processes while this gateway has the lease."""
        try:
            while True:
                if await self._take_lease():
                    await self._serve()
                await asyncio.sleep(_RENEW_SECONDS)
        finally:
            if not self._desk.database.is_sqlite:
                with contextlib.suppress(DatabaseDown):
                    await self._desk.database.write_soon(leases.give_back, _LEASE, self._owner, now())

    async def close(self) -> None:
        for request in self._requests:
            await request.shutdown()

    async def _take_lease(self) -> bool:
        database = self._desk.database
        # One gateway owns a SQLite desk.
        return database.is_sqlite or await database.write_soon(leases.take, _LEASE, self._owner, now(), _LEASE_SECONDS)

    async def _serve(self) -> None:
        log.info("telegram_polling_started")
        tasks = [asyncio.create_task(self._poll_forever()), asyncio.create_task(self._intake.run_forever())]
        try:
            while await self._take_lease():
                ended, _ = await asyncio.wait(tasks, timeout=_RENEW_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    task.result()
            log.info("telegram_lease_lost")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _poll_forever(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            wait = pause
            try:
                await self._poll()
            except RetryAfter as error:
                wait = asked_pause(error)
                log.warning("telegram_asked_to_wait", pause_seconds=wait)
            except InvalidToken:
                wait = _WRONG_TOKEN_PAUSE_SECONDS
                log.error("telegram_token_refused", pause_seconds=wait)
            except Conflict:
                log.error("telegram_polled_by_another", pause_seconds=wait)  # with the same token, or a webhook is set
            except TelegramError as error:
                log.warning("telegram_unreachable", error=type(error).__name__, pause_seconds=wait)
            except DatabaseDown:
                log.warning("database_down")
            else:
                pause = _FIRST_PAUSE_SECONDS
                continue
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(wait)

    async def _poll(self) -> None:
        """Acknowledges what is stored, waits for news, and stores it."""
        database, seconds = self._desk.database, self._desk.settings.telegram_poll_seconds
        wanted: dict[str, Any] = {"timeout": seconds, "allowed_updates": ["message", "callback_query"]}
        # Before the offset is read: after a week's silence Telegram may count from a lower number.
        if self._swept_at is None or time.monotonic() - self._swept_at > _SWEEP_SECONDS:
            await database.write_soon(updates.sweep, now(), self._desk.settings.keep_telegram_update_days)
            self._swept_at = time.monotonic()
        offset = await database.read_soon(updates.next_offset)
        if offset is not None:
            wanted["offset"] = offset
        # Not get_updates: that parses a whole batch or fails. An update that cannot be read must neither be lost nor hold up the others.
        # (Names of methods know no case; under its usual one the library would warn that get_updates is there.)
        received: Sequence[dict[str, Any]] = await self._bot.do_api_request(
            "GetUpdates", api_kwargs=wanted, read_timeout=seconds + _ANSWER_SECONDS
        )
        for payload in received:
            await database.write_soon(updates.store, self._desk, payload, now())
        if received:
            self._intake.wake()


def _requests() -> tuple[HTTPXRequest, HTTPXRequest]:
    """For getUpdates by its usual name (not used), and for everything."""
    calls = HTTPXRequest(
        connection_pool_size=32, connect_timeout=10, read_timeout=20, write_timeout=20, media_write_timeout=60, pool_timeout=20
    )
    return HTTPXRequest(connection_pool_size=1), calls


def _bot(settings: Settings, requests: tuple[HTTPXRequest, HTTPXRequest]) -> Bot:
    url = settings.telegram_api_url.rstrip("/")
    return Bot(
        settings.telegram_token.get_secret_value(),
        base_url=f"{url}/bot",
        base_file_url=f"{url}/file/bot",
        get_updates_request=requests[0],
        request=requests[1],
    )
