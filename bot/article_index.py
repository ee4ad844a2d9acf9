"""Keeps this host's index as new as the articles: an edit is in it within seconds, and each night the embedder is tuned on them anew.

Every host has an index folder of its own. What is stale follows from what the index was made of, so that an edit is caught up with whoever
made it, on whichever host, and whatever crashed meanwhile. Readers follow the index's pointer by themselves.
"""

import asyncio
import contextlib
import time
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.index_builder import IndexBuilder
from core.desk import Desk
from core.errors import DatabaseDown
from core.events import ARTICLES
from core.models import Article, now
from core.working_time import seconds_until
from knowledge_base.articles import published
from knowledge_base.building import digest, made_of

_FIRST_PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 300.0
_EDITING_SECONDS = 900.0  # after an edit or the opening of a form an edit is likely: a builder waits for it, in 300 MB


class ArticleIndex:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._builder = IndexBuilder(desk.settings)
        self._fresh: int | None = None  # the stamp of the articles that the index is known to hold
        self._failed: int | None = None  # the stamp of those that it could not be made of
        self._pause = _FIRST_PAUSE_SECONDS
        self._retry_at = 0.0

    async def run_forever(self) -> None:
        """Looks at each hint and at each sweep. One build runs at a time; a tuning gives way to an edit and begins again after it."""
        tuning: asyncio.Task[bool] | None = None
        tune_at = self._next_night()
        busy_until = time.monotonic()
        try:
            with self._desk.events.subscribe(ARTICLES) as hints:
                while True:
                    if tuning and tuning.done():
                        tuning.result()  # raises what was not foreseen
                        tuning, tune_at, self._fresh = None, self._next_night(), None
                    with contextlib.suppress(DatabaseDown):
                        if await self.is_stale():
                            await _stop(tuning)
                            tuning = None
                            await self.catch_up()
                        elif tuning is None and now() >= tune_at:
                            tuning = asyncio.create_task(self._builder.tune())
                        if time.monotonic() < busy_until:
                            await self._builder.stand_by()
                        else:
                            await self._builder.close()
                    if await hints.get(self._desk.settings.sweep_seconds):
                        busy_until = time.monotonic() + _EDITING_SECONDS
        finally:
            await _stop(tuning)
            await self._builder.close()

    async def is_stale(self) -> bool:
        """Whether the index holds other articles than citizens may read now. DatabaseDown.

        False for a while after a build failed, unless the articles were changed since.
        """
        stamp = await self._desk.database.read_soon(_stamp)
        if stamp == self._fresh or (stamp == self._failed and time.monotonic() < self._retry_at):
            return False
        stamp, wanted = await self._desk.database.read_soon(_stamp_and_digest)
        if wanted and wanted != await asyncio.to_thread(made_of, self._desk.settings.index_dir):
            return True
        self._fresh = stamp
        return False

    async def catch_up(self) -> bool:
        """Builds the index of the articles as they are now, with the embedder that there is. False when that failed. DatabaseDown."""
        stamp = await self._desk.database.read_soon(_stamp)
        if await self._builder.follow():
            self._pause = _FIRST_PAUSE_SECONDS
            return True
        self._failed, self._retry_at = stamp, time.monotonic() + self._pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)
        return False

    def _next_night(self) -> datetime:
        return now() + timedelta(seconds=seconds_until(self._desk.settings.tune_at, now()))


async def _stop(tuning: asyncio.Task[bool] | None) -> None:
    if tuning:
        tuning.cancel()
        await asyncio.gather(tuning, return_exceptions=True)


def _stamp(session: Session) -> int:
    """Grows with every change of any article: each adds a revision, and none is ever deleted."""
    return int(session.scalar(select(func.coalesce(func.sum(Article.revision), 0))) or 0)


def _stamp_and_digest(session: Session) -> tuple[int, str]:
    """The digest is empty where nothing is published: there is no index of nothing."""
    articles = published(session)
    return _stamp(session), digest(articles) if articles else ""
