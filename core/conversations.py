"""Conversations and their messages. This module is the only writer of either.

Every writing function runs inside ``Database.write`` and begins with ``lock``, so that ``seq`` has no gaps and owner, epoch and messages
change together.
"""

import json
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, delete, insert, select
from sqlalchemy.orm import Session, make_transient_to_detached

from core import deliveries
from core.database import hint
from core.errors import not_found
from core.events import QUEUE
from core.ids import new_id, new_token, token_hash
from core.models import LAST_SEQ, Attachment, Author, Conversation, Draft, Message, Mode, Note, Operator, now
from core.personal_data import Expected, Vault

PUSHED = "message"  # the kind of a delivery that is a message of the conversation

_HELD = "conversation"  # of a session: the one that its transaction has locked
# What every turn asks. The statements are made once: to put them together took longer than to run them.
_BY_ID = select(Conversation).where(Conversation.id == bindparam("id"))
_LOCKED = _BY_ID.with_for_update().execution_options(populate_existing=True)
_DRAFT = select(Draft).where(Draft.conversation_id == bindparam("id")).execution_options(populate_existing=True)
_TOKEN_HASH = select(Conversation.token_hash).where(Conversation.id == bindparam("id"))
_AFTER = (
    select(Message)
    .where(Message.conversation_id == bindparam("id"), Message.seq > bindparam("after"))
    .order_by(Message.seq)
    .limit(bindparam("most"))
)
_OPEN_QUESTION = (
    select(Message)
    .where(
        Message.conversation_id == bindparam("id"),
        Message.author != Author.CITIZEN,
        ~((Message.author == Author.SYSTEM) & Message.expects.is_(None)),
    )
    .order_by(Message.seq.desc())
    .limit(1)
)
_MESSAGES: Table = Message.__table__  # type: ignore[assignment]
_PUT = insert(_MESSAGES)
_BY_EXTERNAL_ID = select(Message).where(Message.channel == bindparam("channel"), Message.external_id == bindparam("external_id"))


def start(session: Session, vault: Vault, channel: str) -> tuple[Conversation, str]:
    """A new conversation with the bot, and the bearer token that opens it (stored only as a hash)."""
    token = new_token()
    return _begin(session, vault, Conversation(channel=channel, token_hash=token_hash(token))), token


def start_by_letter(session: Session, vault: Vault, channel: str) -> Conversation:
    """A new conversation that nobody opens or fetches: its answers go by letter."""
    return _begin(session, vault, Conversation(channel=channel))


def start_for_address(session: Session, vault: Vault, channel: str, address: str) -> Conversation:
    """A new conversation whose messages are pushed to ``address``; no bearer token opens it."""
    conversation = _begin(session, vault, Conversation(channel=channel, address_hash=_address_hash(vault, channel, address)))
    conversation.push_token = vault.put(session, conversation, "text", address)  # a kind that operators never see as a field
    return conversation


def start_for_files(session: Session, vault: Vault, channel: str, holder: Conversation, token: str | None = None) -> Conversation:
    """A new conversation with the id and key of ``holder``: its first files were sealed with them. ``token`` opens it, if there is one."""
    hashed = token_hash(token) if token else None
    return _begin(session, vault, Conversation(id=holder.id, channel=channel, data_key=holder.data_key, token_hash=hashed))


def _begin(session: Session, vault: Vault, conversation: Conversation) -> Conversation:
    session.add(conversation)
    session.flush()
    if conversation.data_key is None:
        vault.new_key(conversation)
    return conversation


def find_by_address(session: Session, vault: Vault, channel: str, address: str) -> Conversation | None:
    """The conversation of that address, locked. One that is closed lets go of the address: what comes next begins anew."""
    hashed = _address_hash(vault, channel, address)
    found = session.scalar(
        select(Conversation).where(Conversation.address_hash == hashed).with_for_update().execution_options(populate_existing=True)
    )
    if found is not None and found.mode == Mode.CLOSED:
        found.address_hash = None
        session.flush()
        return None
    return found


def find_by_token(session: Session, token: str) -> Conversation | None:
    """The conversation that a bearer token opens, locked."""
    wanted = select(Conversation).where(Conversation.token_hash == token_hash(token))
    return session.scalar(wanted.with_for_update().execution_options(populate_existing=True))


def give_address(session: Session, vault: Vault, giver: Conversation, taker: Conversation) -> None:
    """What is written from the address of ``giver`` belongs to ``taker`` from now on, whose messages are pushed there. Both are locked.

    What ``giver`` has to say still goes there. The token of ``taker`` opens nothing any more.
    """
    address = vault.values(session, giver, [giver.push_token or ""])[giver.push_token or ""]
    taker.channel, taker.push_token, taker.token_hash = giver.channel, vault.put(session, taker, "text", address), None
    hashed, giver.address_hash = giver.address_hash, None
    session.flush()  # before another has it: the address is unique
    taker.address_hash = hashed
    session.flush()


def _address_hash(vault: Vault, channel: str, address: str) -> bytes:
    return vault.keyed_hash(f"{channel}:{address}")


