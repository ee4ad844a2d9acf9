"""The first message of a conversation. The gateway says it itself: it is there at once, with the dialogue engine up or down."""

from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.models import Author, Conversation, Message
from core.words import say
from handoff import queue

# Titles are in messages.ru.yml under these keys; commands are what the engine or the gateway understands.
_BUTTONS = {
    "greeting_login": '/ask_question{"article": "login-forgot-password"}',
    "greeting_appeal": "/file_appeal",
    "greeting_status": "/check_appeal_status",
    "call_operator_button": queue.HAND_OVER,
}


def greet(session: Session, desk: Desk, conversation: Conversation) -> Message:
    return conversations.append(
        session,
        desk.vault,
        conversation,
        Author.BOT,
        say("greeting", service=desk.settings.service_name),
        buttons=[{"title": say(title), "command": command} for title, command in _BUTTONS.items()],
        meta={"kind": "greeting"},
    )
