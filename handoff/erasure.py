"""Erasure: a conversation's data are destroyed and its place in the counts is kept. Consent: withdrawn.

Both are one transaction's worth on a locked conversation. What lies outside of the database (files, the dialogue engine's tracker, the
write-ahead log) is done afterwards from the row that erasing leaves: bot/erasures.py.
"""

import json
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from core import audit, blind_index, conversations, deliveries
from core.database import hint
from core.desk import Desk
from core.models import (
    FINISHED,
    UNDER_WAY,
    UNSENT,
    Appeal,
    AppealEvent,
    AppealRequest,
    AppealStatus,
    Attachment,
    Author,
    Consent,
    Conversation,
    Delivery,
    DeliveryState,
    Draft,
    Erasure,
    Export,
    IncomingLetter,
    Message,
    Mode,
    Note,
    Operator,
    QueueEntry,
    TelegramUpdate,
    Turn,
    TurnState,
    VaultEntry,
)
from core.transcript import ERASED
from core.words import say
from handoff import appeal_states, letters
from handoff.letters.receipts import holder
from handoff.mailbox import incoming
from knowledge_base import questions

TOPIC = "erasures"  # an erasure has something left to do
RECEIPT = letters.ERASURE
CITIZEN, OPERATOR, COMMAND, EXPIRED = "citizen", "operator", "command", "expired"
WITH_REASON = (OPERATOR, COMMAND)  # the key of such an erasure is kept as long as the audit log
_ACTORS = {CITIZEN: audit.CITIZEN, COMMAND: audit.COMMAND_LINE, EXPIRED: audit.DESK}
_NOTHING = b""
# What a message's meta holds of the citizen; the rest is counts, kinds and slugs of articles.
_PERSONAL_META = ("access_code",)


def erase(
    session: Session,
    desk: Desk,
    conversation: Conversation,
    cause: str,
    at: datetime,
    *,
    operator: Operator | None = None,
    reason: str = "",
    in_reply_to: int | None = None,
) -> bool:
    """Destroys what ``conversation`` holds of its people; False if that was done before. Open appeals are closed as withdrawn.

    ``reason``: an operator's words; they stay in the audit log, sealed with a key of the erasure's own.
    """
    if conversation.data_key is None:
        return False
    erasure = _begin(session, desk, conversation, cause, at, operator)
    sealed_reason = _seal_reason(session, desk, conversation, erasure, reason) if reason else None
    numbers = withdraw_appeals(session, conversation, at, operator)
    _end_wait(session, conversation, at)
    _end_turns(session, conversation, at)
    _cancel_deliveries(session, conversation)
    _tell(session, desk, conversation, erasure, numbers, in_reply_to)
    conversation.data_key = conversation.email_token = conversation.push_token = None
    conversation.address_hash = conversation.citizen_here_until = None
    _empty(session, conversation, at)
    conversations.change_mode(session, conversation, Mode.CLOSED)
    hint(session, TOPIC)
    audit.append(session, desk.vault, operator or _ACTORS[cause], audit.ERASE, conversation=conversation, sealed_reason=sealed_reason)
    return True


def withdraw_consent(session: Session, desk: Desk, conversation: Conversation, at: datetime, in_reply_to: int | None = None) -> Message:
    """Ends the conversation's consents and the appeals that stand on them; the data go when retention says so. Tells the citizen.

    Until a new consent is given nothing of the citizen leaves by letter, is opened or found by (core/consents.py).
    """
    for consent in _consents(session, conversation.id):
        consent.withdrawn_at = at
    numbers = withdraw_appeals(session, conversation, at)
    conversations.drop_draft(session, conversation)
    conversation.email_token = None  # nothing is written to it any more
    _cancel_deliveries(session, conversation, "withdrawn", Delivery.channel == letters.CHANNEL)
    blind_index.erase(session, conversation.id)
    words = [say("withdrawal_done", days=desk.settings.keep_withdrawn_days)]
    if numbers:
        words.append(say("withdrawal_appeals", numbers=", ".join(numbers)))
    if conversation.mode == Mode.QUEUED:  # what was waited for is closed
        _end_wait(session, conversation, at, "withdrawn")
        conversations.change_mode(session, conversation, Mode.BOT)
        words.append(say("withdrawal_left_queue"))
    return conversations.append(
        session, desk.vault, conversation, Author.SYSTEM, "\n".join(words), in_reply_to=in_reply_to, meta={"kind": "notice"}
    )


def has_consent(session: Session, conversation_id: uuid.UUID) -> bool:
    """Whether there is one to withdraw."""
    return bool(_consents(session, conversation_id))


def open_numbers(session: Session, conversation_id: uuid.UUID) -> list[str]:
    """The open appeals' numbers, oldest first."""
    unfinished = select(Appeal.number).where(Appeal.conversation_id == conversation_id, Appeal.status.not_in(FINISHED))
    return list(session.scalars(unfinished.order_by(Appeal.received_at, Appeal.ordinal)))


def withdraw_appeals(session: Session, conversation: Conversation, at: datetime, operator: Operator | None = None) -> list[str]:
    """Closes the open appeals as withdrawn; their numbers. What is answered is closed as it is."""
    found = select(Appeal).where(Appeal.conversation_id == conversation.id, Appeal.status != AppealStatus.CLOSED)
    by_age = session.scalars(found.order_by(Appeal.received_at, Appeal.ordinal)).all()
    return [appeal.number for appeal in by_age if appeal_states.withdraw(session, appeal, at, operator)]


