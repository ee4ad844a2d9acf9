"""Which ways what the desk says takes to its citizen: an operator's answer, a decision, a notice. Decided here and nowhere else.

Everything is said in the conversation, which a page shows; a messenger's is pushed. Whether a letter goes too depends on the way of reply
that the citizen prefers (a field of the appeal) and on whether they see it anyway:

| preferred | pushed, or the chat is open | neither |
|---|---|---|
| e-mail | letter | letter |
| phone, messenger, nothing said | no letter | letter |
"""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.desk import Desk
from core.models import Conversation
from core.words import say
from handoff import appeals, letters
from handoff.fields import ReplyChannel
from handoff.letters import overview

_WITHOUT_CHAT = (letters.CHANNEL, letters.FORM)


@dataclass(frozen=True)
class Ways:
    """``seen``: the citizen has the chat open. ``call``: they asked to be called. ``came_back``: the last letter did not arrive."""

    pushed: bool
    seen: bool
    letter: bool
    call: bool
    has_chat: bool
    came_back: bool

    @property
    def words(self) -> str:
        """For the operator who is about to answer."""
        match (self.letter, self.pushed, self.seen, self.has_chat):
            case (True, True, _, _):
                words = "reply_letter_and_messenger"
            case (True, _, True, _):
                words = "reply_letter_and_open_chat"
            case (True, _, _, True):
                words = "reply_letter_and_chat"
            case (True, _, _, _):
                words = "reply_letter"
            case (_, True, _, _):
                words = "reply_messenger"
            case (_, _, True, _):
                words = "reply_open_chat"
            case (_, _, _, True):
                words = "reply_chat_later"
            case _:
                words = "reply_nowhere"
        further = {"reply_came_back": self.letter and self.came_back, "reply_call": self.call}
        return " ".join([say(words), *(say(key) for key, is_so in further.items() if is_so)])


def ways(session: Session, desk: Desk, conversation: Conversation, *, is_here: bool = False) -> Ways:
    """``is_here``: whether the citizen has the chat open (core/presence.py); a notice need not know."""
    preferred = preferred_channel(session, desk, conversation)
    pushed = conversation.push_token is not None
    return Ways(
        pushed=pushed,
        seen=is_here and not pushed,
        letter=conversation.email_token is not None and (preferred == ReplyChannel.EMAIL or not (pushed or is_here)),
        call=preferred == ReplyChannel.PHONE,
        has_chat=conversation.channel not in _WITHOUT_CHAT,
        came_back=overview.last_came_back(session, conversation.id),
    )


def preferred_channel(session: Session, desk: Desk, conversation: Conversation) -> str | None:
    """How the citizen wants to be answered, where they said so."""
    appeal = letters.newest_appeal(session, conversation)
    return appeals.fields_of(desk.vault, conversation, appeal).get("reply_channel") if appeal else None
