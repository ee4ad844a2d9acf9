"""What a turn may do, in the one transaction that ends it."""

from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from bot.dialogue_engine import Deed, Reply, Utterance
from core import conversations
from core.desk import Desk
from core.facts import fill
from core.models import Author, Conversation, Effect, Turn
from handoff import queue

log = structlog.get_logger(__name__)


class UnknownDeed(Exception):
    """An action asked for something the gateway does not do: a fault of ours, ended at a person."""


def carry_out(session: Session, desk: Desk, conversation: Conversation, turn: Turn, reply: Reply, at: datetime) -> None:
    """Stores the bot's messages and does its deeds. The caller holds the conversation and has checked that it is still the turn's."""
    for part in reply:
        if isinstance(part, Utterance):
            _say(session, desk, conversation, turn, part)
        else:
            _do(session, desk, conversation, turn, part, at)


def happens_first(session: Session, turn: Turn, effect: str) -> bool:
    """Marks ``effect`` of ``turn`` as done; False if it was done before."""
    if session.get(Effect, (turn.id, effect)) is not None:
        return False
    session.add(Effect(turn_id=turn.id, effect=effect))
    session.flush()
    return True


def _say(session: Session, desk: Desk, conversation: Conversation, turn: Turn, utterance: Utterance) -> None:
    text = fill(utterance.text, desk.settings)
    limit = desk.settings.message_characters
    conversations.append(
        session,
        desk.vault,
        conversation,
        Author.BOT,
        text if len(text) <= limit else text[: limit - 1] + "…",
        buttons=[dict(button) for button in utterance.buttons],
        in_reply_to=turn.seq,
        expects=utterance.expects,
        meta=utterance.meta,
    )


def _do(session: Session, desk: Desk, conversation: Conversation, turn: Turn, deed: Deed, at: datetime) -> None:
    if deed.do != "hand_over":
        raise UnknownDeed(deed.do)
    if happens_first(session, turn, deed.do):
        queue.hand_over(session, desk, conversation, str(deed.fields.get("reason", "citizen_asked"))[:40], at, in_reply_to=turn.seq)
