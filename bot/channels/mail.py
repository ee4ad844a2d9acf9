"""Letters out: through an SMTP server, or into a Maildir where none is set."""

import asyncio
import contextlib
import os
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import NamedTuple, Protocol

import aiosmtplib
from sqlalchemy.orm import Session

from bot.channels.dkim_signature import choose_signer
from core.deliveries import TryLater, Undeliverable
from core.desk import Desk
from core.ids import digest
from core.models import Delivery
from core.settings import Settings
from handoff.letters.renderer import render

# What a server says when it does not like us rather than the letter: a wrong password is no reason to give letters up.
_ABOUT_US = (530, 534, 535, 538)
_GOODBYE_SECONDS = 5
_CONFIDENTIAL = 0o600
OUTGOING = "outgoing"  # the Maildir in mail_dir


class Posted(NamedTuple):
    """A letter as it leaves: these bytes, with CRLF at the lines' ends, and no others, as a signature covers them."""

    message_id: str
    sender: str
    recipient: str
    content: bytes


class Transport(Protocol):
    async def send(self, letter: Posted) -> None:
        """Returns once the letter is accepted. Raises Undeliverable or TryLater."""


def choose_transport(settings: Settings) -> "SmtpTransport | MaildirTransport":
    return SmtpTransport(settings) if settings.smtp_host else MaildirTransport(settings.mail_dir / OUTGOING)


class MailCourier:
    """Deliveries of the channel "mail"."""

    def __init__(self, desk: Desk, transport: Transport) -> None:
        self._desk = desk
        self._transport = transport
        self._signer = choose_signer(desk.settings)

    def prepare(self, session: Session, delivery: Delivery) -> EmailMessage:
        """The letter. Undeliverable if there can be none."""
        return render(session, self._desk, delivery)

    async def send(self, prepared: EmailMessage) -> None:
        """Raises Undeliverable or TryLater."""
        await self._transport.send(await asyncio.to_thread(self.post, prepared))

    def post(self, letter: EmailMessage) -> Posted:
        """The letter in its envelope, signed if there is a key. What does not arrive comes back to the official address."""
        sender, recipient = letter["From"].addresses[0].addr_spec, letter["To"].addresses[0].addr_spec
        content = letter.as_bytes(policy=SMTP)
        return Posted(letter["Message-ID"], sender, recipient, self._signer.sign(content) if self._signer else content)


class SmtpTransport:
    """One connection for each letter: they are few, and a fault of one is nobody else's."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def send(self, letter: Posted) -> None:
        settings = self._settings
        client = aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user or None,
            password=settings.smtp_password.get_secret_value() or None,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            local_hostname=letter.sender.rpartition("@")[2],
            timeout=settings.smtp_timeout_seconds,
        )
        try:
            async with asyncio.timeout(settings.smtp_timeout_seconds):
                await client.connect()
                await client.sendmail(letter.sender, [letter.recipient], letter.content)
            # It is accepted: what goes wrong from here on is not the letter's.
            with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                async with asyncio.timeout(_GOODBYE_SECONDS):
                    await client.quit()
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refusal(error.recipients[0].code) from None
        except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as error:
            raise _refusal(error.code) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            # A refused greeting, login or STARTTLS is the connection's matter, whatever its code.
            raise TryLater(f"unreachable {getattr(error, 'code', '')}".strip()) from None
        finally:
            client.close()


class MaildirTransport:
    """Each letter a file with its envelope's sender on top, readable by its owner only. One that comes again takes its own place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, letter: Posted) -> None:
        try:
            await asyncio.to_thread(self._store, letter)
        except OSError:
            raise TryLater("unwritable") from None

    def _store(self, letter: Posted) -> None:
        for name in ("", "tmp", "new", "cur"):
            (self._folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        # The unique name of a Maildir file is ours to choose: so that a repetition is no second letter, and one to a corrected address is.
        name = f"{letter.message_id.strip('<>')}.{digest(letter.recipient)[:8]}".replace("/", "_").replace(":", "_")
        if any((self._folder / "cur").glob(f"{name}*")):
            return  # a repetition of what was read already
        draft = self._folder / "tmp" / name
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _CONFIDENTIAL), "wb") as file:
            file.write(f"Return-Path: <{letter.sender}>\n".encode() + letter.content.replace(b"\r\n", b"\n"))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._folder / "new" / name)
        folder = os.open(self._folder / "new", os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _refusal(code: int) -> Undeliverable | TryLater:
    permanent = 500 <= code < 600 and code not in _ABOUT_US
    return Undeliverable(f"refused {code}") if permanent else TryLater(f"refused {code}")
