"""Appeals, and who waits for a person."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.ids import new_id
from core.models.base import Base, now
from core.models.kinds import AppealKind, AppealStatus, RequestGround, RequestKind, RequestState


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
    due_at: Mapped[datetime]  # as if each wait for the citizen that is open ended at its beginning: it moves when the wait ends
    answered_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    reopened_at: Mapped[datetime | None]  # the last time: from then on its date is counted
    overdue_told: Mapped[datetime | None]  # the due date whose passing its citizen was told of
    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("appeals.id"))  # the earlier one that this repeats
    urgent_confirmed_at: Mapped[datetime | None]

    @property
    def counted_from(self) -> datetime:
        """The word of the citizen's that its clock runs from."""
        return self.reopened_at or self.received_at

    @property
    def finished_at(self) -> datetime | None:
        """Since when nothing is owed to the citizen."""
        return self.closed_at or self.answered_at


class AppealWait(Base):
    """A time in which an appeal's clock stands still: its citizen was asked for something. At most one open per appeal."""

    __tablename__ = "appeal_waits"
    __table_args__ = (
        Index("ix_appeal_waits_appeal", "appeal_id"),
        Index(
            "uq_appeal_waits_open",
            "appeal_id",
            unique=True,
            sqlite_where=text("ended_at is null"),
            postgresql_where=text("ended_at is null"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    appeal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("appeals.id"))
    returns_to: Mapped[AppealStatus]  # what the appeal is again when the citizen has answered
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]


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


class AppealRequest(Base):
    """What a citizen asked for about an appeal, perhaps in another conversation than the appeal's; at most one undecided of a kind."""

    __tablename__ = "appeal_requests"
    __table_args__ = (
        Index("ix_appeal_requests_appeal", "appeal_id"),
        Index("ix_appeal_requests_conversation", "conversation_id"),
        Index(
            "uq_appeal_requests_undecided",
            "appeal_id",
            "kind",
            unique=True,
            sqlite_where=text("state = 'requested'"),
            postgresql_where=text("state = 'requested'"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    appeal_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("appeals.id"))
    conversation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("conversations.id"))  # where it was asked, whose key seals it
    kind: Mapped[RequestKind]
    ground: Mapped[RequestGround]
    state: Mapped[RequestState] = mapped_column(default=RequestState.REQUESTED)
    detail_sealed: Mapped[bytes | None]  # JSON: a field's name (api.md, "expects") → its text with tokens; "files" → ids of attachments
    check_by: Mapped[datetime | None]
    requested_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    operator_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("operators.id"))  # who decided


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
