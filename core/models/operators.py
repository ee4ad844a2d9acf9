"""Operators, and what they did."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.ids import new_id
from core.models.base import Base, now
from core.models.kinds import Role


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


class AuditEntry(Base):
    """Who did what to what, and why. Written by audit.py only; triggers of the database forbid to change or delete it."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_conversation", "conversation_id"),)

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # from 1, without gaps
    actor: Mapped[str] = mapped_column(String(60))  # an operator's login, else one of audit.py's words
    operator_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("operators.id"))
    conversation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("conversations.id"))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(100))  # a field's name, an attachment's id, a login
    reason_sealed: Mapped[bytes | None]  # with the conversation's key
    created_at: Mapped[datetime] = mapped_column(default=now)
    hash: Mapped[bytes | None]  # keyed, of this row and the one before; None in rows older than the chain


class AuditHead(Base):
    """Where the audit chain begins and ends, kept apart from it. One row."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_seq: Mapped[int]  # the first row that is kept
    before_hash: Mapped[bytes]  # of the row before it
    last_seq: Mapped[int]
    hash: Mapped[bytes | None]  # of the last row
    seal: Mapped[bytes | None]  # keyed, of all of the above; None until the first row of the chain is written
