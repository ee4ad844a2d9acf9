"""Turns: each accepted message is taken to the dialogue engine and back, one at a time per conversation, once, and never into silence."""

import asyncio
import contextlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from sqlalchemy import ColumnElement, CursorResult, and_, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from bot import effects
from bot.dialogue_engine import DialogueEngine, EngineDown, EngineFailed, Reply
from core import conversations
from core.database import hint
from core.desk import Desk
from core.ids import new_id
from core.models import Author, Conversation, Message, Mode, Turn, TurnState, now
from core.web import place_of
from core.words import say
from handoff import queue

log = structlog.get_logger(__name__)

_OPEN = (TurnState.ACCEPTED, TurnState.RUNNING)
_READY_POLL_SECONDS = 0.5
_EPISODE_CHECK_TURNS = 10  # how often the tracker's length is looked at
_ANSWERS_TO_TRY = 2  # a reply that is empty or broken is asked for once more, in a new episode
_MAX_ATTEMPTS = 5  # a turn that keeps crashing its worker goes to a person
_ENGINE_DOWN_NOTICE_AFTER_SECONDS = 3


class LostTurn(Exception):
    """The turn is no longer this worker's, or its conversation no longer the bot's."""


@dataclass(frozen=True)
class Begun:
    """A claimed turn with what the engine is asked."""

    turn_id: uuid.UUID
    conversation_id: uuid.UUID
    message_id: uuid.UUID
    sender: str
    text: str
    command: str | None
    attempts: int


