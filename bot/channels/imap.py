"""A mailbox over IMAP. A letter is taken by its UID, whether somebody has opened it in a mail program or not.

The flag Seen only shows to people that the desk has it.
"""

import contextlib
import hashlib
import imaplib
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError, MailboxFolderSelectError, MailboxLoginError
from sqlalchemy.orm import Session

from bot.channels import mail_folders
from bot.channels.mailbox import Found, MailboxDown, Original
from core.desk import Desk
from core.settings import Settings

log = structlog.get_logger(__name__)

_LAST_UID = 2**32 - 1
_LOOKED_AT = 500  # letters at once: their UIDs stand in one line of a command
# What a person has to mend is not tried again at once: a server locks out who comes with a wrong password again and again.
_REFUSED_PAUSE_SECONDS = 300.0
_UNREADABLE_PAUSE_SECONDS = 600.0
# RFC 5530: what a server says about itself rather than about the login.
_ABOUT_THE_SERVER = re.compile(rb"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]")
_UID = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")


class ImapMailbox:
    """Its keys are UIDs. Letters that were read before the desk came to the folder are left alone."""

    def __init__(self, desk: Desk) -> None:
        settings = desk.settings
        self._database = desk.database
        self._settings = settings
        self._name = f"{settings.imap_user}@{settings.imap_host}/{settings.imap_folder}"
        self._box: BaseMailBox | None = None
        self._has_idle = False
        self._numbering = 0
        self._stored: set[int] = set()  # stored, and perhaps not shown as read yet
        self._waiting: set[int] = set()  # the newer ones that are not stored
        self._suspected: set[int] = set()  # among them is one at which the connection broke
        self._unreadable: dict[int, float] = {}  # until when they are left alone
        self._interrupted = threading.Event()

    def unseen(self) -> list[Found]:
        """At most _LOOKED_AT: all that is not read, and all that came since it was looked last, read or not."""
        with self._talk() as box:
            _ok(box.client.noop())  # some servers tell of new letters no sooner
            next_uid = self._next_uid(box)
            there = set(map(int, box.uids(f"OR UNSEEN UID {next_uid}:{_LAST_UID}", None)))
            self._stored &= there
            self._waiting = {uid for uid in there - self._stored if uid >= next_uid}
            self._unreadable = {uid: until for uid, until in self._unreadable.items() if uid in there}
            moment = time.monotonic()
            left_alone = {uid for uid, until in self._unreadable.items() if until > moment}
            fresh = sorted(there - self._stored - left_alone)[:_LOOKED_AT]
            if not fresh:
                return []
            sizes = dict(_sizes(_ok(box.client.uid("FETCH", _set(fresh), "(UID RFC822.SIZE)"))))
            most = self._settings.max_letter_bytes
            return [Found(str(uid), min(sizes.get(uid, most), most)) for uid in fresh]

    def read(self, found: Sequence[Found], most_bytes: int) -> list[Original]:
        uids = [int(letter.key) for letter in found]
        together = [uid for uid in uids if uid not in self._suspected]
        groups = [together] * bool(together) + [[uid] for uid in uids if uid in self._suspected]
        originals = [original for group in groups for original in self._read(group, most_bytes)]
        self._set_aside(set(uids) - {int(original.key) for original in originals})
        return originals

    def _read(self, uids: list[int], most_bytes: int) -> list[Original]:
        """All at once; where the server refuses that, one by one."""
        try:
            with self._talk() as box:
                status, answer = box.client.uid("FETCH", _set(uids), f"(UID RFC822.SIZE INTERNALDATE BODY.PEEK[]<0.{most_bytes}>)")
        except MailboxDown:
            if self._suspected.issuperset(uids):  # alone, and not for the first time
                self._set_aside(uids)
            self._suspected.update(uids)
            raise
        if status != "OK" and len(uids) > 1:
            return [original for uid in uids for original in self._read([uid], most_bytes)]
        self._suspected.difference_update(uids)
        return list(_originals(answer, most_bytes)) if status == "OK" else []

    def _set_aside(self, uids: Collection[int]) -> None:
        """Letters that the server does not give: perhaps it does later."""
        for uid in uids:
            if uid not in self._unreadable:
                log.error("letter_unreadable", uid=uid)
            self._unreadable[uid] = time.monotonic() + _UNREADABLE_PAUSE_SECONDS

    def note(self, session: Session, keys: Collection[str]) -> None:
        stored = set(map(int, keys))
        mail_folders.advance(session, self._name, self._numbering, min(self._waiting - stored, default=max(stored) + 1))

    def mark(self, keys: Collection[str]) -> None:
        """As read. Not by imap_tools, which would also do away with what somebody has marked as deleted."""
        if not keys:
            return
        with self._talk() as box:
            status, _ = box.client.uid("STORE", _set(map(int, keys)), "+FLAGS.SILENT", r"(\Seen)")
        self._stored.update(map(int, keys))  # whatever it answers: where it refuses, they are not fetched again and again
        self._waiting -= self._stored
        if status != "OK":
            log.error("letters_not_flagged", count=len(keys))

    def wait(self) -> None:
        """Until the server says something, at most imap_poll_seconds: what it says may be lost, and some servers say nothing."""
        seconds = self._settings.imap_poll_seconds
        with self._talk() as box:
            if not self._has_idle:
                self._interrupted.wait(seconds)
                return
            box.idle.start()  # type: ignore[no-untyped-call]
            if not self._interrupted.is_set():
                _wait_for_words(box.client, seconds)
            box.idle.stop()  # type: ignore[no-untyped-call]

    def interrupt(self) -> None:
        self._interrupted.set()
        box = self._box
        if box is not None:
            with contextlib.suppress(OSError):  # not as SSLSocket does it: the other thread still uses what that takes away
                socket.socket.shutdown(box.client.sock, socket.SHUT_RDWR)

    def close(self) -> None:
        box, self._box = self._box, None
        self._interrupted.clear()
        if box is not None:
            _let_go(box)

    @contextlib.contextmanager
    def _talk(self) -> Iterator[BaseMailBox]:
        """The connection, made if there is none. Whatever goes wrong ends it."""
        try:
            if self._box is None:
                self._box = self._open()
            yield self._box
        except (OSError, imaplib.IMAP4.error, ImapToolsError) as error:
            self.close()
            raise MailboxDown("unreachable", type(error).__name__) from None
        except BaseException:
            self.close()
            raise

    def _open(self) -> BaseMailBox:
        box = _connect(self._settings)
        try:
            self._log_in(box)
            self._has_idle = "IDLE" in _ok(box.client.capability())[-1].decode("ascii", "replace").upper().split()
            try:
                box.folder.set(self._settings.imap_folder)
            except MailboxFolderSelectError:
                raise MailboxDown("no_folder", f"there is no folder {self._settings.imap_folder}", _REFUSED_PAUSE_SECONDS) from None
            except imaplib.IMAP4.readonly:
                raise MailboxDown("read_only", "the desk may not mark letters as read", _REFUSED_PAUSE_SECONDS) from None
            numbering = int(box.client.response("UIDVALIDITY")[1][0] or 0)
        except BaseException:
            _let_go(box)
            raise
        if numbering != self._numbering:
            self._numbering = numbering
            self._stored, self._waiting, self._suspected, self._unreadable = set(), set(), set(), {}
        return box

    def _log_in(self, box: BaseMailBox) -> None:
        user, password = self._settings.imap_user, self._settings.imap_password.get_secret_value()
        try:
            (box.login if (user + password).isascii() else box.login_utf8)(user, password, initial_folder=None)
        except imaplib.IMAP4.abort:
            raise
        except (MailboxLoginError, imaplib.IMAP4.error) as error:
            if _ABOUT_THE_SERVER.search(str(error).encode()):
                raise
            raise MailboxDown("login_refused", "the server refuses imap_user and imap_password", _REFUSED_PAUSE_SECONDS) from None

    def _next_uid(self, box: BaseMailBox) -> int:
        """From where on letters are new, however they are flagged."""
        known = self._database.read(mail_folders.find, self._name)
        if known is not None and known.uid_validity == self._numbering:
            return known.next_uid
        if known is None:
            next_uid = max(map(int, box.uids("ALL", None)), default=0) + 1
            log.info("mailbox_read_first", next_uid=next_uid)
        else:  # what came since the first time is looked at again: by its bytes it is known
            day = imaplib.Time2Internaldate(known.first_read_at - timedelta(days=1)).strip('"').split()[0]
            next_uid = min(map(int, box.uids(f"SINCE {day}", None)), default=1)
            log.warning("mailbox_renumbered", next_uid=next_uid)
        self._database.write(mail_folders.begin, self._name, self._numbering, next_uid)
        return next_uid


