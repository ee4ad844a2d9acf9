"""Letters coming in."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, Float, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.ids import new_id
from core.models.base import Base, now
from core.models.kinds import LetterState

_ASIDE = "state IN ('quarantined', 'parked')"


class IncomingLetter(Base):
    """A letter as it came, stored before anything is made of it; two are one only if their bytes are.

    It has a data key of its own: whose it is is known later than it is stored. Once its conversation is erased, or its time is over, the
    key and all that it sealed are gone, and the row stays as proof of receipt.
    """

    __tablename__ = "incoming_letters"
    __table_args__ = (
        Index(
            "ix_incoming_letters_new", "received_at", sqlite_where=text("state = 'new'"), postgresql_where=text("state = 'new'")
        ),
        Index("ix_incoming_letters_aside", "received_at", sqlite_where=text(_ASIDE), postgresql_where=text(_ASIDE)),
        Index("ix_incoming_letters_conversation", "conversation_id"),
        Index("ix_incoming_letters_sender", "sender_hash", "received_at"),
        Index("ix_incoming_letters_message_id", "message_id_hash"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    content_hash: Mapped[bytes] = mapped_column(unique=True)  # keyed, of all its bytes
    raw_sealed: Mapped[bytes | None]
    size: Mapped[int]  # bytes; more than are kept of one that is too large
    data_key: Mapped[bytes | None]  # wrapped by a master key
    state: Mapped[LetterState] = mapped_column(default=LetterState.NEW)
    outcome: Mapped[str | None] = mapped_column(String(20))  # handoff.mailbox: a Route, an Automatic, or why it is in quarantine
    conversation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("conversations.id"))
    named_appeal_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("appeals.id"))  # another's, which a stranger's letter names
    sender_hash: Mapped[bytes | None]  # keyed
    message_id_hash: Mapped[bytes | None]  # keyed
    message_id_sealed: Mapped[bytes | None]
    findings_sealed: Mapped[bytes | None]  # JSON of what its replies speak of, and of its sender's fields until there is an appeal
    spam_score: Mapped[float | None] = mapped_column(Float)  # as spamd says; None where it was not asked
    not_checked: Mapped[bool] = mapped_column(default=False)  # spamd was to be asked and did not answer
    released_at: Mapped[datetime | None]  # an operator let it out of quarantine: it is never put there again
    answered: Mapped[bool] = mapped_column(default=False)  # by a reply of the desk's own accord
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(String(200))  # why it is parked: a fault's name and place, never the letter's words
    received_at: Mapped[datetime] = mapped_column(default=now)
    processed_at: Mapped[datetime | None]


class MailFolder(Base):
    """How far an IMAP folder is read: all below ``next_uid`` is done with, as long as its numbering (RFC 3501) is the same."""

    __tablename__ = "mail_folders"

    name: Mapped[str] = mapped_column(String(400), primary_key=True)  # user@host/folder
    uid_validity: Mapped[int] = mapped_column(BigInteger)
    next_uid: Mapped[int] = mapped_column(BigInteger)
    first_read_at: Mapped[datetime] = mapped_column(default=now)
