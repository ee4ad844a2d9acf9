"""The guard of this folder guards."""

import asyncio
import socket

import pytest


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("call", ["connect", "connect_ex", "bind"])
def test_the_network_is_out_of_reach(family: socket.AddressFamily, call: str) -> None:
    with socket.socket(family) as one, pytest.raises(RuntimeError, match="tests/integration"):
        getattr(one, call)(("localhost", 9))


async def test_asyncio_goes_on_working() -> None:
    assert await asyncio.to_thread(lambda: 1) == 1
