"""What people do with letters that were set aside, at the console or the command line: one transaction each, with its audit entry."""

import uuid

from sqlalchemy import update
from sqlalchemy.orm import Session

from core import audit
from core.desk import Desk
from core.errors import not_found
from core.models import IncomingLetter, LetterState, Operator, now
from handoff.mailbox import incoming


def open_raw(session: Session, desk: Desk, actor: Operator | str, letter_id: uuid.UUID) -> bytes:
    """A letter as it came, personal data and all. Problem 404 where there is none, or it is erased."""
    letter = incoming.find(session, letter_id)
    if letter is None or letter.raw_sealed is None:
        raise not_found("letter_not_found")
    audit.append(session, desk.vault, actor, audit.LETTER_SHOWN, str(letter_id))
    return incoming.raw_of(desk, letter)


def retry(session: Session, desk: Desk, actor: Operator | str, letter_id: uuid.UUID) -> bool:
    """Gives a parked letter to the running desk once more; False if there is none."""
    is_done = incoming.retry(session, letter_id)
    if is_done:
        audit.append(session, desk.vault, actor, audit.LETTER_RETRIED, str(letter_id))
    return is_done


def release(session: Session, desk: Desk, actor: Operator | str, letter_id: uuid.UUID) -> bool:
    """Gives a letter in quarantine, which is no spam, to the running desk as if it had just come; False if there is none."""
    letter = _quarantined(session, letter_id)
    if letter is None:
        return False
    letter.state, letter.outcome, letter.processed_at, letter.released_at, letter.findings_sealed = LetterState.NEW, None, None, now(), None
    audit.append(session, desk.vault, actor, audit.LETTER_RELEASED, str(letter_id))
    return True


def discard(session: Session, desk: Desk, actor: Operator | str, letter_id: uuid.UUID) -> bool:
    """Destroys what a letter in quarantine holds; that it came stays known. False if there is none."""
    if _quarantined(session, letter_id) is None:
        return False
    session.execute(update(IncomingLetter).where(IncomingLetter.id == letter_id).values(**incoming.EMPTIED))
    audit.append(session, desk.vault, actor, audit.LETTER_DISCARDED, str(letter_id))
    return True


def _quarantined(session: Session, letter_id: uuid.UUID) -> IncomingLetter | None:
    letter = session.get(IncomingLetter, letter_id, with_for_update=True, populate_existing=True)
    return letter if letter is not None and letter.state == LetterState.QUARANTINED else None
