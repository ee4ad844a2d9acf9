"""Whose a letter is: the conversation that it belongs to, and the appeal that it only names.

A Message-ID that looks like ours and was not made by us leads nowhere, and one that is ours is no proof of who writes: the sender has to be
the appeal's own either way.
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import deliveries
from core.blind_index import normal_form
from core.desk import Desk
from core.models import Appeal, AppealStatus, Conversation, IncomingLetter, Mode
from handoff import letters
from handoff.letters import message_ids
from handoff.mailbox.letter import Letter
from handoff.mailbox.subject import Subject

_MOST_LETTERS = 20  # of a thread that are looked up


@dataclass(frozen=True)
class Place:
    """``conversation``, ``appeal``: the sender's own. ``named``: an appeal that the letter leads to and that is not theirs."""

    conversation: Conversation | None = None
    appeal: Appeal | None = None
    named: Appeal | None = None


def message_id_hash(desk: Desk, message_id: str) -> bytes:
    return desk.vault.keyed_hash(f"message-id:{message_id}")


def sender_hash(desk: Desk, letter: Letter) -> bytes:
    return desk.vault.keyed_hash(f"sender:{letter.sender}")


def answered_conversation(session: Session, desk: Desk, letter: Letter) -> Conversation | None:
    """That of a letter of ours which it answers, if it comes from the address that ours went to."""
    sent = deliveries.find_sent(session, letter.answered_ids[:_MOST_LETTERS])
    found = (session.get_one(Conversation, one.conversation_id) for one in sent)
    return next((conversation for conversation in found if is_senders(session, desk, conversation, letter)), None)


def find_place(session: Session, desk: Desk, letter: Letter, subject: Subject) -> Place:
    """By the letters that it answers, then by the number that it names. Each counts only for the address that the appeal belongs to."""
    ids = [answered for answered in letter.answered_ids[:_MOST_LETTERS] if not message_ids.is_forged(desk, answered)]
    found = _by_thread(session, desk, ids)
    own = [conversation for conversation in found if is_senders(session, desk, conversation, letter)]
    for conversation in own:
        if meant := _open_among(session, desk, conversation, ids) or letters.newest_appeal(session, conversation):
            return Place(conversation, meant)
    appeal = session.scalar(select(Appeal).where(Appeal.number == subject.appeal_number)) if subject.appeal_number else None
    if appeal is not None:
        conversation = session.get_one(Conversation, appeal.conversation_id)
        if is_senders(session, desk, conversation, letter):
            return Place(conversation, appeal)
    others = [conversation for conversation in found if conversation not in own]
    named = appeal or next(filter(None, (letters.newest_appeal(session, conversation) for conversation in others)), None)
    return Place(own[0] if own else None, named=named)


def is_senders(session: Session, desk: Desk, conversation: Conversation, letter: Letter) -> bool:
    """Whether the conversation's answers go to whom the letter is from."""
    if conversation.mode == Mode.CLOSED or conversation.email_token is None or letter.sender is None:
        return False
    written = desk.vault.values(session, conversation, [conversation.email_token]).get(conversation.email_token, "")
    return normal_form("email", written) == letter.sender


def _open_among(session: Session, desk: Desk, conversation: Conversation, ids: list[str]) -> Appeal | None:
    """The conversation's open appeal that the nearest of the letters was about: there may be several."""
    for number in filter(None, (message_ids.number_of(desk, answered) for answered in ids)):
        appeal = session.scalar(select(Appeal).where(Appeal.number == number, Appeal.conversation_id == conversation.id))
        if appeal is not None and appeal.status != AppealStatus.CLOSED:
            return appeal
    return None


def _by_thread(session: Session, desk: Desk, ids: list[str]) -> list[Conversation]:
    """The conversations of the letters that it answers: ours, then those that came in."""
    conversations = [sent.conversation_id for sent in deliveries.find_sent(session, ids)]
    hashes = [message_id_hash(desk, message_id) for message_id in ids]
    came = select(IncomingLetter.conversation_id).where(
        IncomingLetter.message_id_hash.in_(hashes), IncomingLetter.conversation_id.is_not(None)
    )
    conversations += [found for found in session.scalars(came) if found is not None] if hashes else []
    return [session.get_one(Conversation, found) for found in dict.fromkeys(conversations)]
