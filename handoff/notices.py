"""What the desk tells a citizen of its own accord (S18): in the conversation, and by letter to whom it is not pushed."""

from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.models import Author, Conversation, Message
from handoff import letters


def tell(session: Session, desk: Desk, conversation: Conversation, words: str, *, letter: str) -> Message:
    """``words``: with tokens, if any. ``letter``: its kind as a letter (handoff/letters). ``conversation`` is locked."""
    message = conversations.append(session, desk.vault, conversation, Author.SYSTEM, words, meta={"kind": "notice"})
    if conversation.push_token is None:
        letters.put_notice(session, desk, conversation, letter, message)
    return message
