"""Hints between processes by way of a real Redis, and what happens when it goes away."""

import asyncio
import signal
import time
import uuid
from collections.abc import Iterator

import pytest
from redis import Redis

from core.events import Hint
from core.events_redis import RedisEvents
from tests.servers import RedisServer
from tests.stack import free_port, wait_for

SECONDS = 20.0
SHORTLY = 0.3


@pytest.fixture
def gateways(redis_server: RedisServer) -> Iterator[tuple[RedisEvents, RedisEvents]]:
    """The events of two processes."""
    both = (RedisEvents(redis_server.url), RedisEvents(redis_server.url))
    yield both
    for events in both:
        events.close()


@pytest.fixture
def topic() -> str:
    return str(uuid.uuid4())


async def test_a_hint_crosses_once_in_order_and_quickly(gateways: tuple[RedisEvents, RedisEvents], topic: str) -> None:
    here, there = gateways
    with here.subscribe(topic) as own, there.subscribe(topic) as others:
        begun = time.monotonic()
        for number in range(500):
            here.publish(Hint(topic, {"typing": "citizen", "number": number}))
            if number % 100 == 99:  # a listener's backlog is 256
                heard = [await others.get(SECONDS) for _ in range(100)]
                assert [hint.data["number"] for hint in heard if hint] == list(range(number - 99, number + 1))
                assert [(await own.get(SECONDS)) for _ in range(100)] == heard
        assert time.monotonic() - begun < 5
        assert await own.get(SHORTLY) is None  # one's own hints are not heard again by way of Redis
        assert await others.get(SHORTLY) is None


async def test_other_topics_and_other_desks_are_not_heard(
    redis_server: RedisServer, gateways: tuple[RedisEvents, RedisEvents], topic: str
) -> None:
    here, there = gateways
    other_desk = RedisEvents(redis_server.url.removesuffix("/0") + "/1")
    with there.subscribe(topic) as hints:
        other_desk.publish(Hint(topic))
        other_desk.close()  # sends what waits
        here.publish(Hint(topic + "x"))
        here.publish(Hint(topic, {"read": 7}))
        assert await hints.get(SECONDS) == Hint(topic, {"read": 7})


async def test_everywhere_reaches_the_others(gateways: tuple[RedisEvents, RedisEvents], topic: str) -> None:
    here, there = gateways
    with there.subscribe(topic) as hints:
        here.publish_everywhere()
        assert await hints.get(SECONDS) == Hint(topic)


async def test_nonsense_on_the_channel_hurts_nobody(
    redis_server: RedisServer, gateways: tuple[RedisEvents, RedisEvents], topic: str
) -> None:
    here, there = gateways
    with Redis.from_url(redis_server.url) as client, there.subscribe(topic) as hints:
        for content in (b"", b"{", b"[]", b"7", b"null", b"\xff", b'{"topic": "x"}', b"[" * 100_000):
            client.publish("otklik:0:hints", content)
        here.publish(Hint(topic, {"last": 1}))
        assert await hints.get(SECONDS) == Hint(topic, {"last": 1})


async def test_after_a_restart_everybody_looks_and_hints_cross_again(
    redis_server: RedisServer, gateways: tuple[RedisEvents, RedisEvents], topic: str
) -> None:
    here, there = gateways
    with there.subscribe(topic) as hints:
        redis_server.stop()
        await asyncio.to_thread(wait_for, "the loss to be noticed", lambda: not (here.is_connected or there.is_connected))
        for number in range(10_000):  # more than is kept
            here.publish(Hint(topic, {"number": number}))
        redis_server.begin()
        await asyncio.to_thread(wait_for, "both to be back", lambda: here.is_connected and there.is_connected)
        # They were told to look by themselves, and not one lost hint is told late.
        assert await hints.get(SECONDS) == Hint(topic)
        new = Hint(topic, {"number": "new"})
        async with asyncio.timeout(SECONDS):
            heard = None
            while heard != new:
                assert heard in (None, Hint(topic))
                here.publish(new)
                heard = await hints.get(0.1)


async def test_a_redis_that_stands_still_blocks_nobody(
    redis_server: RedisServer, gateways: tuple[RedisEvents, RedisEvents], topic: str
) -> None:
    here, _ = gateways
    redis_server.signal(signal.SIGSTOP)
    try:
        with here.subscribe(topic) as hints:
            begun = time.monotonic()
            for number in range(10_000):
                here.publish(Hint(topic, {"number": number}))
            assert time.monotonic() - begun < 2
            assert await hints.get(SECONDS) == Hint(topic, {"number": 0})  # in its own process
    finally:
        redis_server.signal(signal.SIGCONT)


async def test_without_redis_its_own_process_still_hears(topic: str) -> None:
    alone = await asyncio.to_thread(RedisEvents, f"redis://127.0.0.1:{free_port()}")
    assert not alone.is_connected
    with alone.subscribe(topic) as hints:
        alone.publish(Hint(topic, {"number": 1}))
        first, second = await hints.get(SECONDS), await hints.get(SECONDS)
        # The other one is the advice to look by itself, which comes again and again.
        assert Hint(topic, {"number": 1}) in (first, second)
        assert Hint(topic) in (first, second)
    begun = time.monotonic()
    await asyncio.to_thread(alone.close)
    assert time.monotonic() - begun < 5
