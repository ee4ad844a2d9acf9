"""Letters that did not arrive: which ones there are, and sending one again, to a corrected address if need be."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from core import audit, deliveries
from core.database import hint
from core.desk import Desk
from core.errors import conflict, not_found
from core.events import QUEUE
from core.models import Appeal, Conversation, Delivery, DeliveryState, Operator
from core.working_time import moscow_stamp
from handoff import appeals, letters
from handoff.fields import FieldFault, parse_email
from handoff.letters.overview import FOR_GOOD, failure_words, may_be_sent_again

_SENT_AGAIN = "letter_sent_again"  # an event of an appeal
_AT_ONCE = 200


def undelivered(session: Session, desk: Desk, at: datetime) -> list[dict[str, Any]]:
    """What did not arrive lately, newest first, one of each conversation; not where a later letter has got through."""
    later = aliased(Delivery)
    wanted = (
        select(Delivery)
        .where(
            Delivery.channel == letters.CHANNEL,
            Delivery.state == DeliveryState.FAILED,
            Delivery.failure.not_in(FOR_GOOD),
            Delivery.created_at > at - timedelta(days=desk.settings.undelivered_days),
            ~exists().where(
                later.conversation_id == Delivery.conversation_id,
                later.channel == letters.CHANNEL,
                later.ordinal > Delivery.ordinal,
            ),
        )
        .order_by(Delivery.created_at.desc(), Delivery.id.desc())
        .limit(_AT_ONCE)
    )
    return [
        {
            "conversation_id": str(delivery.conversation_id),
            "appeal_number": appeal.number if appeal else None,
            "channel": conversation.channel,
            "mode": conversation.mode,
            "kind": delivery.kind,
            "failure": failure_words(delivery),
            "created_at": moscow_stamp(delivery.created_at),
        }
        for delivery in session.scalars(wanted)
        if (conversation := session.get_one(Conversation, delivery.conversation_id)).data_key is not None
        for appeal in [letters.newest_appeal(session, conversation)]
    ]


def send_again(
    session: Session, desk: Desk, conversation: Conversation, delivery_id: uuid.UUID, operator: Operator, address: str | None = None
) -> None:
    """Sends a letter that did not arrive to the address that is known now. ``address``: the right one, which is kept as the citizen's.
    ``conversation`` is locked. Problem 404, 409, 422."""
    delivery = session.get(Delivery, delivery_id, with_for_update=True, populate_existing=True)
    if delivery is None or delivery.conversation_id != conversation.id or delivery.channel != letters.CHANNEL:
        raise not_found("letter_not_found")
    if not may_be_sent_again(conversation, delivery):
        raise conflict("letter_not_to_send_again")
    if address is not None:
        _correct(session, desk, conversation, address)
    deliveries.redirect(session, delivery, str(conversation.email_token))
    appeal = letters.appeal_of(session, desk, conversation, delivery)
    if appeal is not None:
        appeals.record(session, appeal, _SENT_AGAIN, operator)
    done = f"{delivery.kind} {'to another address' if address is not None else 'to the same address'}"
    audit.append(session, desk.vault, operator, audit.LETTER_SENT_AGAIN, done, conversation=conversation)
    hint(session, str(conversation.id))
    hint(session, QUEUE)


def _correct(session: Session, desk: Desk, conversation: Conversation, written: str) -> None:
    """Of the conversation and of its appeals. Problem 422."""
    try:
        address = parse_email(written, desk.settings)
    except FieldFault as fault:
        raise fault.problem() from None
    former, conversation.email_token = conversation.email_token, desk.vault.put(session, conversation, "email", address)
    for appeal in session.scalars(select(Appeal).where(Appeal.conversation_id == conversation.id)):
        fields = appeals.fields_of(desk.vault, conversation, appeal)
        if fields.get("email") == former:
            corrected = fields | {"email": conversation.email_token}
            appeal.fields_sealed = desk.vault.seal(conversation, json.dumps(corrected, ensure_ascii=False))
