"""The vault, its index and keys; consents, erasures, exports."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.ids import new_id
from core.models.base import Base, now


class VaultEntry(Base):
    """A piece of personal data behind its token (architecture.md, "Tokens")."""

    __tablename__ = "vault"
    __table_args__ = (UniqueConstraint("conversation_id", "kind", "fingerprint"),)

    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    token: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    value_sealed: Mapped[bytes]
    fingerprint: Mapped[bytes]  # keyed: the same value gets the same token
    created_at: Mapped[datetime] = mapped_column(default=now)


class IndexedValue(Base):
    """That a conversation holds a SNILS, an e-mail address or a phone number, told by a keyed hash of it (blind_index.py)."""

    __tablename__ = "vault_index"
    __table_args__ = (Index("ix_vault_index_hmac", "hmac"),)

    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    hmac: Mapped[bytes] = mapped_column(primary_key=True)


class WrappedKey(Base):
    """A key of the whole desk, wrapped by the master key."""

    __tablename__ = "wrapped_keys"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    wrapped: Mapped[bytes]


class Consent(Base):
    """A citizen's consent to the processing of personal data: under which text, and in which message it was given."""

    __tablename__ = "consents"
    __table_args__ = (Index("ix_consents_conversation", "conversation_id"),)

    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"))
    version: Mapped[str] = mapped_column(String(40))
    given_at: Mapped[datetime] = mapped_column(default=now)
    withdrawn_at: Mapped[datetime | None]


class Erasure(Base):
    """A conversation whose data are destroyed, and what of that has still to be done outside of the database (bot/erasures.py)."""

    __tablename__ = "erasures"
    __table_args__ = (
        Index("ix_erasures_open", "next_look_at", sqlite_where=text("finished_at is null"), postgresql_where=text("finished_at is null")),
        Index(
            "ix_erasures_addresses",
            "erased_at",
            sqlite_where=text("addresses_sealed is not null"),
            postgresql_where=text("addresses_sealed is not null"),
        ),
    )

    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    cause: Mapped[str] = mapped_column(String(20))  # citizen, operator, command, expired
    operator_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("operators.id"))
    data_key: Mapped[bytes | None]  # of the addresses and of the reason in the audit log, wrapped; not the conversation's, which is gone
    addresses_sealed: Mapped[bytes | None]  # JSON, channel → address: where the receipt goes; emptied once it has gone
    episodes: Mapped[int]  # the engine knew the conversation as "<id>-1" … "<id>-<episodes>"
    erased_at: Mapped[datetime]
    next_look_at: Mapped[datetime]  # until it is finished; it goes up after each try that did not end it
    finished_at: Mapped[datetime | None]  # no tracker row, file or write-ahead log holds anything any more


class Export(Base):
    """A person's data as a ZIP for themselves: built apart, sealed with the conversation's key, kept for a day."""

    __tablename__ = "exports"
    __table_args__ = (Index("ix_exports_conversation", "conversation_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"))
    operator_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("operators.id"))  # who asked, if not the citizen
    state: Mapped[str] = mapped_column(String(20), default="asked")  # asked, ready, failed, gone
    blob_id: Mapped[uuid.UUID | None]  # of the newest attempt to make it: each has a blob of its own; the attachment's id too once ready
    last_seq: Mapped[int | None]  # the conversation's when it was read
    size: Mapped[int | None]  # of the ZIP, bytes
    in_reply_to: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    ready_at: Mapped[datetime | None]
