"""A letter in which a virus is found is returned with what to do (S6). Nothing of it is shown to anybody; the original stays sealed."""

import uuid
from dataclasses import asdict
from datetime import datetime

from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.models import Author
from core.words import say
from handoff import letters
from handoff.mailbox import incoming
from handoff.mailbox.handling import RefusedFile
from handoff.mailbox.rules import Route


def send_back(session: Session, desk: Desk, letter_id: uuid.UUID, infected: list[RefusedFile], at: datetime) -> Route | None:
    """Ends a letter whose conversation is found (``handling.begin``). None if that was done before, or the conversation was erased.

    ``infected``: the files with the virus, as far as it is known which ones.
    """
    row = incoming.lock_new(session, letter_id)
    if row is None or row.conversation_id is None:
        return None
    conversation = conversations.lock(session, row.conversation_id)
    conversations.append(session, desk.vault, conversation, Author.SYSTEM, say("letter_infected"), meta={"kind": "notice"})
    incoming.end(row, Route.INFECTED)
    incoming.keep_findings(desk, row, {"faults": [], "missing": [], "refused": [asdict(file) for file in infected]})
    if incoming.may_be_answered(session, desk, row, at):
        row.answered = True
        letters.put_reply(session, desk, conversation, letters.INFECTED, row.id)
    return Route.INFECTED
