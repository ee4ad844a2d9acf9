"""A real Dovecot for tests: IMAP to read from, LMTP to deliver by, a mailbox for each user that is named."""

import contextlib
import os
import shutil
import signal
import smtplib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from imap_tools import BaseMailBox, MailBoxUnencrypted

from tests.servers import Server
from tests.stack import free_port

PASSWORD = "secret"
SENDER = "citizen@example.com"  # on the envelope
_DOMAIN = "portal.example.ru"

_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap lmtp
ssl = {ssl}
{certificate}
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:{folder}/mail/%n
mail_fsync = never
# What is delivered twice is twice the same.
lmtp_add_received_header = no
lmtp_hdr_delivery_address = none
first_valid_uid = 1
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls_port}
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp_port}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%n allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
}}
protocol imap {{
  imap_capability = {capability}
}}
"""


class Dovecot(Server):
    """It may be killed or frozen with all its processes, and begun again on its ports, with its mailboxes.

    ``certificate``: a PEM file with certificate and key, for TLS. ``has_idle``: whether it says of itself that it has IDLE.
    """

    def __init__(self, certificate: Path | None = None, *, has_idle: bool = True) -> None:
        super().__init__("dovecot", "nobody", "nogroup")
        self.lmtp_port, self.tls_port = free_port(), free_port()
        user = self.user or Path(f"/proc/{os.getpid()}").owner()
        group = self.group or Path(f"/proc/{os.getpid()}").group()
        tls = ""
        if certificate:
            own = self.folder / "certificate.pem"
            shutil.copy(certificate, own)
            shutil.chown(own, user)
            tls = f"ssl_cert = <{own}\nssl_key = <{own}"
        self._configuration = self.folder / "dovecot.conf"
        self._configuration.write_text(
            _CONFIGURATION.format(
                folder=self.folder,
                ssl="yes" if certificate else "no",
                certificate=tls,
                user=user,
                group=group,
                port=self.port,
                tls_port=self.tls_port,
                lmtp_port=self.lmtp_port,
                password=PASSWORD,
                capability="" if has_idle else "IMAP4rev1 LITERAL+ UIDPLUS",
            )
        )
        self.begin()

    def begin(self) -> None:
        self.start(["dovecot", "-F", "-c", str(self._configuration)])

    def _processes(self) -> list[int]:
        """The master and all that it has begun."""
        assert self._process is not None
        master = self._process.pid
        with contextlib.suppress(FileNotFoundError):
            return [master, *map(int, Path(f"/proc/{master}/task/{master}/children").read_text().split())]
        return []

    def _tell(self, number: int) -> None:
        for process in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def kill(self) -> None:
        """kill -9 of all its processes."""
        self._tell(signal.SIGSTOP)  # so that none begins another one meanwhile
        self._tell(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()
        self._process = None

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Inside the ``with`` it stands still: it takes connections and answers nothing."""
        self._tell(signal.SIGSTOP)
        try:
            yield
        finally:
            self._tell(signal.SIGCONT)

    def mailbox(self) -> "TestMailbox":
        """An empty one."""
        return TestMailbox(self)


class TestMailbox:
    """One user's mailbox, seen from outside."""

    __test__ = False

    def __init__(self, server: Dovecot) -> None:
        self.server = server
        self.user = f"desk-{uuid.uuid4().hex[:12]}"

    def settings(self, **others: object) -> dict[str, object]:
        """For ``make_settings``."""
        own = {"imap_host": "127.0.0.1", "imap_port": self.server.port, "imap_security": "none", "imap_user": self.user}
        return {**own, "imap_password": PASSWORD, "imap_timeout_seconds": 5, **others}

    def deliver(self, *contents: bytes) -> None:
        """In this order, by LMTP, as a mail server does: with a header Return-Path before each."""
        with smtplib.LMTP("127.0.0.1", self.server.lmtp_port) as client:
            for content in contents:
                lines = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
                client.sendmail(SENDER, [f"{self.user}@{_DOMAIN}"], lines, ["BODY=8BITMIME"])

    @contextlib.contextmanager
    def opened(self, folder: str = "INBOX") -> Iterator[BaseMailBox]:
        """As a person's mail program does."""
        with MailBoxUnencrypted("127.0.0.1", self.server.port, 10).login(self.user, PASSWORD, folder) as box:
            yield box

    def count(self, criteria: str = "ALL") -> int:
        with self.opened() as box:
            return len(box.uids(criteria))

    def renumber(self) -> None:
        """The same letters under new UIDs and a new UIDVALIDITY, as after a move to another server."""
        for name in ("dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.index.cache"):
            (self.server.folder / "mail" / self.user / name).unlink(missing_ok=True)


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """Killed or frozen by a test, it runs again when the test ends."""
    server = Dovecot()
    try:
        yield server
    finally:
        server.remove()
