"""Turns: each accepted message is taken to the dialogue engine and back, one at a time per conversation, once, and never into silence."""

import asyncio
import uuid
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bot import claims, effects
from bot.claims import Begun
from bot.dialogue_engine import DialogueEngine, EngineDown, EngineFailed, EngineSlow, Recollection, Reply, Utterance
from core import conversations
from core.database import hint
from core.desk import Desk
from core.errors import DatabaseDown
from core.ids import new_id
from core.models import Author, Conversation, Turn, TurnState, now
from core.web import place_of
from core.words import say
from handoff import queue

log = structlog.get_logger(__name__)

_READY_POLL_SECONDS = 0.5
_FRESH_SECONDS = 1.0  # a claim as young as this is not renewed before the engine is asked
_MOST_TIMES = 2  # as long as planned an episode may get, in which something is always being asked
_ANSWERS_TO_TRY = 2  # a reply that is empty or broken is asked for once more, in a new episode
_RECALLS = 10  # looks, half a second apart, for the end of what an engine may be at
_MAX_ATTEMPTS = 5  # a turn that keeps crashing its worker goes to a person
_ENGINE_DOWN_NOTICE_AFTER_SECONDS = 3


class LostTurn(Exception):
    """The turn is no longer this worker's, or its conversation no longer the bot's."""


