"""The worker that tells of deadlines: every minute or so, one gateway of several, under a lease."""

import asyncio
import contextlib

import structlog

from core import leases
from core.desk import Desk
from core.errors import DatabaseDown
from core.models import now
from core.web import place_of
from handoff import deadlines

log = structlog.get_logger(__name__)

_LEASE_MARGIN_SECONDS = 60.0


class Deadlines:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._pause = desk.settings.deadline_check_seconds
        self._hold = leases.Hold(desk.database, "deadlines", self._pause + _LEASE_MARGIN_SECONDS)

    async def run_forever(self) -> None:
        try:
            while True:
                with contextlib.suppress(DatabaseDown):
                    if await self._hold.take():
                        await self.notify_all()
                await asyncio.sleep(self._pause)
        finally:
            await self._hold.give_back()

    async def notify_all(self) -> int:
        """Tells all that is due now; how many were told. One that fails holds up no other, and is tried again the next time."""
        database = self._desk.database
        told = 0
        for appeal_id in await database.read_soon(deadlines.due_for_notice, self._desk.settings, now()):
            try:
                kind = await database.write_soon(deadlines.notify, self._desk, appeal_id, now())
            except DatabaseDown:
                raise
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one, the others are told
                log.error("deadline_notice_failed", appeal=str(appeal_id), error=type(error).__name__, at=place_of(error))
                continue
            if kind:
                told += 1
                log.info("deadline_notice", appeal=str(appeal_id), kind=kind)
        return told
