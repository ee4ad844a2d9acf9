"""Letters to citizens: which ones there are, and when one is written into the outbox. The words are in templates/, see renderer.py.

The functions that put run in the transaction of what the letter tells of, on a locked conversation, and do nothing without an address.
"""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import conversations, deliveries
from core.database import hint
from core.desk import Desk
from core.events import QUEUE
from core.models import FINISHED, Appeal, Author, Conversation, Delivery, Message
from core.words import say
from handoff import appeals
from handoff.letters import message_ids

CHANNEL = "mail"
FORM = "form"  # the channel of a conversation that the feedback form began: its citizen is in no chat
TELEGRAM_CODE = "telegram_code"  # an appeal's field: what makes a chat with the bot the appeal's, once
RECEIPT = "receipt"
ANSWER = "answer"
TRANSCRIPT = "transcript"  # of a chat, for the citizen who asked for it
RETURNED = "returned"  # a letter that came, with what to correct
MISSING = "missing"  # asks for what a letter did not tell of its sender
INFECTED = "infected"  # a letter that came with a virus, sent back
UNSAFE_FILE = "unsafe_file"  # tells which files of a letter were left out
STATUS = "status"  # notices: an appeal is in another state, its date has passed, something is still waited for
OVERDUE = "overdue"
REMINDER = "reminder"
INFECTED_FILE = "infected_file"  # a virus was found in a file that had been taken before
NOTICES = (STATUS, OVERDUE, REMINDER, INFECTED_FILE)
FAILED = "letter_failed"  # an event of an appeal
ERASURE = "erasure"  # the receipt of an erasure: handoff/erasure.py


def put_receipt(session: Session, desk: Desk, conversation: Conversation, appeal: Appeal) -> Delivery | None:
    """The receipt of an appeal: number, due date, status link and access code. Once per appeal."""
    receipt = _put(session, desk, conversation, RECEIPT, appeal.id, appeal)
    if receipt is not None and conversation.email_token and receipt.address_token != conversation.email_token:
        deliveries.redirect(session, receipt, conversation.email_token)
    return receipt


def put_answer(session: Session, desk: Desk, conversation: Conversation, message: Message) -> Delivery | None:
    """A message as a letter: a person's, or what the desk was asked for."""
    return _put(session, desk, conversation, ANSWER, message.id)


def put_notice(session: Session, desk: Desk, conversation: Conversation, kind: str, message: Message) -> Delivery | None:
    """A message of the desk's own accord as a letter (NOTICES)."""
    return _put(session, desk, conversation, kind, message.id)


def put_reply(session: Session, desk: Desk, conversation: Conversation, kind: str, letter_id: uuid.UUID) -> Delivery | None:
    """What the desk says of its own accord to a letter that came (RETURNED, MISSING, UNSAFE_FILE, INFECTED)."""
    return _put(session, desk, conversation, kind, letter_id)


def put_transcript(session: Session, desk: Desk, conversation: Conversation, last: Message) -> Delivery | None:
    """The conversation up to a message. Once for each."""
    return _put(session, desk, conversation, TRANSCRIPT, last.id)


def tell_failure(session: Session, desk: Desk, conversation: Conversation, delivery: Delivery) -> None:
    """Says in the conversation that a letter did not go: whoever is there, operator or citizen, counts on it otherwise. No letter says so:
    it would fail in its turn."""
    appeal = appeal_of(session, desk, conversation, delivery)
    if appeal is not None:
        appeals.record(session, appeal, FAILED)
    hint(session, QUEUE)
    conversations.append(
        session, desk.vault, conversation, Author.SYSTEM, say("letter_failed"), meta={"kind": "notice", "letter": delivery.kind}
    )


def _put(
    session: Session, desk: Desk, conversation: Conversation, kind: str, subject_id: uuid.UUID, appeal: Appeal | None = None
) -> Delivery | None:
    """``appeal``: what it is about, else the newest. All but the receipt go on from that, if one was written."""
    if conversation.email_token is None:
        return None
    about = appeal or newest_appeal(session, conversation)
    receipt = deliveries.find(session, conversation.id, RECEIPT, about.id) if about and kind != RECEIPT else None
    return deliveries.put(
        session,
        conversation,
        channel=CHANNEL,
        kind=kind,
        subject_id=subject_id,
        address_token=conversation.email_token,
        name=lambda delivery_id: message_id(desk, delivery_id, about),
        in_reply_to=receipt.message_id if receipt else None,
    )


def message_id(desk: Desk, delivery_id: uuid.UUID, appeal: Appeal | None) -> str:
    """Of a letter about ``appeal``."""
    return message_ids.sign(desk, delivery_id, appeal, mail_domain(desk))


def appeal_of(session: Session, desk: Desk, conversation: Conversation, delivery: Delivery) -> Appeal | None:
    """What a letter is about; the newest of its conversation for those of before, which do not name it."""
    number = message_ids.number_of(desk, delivery.message_id)
    named = session.scalar(select(Appeal).where(Appeal.number == number)) if number else None
    return named or newest_appeal(session, conversation)


def newest_appeal(session: Session, conversation: Conversation) -> Appeal | None:
    """What an answer is about: the newest open appeal, else the newest."""
    found = appeals.of_conversation(session, conversation.id)
    return next((appeal for appeal in found if appeal.status not in FINISHED), found[0] if found else None)


def status_url(desk: Desk, appeal: Appeal) -> str:
    """Where the citizen sees how far the appeal is."""
    # Without the prefix, whose Cyrillic letters would be a string of percent signs.
    return f"{desk.settings.public_url.rstrip('/')}/appeals/{appeal.number.removeprefix(f'{desk.settings.appeal_prefix}-')}"


def mail_domain(desk: Desk) -> str:
    """The official address's domain in ASCII."""
    return desk.settings.official_email.rpartition("@")[2].encode("idna").decode()
