"""What the desk tells a citizen of its own accord (S18): in the conversation, and by the ways that handoff/reply_ways.py names."""

from typing import Any

from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.models import Author, Conversation, Message
from handoff import letters
from handoff.reply_ways import ways

NOTICE = "notice"  # in a message's meta: the kind that it would be as a letter


def tell(
    session: Session, desk: Desk, conversation: Conversation, words: str, *, letter: str, buttons: list[dict[str, Any]] | None = None
) -> Message:
    """``words``: with tokens, if any. ``letter``: its kind as a letter (handoff/letters). ``conversation`` is locked."""
    meta = {"kind": "notice", NOTICE: letter}
    message = conversations.append(session, desk.vault, conversation, Author.SYSTEM, words, buttons=buttons, meta=meta)
    way = ways(session, desk, conversation)
    if way.letter and not way.came_back:  # nobody reads it there, and it would hide that the last one did not arrive
        letters.put_notice(session, desk, conversation, letter, message)
    return message


def send_by_letter_instead(session: Session, desk: Desk, conversation: Conversation, message: Message) -> None:
    """What could not be pushed, and never will be: an answer or a notice still has another way. ``conversation`` is locked."""
    if message.author == Author.OPERATOR:
        letters.put_answer(session, desk, conversation, message)
    elif NOTICE in message.meta:
        letters.put_notice(session, desk, conversation, message.meta[NOTICE], message)
