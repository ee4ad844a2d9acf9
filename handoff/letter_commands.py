"""`python -m handoff letters list|show|retry|release|discard`: the letters that came, those of which nothing could be made, and spam."""

import argparse
import uuid
from collections.abc import Callable
from typing import Any

from core import audit
from core.desk import open_desk
from core.errors import Problem
from core.models import IncomingLetter, LetterState
from core.settings import Settings
from core.working_time import MOSCOW
from handoff.data_commands import NotDone
from handoff.mailbox import incoming, review

_MOST = 200
_COMMANDS = {
    "show": "the letter as it came, raw",
    "retry": "give a parked letter back to the running desk",
    "release": "give a letter in quarantine to the running desk: it is no spam",
    "discard": "destroy a letter in quarantine: it is spam",
}
_AMONG = {"retry": "parked", "release": "quarantined", "discard": "quarantined"}
_DONE = {"retry": "it will be read again", "release": "it will be read", "discard": "it is destroyed"}


def add_commands(commands: Any) -> None:
    """Adds them to the subparsers of ``python -m handoff``."""
    letters = commands.add_parser("letters", help="letters that came in").add_subparsers(dest="letter_command", required=True)
    listed = letters.add_parser("list", help="the newest ones, without what they say")
    listed.add_argument("--state", choices=[state.value for state in LetterState], help="only these")
    for name, words in _COMMANDS.items():
        letters.add_parser(name, help=words).add_argument("letter", type=uuid.UUID, metavar="LETTER")


def run(options: argparse.Namespace, settings: Settings, say: Callable[[str], None]) -> int:
    """Raises NotDone, SettingsError."""
    desk = open_desk(settings)
    deeds = {"retry": review.retry, "release": review.release, "discard": review.discard}
    try:
        match options.letter_command:
            case "list":
                state = LetterState(options.state) if options.state else None
                for letter in desk.database.read(incoming.listed, state, _MOST):
                    say(_line(letter))
            case "show":
                raw = desk.database.write(review.open_raw, desk, audit.COMMAND_LINE, options.letter)
                say(raw.decode("utf-8", "replace"))
            case deed:
                if not desk.database.write(deeds[deed], desk, audit.COMMAND_LINE, options.letter):
                    raise NotDone(f"there is no {_AMONG[deed]} letter {options.letter}")
                say(_DONE[deed])
    except Problem:
        raise NotDone(f"there is no letter {options.letter}, or it is erased") from None
    finally:
        desk.close()
    return 0


def _line(letter: IncomingLetter) -> str:
    received = letter.received_at.astimezone(MOSCOW).isoformat(timespec="seconds")
    told = letter.error or letter.outcome or ""
    return f"{letter.id}\t{received}\t{letter.size}\t{letter.state}\t{letter.conversation_id or ''}\t{told}"
