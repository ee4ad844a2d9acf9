"""Hints that something newer is there. Losing one costs time, never data: whoever hears one reads again after its cursor."""

import asyncio
import contextlib
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

QUEUE = "queue"  # the operators' queue or an appeal changed
PRESENCE = "presence"
ARTICLES = "articles"
_BACKLOG = 256


@dataclass(frozen=True)
class Hint:
    """``topic`` is QUEUE, PRESENCE, ARTICLES or a conversation's id; ``data`` carries what is not stored (who is typing)."""

    topic: str
    data: dict[str, Any] = field(default_factory=dict)


class Subscription:
    """What one listener has not heard yet. Use it in the event loop that made it.

    A hint without data says "read again": one is as good as many, so these cannot overflow. Of hints with data (who is typing) the
    newest beyond _BACKLOG are dropped.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._heard = asyncio.Event()
        self._plain: dict[str, Hint] = {}
        self._with_data: deque[Hint] = deque()

    def put(self, hint: Hint) -> None:
        """Thread-safe."""

        def put() -> None:
            if not hint.data:
                self._plain[hint.topic] = hint
            elif len(self._with_data) < _BACKLOG:
                self._with_data.append(hint)
            self._heard.set()

        with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
            self._loop.call_soon_threadsafe(put)

    async def get(self, timeout_seconds: float | None = None) -> Hint | None:
        """The next hint, or None when ``timeout_seconds`` passed without one."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._heard.wait()
        except TimeoutError:
            return None
        hint = self._plain.pop(next(iter(self._plain))) if self._plain else self._with_data.popleft()
        if not self._plain and not self._with_data:
            self._heard.clear()
        return hint


class Events(Protocol):
    def publish(self, hint: Hint) -> None:
        """Thread-safe, never blocks, never raises."""

    def publish_everywhere(self) -> None:
        """Something changed and nobody knows where: every listener hears its own topic."""

    def subscribe(self, *topics: str) -> contextlib.AbstractContextManager[Subscription]:
        """Hears what is published on ``topics`` from now on, inside the ``with``."""


class InProcessEvents:
    """For one gateway process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: dict[str, list[Subscription]] = defaultdict(list)

    def publish(self, hint: Hint) -> None:
        with self._lock:
            listeners = list(self._subscriptions.get(hint.topic, ()))
        for listener in listeners:
            listener.put(hint)

    def publish_everywhere(self) -> None:
        with self._lock:
            topics = list(self._subscriptions)
        for topic in topics:
            self.publish(Hint(topic))

    @contextlib.contextmanager
    def subscribe(self, *topics: str) -> Iterator[Subscription]:
        subscription = Subscription()
        with self._lock:
            for topic in topics:
                self._subscriptions[topic].append(subscription)
        try:
            yield subscription
        finally:
            with self._lock:
                for topic in topics:
                    self._subscriptions[topic].remove(subscription)
                    if not self._subscriptions[topic]:
                        del self._subscriptions[topic]
