"""All tables. They are the domain model: there is no second set of classes.

Columns that hold what people wrote end in ``_sealed``: encrypted with the conversation's data key (personal_data.py). Times are UTC.
"""

import enum
import uuid
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from core.ids import new_id

LAST_SEQ = 2**31 - 1  # the largest integer of PostgreSQL's columns


class Instant(TypeDecorator[datetime]):
    """A moment: aware on the Python side, UTC in the database (SQLite keeps no zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Mode(enum.StrEnum):
    """Who owns a conversation."""

    BOT = "bot"
    QUEUED = "queued"
    OPERATOR = "operator"
    CLOSED = "closed"


class Author(enum.StrEnum):
    CITIZEN = "citizen"
    BOT = "bot"
    OPERATOR = "operator"
    SYSTEM = "system"


class TurnState(enum.StrEnum):
    ACCEPTED = "accepted"  # stored, not begun
    RUNNING = "running"  # claimed under a lease
    DONE = "done"  # answered by the bot
    HANDED_OVER = "handed_over"  # the engine failed: a person was called
    DROPPED = "dropped"  # a person took over meanwhile: nothing of it was shown


class DeliveryState(enum.StrEnum):
    QUEUED = "queued"
    SENDING = "sending"  # claimed under a lease
    SENT = "sent"
    FAILED = "failed"  # refused for good, or given up


class Scan(enum.StrEnum):
    CLEAN = "clean"
    UNSCANNED = "unscanned"
    REFUSED = "refused"


class AppealKind(enum.StrEnum):
    """Which clock an appeal runs on (S14)."""

    SIMPLE = "simple"
    COMPLEX = "complex"
    URGENT = "urgent"
    COMPLAINT = "complaint"
    SUGGESTION = "suggestion"


class AppealStatus(enum.StrEnum):
    REGISTERED = "registered"
    IN_PROGRESS = "in_progress"
    CLOSED = "closed"


class Role(enum.StrEnum):
    OPERATOR = "operator"
    SENIOR = "senior"
    EDITOR = "editor"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"


def now() -> datetime:
    return datetime.now(UTC)


_TYPES: dict[Any, Any] = {
    uuid.UUID: Uuid(as_uuid=True),
    datetime: Instant(),
    bytes: LargeBinary(),
    dict[str, Any]: JSON(),
    list[dict[str, Any]]: JSON(),
    list[str]: JSON(),
}
for _kind in (Mode, Author, TurnState, DeliveryState, Scan, AppealKind, AppealStatus, Role):
    _TYPES[_kind] = SqlEnum(_kind, native_enum=False, length=20, values_callable=lambda members: [member.value for member in members])


class Base(DeclarativeBase):
    type_annotation_map = _TYPES


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
    data_key: Mapped[bytes | None]  # wrapped by the master key; destroyed by erasure
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
    __table_args__ = (Index("ix_attachments_conversation", "conversation_id"), Index("ix_attachments_message", "message_id"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"))
    message_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("messages.id"))  # null until the message is sent
    operator_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("operators.id"))  # who uploaded it, if not the citizen
    filename_sealed: Mapped[bytes]
    content_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    scan: Mapped[Scan]
    released_at: Mapped[datetime | None]  # an operator opened it unscanned, with a reason in the audit log
    created_at: Mapped[datetime] = mapped_column(default=now)


class Turn(Base):
    """One message of a citizen on its way through the dialogue engine."""

    __tablename__ = "turns"
    __table_args__ = (
        UniqueConstraint("conversation_id", "seq"),
        Index(
            "ix_turns_open",
            "state",
            sqlite_where=text("state in ('accepted', 'running')"),
            postgresql_where=text("state in ('accepted', 'running')"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"))
    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("messages.id"), unique=True)
    seq: Mapped[int]  # the message's
    command: Mapped[str | None]  # what a pressed button means to the engine
    state: Mapped[TurnState] = mapped_column(default=TurnState.ACCEPTED)
    epoch: Mapped[int]  # the conversation's, when the turn was accepted
    attempts: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(40))
    lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]


class Effect(Base):
    """What a turn has done, so that it is done once."""

    __tablename__ = "effects"

    turn_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("turns.id"), primary_key=True)
    effect: Mapped[str] = mapped_column(String(40), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


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


class Draft(Base):
    """An appeal form under way, kept beside the dialogue engine, which forgets at each new episode."""

    __tablename__ = "drafts"

    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    slots_sealed: Mapped[bytes]  # JSON of the form's slots
    updated_at: Mapped[datetime] = mapped_column(default=now)


class Consent(Base):
    """A citizen's consent to the processing of personal data: under which text, and in which message it was given."""

    __tablename__ = "consents"

    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"))
    version: Mapped[str] = mapped_column(String(40))
    given_at: Mapped[datetime] = mapped_column(default=now)


