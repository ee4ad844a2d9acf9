"""The bot's turns, and what each of them has done."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.ids import new_id
from core.models.base import Base, now
from core.models.kinds import TurnState


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
