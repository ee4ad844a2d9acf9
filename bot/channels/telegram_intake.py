"""What a citizen sends by Telegram on its way to the desk: read from the stored updates, its files fetched, accepted once and in order."""

import asyncio
import contextlib
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.orm import Session
from telegram import Bot
from telegram.constants import ChatAction
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError

from bot import claims, intake
from bot.channels import telegram_updates as updates
from bot.channels.telegram_content import Content, FileReference, asked_pause, read_content
from bot.channels.telegram_link import link
from bot.channels.telegram_updates import Unit
from bot.claims import Begun
from bot.greeting import greet
from bot.turns import Turns
from core import conversations
from core.desk import Desk
from core.errors import DatabaseDown, Problem, too_large
from core.facts import size_words
from core.files import Files
from core.limits import Counters, SharedRateLimit
from core.models import Author, Conversation, Mode, now
from core.web import place_of
from core.words import say

log = structlog.get_logger(__name__)

_AT_ONCE = 8
_ATTEMPTS = 5
_LONGEST_PAUSE_SECONDS = 30.0
_PATIENCE = timedelta(minutes=10)  # with a network that is away; then the citizen is asked to send it again


@dataclass(frozen=True)
class Refusal:
    """A file that was not taken."""

    name: str
    problem: Problem


