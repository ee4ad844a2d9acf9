"""What an erasure keeps a little longer, under a key of its own: where its receipt goes."""

import json
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.desk import Desk
from core.models import Conversation, Delivery, Erasure, Message
from core.transcript import ERASED


def holder(erasure: Erasure) -> Conversation:
    """The vault seals for conversations: this one stands for the erasure."""
    return Conversation(id=erasure.conversation_id, data_key=erasure.data_key)


def receipt_address(session: Session, desk: Desk, delivery: Delivery) -> str | None:
    """Where the receipt of that delivery's channel goes; None once that is forgotten."""
    erasure = session.get(Erasure, delivery.conversation_id)
    if erasure is None or erasure.addresses_sealed is None:
        return None
    addresses: dict[str, str] = json.loads(desk.vault.open(holder(erasure), erasure.addresses_sealed))
    return addresses.get(delivery.channel)


def erased_message(session: Session, conversation_id: uuid.UUID) -> Message | None:
    """The one that says so in the conversation."""
    newest = select(Message).where(Message.conversation_id == conversation_id).order_by(Message.seq.desc()).limit(1)
    found = session.scalar(newest)
    return found if found is not None and found.meta.get("kind") == ERASED else None


def withdrawn_numbers(session: Session, conversation_id: uuid.UUID) -> list[str]:
    """The appeals that the erasure closed."""
    message = erased_message(session, conversation_id)
    return list(message.meta["appeal_numbers"]) if message else []
