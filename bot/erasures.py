"""What an erasure leaves to do outside of the database's transaction: files, the engine's trackers, the write-ahead log, the receipts.

Each erasure is a row until all of it is done, so that an engine that is away or a crash delays it and loses nothing. Every step may be
done twice. A row that could not be ended is looked at again after a pause as long as it is old, so that none holds up the others.
"""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from bot.dialogue_engine import EngineDown, EngineFailed, EngineSlow
from core import leases
from core.deliveries import GIVEN_UP
from core.desk import Desk
from core.errors import DatabaseDown
from core.models import UNSENT, Attachment, Conversation, Delivery, DeliveryState, Erasure, Export, now
from core.web import place_of
from handoff import erasure

log = structlog.get_logger(__name__)

_LEASE_SECONDS = 120.0  # longer than the engine may take for one; renewed before each
_AT_ONCE = 50
_MOST_SLOW = 3  # time-outs of the engine in one pass: then the others wait, and those that have come in meanwhile go first
_AFTER_ENGINE_SECONDS = 5
_SHORTEST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
_FIRST_LOG_PAUSE, _LONGEST_LOG_PAUSE = timedelta(seconds=1), timedelta(minutes=1)
_RECEIPT_SPARE = timedelta(days=1)
_UNCHECKED: dict[str, Any] = {"synchronize_session": False}


class Forgetful(Protocol):
    """A dialogue engine that can forget."""

    async def forget(self, sender: str) -> None:
        """Deletes all that is known of ``sender``, and returns only if that is certain. EngineDown, EngineFailed."""


class Erasures:
    """The erasures' ends. One gateway of several does them."""

    def __init__(self, desk: Desk, engine: Forgetful) -> None:
        self._desk = desk
        self._engine = engine
        self._hold = leases.Hold(desk.database, "erasures", _LEASE_SECONDS)
        self._log = _WriteAheadLog(desk)

    async def run_forever(self) -> None:
        """Does what is due; hears of what is new."""
        await leases.work_while_held(self._desk, self._hold, erasure.TOPIC, self.finish_open)

    async def finish_open(self) -> int:
        """One pass over what is due; how many erasures it finished."""
        database = self._desk.database
        due = await database.read_soon(_due, now())
        looks, last = await self._clean(due)
        self._log.is_dirty |= bool(due)
        if await database.read_soon(_has_addresses_to_forget, now(), self._receipts_kept):
            await database.write_soon(_forget_addresses, now(), self._receipts_kept)
            self._log.is_dirty = True
        if last:
            await database.write_soon(_forget_keys, [one.conversation_id for one in last])
        is_empty = await self._log.empty()
        ended = await database.write_soon(_end, [one.conversation_id for one in last], now()) if last and is_empty else set()
        for one in last:
            if one.conversation_id in ended:
                log.info("erasure_finished", conversation_id=str(one.conversation_id), cause=one.cause)
            elif is_empty:
                log.error("erasure_undone", conversation_id=str(one.conversation_id))  # a key has come back: nobody may do that
                looks[one.conversation_id] = now() + _LONGEST_PAUSE
            else:
                looks[one.conversation_id] = self._log.next_try_at
        if looks:
            await database.write_soon(_look_again, looks)
        return len(ended)

    async def _clean(self, due: Sequence[Erasure]) -> tuple[dict[uuid.UUID, datetime], list[Erasure]]:
        """When to look again at whom, and those for whom nothing but the log is left to do."""
        looks: dict[uuid.UUID, datetime] = {}
        last: list[Erasure] = []
        engine = _EngineOfOnePass(self._engine)
        for one in due:
            if not await self._hold.take():
                break
            # A turn that the engine was at during the erasure is over by then: what it wrote is deleted in a last look.
            last_look_at = one.erased_at + timedelta(seconds=self._desk.settings.engine_timeout_seconds + _AFTER_ENGINE_SECONDS)
            begun = now()
            try:
                await self._delete_files(one)
                await engine.forget(one)
            except DatabaseDown:
                raise
            except _NotAsked:
                pass  # it is logged once in a pass
            except (EngineDown, EngineFailed) as error:
                log.warning("erasure_waits_for_engine", conversation_id=str(one.conversation_id), reason=str(error))
            except Exception as error:  # noqa: BLE001 - one erasure's fault holds up no other
                log.error("erasure_failed", conversation_id=str(one.conversation_id), error=type(error).__name__, at=place_of(error))
            else:
                if begun >= last_look_at:
                    last.append(one)
                else:
                    looks[one.conversation_id] = last_look_at
                continue
            looks[one.conversation_id] = now() + min(max(now() - one.erased_at, _SHORTEST_PAUSE), _LONGEST_PAUSE)
        return looks, last

    async def _delete_files(self, one: Erasure) -> None:
        for blob_id in await self._desk.database.read_soon(_blobs, one.conversation_id):
            await asyncio.to_thread(self._desk.blobs.delete, blob_id)

    @property
    def _receipts_kept(self) -> timedelta:
        """A receipt older than that is one that nobody sends: its channel is off."""
        return timedelta(seconds=self._desk.settings.delivery_give_up_seconds) + _RECEIPT_SPARE


class _NotAsked(EngineDown):
    pass