class TelegramIntake:
    """Each conversation's updates one after the other, several conversations at once."""

    def __init__(self, desk: Desk, bot: Bot, files: Files, turns: Turns) -> None:
        self._desk = desk
        self._bot = bot
        self._files = files
        self._turns = turns
        self._limit = SharedRateLimit(Counters(desk.vault, desk.settings), "messages", desk.settings.messages_per_minute)
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._wake = asyncio.Event()
        self._running: dict[uuid.UUID, asyncio.Task[None]] = {}
        self._courtesies: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Says that an update was stored."""
        self._wake.set()

    async def run_forever(self) -> None:
        try:
            while True:
                self._wake.clear()
                for conversation_id in await self._desk.database.read_soon(updates.waiting):
                    if conversation_id not in self._running:
                        self._running[conversation_id] = asyncio.create_task(self._run_guarded(conversation_id))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._desk.settings.sweep_seconds):
                        await self._wake.wait()
        finally:
            tasks = [*self._running.values(), *self._courtesies]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run_guarded(self, conversation_id: uuid.UUID) -> None:
        try:
            await self.run(conversation_id)
        except DatabaseDown:
            log.warning("database_down")  # the sweep comes back to it
        except Exception as error:  # noqa: BLE001 - one conversation's fault holds up no other
            log.error("telegram_conversation_failed", conversation_id=str(conversation_id), error=type(error).__name__, at=place_of(error))
        else:
            self.wake()  # what came while this one ended
        finally:
            del self._running[conversation_id]

    async def run(self, conversation_id: uuid.UUID) -> None:
        """Takes the conversation's updates until none is left. What fails is tried again after a pause, and parked in the end."""
        while unit := await self._desk.database.read_soon(updates.next_unit, self._desk, conversation_id):
            if unit.whole_at is not None and unit.whole_at > now():
                await asyncio.sleep((unit.whole_at - now()).total_seconds())
                continue  # perhaps with more parts
            try:
                await self._limit.check(str(conversation_id))
                async with self._slots:
                    await self._take(unit)
            except Problem as problem:  # too many at once: they wait, none is lost
                await asyncio.sleep(problem.retry_after or 1)
            except DatabaseDown:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it was, the next ones want to be taken too
                await self._note_failure(unit, error)

    async def _take(self, unit: Unit) -> None:
        content = read_content(unit.payloads, self._bot)
        attachment_ids, refusals = await self._fetch(unit.conversation_id, content.files)
        awaits_answer, begun = await self._desk.database.write_soon(self._store, unit, content, attachment_ids, refusals)
        if content.callback_id:
            self._be_polite(self._bot.answer_callback_query(content.callback_id))  # ends the button's spinner
        self._turns.start(begun)
        if awaits_answer:
            self._be_polite(self._bot.send_chat_action(content.chat_id, ChatAction.TYPING))

    async def _fetch(self, conversation_id: uuid.UUID, files: tuple[FileReference, ...]) -> tuple[list[uuid.UUID], list[Refusal]]:
        """Takes the files as the widget's upload does."""
        attachment_ids, refusals = [], []
        for file in files:
            name = say("telegram_photo") if file.name is None else file.name
            try:
                content = await self._download(file)
                attachment_ids.append((await self._files.accept(conversation_id, name, content)).id)
            except Problem as problem:
                refusals.append(Refusal(name or say("file_name"), problem))
        return attachment_ids, refusals

    async def _download(self, file: FileReference) -> bytes:
        """Problem 413 before anything is fetched, if it is too large."""
        limit = self._desk.settings.max_document_bytes
        if (file.size or 0) > limit:
            raise too_large("file_too_large", limit=size_words(limit))
        try:
            found = await self._bot.get_file(file.file_id)
        except BadRequest as error:
            if "too big" in error.message.lower():  # for bots
                raise too_large("file_too_large", limit=size_words(limit)) from None
            raise
        if (found.file_size or 0) > limit:
            raise too_large("file_too_large", limit=size_words(limit))
        return bytes(await found.download_as_bytearray())

    def _store(
        self, session: Session, unit: Unit, content: Content, attachment_ids: list[uuid.UUID], refusals: list[Refusal]
    ) -> tuple[bool, Begun | None]:
        """Everything that a unit leads to, in one transaction; whether the bot will answer it, and the turn that is next, claimed."""
        conversation = updates.finish(session, unit, now())
        if conversation is None or conversation.mode == Mode.CLOSED or not unit.payloads:
            return False, None
        if content.is_start:
            if content.start_code and link(session, self._desk, conversation, content.start_code):
                return False, None
            if conversation.last_seq == 0:
                greet(session, self._desk, conversation)
            elif conversation.last_seq > 1:
                self._notify(session, conversation, say("telegram_again"))
            return False, None
        notices = [self._refusal_words(session, conversation, refusal) for refusal in refusals]
        if content.is_beyond:
            notices.append(say("telegram_only"))
        message = None
        if attachment_ids or content.text or content.payload is not None:
            inbound = intake.Inbound(content.external_id, content.text, content.payload, attachment_ids)
            savepoint = session.begin_nested()
            try:
                message = intake.accept(session, self._desk, unit.conversation_id, inbound, now())
            except Problem as problem:
                savepoint.rollback()
                conversation = conversations.lock(session, unit.conversation_id)  # as it was before
                notices.append(say("telegram_button_gone") if problem.key == "payload_unknown" else problem.detail)
            else:
                savepoint.commit()
        if notices and conversation.mode != Mode.CLOSED:  # a yes may just have erased it
            self._notify(session, conversation, "\n".join(notices))
        awaits_answer = message is not None and conversation.mode == Mode.BOT and message.seq in claims.open_turns(session, conversation.id)
        return awaits_answer, claims.begin_next(session, self._desk, conversation, now())

    def _refusal_words(self, session: Session, conversation: Conversation, refusal: Refusal) -> str:
        name = self._desk.vault.tokenise(session, conversation, refusal.name)  # people put their data into names too
        return say("telegram_file_refused", name=name, reason=refusal.problem.detail)

    def _notify(self, session: Session, conversation: Conversation, words: str) -> None:
        conversations.append(session, self._desk.vault, conversation, Author.SYSTEM, words, meta={"kind": "notice"})

    async def _note_failure(self, unit: Unit, error: Exception) -> None:
        """Counts it and waits; after enough of it the update is parked, and the citizen told."""
        attempts = unit.attempts + 1
        log.warning(
            "telegram_update_failed",
            update_id=unit.update_ids[0],
            conversation_id=str(unit.conversation_id),
            attempts=attempts,
            error=type(error).__name__,
            at=place_of(error),
        )
        is_network = isinstance(error, NetworkError | RetryAfter) and not isinstance(error, BadRequest)
        if attempts >= _ATTEMPTS and not (is_network and now() - unit.received_at < _PATIENCE):
            log.error("telegram_update_parked", update_id=unit.update_ids[0], conversation_id=str(unit.conversation_id))
            await self._desk.database.write_soon(self._park, unit)
            return
        await self._desk.database.write_soon(updates.note_attempt, unit)
        seconds = asked_pause(error) if isinstance(error, RetryAfter) else 0
        await asyncio.sleep(max(seconds, min(2.0 ** (attempts - 1), _LONGEST_PAUSE_SECONDS)))

    def _park(self, session: Session, unit: Unit) -> None:
        conversation = updates.finish(session, unit, now())
        if conversation is not None and conversation.mode != Mode.CLOSED:
            self._notify(session, conversation, say("telegram_not_taken"))

    def _be_polite(self, call: Coroutine[Any, Any, Any]) -> None:
        """Does what is good to have and nobody waits for."""

        async def make() -> None:
            with contextlib.suppress(TelegramError):
                await call

        task = asyncio.create_task(make())
        self._courtesies.add(task)
        task.add_done_callback(self._courtesies.discard)