def _begin(session: Session, desk: Desk, conversation: Conversation, cause: str, at: datetime, operator: Operator | None) -> Erasure:
    erasure = Erasure(
        conversation_id=conversation.id,
        cause=cause,
        operator_id=operator.id if operator else None,
        episodes=conversation.episode,
        erased_at=at,
        next_look_at=at,
    )
    addresses = {}
    if cause != EXPIRED:  # what expires does so in silence: nobody waits for it
        values = desk.vault.values(session, conversation)
        tokens = {letters.CHANNEL: conversation.email_token, conversation.channel: conversation.push_token}
        addresses = {channel: values[token] for channel, token in tokens.items() if token in values}
    own = Conversation(id=conversation.id)
    desk.vault.new_key(own)
    erasure.data_key = own.data_key
    erasure.addresses_sealed = desk.vault.seal(own, json.dumps(addresses)) if addresses else None
    session.add(erasure)
    session.flush()
    return erasure


def _seal_reason(session: Session, desk: Desk, conversation: Conversation, erasure: Erasure, reason: str) -> bytes:
    """What the operator names in it becomes tokens that lead nowhere."""
    return desk.vault.seal(holder(erasure), desk.vault.tokenise(session, conversation, reason, indexed=False))


def _tell(session: Session, desk: Desk, conversation: Conversation, erasure: Erasure, numbers: list[str], in_reply_to: int | None) -> None:
    """The message that stays, whose words are made when it is read, and the receipts."""
    push_token, conversation.push_token = conversation.push_token, None  # not pushed: its words would be sealed with a key that is gone
    message = conversations.append(
        session,
        desk.vault,
        conversation,
        Author.SYSTEM,
        "",
        in_reply_to=in_reply_to,
        meta={"kind": ERASED, "cause": erasure.cause, "appeal_numbers": numbers},
    )
    if erasure.addresses_sealed is None:
        return
    if conversation.email_token:
        _put_receipt(session, desk, conversation, letters.CHANNEL, conversation.id)
    if push_token:
        _put_receipt(session, desk, conversation, conversation.channel, message.id)


def _put_receipt(session: Session, desk: Desk, conversation: Conversation, channel: str, subject_id: uuid.UUID) -> None:
    deliveries.put(
        session,
        conversation,
        channel=channel,
        kind=RECEIPT,
        subject_id=subject_id,
        address_token="",
        name=lambda delivery_id: letters.message_id(desk, delivery_id, None),
    )


def _end_wait(session: Session, conversation: Conversation, at: datetime, by: str = "erased") -> None:
    waiting = update(QueueEntry).where(QueueEntry.conversation_id == conversation.id, QueueEntry.ended_at.is_(None))
    session.execute(waiting.values(ended_at=at, ended_by=by))


def _end_turns(session: Session, conversation: Conversation, at: datetime) -> None:
    """Also of the turn that asked for the erasure; its worker, which holds it, ends it in this transaction as done."""
    under_way = Turn.state.in_(UNDER_WAY)
    session.execute(
        update(Turn)
        .where(Turn.conversation_id == conversation.id, under_way)
        .values(state=TurnState.DROPPED, finished_at=at, lease_owner=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )


def _cancel_deliveries(session: Session, conversation: Conversation, failure: str = "erased", *which: ColumnElement[bool]) -> None:
    session.execute(
        update(Delivery)
        .where(Delivery.conversation_id == conversation.id, Delivery.state.in_(UNSENT), *which)
        .values(state=DeliveryState.FAILED, failure=failure, lease_owner=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )


def _empty(session: Session, conversation: Conversation, at: datetime) -> None:
    """Everything sealed goes, key or no key: a backup may hold the key of yesterday."""
    ours = {"conversation_id": conversation.id}
    for message in session.scalars(select(Message).filter_by(**ours)):
        message.text_sealed, message.buttons, message.expects = _NOTHING, [], None
        message.meta = {name: value for name, value in message.meta.items() if name not in _PERSONAL_META}
    for changed, values in _emptied(conversation.id, at):
        session.execute(changed.values(**values).execution_options(synchronize_session=False))
    session.execute(update(Turn).filter_by(**ours).values(command=None).execution_options(synchronize_session=False))
    for kept in (VaultEntry, Draft):
        session.execute(delete(kept).filter_by(**ours))
    blind_index.erase(session, conversation.id)
    questions.forget(session, conversation.id)


def _emptied(conversation_id: uuid.UUID, at: datetime) -> list[tuple[Any, dict[str, Any]]]:
    of_appeals = AppealEvent.appeal_id.in_(select(Appeal.id).where(Appeal.conversation_id == conversation_id))
    return [
        (update(Note).where(Note.conversation_id == conversation_id), {"text_sealed": _NOTHING}),
        (
            update(Attachment).where(Attachment.conversation_id == conversation_id),
            {"filename_sealed": _NOTHING, "text_sealed": None, "reading": None, "erased_at": at},
        ),
        (update(Appeal).where(Appeal.conversation_id == conversation_id), {"access_code_sealed": _NOTHING, "fields_sealed": None}),
        (update(AppealEvent).where(of_appeals), {"detail_sealed": None}),
        (update(AppealRequest).where(AppealRequest.conversation_id == conversation_id), {"detail_sealed": None}),
        (update(IncomingLetter).where(IncomingLetter.conversation_id == conversation_id), incoming.EMPTIED),
        (update(Export).where(Export.conversation_id == conversation_id), {"state": "gone"}),
        (
            update(TelegramUpdate).where(TelegramUpdate.conversation_id == conversation_id, TelegramUpdate.processed_at.is_(None)),
            {"processed_at": at},
        ),
        (update(TelegramUpdate).where(TelegramUpdate.conversation_id == conversation_id), {"payload_sealed": None, "album_hash": None}),
    ]


def _consents(session: Session, conversation_id: uuid.UUID) -> list[Consent]:
    given = select(Consent).where(Consent.conversation_id == conversation_id, Consent.withdrawn_at.is_(None))
    return list(session.scalars(given))
