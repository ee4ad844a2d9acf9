"""What only one of several gateways does at a time: whoever holds the lease does it, and renews it."""

import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from core.database import Database
from core.desk import Desk
from core.errors import DatabaseDown
from core.ids import new_id
from core.models import Lease, now


class Hold:
    """One process's hold on a lease. On SQLite the desk has one gateway, which holds everything."""

    def __init__(self, database: Database, name: str, seconds: float) -> None:
        self._database = database
        self._name = name
        self._seconds = seconds
        self._owner = new_id().hex

    async def take(self) -> bool:
        """Takes or renews it; False while it is another's. DatabaseDown."""
        if self._database.is_sqlite:
            return True
        return await self._database.write_soon(take, self._name, self._owner, now(), self._seconds)

    async def give_back(self) -> None:
        """Lets another one have it at once; without a database it runs out by itself."""
        if not self._database.is_sqlite:
            with contextlib.suppress(DatabaseDown):
                await self._database.write_soon(give_back, self._name, self._owner, now())


async def work_while_held(desk: Desk, hold: Hold, topic: str, work: Callable[[], Awaitable[object]]) -> None:
    """Does ``work`` for ever: at each hint of ``topic`` and at each sweep, as long as ``hold`` is ours and the database answers."""
    try:
        with desk.events.subscribe(topic) as hints:
            while True:
                with contextlib.suppress(DatabaseDown):
                    if await hold.take():
                        await work()
                await hints.get(desk.settings.sweep_seconds)
    finally:
        await hold.give_back()


def take(session: Session, name: str, owner: str, at: datetime, seconds: float) -> bool:
    """Takes the lease, or renews it, until ``seconds`` after ``at``; False while it is another's."""
    until = at + timedelta(seconds=seconds)
    held = session.get(Lease, name, with_for_update=True, populate_existing=True)
    if held is None:
        session.add(Lease(name=name, owner=owner, until=until))
        session.flush()  # two that come first at the same time: one of them is run again and finds the other's
        return True
    if held.owner != owner and held.until >= at:
        return False
    held.owner, held.until = owner, until
    return True


def give_back(session: Session, name: str, owner: str, at: datetime) -> None:
    """Lets another one have it at once."""
    session.execute(update(Lease).where(Lease.name == name, Lease.owner == owner, Lease.until > at).values(until=at - timedelta(seconds=1)))
