"""Conversations and their messages. This module is the only writer of either.

Every writing function runs inside ``Database.write`` and begins with ``lock``, so that ``seq`` has no gaps and owner, epoch and messages
change together.
"""

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.database import hint
from core.errors import not_found
from core.events import QUEUE
from core.ids import new_token, token_hash
from core.models import Attachment, Author, Conversation, Message, Mode, Note, Operator
from core.personal_data import Vault

_LARGEST_SEQ = 2**31 - 1  # of a PostgreSQL integer


def start(session: Session, vault: Vault, channel: str) -> tuple[Conversation, str]:
    """A new conversation with the bot, and the bearer token that opens it (stored only as a hash)."""
    token = new_token()
    conversation = Conversation(channel=channel, token_hash=token_hash(token))
    session.add(conversation)
    session.flush()
    vault.new_key(conversation)
    return conversation, token


def lock(session: Session, conversation_id: uuid.UUID) -> Conversation:
    """The conversation, held against other writers until the transaction ends. Problem 404 if there is none."""
    conversation = session.scalar(
        select(Conversation).where(Conversation.id == conversation_id).with_for_update().execution_options(populate_existing=True)
    )
    if conversation is None:
        raise not_found("conversation_not_found")
    return conversation


def append(
    session: Session,
    vault: Vault,
    conversation: Conversation,
    author: Author,
    text: str,
    *,
    operator: Operator | None = None,
    buttons: list[dict[str, Any]] | None = None,
    attachments: list[Attachment] | None = None,
    in_reply_to: int | None = None,
    expects: str | None = None,
    meta: dict[str, Any] | None = None,
    external_id: str | None = None,
) -> Message:
    """Stores a message under the next ``seq``. ``conversation`` is locked. What a person wrote is tokenised first."""
    if author in (Author.CITIZEN, Author.OPERATOR):
        text = vault.tokenise(session, conversation, text)
    conversation.last_seq += 1
    message = Message(
        conversation_id=conversation.id,
        seq=conversation.last_seq,
        author=author,
        operator_id=operator.id if operator else None,
        text_sealed=vault.seal(conversation, text),
        buttons=buttons or [],
        in_reply_to=in_reply_to,
        expects=expects,
        meta=meta or {},
        channel=conversation.channel,
        external_id=external_id,
    )
    session.add(message)
    session.flush()
    for attachment in attachments or []:
        attachment.message_id = message.id
    hint(session, str(conversation.id))
    return message


def change_mode(session: Session, conversation: Conversation, mode: Mode, operator: Operator | None = None) -> None:
    """Gives a locked conversation another owner. A turn begun under the old one can no longer show or do anything."""
    conversation.mode = mode
    conversation.operator_id = operator.id if operator else None
    conversation.epoch += 1
    if mode == Mode.BOT:
        begin_episode(conversation)
    hint(session, str(conversation.id))
    hint(session, QUEUE)


def begin_episode(conversation: Conversation) -> None:
    """From the next turn on the dialogue engine sees a fresh sender."""
    conversation.episode += 1
    conversation.episode_turns = 0


def find(session: Session, conversation_id: uuid.UUID) -> Conversation:
    """Problem 404 if there is none."""
    conversation = session.get(Conversation, conversation_id)
    if conversation is None:
        raise not_found("conversation_not_found")
    return conversation


def messages_after(session: Session, conversation_id: uuid.UUID, after: int, limit: int) -> list[Message]:
    """Messages with a ``seq`` above ``after``, oldest first."""
    return list(
        session.scalars(
            select(Message)
            .where(Message.conversation_id == conversation_id, Message.seq > min(after, _LARGEST_SEQ))
            .order_by(Message.seq)
            .limit(limit)
        )
    )


def find_by_external_id(session: Session, channel: str, external_id: str) -> Message | None:
    """The message already stored under the sender's own id of it."""
    return session.scalar(select(Message).where(Message.channel == channel, Message.external_id == external_id))


def find_button(session: Session, conversation_id: uuid.UUID, payload: str) -> dict[str, Any] | None:
    """The button (title, command) that this conversation was offered under the opaque ``payload`` "<message id>.<index>"."""
    message_id, _, index = payload.partition(".")
    try:
        message = session.get(Message, uuid.UUID(message_id))
        number = int(index)
    except ValueError:
        return None
    if message is None or message.conversation_id != conversation_id or not 0 <= number < len(message.buttons):
        return None
    return {**message.buttons[number], "message_id": message.id}


def add_note(session: Session, vault: Vault, conversation: Conversation, operator: Operator, text: str, external_id: str) -> Note:
    """An internal note; the same ``external_id`` again returns the same note. ``conversation`` is locked."""
    stored = session.scalar(select(Note).where(Note.conversation_id == conversation.id, Note.external_id == external_id))
    if stored is not None:
        return stored
    sealed = vault.seal(conversation, vault.tokenise(session, conversation, text))
    note = Note(conversation_id=conversation.id, operator_id=operator.id, text_sealed=sealed, external_id=external_id)
    session.add(note)
    session.flush()
    hint(session, str(conversation.id))
    return note
