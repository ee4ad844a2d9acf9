"""`python -m handoff audit`: check the audit log, read it."""

import argparse
import uuid
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from core import audit
from core.desk import Desk, open_desk
from core.settings import Settings
from core.working_time import MOSCOW
from handoff.audit_words import stored_reason

WHOLE, BROKEN, NOT_COMPARABLE = 0, 1, 3  # exit codes; 2 is for what was typed wrong


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    group = commands.add_parser("audit", help="the audit log").add_subparsers(dest="audit_command", required=True)
    check = group.add_parser("verify", help="walk the whole chain and name what was changed or is missing")
    check.add_argument("--head", default="", metavar="N:HASH", help="a head that an earlier verify printed: the chain has to hold it still")
    listing = group.add_parser("list", help="print rows, oldest first")
    listing.add_argument("--operator", default="", metavar="LOGIN")
    listing.add_argument("--conversation", type=uuid.UUID, metavar="ID")
    listing.add_argument("--since", type=_moment, metavar="RFC 3339", help="without an offset it is Moscow time")
    listing.add_argument("--limit", type=int, default=1000, metavar="N", help="the newest N rows (1000)")


def run(options: argparse.Namespace, settings: Settings, say: Callable[[str], None]) -> int:
    """The exit code: 1 for a chain that is not whole, 3 for one that cannot be compared with the head that was given."""
    desk = open_desk(settings)
    try:
        if options.audit_command == "list":
            for line in desk.database.read(_listing, desk, options):
                say(line)
            return WHOLE
        verdict = desk.database.read(audit.verify, desk.vault, options.head)
    finally:
        desk.close()
    for fault in verdict.faults:
        say(fault)
    say(f"head {verdict.head}")
    if not verdict.is_comparable:
        say(f"the head {options.head} cannot be compared: that row was forgotten")
    if verdict.faults:
        say("the chain is broken")
        return BROKEN
    count = verdict.last_seq - verdict.first_seq + 1
    if verdict.has_begun:
        say(f"the chain is whole: {count} rows")
    else:
        say(f"the chain has not begun: until its first row is written nothing is known of older ones (rows here: {count})")
    return WHOLE if verdict.is_comparable else NOT_COMPARABLE


def _listing(session: Session, desk: Desk, options: argparse.Namespace) -> list[str]:
    """Tab-separated: number, moment, actor, action, subject, conversation, reason (with tokens for what is personal)."""
    found = audit.entries(
        session,
        desk.vault,
        login=options.operator,
        conversation_id=options.conversation,
        since=options.since,
        limit=max(1, options.limit),
    )
    return [
        "\t".join(
            [
                str(entry.seq),
                entry.created_at.astimezone(MOSCOW).isoformat(timespec="seconds"),
                entry.actor,
                entry.action,
                entry.subject,
                str(entry.conversation_id or ""),
                " ".join(stored_reason(session, desk, entry).split()),
            ]
        )
        for entry in reversed(found)
    ]


def _moment(given: str) -> datetime:
    found = datetime.fromisoformat(given)
    return found if found.tzinfo else found.replace(tzinfo=MOSCOW)