class Operator(Base):
    __tablename__ = "operators"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    login: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    role: Mapped[Role]
    department: Mapped[str] = mapped_column(String(40))
    password_hash: Mapped[str] = mapped_column(String(200))
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class OperatorSession(Base):
    __tablename__ = "operator_sessions"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    operator_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("operators.id"))
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Appeal(Base):
    """An appeal («обращение»): a number and a due date on a conversation."""

    __tablename__ = "appeals"
    __table_args__ = (UniqueConstraint("year", "ordinal"), Index("ix_appeals_conversation", "conversation_id"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    year: Mapped[int]
    ordinal: Mapped[int]
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"))
    kind: Mapped[AppealKind]
    status: Mapped[AppealStatus] = mapped_column(default=AppealStatus.REGISTERED)
    department: Mapped[str] = mapped_column(String(40))
    priority: Mapped[int] = mapped_column(default=0)  # higher goes first
    access_code_sealed: Mapped[bytes]
    fields_sealed: Mapped[bytes | None]  # JSON: a field's name (api.md, "expects") → its token, or its text with tokens
    received_at: Mapped[datetime]
    due_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class AppealEvent(Base):
    """An appeal's history, without personal data."""

    __tablename__ = "appeal_events"
    __table_args__ = (Index("ix_appeal_events_appeal", "appeal_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    appeal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("appeals.id"))
    kind: Mapped[str] = mapped_column(String(40))
    operator_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("operators.id"))
    detail_sealed: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class AppealCounter(Base):
    """The last number given out in a year; raised in the transaction that uses it, so that there are no gaps."""

    __tablename__ = "appeal_counters"

    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]


class QueueEntry(Base):
    """A wait for an operator, from handoff to claim, return or leave; at most one open per conversation."""

    __tablename__ = "queue_entries"
    __table_args__ = (
        Index(
            "uq_queue_open",
            "conversation_id",
            unique=True,
            sqlite_where=text("ended_at is null"),
            postgresql_where=text("ended_at is null"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"))
    appeal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("appeals.id"))
    reason: Mapped[str] = mapped_column(String(40))
    department: Mapped[str] = mapped_column(String(40))
    priority: Mapped[int] = mapped_column(default=0)
    waiting_since: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(20))


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


class Rating(Base):
    """A citizen's mark for an operator's help, asked for when the operator closes."""

    __tablename__ = "ratings"

    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("messages.id"), primary_key=True)  # the question
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"))
    operator_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("operators.id"))
    score: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)


class AuditEntry(Base):
    """Who looked at or let through what, and why."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_conversation", "conversation_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    operator_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("operators.id"))
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(100))  # a field's name, an attachment's id
    reason_sealed: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Article(Base):
    """What editors write. The folder of Markdown files is its seed."""

    __tablename__ = "articles"

    slug: Mapped[str] = mapped_column(String(100), primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    section: Mapped[str] = mapped_column(String(100))
    aliases: Mapped[list[str]]
    text: Mapped[str]
    updated: Mapped[date]
