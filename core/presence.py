"""Which citizens have the chat open: who has left gets an operator's answer by letter.

Whoever listens to their own conversation (an open socket, a held poll) is here, and the process that serves them knows it exactly. Gateways
that share a database tell each other by ``Conversation.citizen_here_until``, only where it matters: while people have the conversation.
Between two polls, or a moment after a gateway's news, somebody may be taken for gone: a letter too many, never one too few. A connection
that broke without a word counts as open until the server's ping misses its answer (40 s): the answer then waits in the chat alone.
"""

import asyncio
import contextlib
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.database import Database
from core.events import Events, Hint, Subscription
from core.models import Conversation, Mode, now

HERE = "here"  # of a hint: a citizen came or left, which operators see
_RENEW_SECONDS = 15.0
_HERE_SECONDS = 40.0


class CitizenEvents:
    """The events as citizens' channels hear them: who subscribes to a conversation is here as long as the subscription lasts."""

    def __init__(self, events: Events, presence: "Presence") -> None:
        self._events = events
        self._presence = presence

    def publish(self, hint: Hint) -> None:
        self._events.publish(hint)

    def publish_everywhere(self) -> None:
        self._events.publish_everywhere()

    @contextlib.contextmanager
    def subscribe(self, *topics: str) -> Iterator[Subscription]:
        with contextlib.ExitStack() as here:
            for topic in topics:
                with contextlib.suppress(ValueError):  # the queue's topic is no conversation
                    conversation_id = uuid.UUID(topic)
                    here.callback(self._events.publish, Hint(topic, {HERE: False}))
                    here.enter_context(self._presence.stay(conversation_id))
                    self._events.publish(Hint(topic, {HERE: True}))
            yield here.enter_context(self._events.subscribe(*topics))  # last: nobody needs to hear of themselves


class Presence:
    """The citizens of one gateway process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._open: Counter[uuid.UUID] = Counter()
        self._left: set[uuid.UUID] = set()
        self._changed = asyncio.Event()

    @contextlib.contextmanager
    def stay(self, conversation_id: uuid.UUID) -> Iterator[None]:
        """The citizen is here inside the ``with``; they may be here several times."""
        with self._lock:
            self._open[conversation_id] += 1
            self._left.discard(conversation_id)
        self._changed.set()
        try:
            yield
        finally:
            with self._lock:
                self._open[conversation_id] -= 1
                if not self._open[conversation_id]:
                    del self._open[conversation_id]
                    self._left.add(conversation_id)
            self._changed.set()

    def is_here(self, conversation: Conversation) -> bool:
        """At this gateway, or as another one has told."""
        with self._lock:
            if self._open[conversation.id]:
                return True
        return conversation.citizen_here_until is not None and conversation.citizen_here_until > now()

    async def tell_forever(self) -> None:
        """Tells the gateways that share the database; one that owns it has nobody to tell."""
        while not self._database.is_sqlite:
            self._changed.clear()
            await self._database.write_soon(self.tell)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_RENEW_SECONDS):
                    await self._changed.wait()
        await asyncio.Event().wait()

    def tell(self, session: Session) -> None:
        with self._lock:
            here, left = list(self._open), list(self._left)
            self._left.clear()
        watched = Conversation.mode.in_([Mode.QUEUED, Mode.OPERATOR])
        for ids, until in ((here, now() + timedelta(seconds=_HERE_SECONDS)), (left, None)):
            # In the order of their ids: two gateways that hold several rows at once do not lock each other up.
            rows = select(Conversation.id).where(Conversation.id.in_(ids), watched).order_by(Conversation.id).with_for_update()
            held = list(session.scalars(rows)) if ids else []
            if held:
                session.execute(update(Conversation).where(Conversation.id.in_(held)).values(citizen_here_until=until))
