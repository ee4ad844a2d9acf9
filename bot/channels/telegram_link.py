"""The link of a receipt: it makes a chat with the bot the chat of the appeal that was written by the feedback form."""

from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.models import Author, Conversation, Mode
from core.words import say
from handoff import appeals
from handoff.letters import FORM


def link(session: Session, desk: Desk, chat: Conversation, code: str) -> bool:
    """Gives the address of ``chat``, which is locked, to the form's conversation that ``code`` opens; False if there is none (any more).

    A chat that waits for an operator, or talks to one, is not taken away from them: the citizen is told to come again afterwards.
    """
    found = conversations.find_by_token(session, code)
    if found is None or found.channel != FORM or found.mode == Mode.CLOSED:
        return False
    if chat.mode != Mode.BOT:
        _tell(session, desk, chat, say("telegram_link_later"))
        return True
    conversations.give_address(session, desk.vault, chat, found)
    number = appeals.of_conversation(session, found.id)[-1].number
    _tell(session, desk, found, say("telegram_linked", number=number))
    return True


def _tell(session: Session, desk: Desk, conversation: Conversation, words: str) -> None:
    conversations.append(session, desk.vault, conversation, Author.SYSTEM, words, meta={"kind": "notice"})