class Turns:
    """The turns of one gateway process."""

    def __init__(self, desk: Desk, engine: DialogueEngine) -> None:
        self._desk = desk
        self._engine = engine
        self._worker = new_id().hex
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(desk.settings.turn_workers)
        self._running: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Says that a turn was accepted."""
        self._wake.set()

    async def run_forever(self) -> None:
        """Takes what is accepted, as it comes; a sweep finds what a crash left behind."""
        if self._desk.database.is_sqlite:
            # One gateway owns a SQLite desk: whatever is still leased was leased by one that is dead.
            await self._desk.database.write_soon(_release_all)
        try:
            while True:
                self._wake.clear()
                for turn_id in await self._desk.database.read_soon(_claimable, now()):
                    await self._slots.acquire()
                    task = asyncio.create_task(self._run_in_slot(turn_id))
                    self._running.add(task)
                    task.add_done_callback(self._running.discard)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._desk.settings.sweep_seconds):
                        await self._wake.wait()
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _run_in_slot(self, turn_id: uuid.UUID) -> None:
        try:
            await self.run(turn_id)
        except Exception as error:  # noqa: BLE001 - one turn's fault ends neither the others nor this loop
            # The lease runs out and the sweep tries again.
            log.error("turn_crashed", turn_id=str(turn_id), error=type(error).__name__, at=place_of(error))
        finally:
            self._slots.release()
            self.wake()  # the conversation's next turn may go

    async def run(self, turn_id: uuid.UUID) -> None:
        """Takes one turn from claim to end; does nothing if it is another's, over, or not yet due."""
        begun = await self._desk.database.write_soon(self._claim, turn_id, now())
        if begun is None:
            return
        started = now()
        try:
            reply = await self._ask(begun, started) if begun.attempts <= _MAX_ATTEMPTS else ()
        except LostTurn:
            reply = None
        except (EngineDown, EngineFailed) as error:
            log.warning("engine_gave_no_answer", turn_id=str(turn_id), reason=str(error))
            reply = ()
        state = await self._desk.database.write_soon(self._finish, turn_id, reply, now())
        log.info("turn_finished", turn_id=str(turn_id), state=state, attempts=begun.attempts, seconds=(now() - started).total_seconds())
        if state == TurnState.DONE:
            await self._end_long_episode(begun)

    async def _ask(self, begun: Begun, started: datetime) -> Reply:
        """The engine's reply. Waits for an engine that is restarting; EngineDown or EngineFailed when it did not help, LostTurn."""
        deadline = started + timedelta(seconds=self._desk.settings.engine_wait_seconds)
        unsure = begun.attempts > 1  # an earlier worker may have asked before it died
        failures = 0
        while True:
            try:
                if unsure:
                    seen = await self._engine.recall(begun.sender, str(begun.message_id))
                    if seen.reply:
                        return seen.reply
                    if seen.seen:
                        begun = await self._restart_episode(begun)
                    unsure = False
                await self._keep(begun)
                reply = await self._engine.ask(begun.sender, str(begun.message_id), begun.text, begun.command)
                if reply:
                    return reply
                # Rasa answers with nothing when its action server is away or an action failed.
                failure: Exception = EngineFailed("empty reply")
                failures += 1
            except EngineDown as error:
                failure = error
            except EngineFailed as error:
                failure = error
                failures += 1
            unsure = unsure or not isinstance(failure, EngineDown)
            if failures >= _ANSWERS_TO_TRY or not await self._wait_until_ready(begun, deadline):
                raise failure

    async def _wait_until_ready(self, begun: Begun, deadline: datetime) -> bool:
        """Waits for the engine until ``deadline``; a citizen who waits long is told and offered a person."""
        notice_at = now() + timedelta(seconds=_ENGINE_DOWN_NOTICE_AFTER_SECONDS)
        while now() < deadline:
            await asyncio.sleep(_READY_POLL_SECONDS)
            if await self._engine.is_ready():
                return True
            await self._keep(begun)
            if now() >= notice_at:
                await self._desk.database.write_soon(self._tell_engine_is_down, begun.turn_id)
        return False

    async def _keep(self, begun: Begun) -> None:
        """Renews the lease. LostTurn if there is nothing to go on for."""
        if not await self._desk.database.write_soon(self._renew, begun.turn_id, now()):
            raise LostTurn

    async def _restart_episode(self, begun: Begun) -> Begun:
        sender = await self._desk.database.write_soon(self._begin_episode, begun.turn_id)
        if sender is None:
            raise LostTurn
        return Begun(begun.turn_id, begun.conversation_id, begun.message_id, sender, begun.text, begun.command, begun.attempts)

    async def _end_long_episode(self, begun: Begun) -> None:
        conversation = await self._desk.database.read_soon(conversations.find, begun.conversation_id)
        if conversation.episode_turns % _EPISODE_CHECK_TURNS:
            return
        try:
            length = await self._engine.tracker_length(begun.sender)
        except (EngineDown, EngineFailed):
            return  # looked at again some turns later
        if length >= self._desk.settings.episode_events:
            await self._desk.database.write_soon(_begin_episode_if_still, begun.conversation_id, begun.sender)

    # What follows runs inside a transaction.

    def _claim(self, session: Session, turn_id: uuid.UUID, at: datetime) -> Begun | None:
        claimed = session.execute(
            update(Turn)
            .where(Turn.id == turn_id, _is_claimable(at))
            .values(
                state=TurnState.RUNNING,
                lease_owner=self._worker,
                lease_until=at + timedelta(seconds=self._desk.settings.turn_lease_seconds),
                attempts=Turn.attempts + 1,
            )
            .execution_options(synchronize_session=False)
        )
        if cast("CursorResult[Any]", claimed).rowcount != 1:
            return None
        turn = session.get_one(Turn, turn_id)
        conversation = conversations.find(session, turn.conversation_id)
        message = session.get_one(Message, turn.message_id)
        text = self._desk.vault.open(conversation, message.text_sealed)
        return Begun(turn.id, conversation.id, message.id, sender_of(conversation), text, turn.command, turn.attempts)

    def _mine(self, session: Session, turn_id: uuid.UUID) -> tuple[Turn, Conversation] | None:
        """The turn and its conversation, held, if both are still what the turn began with."""
        turn = session.get_one(Turn, turn_id, populate_existing=True)
        if turn.lease_owner != self._worker or turn.state != TurnState.RUNNING:
            return None
        conversation = conversations.lock(session, turn.conversation_id)
        return (turn, conversation) if _still_bots(turn, conversation) else None

    def _renew(self, session: Session, turn_id: uuid.UUID, at: datetime) -> bool:
        mine = self._mine(session, turn_id)
        if mine:
            mine[0].lease_until = at + timedelta(seconds=self._desk.settings.turn_lease_seconds)
        return mine is not None

    def _begin_episode(self, session: Session, turn_id: uuid.UUID) -> str | None:
        mine = self._mine(session, turn_id)
        if mine is None:
            return None
        conversations.begin_episode(mine[1])
        return sender_of(mine[1])

    def _tell_engine_is_down(self, session: Session, turn_id: uuid.UUID) -> None:
        mine = self._mine(session, turn_id)
        if mine is None or not effects.happens_first(session, mine[0], "engine_down_notice"):
            return
        turn, conversation = mine
        conversations.append(
            session,
            self._desk.vault,
            conversation,
            Author.SYSTEM,
            say("engine_down"),
            buttons=[{"title": say("call_operator_button"), "command": queue.HAND_OVER}],
            in_reply_to=turn.seq,
            meta={"kind": "notice"},
        )

    def _finish(self, session: Session, turn_id: uuid.UUID, reply: Reply | None, at: datetime) -> TurnState | None:
        """Ends a turn with what the bot says and does, or with a person; None if it is no longer this worker's."""
        turn = session.get_one(Turn, turn_id, populate_existing=True)
        if turn.lease_owner != self._worker or turn.state != TurnState.RUNNING:
            return None
        conversation = conversations.lock(session, turn.conversation_id)
        if reply is None or not _still_bots(turn, conversation):
            turn.state = TurnState.DROPPED
        elif reply:
            with session.begin_nested() as savepoint:
                try:
                    effects.carry_out(session, self._desk, conversation, turn, reply, at)
                    turn.state = TurnState.DONE
                    conversation.episode_turns += 1
                except effects.UnknownDeed as error:
                    log.error("deed_unknown", turn_id=str(turn_id), deed=str(error))
                    savepoint.rollback()
                    reply = ()
        if not reply and reply is not None and turn.state == TurnState.RUNNING:
            conversation = conversations.lock(session, turn.conversation_id)
            queue.hand_over(session, self._desk, conversation, queue.ENGINE_FAILED, at, in_reply_to=turn.seq)
            turn.state = TurnState.HANDED_OVER
        turn.finished_at = at
        turn.lease_owner = turn.lease_until = None
        hint(session, str(conversation.id))
        return turn.state


