"""Claims: which worker may run a turn, for how long, and whether it still may. Each function is one transaction's worth."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from core import conversations
from core.desk import Desk
from core.models import Author, Conversation, Message, Mode, Turn, TurnState

_OPEN = (TurnState.ACCEPTED, TurnState.RUNNING)


@dataclass(frozen=True)
class Begun:
    """A claimed turn with what the engine is asked."""

    turn_id: uuid.UUID
    conversation_id: uuid.UUID
    message_id: uuid.UUID
    sender: str
    text: str
    command: str | None
    attempts: int
    lease: str  # this claim's own: an older claim of the same turn can no longer touch it


def claim(session: Session, desk: Desk, turn_id: uuid.UUID, lease: str, at: datetime) -> bool:
    claimed = session.execute(
        update(Turn)
        .where(Turn.id == turn_id, _is_claimable(at))
        .values(
            state=TurnState.RUNNING,
            lease_owner=lease,
            lease_until=at + timedelta(seconds=desk.settings.turn_lease_seconds),
            attempts=Turn.attempts + 1,
        )
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", claimed).rowcount == 1


def read(session: Session, desk: Desk, turn_id: uuid.UUID, lease: str) -> tuple[Begun, datetime]:
    """What a claimed turn asks, and when it was accepted. In a transaction of its own: the claim stands whatever happens here."""
    turn = session.get_one(Turn, turn_id)
    conversation = conversations.find(session, turn.conversation_id)
    message = session.get_one(Message, turn.message_id)
    text = desk.vault.open(conversation, message.text_sealed)
    begun = Begun(turn.id, conversation.id, message.id, sender_of(conversation), text, turn.command, turn.attempts, lease)
    return begun, turn.created_at


def held(session: Session, begun: Begun) -> tuple[Turn, Conversation] | None:
    """The turn and its conversation, both locked, if the claim still stands."""
    conversation = conversations.lock(session, begun.conversation_id)
    turn = session.get_one(Turn, begun.turn_id, populate_existing=True, with_for_update=True)
    return (turn, conversation) if turn.lease_owner == begun.lease and turn.state == TurnState.RUNNING else None


def mine(session: Session, begun: Begun) -> tuple[Turn, Conversation] | None:
    """The same, if the conversation still is what the turn began with."""
    found = held(session, begun)
    return found if found and still_bots(*found) else None


def renew(session: Session, desk: Desk, begun: Begun, at: datetime) -> bool:
    found = mine(session, begun)
    if found:
        found[0].lease_until = at + timedelta(seconds=desk.settings.turn_lease_seconds)
    return found is not None


def drop(session: Session, turn: Turn, conversation: Conversation, at: datetime) -> TurnState:
    """Ends a turn that a person took over. If nobody answered and the bot has the conversation again, it is the bot's to answer."""
    answered = select(Message.id).where(
        Message.conversation_id == conversation.id, Message.seq > turn.seq, Message.author == Author.OPERATOR
    )
    if conversation.mode == Mode.BOT and session.scalar(answered.limit(1)) is None:
        turn.state, turn.epoch, turn.attempts = TurnState.ACCEPTED, conversation.epoch, 0
    else:
        turn.state, turn.finished_at = TurnState.DROPPED, at
    return turn.state


def sender_of(conversation: Conversation) -> str:
    """The conversation's current name in the engine: its tracker begins afresh with each episode."""
    return f"{conversation.id}-{conversation.episode}"


def still_bots(turn: Turn, conversation: Conversation) -> bool:
    return conversation.mode == Mode.BOT and conversation.epoch == turn.epoch


def _is_claimable(at: datetime) -> ColumnElement[bool]:
    earlier = aliased(Turn)
    return and_(
        or_(Turn.state == TurnState.ACCEPTED, and_(Turn.state == TurnState.RUNNING, Turn.lease_until < at)),
        ~exists().where(earlier.conversation_id == Turn.conversation_id, earlier.seq < Turn.seq, earlier.state.in_(_OPEN)),
    )


def claimable(session: Session, at: datetime) -> list[uuid.UUID]:
    return list(session.scalars(select(Turn.id).where(Turn.state.in_(_OPEN), _is_claimable(at)).order_by(Turn.id)))


def release_all(session: Session) -> None:
    session.execute(
        update(Turn).where(Turn.state == TurnState.RUNNING).values(state=TurnState.ACCEPTED, lease_owner=None, lease_until=None)
    )


def begin_episode_if_still(session: Session, conversation_id: uuid.UUID, sender: str) -> None:
    """Between two turns only: a turn that is under way keeps the sender it asked."""
    conversation = conversations.lock(session, conversation_id)
    under_way = session.scalar(select(Turn.id).where(Turn.conversation_id == conversation_id, Turn.state.in_(_OPEN)).limit(1))
    if sender_of(conversation) == sender and under_way is None:
        conversations.begin_episode(conversation)
