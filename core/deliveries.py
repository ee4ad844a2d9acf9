"""The outbox: what leaves by letter or is pushed, as rows with leases and retries. The sending is not here.

A row is written in the transaction of what it tells of, so that neither is there without the other. It is sent at least once: who dies
between the server's acceptance and our commit leaves a row whose lease runs out, and the letter goes again under the same Message-ID, by
which mail programs and servers tell that it is one. Telegram has no such mark: there that moment can show a message twice.

Deliveries of one conversation by one channel go one at a time and in the order in which they were put: none overtakes an earlier one.
"""

import uuid
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, CursorResult, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from core.database import hint, written_out
from core.ids import new_id
from core.models import UNSENT, Conversation, Delivery, DeliveryState, now
from core.settings import Settings

TOPIC = "deliveries"  # a delivery was written: whoever sends looks for it
GIVEN_UP = "given_up"
_AT_ONCE = 100
_MOST_DOUBLINGS = 30
_OPEN = written_out(Delivery.state, UNSENT)


class Pauses(NamedTuple):
    """Between attempts, in seconds: each is twice as long as the one before."""

    first: float
    longest: float


class Undeliverable(Exception):
    """Nothing will make it deliverable. ``failure``: a word, perhaps with a code; never personal data."""

    def __init__(self, failure: str) -> None:
        super().__init__(failure)
        self.failure = failure


class TryLater(Exception):
    """It did not go now. ``retry_after``: seconds that the other side asked for. ``pauses``: the channel's own, else the settings'."""

    def __init__(self, failure: str, retry_after: float | None = None, pauses: Pauses | None = None) -> None:
        super().__init__(failure)
        self.failure = failure
        self.retry_after = retry_after
        self.pauses = pauses


def put(
    session: Session,
    conversation: Conversation,
    *,
    channel: str,
    kind: str,
    subject_id: uuid.UUID,
    address_token: str,
    name: Callable[[uuid.UUID], str],
    in_reply_to: str | None = None,
) -> Delivery:
    """Adds a delivery to be sent at once; what is there already stays as it is. ``conversation`` is locked.

    ``name``: the Message-ID of a delivery with that id.
    """
    stored = find(session, conversation.id, kind, subject_id)
    if stored is not None:
        return stored
    delivery_id = new_id()
    last = session.scalar(select(func.max(Delivery.ordinal)).where(Delivery.conversation_id == conversation.id))
    delivery = Delivery(
        id=delivery_id,
        conversation_id=conversation.id,
        ordinal=(last or 0) + 1,
        channel=channel,
        kind=kind,
        subject_id=subject_id,
        address_token=address_token,
        message_id=name(delivery_id),
        in_reply_to=in_reply_to,
        due_at=now(),
    )
    session.add(delivery)
    session.flush()
    hint(session, TOPIC)
    return delivery


def redirect(session: Session, delivery: Delivery, address_token: str) -> None:
    """Sends what has not gone, was refused or came back, to an address: as if it had not been tried before."""
    if delivery.state in (DeliveryState.QUEUED, DeliveryState.FAILED):
        delivery.address_token, delivery.state, delivery.failure, delivery.due_at = address_token, DeliveryState.QUEUED, None, now()
        delivery.attempts = delivery.parts_sent = 0
        session.flush()
        hint(session, TOPIC)


def bounce(session: Session, message_id: str, failure: str) -> Delivery | None:
    """Marks what was sent as failed, because a server said so afterwards. The delivery; None if there is none to mark.

    ``failure``: a word and a code.
    """
    sent = session.scalar(select(Delivery).where(Delivery.message_id == message_id).with_for_update())
    if sent is None or sent.state != DeliveryState.SENT:
        return None
    sent.state, sent.failure = DeliveryState.FAILED, failure
    session.flush()
    return sent


def find_sent(session: Session, message_ids: Collection[str]) -> list[Delivery]:
    """The letters of ours with those Message-IDs."""
    return list(session.scalars(select(Delivery).where(Delivery.message_id.in_(message_ids)))) if message_ids else []


def find(session: Session, conversation_id: uuid.UUID, kind: str, subject_id: uuid.UUID) -> Delivery | None:
    return session.scalar(
        select(Delivery).where(Delivery.conversation_id == conversation_id, Delivery.kind == kind, Delivery.subject_id == subject_id)
    )


def of_conversation(session: Session, conversation_id: uuid.UUID) -> list[Delivery]:
    """Oldest first."""
    return list(
        session.scalars(select(Delivery).where(Delivery.conversation_id == conversation_id).order_by(Delivery.ordinal, Delivery.id))
    )


