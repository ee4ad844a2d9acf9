"""A conversation with what was said in it."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.ids import new_id
from core.models.base import Base, now
from core.models.kinds import Author, Mode, Reading, Scan


class Conversation(Base):
    __tablename__ = "conversations"
    __table_args__ = (Index("uq_conversations_address", "address_hash", unique=True),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    channel: Mapped[str] = mapped_column(String(20))
    token_hash: Mapped[bytes | None] = mapped_column(unique=True)
    mode: Mapped[Mode] = mapped_column(default=Mode.BOT)
    epoch: Mapped[int] = mapped_column(default=1)  # grows at each change of mode or operator
    episode: Mapped[int] = mapped_column(default=1)  # the engine's sender is "<id>-<episode>"
    episode_turns: Mapped[int] = mapped_column(default=0)
    last_seq: Mapped[int] = mapped_column(default=0)
    operator_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("operators.id"))
    email_token: Mapped[str | None] = mapped_column(String(40))  # where answers may go by letter
    push_token: Mapped[str | None] = mapped_column(String(40))  # where messages are pushed to; None where the citizen fetches them
    address_hash: Mapped[bytes | None]  # keyed, of the channel and that address: by it the citizen's next message finds the conversation
    citizen_here_until: Mapped[datetime | None]  # kept by gateways that share the database: presence.py
    data_key: Mapped[bytes | None]  # wrapped by a master key; destroyed by erasure
    created_at: Mapped[datetime] = mapped_column(default=now)


class Message(Base):
    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("conversation_id", "seq"), UniqueConstraint("channel", "external_id"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"))
    seq: Mapped[int]
    author: Mapped[Author]
    operator_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("operators.id"))
    text_sealed: Mapped[bytes]
    buttons: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # [{"title", "command"}]; the command is never sent out
    in_reply_to: Mapped[int | None]
    expects: Mapped[str | None] = mapped_column(String(40))
    meta: Mapped[dict[str, Any]] = mapped_column(default=dict)
    channel: Mapped[str] = mapped_column(String(20))
    external_id: Mapped[str | None] = mapped_column(String(200))  # the sender's own id of it: what makes receipt idempotent
    created_at: Mapped[datetime] = mapped_column(default=now)


class Note(Base):
    """An operator's internal note: no ``seq``, never the citizen's."""

    __tablename__ = "notes"
    __table_args__ = (UniqueConstraint("conversation_id", "external_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"))
    operator_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("operators.id"))
    text_sealed: Mapped[bytes]
    external_id: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=now)


class Attachment(Base):
    __tablename__ = "attachments"
    __table_args__ = (
        Index("ix_attachments_conversation", "conversation_id"),
        Index("ix_attachments_message", "message_id"),
        Index("ix_attachments_unscanned", "id", sqlite_where=text("scan = 'unscanned'"), postgresql_where=text("scan = 'unscanned'")),
        Index("ix_attachments_to_read", "id", sqlite_where=text("reading = 'asked'"), postgresql_where=text("reading = 'asked'")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"))
    message_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("messages.id"))  # null until the message is sent
    operator_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("operators.id"))  # who uploaded it, if not the citizen
    filename_sealed: Mapped[bytes]
    content_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    scan: Mapped[Scan]
    reading: Mapped[Reading | None]  # of a picture's text; None where there is nothing to read, or nothing to read it with
    text_sealed: Mapped[bytes | None]  # what the picture says, personal data masked
    released_at: Mapped[datetime | None]  # an operator opened it unscanned, with a reason in the audit log
    erased_at: Mapped[datetime | None]  # its content is deleted: the time it is kept is over, or a virus was found in it
    created_at: Mapped[datetime] = mapped_column(default=now)


class Draft(Base):
    """An appeal form under way, kept beside the dialogue engine, which forgets at each new episode."""

    __tablename__ = "drafts"

    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    slots_sealed: Mapped[bytes]  # JSON of the form's slots
    updated_at: Mapped[datetime] = mapped_column(default=now)


class Rating(Base):
    """A citizen's mark for an operator's help, asked for when the operator closes."""

    __tablename__ = "ratings"

    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("messages.id"), primary_key=True)  # the question
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"))
    operator_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("operators.id"))
    score: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)
