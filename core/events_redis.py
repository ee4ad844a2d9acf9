"""Hints between gateway processes, over one Redis channel. Redis away costs time, never data: then listeners look by themselves."""

import contextlib
import json
import queue
import threading
import time
from typing import Any

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.retry import Retry

from core.events import Hint, InProcessEvents, Subscription
from core.ids import new_id

log = structlog.get_logger(__name__)

_OUTBOX = 4096  # hints not sent yet; more are lost
_BATCH = 256
_START_SECONDS = 3.0
_RETRY_SECONDS = 3.0
_SOCKET_SECONDS = 5.0
_POLL_SECONDS = 0.25
_PING_SECONDS = 5.0
_SILENCE_SECONDS = 15.0  # a connection that answers no ping for so long is dead


class RedisEvents:
    """Events for several gateway processes: a hint is heard in its own process at once, in the others by way of Redis.

    Two threads of its own send and listen, so that ``publish`` neither blocks nor raises. A hint may be lost. Whoever notices a loss
    makes everybody concerned look everywhere: this process after its listening was interrupted, and every few seconds while it is; the
    others when this one could not send.
    """

    def __init__(self, url: str) -> None:
        """Begins at once. Where Redis does not answer, within seconds, it goes on without and keeps trying."""
        self._local = InProcessEvents()
        self._redis = Redis.from_url(
            url,
            protocol=2,
            socket_connect_timeout=_SOCKET_SECONDS,
            socket_timeout=_SOCKET_SECONDS,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),  # the threads below try again themselves
        )
        # Pub/sub knows no databases: the number in the URL keeps desks that share a Redis apart.
        self._channel = f"otklik:{self._redis.get_connection_kwargs().get('db') or 0}:hints"
        self._origin = new_id().hex
        self._outbox: queue.Queue[Hint | None] = queue.Queue(_OUTBOX)
        self._lost = threading.Event()  # what this process published since then did not reach the others
        self._listening = threading.Event()
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for name, work in (("events-listener", self._listen_forever), ("events-sender", self._send_forever))
        ]
        for thread in self._threads:
            thread.start()
        self._listening.wait(_START_SECONDS)

    @property
    def is_connected(self) -> bool:
        """Whether the others' hints arrive."""
        return self._listening.is_set()

    def publish(self, hint: Hint) -> None:
        self._local.publish(hint)
        try:
            self._outbox.put_nowait(hint)
        except queue.Full:
            self._lost.set()

    def publish_everywhere(self) -> None:
        self._local.publish_everywhere()
        self._lost.set()  # the sender tells the others to look everywhere

    def subscribe(self, *topics: str) -> contextlib.AbstractContextManager[Subscription]:
        return self._local.subscribe(*topics)

    def close(self) -> None:
        """Sends what is still waiting, if Redis takes it at once."""
        self._closing.set()
        with contextlib.suppress(queue.Full):
            self._outbox.put_nowait(None)
        for thread in self._threads:
            thread.join(2 * _SOCKET_SECONDS)
        self._redis.close()

    # The sending thread.

    def _send_forever(self) -> None:
        while True:
            batch = self._next_batch()
            try:
                if self._lost.is_set():
                    self._lost.clear()
                    with contextlib.suppress(queue.Empty):  # looking everywhere covers what still waits
                        for _ in range(_OUTBOX):
                            self._outbox.get_nowait()
                    batch = [None]
                if batch:
                    self._send(batch)
            except Exception as error:  # noqa: BLE001 - this thread has to go on whatever Redis does
                self._lost.set()
                log.warning("events_not_sent", error=type(error).__name__, hints=len(batch))
                self._closing.wait(_RETRY_SECONDS)
            if self._closing.is_set() and (self._lost.is_set() or self._outbox.empty()):
                return

    def _next_batch(self) -> list[Hint | None]:
        """What waits, at most _BATCH of it; empty when nothing came in a while."""
        batch: list[Hint | None] = []
        with contextlib.suppress(queue.Empty):
            batch.append(self._outbox.get(timeout=_POLL_SECONDS))
            while len(batch) < _BATCH:
                batch.append(self._outbox.get_nowait())
        return [hint for hint in batch if hint is not None]

    def _send(self, batch: list[Hint | None]) -> None:
        """None says: look everywhere."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for hint in batch:
                document: dict[str, Any] = {"origin": self._origin}
                if hint is not None:
                    document |= {"topic": hint.topic, "data": hint.data}
                pipeline.publish(self._channel, json.dumps(document))
            pipeline.execute()

    # The listening thread.

    def _listen_forever(self) -> None:
        is_first = True
        while not self._closing.is_set():
            try:
                with self._redis.pubsub() as channel:  # type: ignore[no-untyped-call]
                    channel.subscribe(self._channel)
                    self._listen(channel, is_first=is_first)
            except Exception as error:  # noqa: BLE001 - this thread has to go on whatever Redis does
                log.warning("events_interrupted", error=type(error).__name__)
            is_first = False
            self._listening.clear()
            self._local.publish_everywhere()
            self._closing.wait(_RETRY_SECONDS)

    def _listen(self, channel: PubSub, *, is_first: bool) -> None:
        heard = pinged = time.monotonic()
        while not self._closing.is_set():
            message = channel.get_message(timeout=_POLL_SECONDS)
            at = time.monotonic()
            if message is not None:
                heard = at
                if message["type"] == "subscribe":
                    self._listening.set()
                    if not is_first:  # what was published while nobody listened here is lost
                        self._local.publish_everywhere()
                        log.info("events_connected")
                elif message["type"] == "message":
                    self._hear(message["data"])
            elif at - heard > _SILENCE_SECONDS:
                raise TimeoutError("Redis is silent")
            elif at - max(heard, pinged) > _PING_SECONDS:
                pinged = at
                channel.ping()

    def _hear(self, content: bytes) -> None:
        try:
            document = json.loads(content)
            origin, topic, data = document["origin"], document.get("topic"), document.get("data", {})
        except (ValueError, TypeError, KeyError, RecursionError):
            log.warning("hint_malformed")
            return
        if origin == self._origin:
            return  # heard when it was published
        if isinstance(topic, str) and isinstance(data, dict):
            self._local.publish(Hint(topic, data))
        else:
            self._local.publish_everywhere()
