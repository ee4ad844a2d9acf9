"""Sends what the outbox holds: each delivery by one worker at a time, again after a failure, until it is sent or given up."""

import asyncio
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

import structlog
from sqlalchemy.orm import Session

from core import conversations, deliveries
from core.database import hint
from core.deliveries import TryLater, Undeliverable
from core.desk import Desk
from core.errors import DatabaseDown
from core.ids import new_id
from core.models import Delivery, DeliveryState, Message, now
from core.web import place_of
from handoff import letters, notices

log = structlog.get_logger(__name__)

_AT_ONCE = 4
_STOP_SECONDS = 3.0
_END_PAUSE_SECONDS = 1.0


class Courier(Protocol):
    """What takes the deliveries of one channel."""

    def prepare(self, session: Session, delivery: Delivery) -> Any:
        """What ``send`` wants, read in one transaction. Raises Undeliverable."""

    async def send(self, prepared: Any) -> None:
        """Returns once the other side has accepted. Raises Undeliverable or TryLater."""


class Deliveries:
    """Deliveries of one gateway process by some channels. ``couriers``: by channel; other channels' deliveries are not looked at."""

    def __init__(self, desk: Desk, couriers: Mapping[str, Courier]) -> None:
        self._desk = desk
        self._couriers = couriers
        self._worker = new_id().hex
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._running: dict[uuid.UUID, asyncio.Task[None]] = {}

    async def run_forever(self) -> None:
        """Takes what is due; hears of what is new, and looks for the rest every ``sweep_seconds``."""
        database = self._desk.database
        if database.is_sqlite:
            await database.write_soon(deliveries.release_all, self._couriers.keys())  # one gateway owns a SQLite desk
        try:
            with self._desk.events.subscribe(deliveries.TOPIC) as hints:
                while True:
                    for delivery_id in await self._find_claimable():
                        if delivery_id not in self._running:
                            await self._slots.acquire()
                            self._running[delivery_id] = asyncio.create_task(self._deliver_in_slot(delivery_id))
                    await hints.get(self._desk.settings.sweep_seconds)
        finally:
            # A letter that the server is just taking would otherwise go twice.
            if self._running:
                await asyncio.wait(self._running.values(), timeout=_STOP_SECONDS)
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _find_claimable(self) -> list[uuid.UUID]:
        try:
            return await self._desk.database.read_soon(deliveries.claimable, now(), self._couriers.keys())
        except DatabaseDown:
            log.warning("database_down")
            return []  # the next look asks again; what is being sent goes on

    async def _deliver_in_slot(self, delivery_id: uuid.UUID) -> None:
        try:
            await self.deliver(delivery_id)
        except Exception as error:  # noqa: BLE001 - one delivery's fault ends neither the others nor this loop
            # The lease runs out and the sweep tries again.
            log.error("delivery_crashed", delivery_id=str(delivery_id), error=type(error).__name__, at=place_of(error))
        finally:
            del self._running[delivery_id]
            self._slots.release()

    async def deliver(self, delivery_id: uuid.UUID) -> None:
        """One attempt; does nothing if the delivery is another's, over, or not yet due."""
        database = self._desk.database
        delivery = await database.write_soon(deliveries.claim, delivery_id, self._worker, now(), self._desk.settings)
        if delivery is None:
            return
        outcome = await self._try(delivery)
        state = await self._end_while_leased(delivery, outcome)
        log.info(
            "delivery_tried",
            delivery_id=str(delivery.id),
            kind=delivery.kind,
            state=state,
            attempts=delivery.attempts,
            failure=outcome.failure if outcome else None,
        )

    async def _end_while_leased(self, delivery: Delivery, outcome: Undeliverable | TryLater | None) -> DeliveryState | None:
        """What was sent and not written down would be sent again: a database that is away is asked until the lease runs out."""
        while True:
            try:
                return await self._desk.database.write_soon(self._end, delivery, outcome)
            except DatabaseDown:
                if delivery.lease_until is None or now() > delivery.lease_until:
                    raise
                await asyncio.sleep(_END_PAUSE_SECONDS)

    async def _try(self, delivery: Delivery) -> Undeliverable | TryLater | None:
        courier = self._couriers.get(delivery.channel)
        if courier is None:
            return TryLater("no_courier")  # of a channel that is switched off now
        try:
            await courier.send(await self._desk.database.read_soon(courier.prepare, delivery))
        except (Undeliverable, TryLater) as failure:
            return failure
        except Exception as error:  # noqa: BLE001 - a fault of ours is no reason to lose a letter
            log.error("delivery_failed", delivery_id=str(delivery.id), error=type(error).__name__, at=place_of(error))
            return TryLater("fault")
        return None

    def _end(self, session: Session, delivery: Delivery, outcome: Undeliverable | TryLater | None) -> DeliveryState | None:
        conversation = conversations.lock(session, delivery.conversation_id)
        state = deliveries.end(session, delivery, now(), outcome, self._desk.settings)
        if state in (DeliveryState.SENT, DeliveryState.FAILED):
            hint(session, deliveries.TOPIC)  # the conversation's next one may go
        if state != DeliveryState.FAILED or conversation.data_key is None:
            return state
        if delivery.kind == conversations.PUSHED:
            # Said in the conversation it would take the way that has just failed.
            notices.send_by_letter_instead(session, self._desk, conversation, session.get_one(Message, delivery.subject_id))
        else:
            letters.tell_failure(session, self._desk, conversation, delivery)
        return state
