"""Which letters one stands under in the citizen's mail program."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.desk import Desk
from core.models import Delivery
from handoff.letters import CHANNEL, message_ids
from handoff.mailbox import incoming

_MOST = 12  # a longer chain keeps its beginning, by which programs know the thread


def references(session: Session, desk: Desk, delivery: Delivery) -> list[str]:
    """The chain that ends in the letter that this one answers: the citizen's newest, else the one of ours that it goes on from (RFC 5322,
    3.6.4). Empty for a letter that begins a thread."""
    came = incoming.message_ids(session, desk, delivery.conversation_id, delivery.created_at)
    if not came:
        return [delivery.in_reply_to] if delivery.in_reply_to else []
    taken_in, answered = came[-1]
    about = (message_ids.number_of(desk, delivery.message_id), None)
    wanted = select(Delivery).where(
        Delivery.conversation_id == delivery.conversation_id,
        Delivery.channel == CHANNEL,
        Delivery.ordinal < delivery.ordinal,
        Delivery.created_at < taken_in,
    )
    ours = [(sent.created_at, sent.message_id) for sent in session.scalars(wanted)]
    before = sorted([*came[:-1], *(one for one in ours if message_ids.number_of(desk, one[1]) in about)])
    chain = list(dict.fromkeys([*(message_id for _, message_id in before), answered]))
    return chain if len(chain) <= _MOST else [chain[0], *chain[1 - _MOST :]]
