"""The transcript of a chat, by letter to the citizen who asks for it (handoff/letters/contents.py writes it)."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import conversations, deliveries
from core.desk import Desk
from core.errors import Problem, conflict
from core.models import Author, Conversation, Delivery, DeliveryState, Message
from core.words import say
from handoff import letters

_TOLD = "transcript"  # in the meta of the message that says so
_DAY = timedelta(days=1)


def send(session: Session, desk: Desk, conversation: Conversation, at: datetime) -> None:
    """Puts the letter to the conversation's own address, and says so. ``conversation`` is locked. Problem 409 if there is no address, or
    nothing new since the last one; 429 for too many in a day."""
    if conversation.email_token is None:
        raise conflict("transcript_no_address")
    recent = select(Message).where(Message.conversation_id == conversation.id).order_by(Message.seq.desc()).limit(10)
    last = next(message for message in session.scalars(recent) if _TOLD not in message.meta)
    sent = deliveries.find(session, conversation.id, letters.TRANSCRIPT, last.id)
    if sent is not None and sent.state != DeliveryState.FAILED:
        raise conflict("transcript_sent_already")
    limit = desk.settings.transcripts_per_day
    of_today = Delivery.conversation_id == conversation.id, Delivery.kind == letters.TRANSCRIPT, Delivery.created_at > at - _DAY
    if (session.scalar(select(func.count()).select_from(Delivery).where(*of_today)) or 0) >= limit:
        raise Problem(429, "transcripts_used_up", {"limit": limit})
    if sent is None:
        letters.put_transcript(session, desk, conversation, last)
    else:
        deliveries.redirect(session, sent, conversation.email_token)
    meta = {"kind": "notice", _TOLD: True}
    conversations.append(session, desk.vault, conversation, Author.SYSTEM, say("transcript_sent"), meta=meta)
