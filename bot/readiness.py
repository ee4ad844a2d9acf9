"""Whether everything the gateway needs answers."""

import asyncio

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.channels.mail_collector import MailCollector
from bot.dialogue_engine import RasaEngine
from core.desk import Desk
from core.events_redis import RedisEvents
from core.models import Operator
from core.text_recognition import find_tesseract


class Readiness:
    def __init__(self, desk: Desk, engine: RasaEngine, collector: MailCollector) -> None:
        self._desk = desk
        self._engine = engine
        self._collector = collector

    async def states(self) -> dict[str, str]:
        """Dependency → "ok" or "down"; "off" is an optional one that this desk has not got.

        Of the mailbox its own state: without it the desk serves all but letters, so it is never "down".
        """
        model, actions = await self._engine.health()
        events = self._desk.events
        return {
            "database": "ok" if await self._database_answers() else "down",
            "dialogue_engine": "ok" if model else "down",
            "action_server": "ok" if actions else "down",
            "mailbox": self._collector.state,
            "tesseract": "ok" if await asyncio.to_thread(find_tesseract, self._desk.settings.tesseract) else "off",
        } | ({"events": "ok" if events.is_connected else "down"} if isinstance(events, RedisEvents) else {})

    async def _database_answers(self) -> bool:
        def look(session: Session) -> None:
            session.execute(select(Operator.id).limit(1))

        try:
            await self._desk.database.read_soon(look)
        except Exception:  # noqa: BLE001 - any failure means that it does not answer
            return False
        return True