def claimable(session: Session, at: datetime, channels: Collection[str] | None = None) -> list[uuid.UUID]:
    """What may be sent at ``at`` (by ``channels``, else by any), the longest due first; at most 100 at once."""
    wanted = select(Delivery.id).where(Delivery.state.in_(_OPEN), _is_claimable(at), *_by(channels))
    return list(session.scalars(wanted.order_by(Delivery.due_at, Delivery.id).limit(_AT_ONCE)))


def claim(session: Session, delivery_id: uuid.UUID, worker: str, at: datetime, settings: Settings) -> Delivery | None:
    """The delivery, this worker's until the lease runs out; None if it is another's, over, or not yet due."""
    claimed = session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, _is_claimable(at))
        .values(
            state=DeliveryState.SENDING,
            lease_owner=worker,
            lease_until=at + timedelta(seconds=settings.delivery_lease_seconds),
            attempts=Delivery.attempts + 1,
        )
        .execution_options(synchronize_session=False)
    )
    if cast("CursorResult[Any]", claimed).rowcount != 1:
        return None
    return session.get_one(Delivery, delivery_id, populate_existing=True)


def end(
    session: Session, delivery: Delivery, at: datetime, outcome: Undeliverable | TryLater | None, settings: Settings
) -> DeliveryState | None:
    """Ends an attempt of the worker that ``claim`` gave ``delivery``: sent (None), failed, or to be tried again after a pause.

    Returns the new state, or None if the lease was lost to another worker: then nothing changes.
    """
    values: dict[str, Any] = {"state": DeliveryState.SENT, "sent_at": at, "failure": None}
    if isinstance(outcome, Undeliverable):
        values = {"state": DeliveryState.FAILED, "failure": outcome.failure}
    elif isinstance(outcome, TryLater):
        pauses = outcome.pauses or Pauses(settings.delivery_first_pause_seconds, settings.delivery_longest_pause_seconds)
        wait = max(pause_seconds(delivery.attempts, pauses), outcome.retry_after or 0)
        # Counted by the pauses, not from the first day: a letter may be sent again long after.
        waited = sum(pause_seconds(attempt, pauses) for attempt in range(1, delivery.attempts))
        if waited + wait > settings.delivery_give_up_seconds:
            values = {"state": DeliveryState.FAILED, "failure": GIVEN_UP}
        else:
            values = {"state": DeliveryState.QUEUED, "failure": outcome.failure, "due_at": at + timedelta(seconds=wait)}
    ended = session.execute(
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.state == DeliveryState.SENDING, Delivery.lease_owner == delivery.lease_owner)
        .values(lease_owner=None, lease_until=None, **values)
        .execution_options(synchronize_session=False)
    )
    return values["state"] if cast("CursorResult[Any]", ended).rowcount == 1 else None


def note_part(session: Session, delivery: Delivery, parts_sent: int, at: datetime, settings: Settings) -> bool:
    """Keeps how much of a claimed delivery has gone, and its lease; False if the lease was lost: then nothing changes."""
    noted = session.execute(
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.state == DeliveryState.SENDING, Delivery.lease_owner == delivery.lease_owner)
        .values(parts_sent=parts_sent, lease_until=at + timedelta(seconds=settings.delivery_lease_seconds))
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", noted).rowcount == 1


def pause_seconds(attempts: int, pauses: Pauses) -> float:
    """How long to wait after attempt number ``attempts`` (from 1)."""
    return float(min(pauses.first * 2.0 ** min(attempts - 1, _MOST_DOUBLINGS), pauses.longest))


def release_all(session: Session, channels: Collection[str] | None = None) -> None:
    """For the one process that sends: whatever is still leased was leased by one that is dead."""
    session.execute(
        update(Delivery)
        .where(Delivery.state == DeliveryState.SENDING, *_by(channels))
        .values(state=DeliveryState.QUEUED, lease_owner=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )


def _is_claimable(at: datetime) -> ColumnElement[bool]:
    earlier = aliased(Delivery)
    return and_(
        or_(
            and_(Delivery.state == DeliveryState.QUEUED, Delivery.due_at <= at),
            and_(Delivery.state == DeliveryState.SENDING, Delivery.lease_until < at),
        ),
        ~exists().where(
            earlier.conversation_id == Delivery.conversation_id,
            earlier.channel == Delivery.channel,
            earlier.ordinal < Delivery.ordinal,
            earlier.state.in_(_OPEN),
        ),
    )


def _by(channels: Collection[str] | None) -> list[ColumnElement[bool]]:
    return [] if channels is None else [Delivery.channel.in_(channels)]
