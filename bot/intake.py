"""A citizen's message on its way in: checked, made free of personal data, stored with its turn; only then is it acknowledged."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import claims
from core import conversations
from core.desk import Desk
from core.errors import conflict, invalid
from core.ids import digest
from core.inbound import check_text, unsent_attachments
from core.models import UNDER_WAY, UNSTORABLE, Author, Conversation, Message, Mode, Turn
from core.personal_data import TOKEN
from core.words import say
from handoff import appeal_form, appeal_states, appeals, data_requests, letters, queue
from handoff.fields import FieldFault, expected_answer, parse_email

_ID_CHARACTERS = 100


@dataclass(frozen=True)
class Inbound:
    """A message as a channel hands it over. ``external_id`` is the sender's own id of it, ``payload`` a pressed button's."""

    external_id: str
    text: str
    payload: str | None = None
    attachment_ids: list[uuid.UUID] = field(default_factory=list)


def accept(session: Session, desk: Desk, conversation_id: uuid.UUID, inbound: Inbound, at: datetime) -> Message:
    """Stores ``inbound`` once and begins its turn; the same one again returns what was stored. Problem 404, 409 or 422."""
    conversation = conversations.lock(session, conversation_id)
    if not 1 <= len(inbound.external_id) <= _ID_CHARACTERS or UNSTORABLE.search(inbound.external_id):
        raise invalid("client_message_id", "client_message_id_wrong")
    external_id = digest(f"{conversation_id}:{inbound.external_id}")
    stored = conversations.find_by_external_id(session, conversation.channel, external_id)
    if stored is not None:
        return stored
    if conversation.mode == Mode.CLOSED:
        raise conflict("conversation_closed")
    button = None
    if inbound.payload is not None:
        button = conversations.find_button(session, conversation_id, inbound.payload)
        if button is None:
            raise invalid("payload", "payload_unknown")
    attachments = unsent_attachments(session, desk, conversation, inbound.attachment_ids)
    text = button["title"] if button else check_text(desk, inbound.text, has_attachment=bool(attachments))
    question = conversations.open_question(session, conversation)
    message = conversations.append(
        session,
        desk.vault,
        conversation,
        Author.CITIZEN,
        text,
        attachments=attachments,
        external_id=external_id,
        expected=None if button else expected_answer(question.expects if question else None, text),
        meta={"about": button["seq"]} if button else None,
    )
    asked_just_now = question if question and question.seq == message.seq - 1 else None
    if button is None:
        button = data_requests.typed_answer(asked_just_now, text)
    if button is None and conversation.mode == Mode.BOT:
        button = queue.typed_rating(asked_just_now, text)
    command = button["command"] if button else None if text.strip() else WORDLESS
    if button and conversation.mode == Mode.BOT and _is_stale(session, conversation, button):
        conversations.append(session, desk.vault, conversation, Author.SYSTEM, say("button_stale"), meta={"kind": "notice"})
    elif button and str(command).startswith(_DEEDS):
        _press(session, desk, conversation, button, message, at)
    elif button is None and _is_reply(session, conversation, question, text):
        appeal_states.hear(session, desk, conversation, at)
        queue.hand_over(session, desk, conversation, queue.REPLIED, at, in_reply_to=message.seq)
    elif conversation.mode == Mode.BOT:
        claims.put(session, conversation, message, command)
    elif wish := data_requests.recognise(text) if button is None else _wish_of(session, button):
        data_requests.ask(session, desk, conversation, wish, message.seq)
    else:
        if button is None and (news := appeal_states.hear(session, desk, conversation, at)):
            conversations.append(session, desk.vault, conversation, Author.SYSTEM, news, meta={"kind": "notice"})
        _note_email(session, desk, conversation, message)
    return message


def _is_reply(session: Session, conversation: Conversation, question: Message | None, text: str) -> bool:
    """Whether a citizen who is with the bot writes what people wait for: they do, and the bot has no question of its own open."""
    is_for_bot = question is not None and question.author == Author.BOT and question.expects is not None
    if conversation.mode != Mode.BOT or is_for_bot or data_requests.recognise(text):
        return False
    return appeal_states.are_awaited(session, conversation)


def _wish_of(session: Session, button: dict[str, Any]) -> str | None:
    """What a yes means to a question about the citizen's data that the bot asked before people took over: it is asked anew."""
    return session.get_one(Message, button["message_id"]).meta.get("wish") if button["command"] == _YES else None


def _is_stale(session: Session, conversation: Conversation, button: dict[str, Any]) -> bool:
    """Whether a button that answers one message's question is pressed when another message's is open, or is pressed twice."""
    if not str(button["command"]).startswith(_ANSWERS):
        return False
    pressed = session.get_one(Message, button["message_id"])
    if pressed.expects is None:
        return False
    question = conversations.open_question(session, conversation)
    pressed_before = select(Turn.id).where(
        Turn.conversation_id == conversation.id,
        Turn.seq > pressed.seq,
        Turn.command.is_not(None),
        Turn.state.in_(UNDER_WAY),
    )
    return question is None or question.id != pressed.id or session.scalar(pressed_before.limit(1)) is not None


def _press(session: Session, desk: Desk, conversation: Conversation, button: dict[str, object], message: Message, at: datetime) -> None:
    """What the gateway itself does at once when a button is pressed, with the dialogue engine up or down."""
    command = str(button["command"])
    if command == queue.HAND_OVER:
        queue.hand_over(session, desk, conversation, "citizen_asked", at, in_reply_to=message.seq)
    elif command == queue.LEAVE_QUEUE:
        if conversation.mode == Mode.QUEUED:
            queue.leave(session, desk, conversation, at)
        elif conversation.mode == Mode.BOT:
            conversations.append(session, desk.vault, conversation, Author.SYSTEM, say("with_bot_already"), meta={"kind": "notice"})
    elif command.startswith(data_requests.COMMAND):
        data_requests.press(session, desk, conversation, button, message.seq, at)
    else:
        queue.rate(session, desk, conversation, button)


_YES = "/affirm"
_ANSWERS = (_YES, "/deny", "/inform")
WORDLESS = "/inform"  # what files without a word mean to the engine
_DEEDS = (queue.HAND_OVER, queue.LEAVE_QUEUE, queue.RATE, data_requests.COMMAND)


def _note_email(session: Session, desk: Desk, conversation: Conversation, message: Message) -> None:
    """A citizen who waits was asked for an address (the handoff message expects it): it gets the receipt. The last one counts."""
    if conversation.mode != Mode.QUEUED:
        return
    text = desk.vault.open(conversation, message.text_sealed)
    found = next((token for token in TOKEN.finditer(text) if token[1] == "email"), None)
    if found is None:
        return
    try:
        address = parse_email(desk.vault.values(session, conversation, [found[0]])[found[0]], desk.settings)
    except FieldFault as fault:
        conversations.append(session, desk.vault, conversation, Author.SYSTEM, fault.words, expects="email", meta={"kind": "notice"})
        return
    if conversation.email_token is None:  # it was asked for in words that say what the consent is to
        appeal_form.record_consent(session, desk, message)
    token = desk.vault.put(session, conversation, "email", address)
    if token == conversation.email_token:
        return
    conversation.email_token = token
    appeal = appeals.newest_open(session, conversation.id)
    if appeal:
        letters.put_receipt(session, desk, conversation, appeal)
    conversations.append(session, desk.vault, conversation, Author.SYSTEM, say("email_noted"), meta={"kind": "notice"})
