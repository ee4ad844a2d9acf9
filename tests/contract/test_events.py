"""Every implementation of core.events.Events."""

import asyncio
import contextlib
import uuid
from collections.abc import Iterator

import pytest

from core.events import Events, Hint, InProcessEvents
from core.events_redis import RedisEvents
from tests.scenes import in_threads
from tests.servers import RedisServer

SECONDS = 5.0  # how long a test waits for what must come
SHORTLY = 0.05  # … for what must not


@pytest.fixture(params=["in process", "redis"])
def events(request: pytest.FixtureRequest) -> Iterator[Events]:
    if request.param == "in process":
        yield InProcessEvents()
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    events = RedisEvents(server.url)
    assert events.is_connected
    yield events
    events.close()


@pytest.fixture
def topic() -> str:
    """Its own for each test: an implementation may be shared."""
    return str(uuid.uuid4())


async def test_what_is_published_is_heard_in_order(events: Events, topic: str) -> None:
    with events.subscribe(topic) as hints:
        for number in range(3):
            events.publish(Hint(topic, {"number": number}))
        assert [await hints.get(SECONDS) for _ in range(3)] == [Hint(topic, {"number": number}) for number in range(3)]


async def test_other_topics_are_not_heard(events: Events, topic: str) -> None:
    with events.subscribe(topic) as hints:
        events.publish(Hint(topic + "x"))
        events.publish(Hint(topic))
        assert await hints.get(SECONDS) == Hint(topic)
        assert await hints.get(SHORTLY) is None


async def test_several_topics_and_several_listeners(events: Events, topic: str) -> None:
    with events.subscribe(topic, topic + "2") as both, events.subscribe(topic) as one:
        events.publish(Hint(topic + "2"))
        events.publish(Hint(topic))
        assert [await both.get(SECONDS), await both.get(SECONDS)] == [Hint(topic + "2"), Hint(topic)]
        assert await one.get(SECONDS) == Hint(topic)


async def test_what_was_published_before_or_after_is_not_heard(events: Events, topic: str) -> None:
    events.publish(Hint(topic))
    with events.subscribe(topic) as hints:
        assert await hints.get(SHORTLY) is None
    events.publish(Hint(topic))
    assert await hints.get(SHORTLY) is None


async def test_threads_publish(events: Events, topic: str) -> None:
    with events.subscribe(topic) as hints:
        await asyncio.to_thread(in_threads, 10, lambda number: events.publish(Hint(topic, {"number": number})))
        heard = [await hints.get(SECONDS) for _ in range(10)]
    assert {hint.data["number"] for hint in heard if hint} == set(range(10))


async def test_a_listener_that_waits_is_woken(events: Events, topic: str) -> None:
    with events.subscribe(topic) as hints:
        waiting = asyncio.create_task(hints.get(SECONDS))
        await asyncio.sleep(0)
        events.publish(Hint(topic))
        assert await waiting == Hint(topic)


async def test_everywhere_is_heard_by_each_on_its_own_topic(events: Events, topic: str) -> None:
    with events.subscribe(topic) as one, events.subscribe(topic + "2") as other:
        events.publish_everywhere()
        assert [await one.get(SECONDS), await other.get(SECONDS)] == [Hint(topic), Hint(topic + "2")]


async def test_a_listener_far_behind_blocks_nobody(events: Events, topic: str) -> None:
    with events.subscribe(topic) as slow:
        for number in range(5_000):
            events.publish(Hint(topic, {"number": number}))
        with events.subscribe(topic) as quick:
            events.publish(Hint(topic, {"number": "last"}))
            assert await quick.get(SECONDS) == Hint(topic, {"number": "last"})
        assert await slow.get(SECONDS) == Hint(topic, {"number": 0})


def test_a_listener_whose_loop_has_ended_is_no_fault(events: Events, topic: str) -> None:
    async def subscribe() -> None:
        subscriptions.enter_context(events.subscribe(topic))

    with contextlib.ExitStack() as subscriptions:
        asyncio.run(subscribe())
        events.publish(Hint(topic))
        events.publish_everywhere()
