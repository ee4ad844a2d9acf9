"""What all tables share. Times are UTC."""

import re
import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, LargeBinary, TypeDecorator, Uuid
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.orm import DeclarativeBase

from core.models.kinds import (
    AppealKind,
    AppealStatus,
    Author,
    DeliveryState,
    LetterState,
    Mode,
    QuestionOutcome,
    QuestionState,
    Reading,
    RequestGround,
    RequestKind,
    RequestState,
    Role,
    Scan,
    TurnState,
)

LAST_SEQ = 2**31 - 1  # the largest integer of PostgreSQL's columns
# In no text that is kept: surrogates cannot be encoded, the other controls are never meant; line breaks and tabs are.
UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


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
_REQUESTS = (RequestKind, RequestGround, RequestState)
_QUESTIONS = (QuestionOutcome, QuestionState)
_KINDS = (
    Mode,
    Author,
    TurnState,
    DeliveryState,
    LetterState,
    Scan,
    Reading,
    AppealKind,
    AppealStatus,
    *_REQUESTS,
    *_QUESTIONS,
    Role,
)
for _kind in _KINDS:
    _TYPES[_kind] = SqlEnum(_kind, native_enum=False, length=20, values_callable=lambda members: [member.value for member in members])


class Base(DeclarativeBase):
    type_annotation_map = _TYPES
