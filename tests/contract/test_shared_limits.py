"""Limits that several gateways count together in a real Redis, and what happens without it."""

import asyncio
import uuid

import pytest
from redis import Redis

from core.desk import Desk, open_desk
from core.errors import Problem
from core.limits import Counters, Guesses, SharedRateLimit
from tests.conftest import MakeSettings
from tests.servers import RedisServer
from tests.stack import free_port


@pytest.fixture
def desk(make_settings: MakeSettings) -> Desk:
    opened = open_desk(make_settings())
    opened.close()  # nothing here reads the database
    return opened


def counters_of_gateway(desk: Desk, port: int) -> Counters:
    """As each gateway has its own."""
    return Counters(desk.vault, desk.settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{port}/0"}))


async def is_refused(limit: SharedRateLimit, key: str) -> bool:
    try:
        await limit.check(key)
    except Problem:
        return True
    return False


async def test_gateways_count_together(desk: Desk, redis_server: RedisServer) -> None:
    name, key = str(uuid.uuid4()), "10.11.12.13"
    gateways = [SharedRateLimit(counters_of_gateway(desk, redis_server.port), name, 4) for _ in range(2)]
    assert [await is_refused(gateways[turn % 2], key) for turn in range(6)] == [False] * 4 + [True] * 2
    with pytest.raises(Problem) as caught:
        await gateways[0].check(key)
    assert 1 <= (caught.value.retry_after or 0) <= 61


async def test_a_lock_holds_at_every_gateway_until_a_right_answer(desk: Desk, redis_server: RedisServer) -> None:
    name = str(uuid.uuid4())
    one, other = (Guesses(counters_of_gateway(desk, redis_server.port), name, 1, 3, 900) for _ in range(2))
    assert not await one.count("a") and not await other.count("a")
    with pytest.raises(Problem):
        await one.check("a")
    await asyncio.sleep(2.1)  # the pause of the second: Redis keeps its own time
    assert await one.count("a")
    with pytest.raises(Problem) as caught:
        await other.check("a")
    assert 890 <= (caught.value.retry_after or 0) <= 901
    await other.forgive("a")
    await one.check("a")


async def test_guesses_made_at_once_gain_nothing(desk: Desk, redis_server: RedisServer) -> None:
    name = str(uuid.uuid4())
    gateways = [Guesses(counters_of_gateway(desk, redis_server.port), name, 3, 100, 900) for _ in range(2)]
    outcomes = await asyncio.gather(*(gateways[turn % 2].count("a") for turn in range(40)), return_exceptions=True)
    assert len([outcome for outcome in outcomes if outcome is False]) == 4
    assert len([outcome for outcome in outcomes if isinstance(outcome, Problem)]) == 36


async def test_redis_holds_no_address_or_login(desk: Desk, redis_server: RedisServer) -> None:
    counters = counters_of_gateway(desk, redis_server.port)
    await SharedRateLimit(counters, "logins", 5).check("10.11.12.13 ivanova")
    await Guesses(counters, "logins", 0, 1, 60).count("10.11.12.13 ivanova")
    with Redis(port=redis_server.port) as redis:
        keys = [bytes(key) for key in redis.scan_iter("otklik-limits*")]
        assert len(keys) >= 3 and all(redis.ttl(key) > 0 for key in keys)
    kept = b" ".join(keys)
    assert b"10.11" not in kept and b"ivanova" not in kept


async def test_without_redis_each_gateway_counts_by_itself(desk: Desk) -> None:
    limit = SharedRateLimit(counters_of_gateway(desk, free_port()), "messages", 2)
    assert [await is_refused(limit, "a") for _ in range(4)] == [False, False, True, True]
