"""What a citizen who holds an appeal's number and access code is told of it: nothing personal, nothing of the desk's own."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.ids import new_access_code, new_id
from core.models import Appeal, AppealEvent, AppealKind, AppealStatus, AppealWait, Conversation
from core.personal_data import Vault
from core.words import say
from core.working_time import in_words, length_in_words, moscow_stamp
from handoff import appeals, waits
from handoff.appeal_states import STATUS_WORDS
from handoff.appeals import KIND_WORDS
from handoff.fields.writing import plain

# What a citizen is told of an appeal's events.
_HISTORY = {
    "registered": "history_registered",
    "queued": "history_queued",
    "claimed": "history_claimed",
    "returned_to_bot": "history_returned_to_bot",
    "started": "history_started",
    "asked": "history_asked",
    "resumed": "history_resumed",
    "overdue": "history_overdue",
    "answered": "history_answered",
    "closed": "history_closed",
    "reopened": "history_reopened",
    "kind_changed": "history_kind_changed",
    "urgency_confirmed": "history_urgency_confirmed",
    "expedite_requested": "history_expedite_requested",
    "expedite_confirmed": "history_expedite_confirmed",
    "expedite_refused": "history_expedite_refused",
    "higher_instance_requested": "history_higher_instance_requested",
    "higher_instance_confirmed": "history_higher_instance_confirmed",
    "higher_instance_refused": "history_higher_instance_refused",
    "withdrawn": "history_withdrawn",
}
# An access code has no letter of the Russian keyboard; these look like some of its own.
_LOOK_ALIKE = str.maketrans("АВЕКМНРСТУХ", "ABEKMHPCTYX")


@dataclass(frozen=True)
class Event:
    """A line of an appeal's history."""

    kind: str
    words: str
    created_at: datetime


@dataclass(frozen=True)
class Status:
    """An appeal as its citizen may see it at a moment."""

    number: str
    kind: AppealKind
    status: AppealStatus
    received_at: datetime
    due_at: datetime
    closed_at: datetime | None
    is_overdue: bool
    history: list[Event]
    answered_at: datetime | None = None
    waits: list[AppealWait] = field(default_factory=list)  # for the citizen, oldest first: those that count for the date

    @property
    def waiting_since(self) -> datetime | None:
        """Since when the clock stands still."""
        return next((wait.began_at for wait in self.waits if wait.ended_at is None), None)

    @property
    def moved_by(self) -> str:
        """By how much the waits have moved the date so far, in words; empty for none."""
        length = waits.length(self.waits)
        return length_in_words(length) if length else ""

    @property
    def is_withdrawn(self) -> bool:
        return self.status == AppealStatus.CLOSED and any(event.kind == "withdrawn" for event in self.history[-1:])

    @property
    def told(self) -> str:
        """All of it as a message."""
        lines = "\n".join(f"{in_words(event.created_at)} — {event.words}." for event in self.history)
        return f"{self.told_briefly}\n\n{say('status_history')}\n{lines}" if lines else self.told_briefly

    @property
    def told_briefly(self) -> str:
        words = say("status_told", number=self.number, kind=self.kind_words, status=self.words.lower())
        return " ".join([words, *self._date_words()])

    def _date_words(self) -> Iterator[str]:
        if self.closed_at is not None:
            yield say("status_closed_at", closed=in_words(self.closed_at))
        elif self.answered_at is not None:
            yield say("status_answered_at", answered=in_words(self.answered_at))
        elif self.waiting_since is not None:
            yield say("status_waiting_since", since=in_words(self.waiting_since), due=in_words(self.due_at))
        else:
            yield say("status_due", due=in_words(self.due_at))
            if self.moved_by:
                yield say("status_moved", length=self.moved_by)
            if self.is_overdue:
                yield say("status_overdue")

    @property
    def words(self) -> str:
        return say(STATUS_WORDS[self.status])

    @property
    def kind_words(self) -> str:
        return say(KIND_WORDS[self.kind])

    def document(self) -> dict[str, Any]:
        """As the API shows it; times are Moscow's."""
        return {
            "number": self.number,
            "kind": self.kind,
            "status": self.status,
            "words": self.words,
            "received_at": moscow_stamp(self.received_at),
            "due_at": moscow_stamp(self.due_at),
            "answered_at": moscow_stamp(self.answered_at),
            "closed_at": moscow_stamp(self.closed_at),
            "waits": waits.documents(self.waits),
            "overdue": self.is_overdue,
            "history": [{"kind": event.kind, "words": event.words, "created_at": moscow_stamp(event.created_at)} for event in self.history],
        }


class Lookup:
    """Opens appeals by number and access code. A number that does not exist takes the same work as one that does."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def find(self, session: Session, number: str | None, access_code: str) -> Appeal | None:
        """``number`` as ``read_number`` returned it. None if there is no such pair; an erased appeal has no code any more."""
        found = session.execute(
            select(Appeal.id, Appeal.access_code_sealed, Conversation.id, Conversation.data_key)
            .join(Conversation, Conversation.id == Appeal.conversation_id)
            .where(Appeal.number == (number or ""), Conversation.data_key.is_not(None))
        ).one_or_none()
        if found is None:
            nobody = Conversation(id=new_id())
            self._vault.new_key(nobody)
            self._is_code(nobody, self._vault.seal(nobody, new_access_code()), access_code)
            return None
        is_same = self._is_code(Conversation(id=found[2], data_key=found[3]), found[1], access_code)
        return session.get_one(Appeal, found[0]) if is_same else None

    def _is_code(self, owner: Conversation, sealed: bytes, typed: str) -> bool:
        return hmac.compare_digest(self._vault.open(owner, sealed).encode(), _as_issued(typed).encode())


def status_of(session: Session, appeal: Appeal, at: datetime) -> Status:
    """The status at ``at``. Its history holds events of the kinds named above; any other is the desk's own."""
    events = session.scalars(select(AppealEvent).where(AppealEvent.appeal_id == appeal.id).order_by(AppealEvent.created_at, AppealEvent.id))
    return Status(
        number=appeal.number,
        kind=appeal.kind,
        status=appeal.status,
        received_at=appeal.received_at,
        due_at=appeal.due_at,
        closed_at=appeal.closed_at,
        is_overdue=appeals.is_overdue(appeal, at),
        history=[Event(event.kind, say(_HISTORY[event.kind]), event.created_at) for event in events if event.kind in _HISTORY],
        answered_at=appeal.answered_at,
        waits=waits.of(session, appeal),
    )


def _as_issued(access_code: str) -> str:
    """A code as people type it: spaces and dashes in it, lower case, look-alike Russian letters."""
    return plain(access_code).replace(" ", "").replace("-", "").upper().translate(_LOOK_ALIKE)