def sender_of(conversation: Conversation) -> str:
    """The conversation's current name in the engine: its tracker begins afresh with each episode."""
    return f"{conversation.id}-{conversation.episode}"


def _still_bots(turn: Turn, conversation: Conversation) -> bool:
    return conversation.mode == Mode.BOT and conversation.epoch == turn.epoch


def _is_claimable(at: datetime) -> ColumnElement[bool]:
    earlier = aliased(Turn)
    return and_(
        or_(Turn.state == TurnState.ACCEPTED, and_(Turn.state == TurnState.RUNNING, Turn.lease_until < at)),
        ~exists().where(earlier.conversation_id == Turn.conversation_id, earlier.seq < Turn.seq, earlier.state.in_(_OPEN)),
    )


def _claimable(session: Session, at: datetime) -> list[uuid.UUID]:
    return list(session.scalars(select(Turn.id).where(Turn.state.in_(_OPEN), _is_claimable(at)).order_by(Turn.id)))


def _release_all(session: Session) -> None:
    session.execute(
        update(Turn).where(Turn.state == TurnState.RUNNING).values(state=TurnState.ACCEPTED, lease_owner=None, lease_until=None)
    )


def _begin_episode_if_still(session: Session, conversation_id: uuid.UUID, sender: str) -> None:
    """Between two turns only: a turn that is under way keeps the sender it asked."""
    conversation = conversations.lock(session, conversation_id)
    under_way = session.scalar(select(Turn.id).where(Turn.conversation_id == conversation_id, Turn.state.in_(_OPEN)).limit(1))
    if sender_of(conversation) == sender and under_way is None:
        conversations.begin_episode(conversation)