class Turns:
    """The turns of one gateway process."""

    def __init__(self, desk: Desk, engine: DialogueEngine) -> None:
        self._desk = desk
        self._engine = engine
        self._slots = asyncio.Semaphore(desk.settings.turn_workers)  # calls to the engine at once; waiting for it takes none
        self._health = EngineHealth(engine)
        self._running: dict[uuid.UUID, asyncio.Task[None]] = {}

    def start(self, begun: Begun | None) -> None:
        """Runs a turn that was claimed when it became its conversation's next, if there is one."""
        if begun is not None:
            self._launch(begun.turn_id, begun)

    def _launch(self, turn_id: uuid.UUID, begun: Begun | None = None) -> None:
        self._running[turn_id] = asyncio.create_task(self._run_guarded(turn_id, begun))

    async def run_forever(self) -> None:
        """Finds what nobody has started: left behind by a crash, failed, or given back by people."""
        if self._desk.database.is_sqlite:
            # One gateway owns a SQLite desk: whatever is still leased was leased by one that is dead.
            await self._desk.database.write_soon(claims.release_all)
        try:
            while True:
                for turn_id in await self._find_claimable():
                    if turn_id not in self._running:
                        self._launch(turn_id)
                await asyncio.sleep(self._desk.settings.sweep_seconds)
        finally:
            tasks = list(self._running.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _find_claimable(self) -> list[uuid.UUID]:
        try:
            return await self._desk.database.read_soon(claims.claimable, now())
        except DatabaseDown:
            log.warning("database_down")
            return []  # the next sweep asks again

    async def _run_guarded(self, turn_id: uuid.UUID, begun: Begun | None) -> None:
        try:
            following = await (self._answer(begun, now()) if begun else self.run(turn_id))
        except Exception as error:  # noqa: BLE001 - one turn's fault ends neither the others nor this loop
            # What failed is tried again by the sweep, when its lease has run out.
            log.error("turn_crashed", turn_id=str(turn_id), error=type(error).__name__, at=place_of(error))
        else:
            self.start(following)
        finally:
            del self._running[turn_id]

    async def run(self, turn_id: uuid.UUID) -> Begun | None:
        """Takes one turn from claim to end; does nothing if it is another's, over, or not yet due.

        Returns the conversation's next turn, claimed, if one waits.
        """
        lease = new_id().hex
        if not await self._desk.database.write_soon(claims.claim, self._desk, turn_id, lease, now()):
            return None
        started = now()
        begun, accepted = await self._desk.database.write_soon(claims.read, self._desk, turn_id, lease)
        # One that waited while people had the conversation has all its time before it, however long ago it was accepted.
        return await self._answer(begun, started if begun.attempts == 1 else accepted)

    async def _answer(self, begun: Begun, since: datetime) -> Begun | None:
        """The rest of ``run``. ``since``: what the time it has is counted from."""
        started = now()
        try:
            is_hopeless = begun.text is None or begun.attempts > _MAX_ATTEMPTS
            reply = () if is_hopeless else await self._ask(begun, since)
        except LostTurn:
            reply = None
        except (EngineDown, EngineFailed) as error:
            log.warning("engine_gave_no_answer", turn_id=str(begun.turn_id), reason=str(error))
            reply = ()
        state, following = await self._desk.database.write_soon(self._end, begun, reply, now())
        seconds = (now() - started).total_seconds()
        log.info("turn_finished", turn_id=str(begun.turn_id), state=state, attempts=begun.attempts, seconds=seconds)
        return following

    async def _ask(self, begun: Begun, since: datetime) -> Reply:
        """The engine's reply. Waits for an engine that is restarting; EngineDown or EngineFailed when it did not help, LostTurn."""
        deadline = since + timedelta(seconds=self._desk.settings.engine_wait_seconds)
        unsure = begun.attempts > 1  # an earlier worker may have asked before it died
        patient = unsure  # and the engine may be at it still
        failures = 0
        keep_at = now() + timedelta(seconds=_FRESH_SECONDS)
        while True:
            try:
                if unsure:
                    seen = await self._recall(begun, patient=patient)
                    if seen.reply:
                        return seen.reply
                    if seen.seen or patient:
                        begun = await self._restart_episode(begun)
                    unsure = patient = False
                async with self._slots:
                    if now() >= keep_at:
                        await self._keep(begun)
                    reply = await self._engine.ask(begun.sender, str(begun.message_id), begun.text or "", begun.command)
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
                patient = isinstance(error, EngineSlow)
            keep_at = now()
            unsure = unsure or not isinstance(failure, EngineDown)
            if failures >= _ANSWERS_TO_TRY or not await self._wait_until_ready(begun, deadline):
                raise failure

    async def _recall(self, begun: Begun, *, patient: bool) -> Recollection:
        """What the engine knows of the message. It knows only what it has finished: one that may be at it still is given some time."""
        for _ in range(_RECALLS if patient else 1):
            await self._keep(begun)
            seen = await self._engine.recall(begun.sender, str(begun.message_id))
            if seen.seen:
                break
            if patient:
                await asyncio.sleep(_READY_POLL_SECONDS)
        return seen

    async def _wait_until_ready(self, begun: Begun, deadline: datetime) -> bool:
        """Waits for the engine until ``deadline``; a citizen who waits long is told and offered a person."""
        notice_at = now() + timedelta(seconds=_ENGINE_DOWN_NOTICE_AFTER_SECONDS)
        told = False
        keep_at = now()
        while now() < deadline:
            await asyncio.sleep(_READY_POLL_SECONDS)
            if await self._health.is_ready():
                return True
            if now() >= keep_at:
                await self._keep(begun)
                keep_at = now() + timedelta(seconds=self._desk.settings.turn_lease_seconds / 4)
            if not told and now() >= notice_at:
                await self._desk.database.write_soon(self._tell_engine_is_down, begun)
                told = True
        return False

    async def _keep(self, begun: Begun) -> None:
        """Renews the lease. LostTurn if there is nothing to go on for."""
        if not await self._desk.database.write_soon(claims.renew, self._desk, begun, now()):
            raise LostTurn

    async def _restart_episode(self, begun: Begun) -> Begun:
        sender = await self._desk.database.write_soon(self._begin_episode, begun)
        if sender is None:
            raise LostTurn
        return replace(begun, sender=sender)

    # What follows runs inside a transaction.

    def _begin_episode(self, session: Session, begun: Begun) -> str | None:
        mine = claims.mine(session, begun)
        if mine is None:
            return None
        conversations.begin_episode(mine[1])
        return claims.sender_of(mine[1])

    def _tell_engine_is_down(self, session: Session, begun: Begun) -> None:
        mine = claims.mine(session, begun)
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

    def _end(self, session: Session, begun: Begun, reply: Reply | None, at: datetime) -> tuple[TurnState | None, Begun | None]:
        """``_finish``, and the beginning of the conversation's next turn."""
        state = self._finish(session, begun, reply, at)
        return state, claims.begin_next(session, self._desk, conversations.find(session, begun.conversation_id), at)

    def _finish(self, session: Session, begun: Begun, reply: Reply | None, at: datetime) -> TurnState | None:
        """Ends a turn with what the bot says and does, or with a person; None if the claim no longer stands.

        One whose conversation a person took meanwhile is given back: it waits until the bot has the conversation again.
        """
        held = claims.held(session, begun)
        if held is None:
            return None
        turn, conversation = held
        hint(session, str(conversation.id))
        if reply is None or not claims.still_bots(turn, conversation):
            return claims.let_go(session, turn, TurnState.ACCEPTED)
        if reply and self._carry_out(session, turn, conversation, reply, at):
            return claims.let_go(session, turn, TurnState.DONE, at)
        queue.hand_over(session, self._desk, conversation, queue.ENGINE_FAILED, at, in_reply_to=turn.seq)
        return claims.let_go(session, turn, TurnState.HANDED_OVER, at)

    def _count_turn(self, conversation: Conversation, reply: Reply) -> None:
        """The longer its tracker, the slower the engine: an episode ends, if it can, where nothing was asked that it would forget."""
        conversation.episode_turns += 1
        asks = any(isinstance(part, Utterance) and (part.buttons or part.expects) for part in reply)
        if conversation.episode_turns >= self._desk.settings.episode_turns * (_MOST_TIMES if asks else 1):
            conversations.begin_episode(conversation)

    def _carry_out(self, session: Session, turn: Turn, conversation: Conversation, reply: Reply, at: datetime) -> bool:
        """Whether the whole reply could be carried out; else nothing of it was."""
        savepoint = session.begin_nested()
        try:
            self._count_turn(conversation, reply)
            effects.carry_out(session, self._desk, conversation, turn, reply, at)
        except DBAPIError:
            raise  # a lost race, which the whole transaction runs again; a database that is away, which the sweep does
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a reply, the citizen gets a person
            savepoint.rollback()
            log.error("reply_not_carried_out", turn_id=str(turn.id), error=type(error).__name__, at=place_of(error))
            conversations.lock(session, conversation.id)  # as it was before
            return False
        savepoint.commit()
        return True


class EngineHealth:
    """Asks the engine whether it is ready, once for all turns that wait for it."""

    def __init__(self, engine: DialogueEngine) -> None:
        self._engine = engine
        self._asking: asyncio.Task[bool] | None = None

    async def is_ready(self) -> bool:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._engine.is_ready())
        return await asyncio.shield(self._asking)
