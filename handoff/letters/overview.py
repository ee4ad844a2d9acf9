"""What operators see of what left: the letters of a conversation, and those that did not arrive."""

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import deliveries
from core.models import Conversation, Delivery, DeliveryState
from core.words import say
from core.working_time import moscow_stamp
from handoff.letters import CHANNEL

FOR_GOOD = ("erased", "withdrawn")  # nothing may be written to these citizens any more


def letter_documents(session: Session, conversation: Conversation) -> list[dict[str, Any]]:
    """The conversation's letters, and the messages that could not be pushed, for an operator, oldest first.

    ``failure`` says in words why one has not gone.
    """
    return [
        {
            "id": str(delivery.id),
            "channel": delivery.channel,
            "kind": delivery.kind,
            "state": delivery.state,
            "attempts": delivery.attempts,
            "failure": failure_words(delivery),
            "may_be_sent_again": may_be_sent_again(conversation, delivery),
            "created_at": moscow_stamp(delivery.created_at),
            "sent_at": moscow_stamp(delivery.sent_at),
        }
        for delivery in deliveries.of_conversation(session, conversation.id)
        if delivery.channel == CHANNEL or delivery.state == DeliveryState.FAILED
    ]


def last_came_back(session: Session, conversation_id: uuid.UUID) -> bool:
    """Whether the conversation's newest letter did not arrive."""
    newest = select(Delivery.state).where(Delivery.conversation_id == conversation_id, Delivery.channel == CHANNEL)
    return session.scalar(newest.order_by(Delivery.ordinal.desc()).limit(1)) == DeliveryState.FAILED


def may_be_sent_again(conversation: Conversation, delivery: Delivery) -> bool:
    """Whether it is a letter that did not arrive, to somebody who may still be written to."""
    is_failed = delivery.channel == CHANNEL and delivery.state == DeliveryState.FAILED
    return is_failed and delivery.failure not in FOR_GOOD and conversation.email_token is not None


def failure_words(delivery: Delivery) -> str | None:
    """Why it has not gone, for an operator."""
    if delivery.failure is None:
        return None
    if delivery.state != DeliveryState.FAILED:
        return say("delivery_trying")
    word, _, code = delivery.failure.partition(" ")
    match word:
        case "refused":
            return say("delivery_refused", code=code)
        case "bounced":
            return say("delivery_bounced", status=code)
        case "address":
            return say("delivery_address")
        case "erased":
            return say("delivery_erased")
        case "withdrawn":
            return say("delivery_withdrawn")
        case "blocked" | "no_chat":
            return say("delivery_blocked")
        case "not_taken":
            return say("delivery_not_taken")
        case _:
            return say("delivery_given_up")
