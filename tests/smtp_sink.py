"""A real SMTP server that keeps what it is given."""

from collections.abc import Iterator
from contextlib import contextmanager
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