class _EngineOfOnePass:
    """Asked of one sender after another until it is away: the others would wait for the same."""

    def __init__(self, engine: Forgetful) -> None:
        self._engine = engine
        self._is_away = False
        self._slow = 0

    async def forget(self, one: Erasure) -> None:
        """_NotAsked, EngineDown, EngineFailed."""
        if self._is_away:
            raise _NotAsked
        try:
            for episode in range(1, one.episodes + 1):
                await self._engine.forget(f"{one.conversation_id}-{episode}")
        except EngineDown:
            self._is_away = True
            raise
        except EngineSlow:
            self._slow += 1
            self._is_away = self._slow >= _MOST_SLOW
            raise


class _WriteAheadLog:
    """The database's, of which nothing that was deleted may stay. While it is in use it is tried again after a pause that doubles."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._pause = _FIRST_LOG_PAUSE
        self.next_try_at = datetime.min.replace(tzinfo=now().tzinfo)
        self.is_dirty = True  # whoever ran before may have left something

    async def empty(self) -> bool:
        """Whether nothing that was deleted before this call stands in it."""
        if not self.is_dirty:
            return True
        if now() < self.next_try_at:
            return False
        self.is_dirty = not await self._desk.database.empty_log_soon()
        if self.is_dirty:
            self.next_try_at = now() + self._pause
            self._pause = min(2 * self._pause, _LONGEST_LOG_PAUSE)
            log.info("write_ahead_log_in_use")
        else:
            self._pause = _FIRST_LOG_PAUSE
        return not self.is_dirty


def _due(session: Session, at: datetime) -> list[Erasure]:
    """What people have asked for goes before what has expired by itself, of which there are many in one night."""
    open_ones = select(Erasure).where(Erasure.finished_at.is_(None), Erasure.next_look_at <= at)
    return list(session.scalars(open_ones.order_by(Erasure.cause == erasure.EXPIRED, Erasure.next_look_at).limit(_AT_ONCE)))


def _blobs(session: Session, conversation_id: uuid.UUID) -> set[uuid.UUID]:
    """Also of exports that were stored and not delivered."""
    files = session.scalars(select(Attachment.id).where(Attachment.conversation_id == conversation_id))
    exports = session.scalars(select(Export.blob_id).where(Export.conversation_id == conversation_id))
    return {*files, *(blob_id for blob_id in exports if blob_id)}


def _look_again(session: Session, looks: Mapping[uuid.UUID, datetime]) -> None:
    for conversation_id, at in looks.items():
        session.execute(
            update(Erasure).where(Erasure.conversation_id == conversation_id).values(next_look_at=at), execution_options=_UNCHECKED
        )


def _forget_keys(session: Session, conversation_ids: Sequence[uuid.UUID]) -> None:
    """Those that seal nothing: neither an address nor a reason in the audit log."""
    session.execute(
        update(Erasure)
        .where(Erasure.conversation_id.in_(conversation_ids), Erasure.addresses_sealed.is_(None), ~_may_have_reason())
        .values(data_key=None),
        execution_options=_UNCHECKED,
    )


def _end(session: Session, conversation_ids: Sequence[uuid.UUID], at: datetime) -> set[uuid.UUID]:
    """Which ones are finished now: those whose conversation has no key."""
    has_key = select(Conversation.id).where(Conversation.id.in_(conversation_ids), Conversation.data_key.is_not(None))
    ended = update(Erasure).where(Erasure.conversation_id.in_(conversation_ids), Erasure.conversation_id.not_in(has_key))
    return set(session.scalars(ended.values(finished_at=at).returning(Erasure.conversation_id), execution_options=_UNCHECKED))


def _has_addresses_to_forget(session: Session, at: datetime, kept: timedelta) -> bool:
    return session.scalar(select(Erasure.conversation_id).where(_is_over(at, kept)).limit(1)) is not None


def _forget_addresses(session: Session, at: datetime, kept: timedelta) -> None:
    """Once the receipts have gone, or could not go, nobody knows where they went."""
    over = list(session.scalars(select(Erasure.conversation_id).where(_is_over(at, kept))))
    session.execute(
        update(Delivery)
        .where(Delivery.conversation_id.in_(over), _is_unsent_receipt())
        .values(state=DeliveryState.FAILED, failure=GIVEN_UP, lease_owner=None, lease_until=None),
        execution_options=_UNCHECKED,
    )
    session.execute(
        update(Erasure).where(Erasure.conversation_id.in_(over), ~_may_have_reason()).values(data_key=None), execution_options=_UNCHECKED
    )
    session.execute(update(Erasure).where(Erasure.conversation_id.in_(over)).values(addresses_sealed=None), execution_options=_UNCHECKED)


def _is_over(at: datetime, kept: timedelta) -> ColumnElement[bool]:
    unsent = select(Delivery.conversation_id).where(_is_unsent_receipt())
    leased = select(Delivery.conversation_id).where(_is_unsent_receipt(), Delivery.lease_until >= at)
    return and_(
        Erasure.addresses_sealed.is_not(None),
        or_(Erasure.conversation_id.not_in(unsent), and_(Erasure.erased_at < at - kept, Erasure.conversation_id.not_in(leased))),
    )


def _is_unsent_receipt() -> ColumnElement[bool]:
    return and_(Delivery.kind == erasure.RECEIPT, Delivery.state.in_(UNSENT))


def _may_have_reason() -> ColumnElement[bool]:
    return Erasure.cause.in_(erasure.WITH_REASON)
