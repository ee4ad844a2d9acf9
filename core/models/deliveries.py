"""What leaves and what comes by other channels, and who does it."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.ids import new_id
from core.models.base import Base, now
from core.models.kinds import DeliveryState


class Delivery(Base):
    """What leaves by letter or is pushed: written with what it tells of, sent later. It names that (kind, subject) and holds no text."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("conversation_id", "kind", "subject_id"),  # nothing is told twice
        Index(
            "ix_deliveries_open",
            "due_at",
            sqlite_where=text("state in ('queued', 'sending')"),
            postgresql_where=text("state in ('queued', 'sending')"),
        ),
        Index(
            "ix_deliveries_order",
            "conversation_id",
            "channel",
            "ordinal",
            sqlite_where=text("state in ('queued', 'sending')"),
            postgresql_where=text("state in ('queued', 'sending')"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"))
    ordinal: Mapped[int]  # in the conversation, from 1: in this order they leave
    channel: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[uuid.UUID]  # the appeal of a receipt, the message of an answer
    address_token: Mapped[str] = mapped_column(String(40))
    message_id: Mapped[str] = mapped_column(String(320), unique=True)  # the letter's Message-ID, the same at every attempt
    in_reply_to: Mapped[str | None] = mapped_column(String(320))  # another letter's
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.QUEUED)
    due_at: Mapped[datetime]  # not tried before
    attempts: Mapped[int] = mapped_column(default=0)
    parts_sent: Mapped[int] = mapped_column(default=0)  # of those that it takes several of: a long text, files
    lease_owner: Mapped[str | None] = mapped_column(String(40))
    lease_until: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(String(40))  # why the last attempt failed: a word and a code, never the server's text
    created_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime | None]


class TelegramUpdate(Base):
    """An update as Telegram's Bot API gave it. Once processed it is emptied; the row stays for some days as proof of receipt."""

    __tablename__ = "telegram_updates"
    __table_args__ = (
        Index(
            "ix_telegram_updates_open",
            "conversation_id",
            "update_id",
            sqlite_where=text("processed_at is null"),
            postgresql_where=text("processed_at is null"),
        ),
    )

    update_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    conversation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("conversations.id"))  # None for what is nobody's: groups
    album_hash: Mapped[bytes | None]  # keyed, of the media group's id
    payload_sealed: Mapped[bytes | None]
    attempts: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[datetime] = mapped_column(default=now)
    processed_at: Mapped[datetime | None]


class Lease(Base):
    """What only one of several gateways does at a time, and who does it."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    owner: Mapped[str] = mapped_column(String(40))
    until: Mapped[datetime]
