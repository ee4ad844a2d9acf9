"""Letters as rows: stored once and sealed before anything else, waiting, done or parked. Functions of one transaction each."""

import hashlib
import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.desk import Desk
from core.ids import new_id
from core.models import Conversation, IncomingLetter, LetterState, now

TOPIC = "incoming letters"  # of hints that there is one
_ATTEMPTS = 3
_AT_ONCE = 50
_FORGOTTEN_AT_ONCE = 500
# What is left of a letter once its data are erased: that it came.
EMPTIED: dict[str, Any] = {
    "raw_sealed": None,
    "data_key": None,
    "sender_hash": None,
    "message_id_hash": None,
    "message_id_sealed": None,
    "findings_sealed": None,
    "state": LetterState.DONE,
}


def holder(letter: IncomingLetter) -> Conversation:
    """The vault seals for conversations: this one stands for the letter."""
    return Conversation(id=letter.id, data_key=letter.data_key)


def store(session: Session, desk: Desk, raw: bytes, digest: bytes, size: int, received: datetime) -> IncomingLetter | None:
    """Keeps a letter once; None if it is there. ``digest``: of what tells it from others, ``raw``: as many of its bytes as are kept."""
    content_hash = desk.vault.keyed_hash(f"letter:{digest.hex()}")
    if session.scalar(select(IncomingLetter.id).where(IncomingLetter.content_hash == content_hash)) is not None:
        return None
    letter = IncomingLetter(id=new_id(), content_hash=content_hash, size=size, received_at=received)
    own = holder(letter)
    desk.vault.new_key(own)
    letter.data_key = own.data_key
    letter.raw_sealed = desk.vault.seal_bytes(own, raw)
    session.add(letter)
    return letter


def derived_message_id(letter: IncomingLetter) -> str:
    """For a letter that came without a Message-ID: from its bytes, so that it is always the same."""
    return f"<{hashlib.sha256(letter.content_hash).hexdigest()[:40]}@without-id.invalid>"


def waiting(session: Session) -> list[uuid.UUID]:
    """The letters of which nothing is made yet, in the order in which they came; at most 50 at once."""
    new = select(IncomingLetter.id).where(IncomingLetter.state == LetterState.NEW)
    return list(session.scalars(new.order_by(IncomingLetter.received_at, IncomingLetter.id).limit(_AT_ONCE)))


def find(session: Session, letter_id: uuid.UUID) -> IncomingLetter | None:
    return session.get(IncomingLetter, letter_id)


def lock_new(session: Session, letter_id: uuid.UUID) -> IncomingLetter | None:
    """The letter, held against others; None if it is no longer new."""
    letter = session.get(IncomingLetter, letter_id, with_for_update=True, populate_existing=True)
    return letter if letter is not None and letter.state == LetterState.NEW else None


def raw_of(desk: Desk, letter: IncomingLetter) -> bytes:
    """Its bytes; empty once they are erased."""
    return b"" if letter.raw_sealed is None else desk.vault.open_bytes(holder(letter), letter.raw_sealed)


def end(letter: IncomingLetter, outcome: str) -> None:
    letter.state, letter.outcome, letter.error, letter.processed_at = LetterState.DONE, outcome, None, now()


def park(letter: IncomingLetter, error: str) -> None:
    """Sets it aside for an administrator; it holds up no other."""
    letter.state, letter.error, letter.processed_at = LetterState.PARKED, error[:200], now()


def note_failure(session: Session, letter_id: uuid.UUID, error: str) -> bool:
    """Counts a failure; after the third the letter is parked, and True returned."""
    letter = lock_new(session, letter_id)
    if letter is None:
        return False
    letter.attempts += 1
    letter.error = error[:200]
    if letter.attempts >= _ATTEMPTS:
        park(letter, error)
    return letter.state == LetterState.PARKED


def retry(session: Session, letter_id: uuid.UUID) -> bool:
    """Gives a parked letter back to the running desk; False if there is none."""
    letter = session.get(IncomingLetter, letter_id, with_for_update=True)
    if letter is None or letter.state != LetterState.PARKED:
        return False
    letter.state, letter.attempts, letter.processed_at = LetterState.NEW, 0, None
    return True


def listed(session: Session, state: LetterState | None, limit: int, offset: int = 0) -> Sequence[IncomingLetter]:
    """Newest first."""
    wanted = select(IncomingLetter).order_by(IncomingLetter.received_at.desc(), IncomingLetter.id.desc()).limit(limit).offset(offset)
    return session.scalars(wanted if state is None else wanted.where(IncomingLetter.state == state)).all()


def keep_findings(desk: Desk, letter: IncomingLetter, findings: dict[str, Any]) -> None:
    """What was found in a letter that its replies speak of, or that a later one builds on. As JSON."""
    letter.findings_sealed = desk.vault.seal(holder(letter), json.dumps(findings, ensure_ascii=False))


def findings_of(desk: Desk, letter: IncomingLetter) -> dict[str, Any]:
    """Empty where nothing is kept, and once it is erased."""
    if letter.findings_sealed is None:
        return {}
    findings: dict[str, Any] = json.loads(desk.vault.open(holder(letter), letter.findings_sealed))
    return findings


def of_conversation(session: Session, conversation_id: uuid.UUID) -> Sequence[IncomingLetter]:
    """Oldest first."""
    of_it = select(IncomingLetter).where(IncomingLetter.conversation_id == conversation_id)
    return session.scalars(of_it.order_by(IncomingLetter.received_at, IncomingLetter.id)).all()


def message_ids(session: Session, desk: Desk, conversation_id: uuid.UUID, before: datetime) -> list[tuple[datetime, str]]:
    """When each of the conversation's letters was taken in before that moment, and its Message-ID; oldest first."""
    with_id = IncomingLetter.conversation_id == conversation_id, IncomingLetter.message_id_sealed.is_not(None)
    came = select(IncomingLetter).where(*with_id, IncomingLetter.processed_at <= before)
    return [
        (letter.processed_at, desk.vault.open(holder(letter), letter.message_id_sealed))
        for letter in session.scalars(came.order_by(IncomingLetter.processed_at, IncomingLetter.id))
        if letter.message_id_sealed is not None and letter.processed_at is not None
    ]


def replies_within_a_day(session: Session, sender_hash: bytes, at: datetime) -> int:
    """How many of a sender's letters the desk has answered of its own accord."""
    recent = IncomingLetter.sender_hash == sender_hash, IncomingLetter.answered, IncomingLetter.processed_at > at - timedelta(days=1)
    return session.scalar(select(func.count()).select_from(IncomingLetter).where(*recent)) or 0


def may_be_answered(session: Session, desk: Desk, letter: IncomingLetter, at: datetime) -> bool:
    """Whether the sender has not had as many replies within a day as one address gets: two machines must not talk for ever."""
    return replies_within_a_day(session, letter.sender_hash or b"", at) < desk.settings.letter_replies_per_day


def forget(session: Session, before: datetime) -> int:
    """Destroys the originals of letters that something was made of before that moment; how many."""
    old = select(IncomingLetter.id).where(
        IncomingLetter.data_key.is_not(None), IncomingLetter.state == LetterState.DONE, IncomingLetter.processed_at < before
    )
    ids = list(session.scalars(old.limit(_FORGOTTEN_AT_ONCE)))
    session.execute(update(IncomingLetter).where(IncomingLetter.id.in_(ids)).values(**EMPTIED))
    return len(ids)
