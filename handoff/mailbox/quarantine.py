"""Letters that are kept from operators and not answered until somebody decides: spam, and what one address sends beyond all measure.

Functions of one transaction each. A letter that is let out (review.py) is read as a new one, and never put here again.
"""

import enum
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from core.desk import Desk
from core.models import IncomingLetter, LetterState, now
from core.personal_data import mask, mask_found
from core.settings import Settings
from handoff.mailbox import incoming
from handoff.mailbox.correspondence import answered_conversation, sender_hash
from handoff.mailbox.letter import Letter

SPAM = "spam"  # why: a letter's outcome while it is here, and for good once it is discarded
FLOOD = "flood"

_SUBJECT_CHARACTERS = 200
_WORDS_CHARACTERS = 800
_LOOKED_AT = 4 * _WORDS_CHARACTERS
_FORGOTTEN_AT_ONCE = 500


class Standing(enum.Enum):
    """What a new letter has to go through."""

    TRUSTED = enum.auto()  # nothing: an operator let it out, or its sender answers a letter of ours
    STRANGE = enum.auto()  # the check for spam
    FLOOD = enum.auto()  # one too many


@dataclass(frozen=True)
class Preview:
    """What operators see of a letter here, personal data masked."""

    sender: str
    subject: str
    words: str


def standing(session: Session, desk: Desk, letter_id: uuid.UUID, letter: Letter) -> Standing:
    """Of a letter that a person seems to have written.

    An answer to a letter of ours from the address that it went to is no spam: its Message-ID is known to who got it, and to nobody else.
    A number in the subject would prove nothing: such numbers are guessed. Nor is it counted with what others send under the same address.
    """
    row = incoming.find(session, letter_id)
    if row is None or row.released_at is not None or row.conversation_id is not None:  # let out, or let through before
        return Standing.TRUSTED
    settings = desk.settings
    answered = answered_conversation(session, desk, letter)
    same = IncomingLetter.conversation_id == answered.id if answered else IncomingLetter.sender_hash == sender_hash(desk, letter)
    for hours, most in ((1, settings.letters_per_hour), (24, settings.letters_per_day)):
        if _count(session, same, row, timedelta(hours=hours)) >= most:
            return Standing.FLOOD
    return Standing.TRUSTED if answered else Standing.STRANGE


def _count(session: Session, same: ColumnElement[bool], row: IncomingLetter, within: timedelta) -> int:
    """The letters that are alike in that, and came before this one, that long before at most."""
    before = IncomingLetter.received_at <= row.received_at, IncomingLetter.received_at > row.received_at - within
    return session.scalar(select(func.count()).select_from(IncomingLetter).where(same, *before, IncomingLetter.id != row.id)) or 0


def preview_of(letter: Letter, settings: Settings) -> Preview:
    """Apart from any transaction: finding what is personal takes its time."""
    name = mask("name", letter.sender_name) if letter.sender_name else ""
    sender = f"{name} {mask('email', letter.sender or '')}".strip()
    subject = mask_found(letter.subject[:_SUBJECT_CHARACTERS], settings)
    words = mask_found(letter.text.strip()[:_LOOKED_AT], settings)[:_WORDS_CHARACTERS]
    return Preview(sender, subject, words)


def hold(
    session: Session, desk: Desk, letter_id: uuid.UUID, letter: Letter, why: str, preview: Preview, score: float | None = None
) -> bool:
    """Puts a new letter into quarantine; False if it is no longer new."""
    row = incoming.lock_new(session, letter_id)
    if row is None:
        return False
    row.state, row.outcome, row.error, row.processed_at = LetterState.QUARANTINED, why, None, now()
    row.spam_score, row.sender_hash = score, sender_hash(desk, letter)
    incoming.keep_findings(desk, row, {"sender": preview.sender, "subject": preview.subject, "words": preview.words})
    return True


def preview(desk: Desk, letter: IncomingLetter) -> Preview:
    found = incoming.findings_of(desk, letter)
    return Preview(found.get("sender", ""), found.get("subject", ""), found.get("words", ""))


def forget(session: Session, before: datetime) -> int:
    """Destroys what was put here before that moment, and nobody decided on; how many."""
    old = select(IncomingLetter.id).where(IncomingLetter.state == LetterState.QUARANTINED, IncomingLetter.processed_at < before)
    ids = list(session.scalars(old.limit(_FORGOTTEN_AT_ONCE)))
    session.execute(update(IncomingLetter).where(IncomingLetter.id.in_(ids)).values(**incoming.EMPTIED))
    return len(ids)


def note_not_checked(session: Session, letter_id: uuid.UUID) -> None:
    """That spamd was to be asked and did not answer: the letter goes on."""
    session.execute(update(IncomingLetter).where(IncomingLetter.id == letter_id).values(not_checked=True))


def not_checked_since(session: Session, moment: datetime) -> int:
    unchecked = IncomingLetter.not_checked, IncomingLetter.received_at >= moment
    return session.scalar(select(func.count()).select_from(IncomingLetter).where(*unchecked)) or 0


def counts(session: Session) -> dict[LetterState, int]:
    """How many letters wait here, and how many are parked."""
    aside = IncomingLetter.state.in_((LetterState.QUARANTINED, LetterState.PARKED))
    rows = session.execute(select(IncomingLetter.state, func.count()).where(aside).group_by(IncomingLetter.state))
    return {LetterState.QUARANTINED: 0, LetterState.PARKED: 0} | {row[0]: row[1] for row in rows}
