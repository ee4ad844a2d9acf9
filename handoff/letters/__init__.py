"""Letters to citizens: which ones there are, and when one is written into the outbox. The words are in templates/, see renderer.py.

The functions that put run in the transaction of what the letter tells of, on a locked conversation, and do nothing without an address.
"""

import uuid
from typing import Any

from sqlalchemy.orm import Session

from core import conversations, deliveries
from core.desk import Desk
from core.models import Appeal, AppealStatus, Author, Conversation, Delivery, DeliveryState, Message
from core.words import say
from core.working_time import MOSCOW
from handoff import appeals

CHANNEL = "mail"
FORM = "form"  # the channel of a conversation that the feedback form began: its citizen is in no chat
TELEGRAM_CODE = "telegram_code"  # an appeal's field: what makes a chat with the bot the appeal's, once
RECEIPT = "receipt"
ANSWER = "answer"
RETURNED = "returned"  # a letter that came, with what to correct
MISSING = "missing"  # asks for what a letter did not tell of its sender
UNSAFE_FILE = "unsafe_file"  # tells which files of a letter were left out
STATUS = "status"  # notices: an appeal is in another state, its date has passed, something is still waited for
OVERDUE = "overdue"
REMINDER = "reminder"
NOTICES = (STATUS, OVERDUE, REMINDER)
ERASURE = "erasure"  # the receipt of an erasure: handoff/erasure.py


def put_receipt(session: Session, desk: Desk, conversation: Conversation, appeal: Appeal) -> Delivery | None:
    """The receipt of an appeal: number, due date, status link and access code. Once per appeal."""
    receipt = _put(session, desk, conversation, RECEIPT, appeal.id)
    if receipt is not None and conversation.email_token and receipt.address_token != conversation.email_token:
        deliveries.redirect(session, receipt, conversation.email_token)
    return receipt


def put_answer(session: Session, desk: Desk, conversation: Conversation, message: Message) -> Delivery | None:
    """An operator's message as a letter, for a citizen who is not in the chat. It answers the receipt, if one was written."""
    appeal = newest_appeal(session, conversation)
    receipt = deliveries.find(session, conversation.id, RECEIPT, appeal.id) if appeal else None
    return _put(session, desk, conversation, ANSWER, message.id, in_reply_to=receipt.message_id if receipt else None)


def put_reply(session: Session, desk: Desk, conversation: Conversation, kind: str, letter_id: uuid.UUID) -> Delivery | None:
    """What the desk says of its own accord to a letter that came (RETURNED, MISSING, UNSAFE_FILE)."""
    return _put(session, desk, conversation, kind, letter_id)


def put_notice(session: Session, desk: Desk, conversation: Conversation, kind: str, message: Message) -> Delivery | None:
    """A message of the desk's own accord as a letter (NOTICES)."""
    return _put(session, desk, conversation, kind, message.id)


def tell_failure(session: Session, desk: Desk, conversation: Conversation, delivery: Delivery) -> None:
    """Says in the conversation that a letter did not go: whoever is there, operator or citizen, counts on it otherwise."""
    conversations.append(
        session, desk.vault, conversation, Author.SYSTEM, say("letter_failed"), meta={"kind": "notice", "letter": delivery.kind}
    )


def _put(
    session: Session, desk: Desk, conversation: Conversation, kind: str, subject_id: uuid.UUID, in_reply_to: str | None = None
) -> Delivery | None:
    if conversation.email_token is None:
        return None
    return deliveries.put(
        session,
        conversation,
        channel=CHANNEL,
        kind=kind,
        subject_id=subject_id,
        address_token=conversation.email_token,
        domain=mail_domain(desk),
        in_reply_to=in_reply_to,
    )


def newest_appeal(session: Session, conversation: Conversation) -> Appeal | None:
    """What an answer is about: the newest open appeal, else the newest."""
    found = appeals.of_conversation(session, conversation.id)
    return next((appeal for appeal in found if appeal.status != AppealStatus.CLOSED), found[0] if found else None)


def status_url(desk: Desk, appeal: Appeal) -> str:
    """Where the citizen sees how far the appeal is."""
    # Without the prefix, whose Cyrillic letters would be a string of percent signs.
    return f"{desk.settings.public_url.rstrip('/')}/appeals/{appeal.number.removeprefix(f'{desk.settings.appeal_prefix}-')}"


def mail_domain(desk: Desk) -> str:
    """The official address's domain in ASCII."""
    return desk.settings.official_email.rpartition("@")[2].encode("idna").decode()


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
            "failure": _failure_words(delivery),
            "created_at": delivery.created_at.astimezone(MOSCOW).isoformat(),
            "sent_at": delivery.sent_at.astimezone(MOSCOW).isoformat() if delivery.sent_at else None,
        }
        for delivery in deliveries.of_conversation(session, conversation.id)
        if delivery.channel == CHANNEL or delivery.state == DeliveryState.FAILED
    ]


def _failure_words(delivery: Delivery) -> str | None:
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