def _connect(settings: Settings) -> BaseMailBox:
    host, port, seconds = settings.imap_host, settings.imap_port, settings.imap_timeout_seconds
    try:
        match settings.imap_security:
            case "tls":
                return MailBox(host, port, seconds, ssl_context=ssl.create_default_context())
            case "starttls":
                return MailBoxStartTls(host, port, seconds, ssl_context=ssl.create_default_context())
            case _:
                return MailBoxUnencrypted(host, port, seconds)
    except ssl.SSLCertVerificationError:
        raise MailboxDown("certificate_refused", "the server's certificate cannot be verified", _REFUSED_PAUSE_SECONDS) from None


def _let_go(box: BaseMailBox) -> None:
    with contextlib.suppress(OSError, imaplib.IMAP4.error):
        box.client.shutdown()


def _wait_for_words(client: imaplib.IMAP4, seconds: float) -> None:
    """Until there is something to read; some of it may have come together with the last answer, and lies in the reader's buffer."""
    timeout = client.sock.gettimeout()
    client.sock.settimeout(0)
    try:
        with contextlib.suppress(OSError):
            if client.file.peek(1):  # type: ignore[union-attr]
                return
    finally:
        client.sock.settimeout(timeout)
    poll = select.poll()
    poll.register(client.sock, select.POLLIN)
    poll.poll(seconds * 1000)


