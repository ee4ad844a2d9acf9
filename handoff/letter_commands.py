"""`python -m handoff letters list|show|retry`: the letters that came, and those of which nothing could be made."""

import argparse
import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from core import audit
from core.desk import Desk, open_desk
from core.models import IncomingLetter, LetterState
from core.settings import Settings
from core.working_time import MOSCOW
from handoff.data_commands import NotDone
from handoff.mailbox import incoming

_MOST = 200


def add_commands(commands: Any) -> None:
    """Adds them to the subparsers of ``python -m handoff``."""
    letters = commands.add_parser("letters", help="letters that came in").add_subparsers(dest="letter_command", required=True)
    listed = letters.add_parser("list", help="the newest ones, without what they say")
    listed.add_argument("--state", choices=[state.value for state in LetterState], help="only these")
    for name, words in (("show", "the letter as it came, raw"), ("retry", "give a parked letter back to the running desk")):
        letters.add_parser(name, help=words).add_argument("letter", type=uuid.UUID, metavar="LETTER")


def run(options: argparse.Namespace, settings: Settings, say: Callable[[str], None]) -> int:
    """Raises NotDone, SettingsError."""
    desk = open_desk(settings)
    try:
        match options.letter_command:
            case "list":
                state = LetterState(options.state) if options.state else None
                for letter in desk.database.read(incoming.listed, state, _MOST):
                    say(_line(letter))
            case "show":
                say(desk.database.write(_open, desk, options.letter))
            case "retry":
                if not desk.database.write(_retry, desk, options.letter):
                    raise NotDone(f"there is no parked letter {options.letter}")
                say("it will be read again")
    finally:
        desk.close()
    return 0


def _line(letter: IncomingLetter) -> str:
    received = letter.received_at.astimezone(MOSCOW).isoformat(timespec="seconds")
    told = letter.error or letter.outcome or ""
    return f"{letter.id}\t{received}\t{letter.size}\t{letter.state}\t{letter.conversation_id or ''}\t{told}"


def _open(session: Session, desk: Desk, letter_id: uuid.UUID) -> str:
    letter = incoming.find(session, letter_id)
    if letter is None or letter.raw_sealed is None:
        raise NotDone(f"there is no letter {letter_id}, or it is erased")
    audit.append(session, desk.vault, audit.COMMAND_LINE, audit.LETTER_SHOWN, str(letter_id))
    return incoming.raw_of(desk, letter).decode("utf-8", "replace")


def _retry(session: Session, desk: Desk, letter_id: uuid.UUID) -> bool:
    is_done = incoming.retry(session, letter_id)
    if is_done:
        audit.append(session, desk.vault, audit.COMMAND_LINE, audit.LETTER_RETRIED, str(letter_id))
    return is_done
