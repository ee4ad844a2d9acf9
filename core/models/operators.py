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
