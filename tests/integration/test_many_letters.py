"""Many letters in one go, from a Maildir and from Dovecot: none is lost and none doubled, though what takes them is killed again and again.

OTKLIK_TEST_LETTERS says how many (60).
"""

import os
import random
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.desk import Desk, open_desk
from core.models import Appeal, Author, Conversation, Delivery, IncomingLetter, LetterState, Message
from handoff import letters
from handoff.mailbox.automatic import Automatic
from handoff.mailbox.correspondence import message_id_hash
from handoff.mailbox.rules import Route
from tests.conftest import MakeSettings
from tests.data.many_letters import Made, make_letters
from tests.mail_servers import Dovecot
from tests.stack import ROOT, wait_for

COUNT = int(os.environ.get("OTKLIK_TEST_LETTERS", "60"))
_SECONDS = 60 + COUNT  # in which they are taken at the latest


@contextmanager
def taking(desk: Desk, settings: dict[str, object], output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that takes letters, killed at the end if it was not before."""
    given = {"data_dir": desk.settings.data_dir, **settings}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTKLIK_")}
    environment |= {f"OTKLIK_{name.upper()}": str(value) for name, value in given.items()}
    with output.open("ab") as log:
        command = [sys.executable, "-m", "tests.integration.mail_process"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def count(desk: Desk, *states: LetterState) -> int:
    wanted = select(func.count()).select_from(IncomingLetter).where(IncomingLetter.state.in_(states))
    return desk.database.read(lambda session: session.scalar(wanted) or 0)


def check_each_is_one(desk: Desk, made: list[Made]) -> None:
    def read(session: Session) -> None:
        rows = list(session.scalars(select(IncomingLetter)))
        assert {row.state for row in rows} == {LetterState.DONE}
        assert Counter(row.outcome for row in rows) == Counter(letter.outcome for letter in made)
        known = {row.message_id_hash: row.outcome for row in rows}
        for letter in made:
            assert letter.outcome == Automatic.AUTOMATIC or known[message_id_hash(desk, letter.message_id)] == letter.outcome
        registered, returned, joined = (
            sum(letter.outcome == outcome for letter in made) for outcome in (Route.REGISTER, Route.RETURN, Route.JOIN)
        )
        sent = Counter(session.scalars(select(Delivery.kind)))
        assert (sent[letters.RECEIPT], sent[letters.RETURNED]) == (registered, returned)
        assert session.scalar(select(func.count()).select_from(Appeal)) == registered
        assert session.scalar(select(func.count()).select_from(Conversation)) == registered + returned
        written = select(func.count()).select_from(Message).where(Message.author == Author.CITIZEN)
        assert session.scalar(written) == registered + returned + joined

    desk.database.read(read)


def take_all(
    desk: Desk, settings: dict[str, object], output: Path, deliver: Callable[[list[bytes]], None], is_marked: Callable[[], bool]
) -> None:
    """Delivers letters, some of them twice, and has them taken by processes that are killed."""
    made = make_letters(COUNT)
    chance = random.Random(3)  # noqa: S311 - no secret
    contents = [letter.raw for letter in made]
    for repeated in chance.sample(contents, COUNT // 6):
        contents.insert(chance.randrange(contents.index(repeated) + 1, len(contents) + 1), repeated)
    half = len(contents) // 2
    deliver(contents[:half])
    for reached in (lambda: count(desk, LetterState.NEW) > 0, lambda: count(desk, LetterState.DONE) > COUNT // 4):
        with taking(desk, settings, output) as process:
            wait_for("the first letters", reached, _SECONDS)
            process.send_signal(signal.SIGKILL)
    deliver(contents[half:])
    with taking(desk, settings, output):
        wait_for("all letters", lambda: count(desk, LetterState.DONE) == COUNT, _SECONDS)
        wait_for("all to be marked", is_marked, _SECONDS)
    check_each_is_one(desk, made)


@pytest.fixture
def desk(make_settings: MakeSettings) -> Iterator[Desk]:
    opened = open_desk(make_settings())
    yield opened
    opened.close()


def test_from_a_maildir(desk: Desk, tmp_path: Path) -> None:
    folder = desk.settings.mail_dir / "incoming"
    for name in ("tmp", "new", "cur"):
        (folder / name).mkdir(parents=True)

    def deliver(contents: list[bytes]) -> None:
        for content in contents:
            draft = folder / "tmp" / uuid.uuid4().hex
            draft.write_bytes(content)
            draft.rename(folder / "new" / draft.name)

    take_all(desk, {}, tmp_path / "output.txt", deliver, lambda: not list((folder / "new").iterdir()))


def test_from_dovecot(desk: Desk, dovecot: Dovecot, tmp_path: Path) -> None:
    mailbox = dovecot.mailbox()
    settings = mailbox.settings(imap_poll_seconds=1)
    take_all(desk, settings, tmp_path / "output.txt", lambda contents: mailbox.deliver(*contents), lambda: mailbox.count("UNSEEN") == 0)