def _ok(answer: tuple[str, list[Any]]) -> list[Any]:
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.error(status)
    return data


def _set(uids: Collection[int] | Iterator[int]) -> str:
    return ",".join(map(str, uids))


def _sizes(answer: list[Any]) -> Iterator[tuple[int, int]]:
    for item in answer:
        if isinstance(item, bytes) and (uid := _UID.search(item)) and (size := _SIZE.search(item)):
            yield int(uid[1]), int(size[1])


def _originals(answer: list[Any], most_bytes: int) -> Iterator[Original]:
    """Of a FETCH: each letter is a pair of what is told before its bytes and the bytes; more may be told after them."""
    for place, item in enumerate(answer):
        if not isinstance(item, tuple):
            continue
        told, raw = item[0] + b"".join(more for more in answer[place + 1 : place + 2] if isinstance(more, bytes)), item[1]
        uid, size, moment = _UID.search(told), _SIZE.search(told), imaplib.Internaldate2tuple(told)
        if uid is None:
            continue
        whole = max(int(size[1]) if size and len(raw) == most_bytes else 0, len(raw))
        received = min(datetime.fromtimestamp(time.mktime(moment), UTC) if moment else datetime.now(UTC), datetime.now(UTC))
        received += timedelta(microseconds=int(uid[1]) % 1_000_000)  # servers tell seconds: letters of the same one stay in their order
        yield Original(uid[1].decode(), raw, _digest(raw, whole), whole, received)


def _digest(raw: bytes, size: int) -> bytes:
    """A letter of which only the beginning is fetched is told from others by that and by its size."""
    return hashlib.sha256(raw if size == len(raw) else raw + f"\0{size}".encode()).digest()