def lock(session: Session, conversation_id: uuid.UUID) -> Conversation:
    """The conversation, held against other writers until the transaction ends. Problem 404 if there is none."""
    conversation = session.scalar(_LOCKED, {"id": conversation_id})
    if conversation is None:
        raise not_found("conversation_not_found")
    session.info[_HELD] = conversation  # a session forgets what nobody refers to, and would ask for it again
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
    expected: Expected | None = None,
) -> Message:
    """Stores a message under the next ``seq``. ``conversation`` is locked. What a person wrote is tokenised first.

    ``expected``: the personal part of the text, as the answer to what was asked.
    """
    if author in (Author.CITIZEN, Author.OPERATOR):
        text = vault.tokenise(session, conversation, text, expected, indexed=author == Author.CITIZEN)
    conversation.last_seq += 1
    message = _put(
        session,
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
    for attachment in attachments or []:
        attachment.message_id = message.id
    if conversation.push_token and author != Author.CITIZEN:
        deliveries.put(
            session,
            conversation,
            channel=conversation.channel,
            kind=PUSHED,
            subject_id=message.id,
            address_token=conversation.push_token,
            name=lambda delivery_id: f"<{delivery_id}@{conversation.channel}>",
        )
    hint(session, str(conversation.id))
    return message


def _put(session: Session, **columns: Any) -> Message:
    """A stored message. Stored past the mapper, which takes four times as long for it, and known to it as one that was read."""
    columns |= {"id": new_id(), "created_at": now()}
    session.execute(_PUT, columns)
    message = Message(**columns)
    make_transient_to_detached(message)
    session.add(message)
    return message


def change_mode(session: Session, conversation: Conversation, mode: Mode, operator: Operator | None = None) -> None:
    """Gives a locked conversation another owner. A turn begun under the old one can no longer show or do anything."""
    conversation.mode = mode
    conversation.operator_id = operator.id if operator else None
    conversation.epoch += 1
    if mode == Mode.BOT:
        begin_episode(conversation)
    else:
        drop_draft(session, conversation)
    hint(session, str(conversation.id))
    hint(session, QUEUE)


def keep_draft(session: Session, vault: Vault, conversation: Conversation, slots: dict[str, Any]) -> None:
    """Keeps the appeal form that is under way, as the dialogue engine's slots. ``conversation`` is locked."""
    sealed = vault.seal(conversation, json.dumps(slots, ensure_ascii=False))
    session.merge(Draft(conversation_id=conversation.id, slots_sealed=sealed, updated_at=now()))


def drop_draft(session: Session, conversation: Conversation) -> None:
    session.execute(delete(Draft).where(Draft.conversation_id == conversation.id))


def drop_old_draft(session: Session, conversation: Conversation, before: datetime) -> bool:
    """Whether a form was left alone since ``before``: it is over then, and the engine begins afresh. ``conversation`` is locked."""
    draft = session.scalar(_DRAFT, {"id": conversation.id})
    if draft is None or draft.updated_at >= before:
        return False
    session.delete(draft)
    begin_episode(conversation)
    return True


def begin_episode(conversation: Conversation) -> None:
    """From the next turn on the dialogue engine sees a fresh sender."""
    conversation.episode += 1
    conversation.episode_turns = 0


def find(session: Session, conversation_id: uuid.UUID) -> Conversation:
    """Problem 404 if there is none."""
    held: Conversation | None = session.info.get(_HELD)
    conversation = held if held and held.id == conversation_id else session.scalar(_BY_ID, {"id": conversation_id})
    if conversation is None:
        raise not_found("conversation_not_found")
    return conversation


def token_hash_of(session: Session, conversation_id: uuid.UUID) -> bytes | None:
    """The hash of the bearer token that opens the conversation, None where none does. Problem 404 if there is no conversation."""
    found = session.execute(_TOKEN_HASH, {"id": conversation_id}).first()
    if found is None:
        raise not_found("conversation_not_found")
    return found[0]


def messages_after(session: Session, conversation_id: uuid.UUID, after: int, limit: int) -> list[Message]:
    """Messages with a ``seq`` above ``after``, oldest first."""
    return list(session.scalars(_AFTER, {"id": conversation_id, "after": min(after, LAST_SEQ), "most": limit}))


def first_message(session: Session, conversation_id: uuid.UUID, author: Author) -> Message:
    """The first one that is ``author``'s; there is one."""
    theirs = select(Message).where(Message.conversation_id == conversation_id, Message.author == author)
    return session.scalars(theirs.order_by(Message.seq).limit(1)).one()


def asked(session: Session, conversation: Conversation) -> str | None:
    """What the desk asked for last: the newest message that is not the citizen's expects it. A notice in between changes nothing."""
    question = open_question(session, conversation)
    return question.expects if question else None


def open_question(session: Session, conversation: Conversation) -> Message | None:
    """The newest message of the desk, notices left out."""
    return session.scalar(_OPEN_QUESTION, {"id": conversation.id})


def find_by_external_id(session: Session, channel: str, external_id: str) -> Message | None:
    """The message already stored under the sender's own id of it."""
    return session.scalar(_BY_EXTERNAL_ID, {"channel": channel, "external_id": external_id})


def find_button(session: Session, conversation_id: uuid.UUID, payload: str) -> dict[str, Any] | None:
    """The button (title, command) that was offered under the opaque ``payload`` "<message id>.<index>", and its message (id, seq)."""
    message_id, _, index = payload.partition(".")
    try:
        message = session.get(Message, uuid.UUID(message_id))
        number = int(index)
    except ValueError:
        return None
    if message is None or message.conversation_id != conversation_id or not 0 <= number < len(message.buttons):
        return None
    return {**message.buttons[number], "message_id": message.id, "seq": message.seq}


def add_note(session: Session, vault: Vault, conversation: Conversation, operator: Operator, text: str, external_id: str) -> Note:
    """An internal note; the same ``external_id`` again returns the same note. ``conversation`` is locked."""
    stored = session.scalar(select(Note).where(Note.conversation_id == conversation.id, Note.external_id == external_id))
    if stored is not None:
        return stored
    sealed = vault.seal(conversation, vault.tokenise(session, conversation, text, indexed=False))
    note = Note(conversation_id=conversation.id, operator_id=operator.id, text_sealed=sealed, external_id=external_id)
    session.add(note)
    session.flush()
    hint(session, str(conversation.id))
    return note
