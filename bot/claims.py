"""Claims: which worker may run a turn, for how long, and whether it still may. Each function is one transaction's worth.

Turns are run while their conversation is the bot's. One that a person came in between waits, and is decided once the bot has the
conversation again: if an operator has written since the question, it ends unanswered by the bot, else it is asked anew.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, Row, Table, Update, and_, bindparam, case, exists, insert, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from core import conversations
from core.database import hint, written_out
from core.desk import Desk
from core.ids import new_id
from core.models import UNDER_WAY, Author, Conversation, Message, Mode, Turn, TurnState
from core.personal_data import TOKEN
from core.web import place_of
from handoff.fields import expected_answer

log = structlog.get_logger(__name__)

# What each turn asks goes past the mapper, which takes ten times as long as the database, in statements that are made once.
_TURNS: Table = Turn.__table__  # type: ignore[assignment]
_STATE = _TURNS.c.state
_ID = _TURNS.c.id == bindparam("turn_id")
_OF_CONVERSATION = _TURNS.c.conversation_id == bindparam("of_conversation")
_OPEN = written_out(_STATE, UNDER_WAY)


def _is_claimable() -> ColumnElement[bool]:
    earlier = _TURNS.alias()
    return and_(
        or_(_STATE == TurnState.ACCEPTED, and_(_STATE == TurnState.RUNNING, _TURNS.c.lease_until < bindparam("at"))),
        exists().where(Conversation.id == _TURNS.c.conversation_id, Conversation.mode == Mode.BOT),
        ~exists().where(earlier.c.conversation_id == _TURNS.c.conversation_id, earlier.c.seq < _TURNS.c.seq, earlier.c.state.in_(_OPEN)),
    )


def _take(*which: ColumnElement[bool]) -> Update:
    epoch = select(Conversation.epoch).where(Conversation.id == _TURNS.c.conversation_id).scalar_subquery()
    return (
        update(_TURNS)
        .where(*which, _CLAIMABLE, ~_ANSWERED)
        .values(
            state=TurnState.RUNNING,
            lease_owner=bindparam("new_lease"),
            lease_until=bindparam("until"),
            # Back from people a turn begins anew: the engine has never seen it in the episode that began with the return.
            attempts=case((_TURNS.c.epoch == epoch, _TURNS.c.attempts + 1), else_=1),
            epoch=epoch,
        )
    )


def _drop_answered() -> ReturningUpdate[uuid.UUID]:
    return (
        update(_TURNS)
        .where(_ID, _CLAIMABLE, _ANSWERED)
        .values(state=TurnState.DROPPED, finished_at=bindparam("at"), lease_owner=None, lease_until=None)
        .returning(_TURNS.c.conversation_id)
    )


_CLAIMABLE = _is_claimable()
_ANSWERED = exists().where(
    Message.conversation_id == _TURNS.c.conversation_id, Message.seq > _TURNS.c.seq, Message.author == Author.OPERATOR
)
_TAKE, _DROP_ANSWERED = _take(_ID).returning(_TURNS.c.id), _drop_answered()
# At most one: an open turn before it makes a turn unclaimable.
_TAKE_NEXT = _take(_OF_CONVERSATION, _STATE.in_(_OPEN)).returning(
    _TURNS.c.id, _TURNS.c.message_id, _TURNS.c.command, _TURNS.c.attempts, _TURNS.c.created_at
)
_HELD = select(Turn).where(Turn.id == bindparam("turn_id")).with_for_update().execution_options(populate_existing=True)
_LET_GO = update(_TURNS).where(_ID).values(state=bindparam("new_state"), finished_at=bindparam("at"), lease_owner=None, lease_until=None)
_FIND = select(_TURNS.c.id).where(_STATE.in_(_OPEN), _CLAIMABLE).order_by(_TURNS.c.id)
_OPEN_TURNS = select(_TURNS.c.seq).where(_OF_CONVERSATION, _STATE.in_(_OPEN))
_PUT = insert(_TURNS)
Taken = Row[uuid.UUID, uuid.UUID, str | None, int, datetime]  # what _TAKE_NEXT returns of a turn


@dataclass(frozen=True)
class Begun:
    """A claimed turn with what the engine is asked."""

    turn_id: uuid.UUID
    conversation_id: uuid.UUID
    message_id: uuid.UUID
    sender: str
    text: str | None  # None: what was sealed cannot be opened
    command: str | None
    attempts: int
    lease: str  # this claim's own: an older claim of the same turn can no longer touch it


def put(session: Session, conversation: Conversation, message: Message, command: str | None) -> None:
    """The turn of a message that is stored. ``conversation`` is locked."""
    turn = {"message_id": message.id, "seq": message.seq, "command": command}
    session.execute(_PUT, {**turn, "conversation_id": conversation.id, "epoch": conversation.epoch})


def open_turns(session: Session, conversation_id: uuid.UUID) -> set[int]:
    """The ``seq`` of each message whose turn is not over."""
    return set(session.scalars(_OPEN_TURNS, {"of_conversation": conversation_id}))


def claim(session: Session, desk: Desk, turn_id: uuid.UUID, lease: str, at: datetime) -> bool:
    """Whether the turn is this worker's now. One that an operator has answered meanwhile ends here.

    Mode, epoch and messages are read by the one statement that takes the turn: what changes later changes the epoch, and ``mine`` tells.
    """
    until = at + timedelta(seconds=desk.settings.turn_lease_seconds)
    taken = session.scalar(_TAKE, {"turn_id": turn_id, "at": at, "new_lease": lease, "until": until})
    if taken is None:
        conversation_id = session.scalar(_DROP_ANSWERED, {"turn_id": turn_id, "at": at})
        if conversation_id is not None:
            hint(session, str(conversation_id))
    return taken is not None


def read(session: Session, desk: Desk, turn_id: uuid.UUID, lease: str) -> tuple[Begun, datetime]:
    """What a claimed turn asks, and when it was accepted. In a transaction of its own: the claim stands whatever happens here."""
    turn = session.get_one(Turn, turn_id)
    return _read(session, desk, conversations.lock(session, turn.conversation_id), turn, lease), turn.created_at


def begin_next(session: Session, desk: Desk, conversation: Conversation, at: datetime) -> Begun | None:
    """Claims and reads the turn that is next in a locked conversation, in the transaction that made it so; None if there is none."""
    session.flush()
    lease, until = new_id().hex, at + timedelta(seconds=desk.settings.turn_lease_seconds)
    turn = session.execute(_TAKE_NEXT, {"of_conversation": conversation.id, "at": at, "new_lease": lease, "until": until}).first()
    return _read(session, desk, conversation, turn, lease) if turn else None


def _read(session: Session, desk: Desk, conversation: Conversation, turn: Turn | Taken, lease: str) -> Begun:
    conversations.drop_old_draft(session, conversation, turn.created_at - timedelta(hours=desk.settings.draft_hours))
    message = session.get_one(Message, turn.message_id)
    begun = Begun(turn.id, conversation.id, message.id, sender_of(conversation), None, turn.command, turn.attempts, lease)
    try:
        text = desk.vault.open(conversation, message.text_sealed)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, a person is called
        log.error("turn_not_read", turn_id=str(turn.id), error=type(error).__name__, at=place_of(error))
        return begun
    # Who writes faster than the bot asks was not asked yet when the message came in.
    asked_since = turn.command is None and message.seq < conversation.last_seq and not TOKEN.search(text)
    expected = expected_answer(conversations.asked(session, conversation), text) if asked_since else None
    if expected:
        text = desk.vault.tokenise(session, conversation, text, expected)
        message.text_sealed = desk.vault.seal(conversation, text)
    return replace(begun, text=text)


def held(session: Session, begun: Begun) -> tuple[Turn, Conversation] | None:
    """The turn and its conversation, both locked, if the claim still stands."""
    conversation = conversations.lock(session, begun.conversation_id)
    turn = session.scalars(_HELD, {"turn_id": begun.turn_id}).one()
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


def let_go(session: Session, turn: Turn, state: TurnState, at: datetime | None = None) -> TurnState:
    """Ends a claim that stands, and with ``at`` the turn. What ``turn`` says of itself is out of date then."""
    session.execute(_LET_GO, {"turn_id": turn.id, "new_state": state, "at": at})
    return state


def sender_of(conversation: Conversation) -> str:
    """The conversation's current name in the engine: its tracker begins afresh with each episode."""
    return f"{conversation.id}-{conversation.episode}"


def still_bots(turn: Turn, conversation: Conversation) -> bool:
    return conversation.mode == Mode.BOT and conversation.epoch == turn.epoch


def claimable(session: Session, at: datetime) -> list[uuid.UUID]:
    return list(session.scalars(_FIND, {"at": at}))


def release_all(session: Session) -> None:
    session.execute(
        update(Turn).where(Turn.state == TurnState.RUNNING).values(state=TurnState.ACCEPTED, lease_owner=None, lease_until=None)
    )
