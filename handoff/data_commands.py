"""`python -m handoff erase|retain`: what the desk does with people's data, from the command line.

Both write to the database only; the running gateway, or the next one that starts, does the rest (bot/erasures.py).
"""

import argparse
import uuid
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk, open_desk
from core.errors import Problem
from core.models import now
from core.settings import Settings
from handoff import erasure
from handoff.retention import retain

COMMANDS = ("erase", "retain")


class NotDone(Exception):
    """The text says why, for the command line."""


def add_commands(commands: Any) -> None:
    """Adds them to the subparsers of ``python -m handoff``."""
    erase = commands.add_parser("erase", help="destroy a conversation's data; its open appeals are closed as withdrawn")
    erase.add_argument("conversation", type=uuid.UUID, metavar="CONVERSATION")
    erase.add_argument("--reason", default="", help="why; kept apart from the data, encrypted")
    expired = commands.add_parser("retain", help="erase what has been kept as long as settings.toml says")
    expired.add_argument("--now", action="store_true", required=True, help="at once; the gateway does it each night by itself")


def run(options: argparse.Namespace, settings: Settings, say: Callable[[str], None]) -> int:
    """Raises NotDone, SettingsError."""
    desk = open_desk(settings)
    try:
        if options.command == "erase":
            done = _erase(desk, options.conversation, options.reason)
            say("erased" if done else "it was erased before")
        else:
            say(", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in asdict(retain(desk, now())).items()))
    finally:
        desk.close()
    return 0


def _erase(desk: Desk, conversation_id: uuid.UUID, reason: str) -> bool:
    def destroy(session: Session) -> bool:
        conversation = conversations.lock(session, conversation_id)
        return erasure.erase(session, desk, conversation, erasure.COMMAND, now(), reason=reason)

    try:
        return desk.database.write(destroy)
    except Problem:
        raise NotDone(f"there is no conversation {conversation_id}") from None
