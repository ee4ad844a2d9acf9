"""The vault, its index and keys; consents, erasures, exports."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

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


class Consent(Base):
    """A citizen's consent to the processing of personal data: under which text, and in which message it was given."""

    __tablename__ = "consents"

    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"))
    version: Mapped[str] = mapped_column(String(40))
    given_at: Mapped[datetime] = mapped_column(default=now)
