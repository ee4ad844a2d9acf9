"""How the gateway takes what can go wrong between it and the dialogue engine: by it a turn is asked again, or looked up first."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from bot.dialogue_engine import EngineDown, EngineFailed, EngineSlow, RasaEngine
from tests.conftest import MakeSettings

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def _nothing(_writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


async def _cut_off(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[")


async def _closed(_writer: asyncio.StreamWriter) -> None:
    pass


def _said(status: str, body: bytes, content_type: str = "application/json") -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    return answer


@contextlib.asynccontextmanager
async def engine_at(make_settings: MakeSettings, answer: Answer) -> AsyncIterator[RasaEngine]:
    """An engine whose Rasa answers one request of each connection, then closes it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        engine = RasaEngine(make_settings(rasa_url=f"http://127.0.0.1:{port}", engine_timeout_seconds=0.5))
        try:
            yield engine
        finally:
            await engine.close()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (_nothing, EngineSlow),
        (_cut_off, EngineFailed),
        (_closed, EngineFailed),
        (_said("500 Internal Server Error", b"{}"), EngineFailed),
        (_said("200 OK", b"[{"), EngineFailed),
        (_said("200 OK", b"<p>", "text/html"), EngineFailed),
    ],
)
async def test_after_the_call_was_made_the_engine_may_have_seen_it(
    make_settings: MakeSettings, answer: Answer, expected: type[Exception]
) -> None:
    async with engine_at(make_settings, answer) as engine:
        with pytest.raises(expected) as raised:
            await engine.ask("sender", "id", "привет", None)
        assert type(raised.value) is expected
        assert not await engine.is_ready()


async def test_where_nobody_listens_it_was_not_seen(make_settings: MakeSettings) -> None:
    async with engine_at(make_settings, _nothing) as engine:
        pass
    with pytest.raises(EngineDown):
        await engine.ask("sender", "id", "привет", None)
    await engine.close()


async def test_a_connection_that_the_engine_has_closed_is_opened_anew(make_settings: MakeSettings) -> None:
    async with engine_at(make_settings, _said("200 OK", b"[]")) as engine:
        for _ in range(3):
            assert await engine.ask("sender", "id", "привет", None) == ()
            await asyncio.sleep(0.05)
