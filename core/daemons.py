"""Programs beside the desk that look at what people send (clamd, spamd): one question and its answer over a socket, in bounded time."""

import asyncio
import contextlib
from collections.abc import Iterable

_MOST_BYTES = 65_536  # of an answer
_PING_SECONDS = 2.0


class DaemonAway(Exception):
    """There is no answer: nobody listens, it takes too long, or the connection broke. The argument says which."""


class Daemon:
    """One program. Once a question took too long, it has to answer a ping before the next one: people wait meanwhile."""

    def __init__(self, address: str, seconds: float, ping: bytes) -> None:
        """``address``: host:port or the path of a socket; empty for a program that is not there. ``ping``: a question that is quickly
        answered, with the word PONG in it."""
        self.is_on = bool(address)
        self._address = address
        self._seconds = seconds
        self._ping = ping
        self._is_suspect = False

    async def ask(self, question: Iterable[bytes]) -> bytes:
        """What it says until it closes the connection. DaemonAway."""
        if self._is_suspect and not await self.answers():
            raise DaemonAway("silent")
        try:
            return await self._ask_within(self._seconds, question)
        except TimeoutError:
            self._is_suspect = True
            raise DaemonAway("timed_out") from None
        except OSError as error:
            raise DaemonAway(type(error).__name__) from None

    async def answers(self) -> bool:
        """Whether it is there and ready."""
        try:
            is_ready = b"PONG" in await self._ask_within(_PING_SECONDS, [self._ping])
        except (OSError, TimeoutError, DaemonAway):
            return False
        self._is_suspect = self._is_suspect and not is_ready
        return is_ready

    async def _ask_within(self, seconds: float, question: Iterable[bytes]) -> bytes:
        async with asyncio.timeout(seconds):
            reader, writer = await self._open()
            try:
                with contextlib.suppress(ConnectionError):  # it may answer before it has heard all, and hang up: what it said counts
                    for part in question:
                        writer.write(part)
                        await writer.drain()
                answer = b""
                while part := await reader.read(4096):
                    answer += part
                    if len(answer) > _MOST_BYTES:
                        raise DaemonAway("talks_too_much")
                return answer
            finally:
                writer.close()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._address.startswith("/"):
            return await asyncio.open_unix_connection(self._address)
        host, _, port = self._address.rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port))
