"""A real SMTP server that keeps what it is given."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session


class Sink:
    """Keeps what it accepts. ``answers``: what it says to the next letters instead of accepting them."""

    def __init__(self, *answers: str, recipient_answers: tuple[str, ...] = ()) -> None:
        self.answers = list(answers)
        self.recipient_answers = list(recipient_answers)
        self.accepted: list[tuple[Envelope, EmailMessage]] = []

    async def handle_RCPT(self, _server: Any, _session: Session, envelope: Envelope, address: str, _options: list[str]) -> str:  # noqa: N802
        if self.recipient_answers:
            return self.recipient_answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answers:
            return self.answers.pop(0)
        assert isinstance(envelope.content, bytes)
        letter = message_from_bytes(envelope.content, policy=default)
        assert isinstance(letter, EmailMessage)
        self.accepted.append((envelope, letter))
        return "250 OK"

    @contextmanager
    def listening(self, port: int, **options: Any) -> Iterator[None]:
        controller = Controller(self, hostname="127.0.0.1", port=port, **options)
        controller.start()
        try:
            yield
        finally:
            controller.stop()


class BreakingServer:
    """Takes a letter to its first line, and then either drops the connection, as a killed server does, or says nothing more."""

    def __init__(self, *, hangs: bool) -> None:
        self.hangs = hangs
        self.begun = 0  # letters

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        try:
            yield
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            if not line.upper().startswith(b"DATA"):
                writer.write(b"250 OK\r\n")
                continue
            writer.write(b"354 Go on\r\n")
            await reader.readline()
            self.begun += 1
            if self.hangs:
                await reader.read()  # until the other side has had enough
            break
        writer.transport.abort()
