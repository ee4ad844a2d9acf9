"""Messages as api.md shows them. Here, and only here for the API, tokens become what the citizen wrote."""

import json
import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from core import consents
from core.desk import Desk
from core.models import Appeal, Attachment, Author, Conversation, Message, Note, Operator
from core.personal_data import TOKEN, Vault, resolve
from core.words import say
from core.working_time import moscow_stamp

ERASED = "erased"  # the kind of the message that stays when everything else is gone
_NO_FIELDS = ("text", "code")  # kinds of tokens that tell nothing about the citizen
_NO_FIELDS_OF_APPEALS = ("files", "telegram_code")  # ids of attachments; a secret of the citizen's

_ATTACHED = select(Attachment).where(Attachment.message_id.in_(bindparam("ids", expanding=True))).order_by(Attachment.id)


def message_documents(
    session: Session, desk: Desk, conversation: Conversation, messages: Sequence[Message], *, for_operator: bool = False
) -> list[dict[str, Any]]:
    """Messages for their reader: the citizen sees their own data in full, an operator sees it masked."""
    if not messages:
        return []
    texts = [
        erased_words(message) if message.meta.get("kind") == ERASED else desk.vault.open(conversation, message.text_sealed)
        for message in messages
    ]
    names = operator_names(session, {message.operator_id for message in messages if message.operator_id})
    attached: dict[uuid.UUID | None, list[Attachment]] = defaultdict(list)
    if with_files := [message.id for message in messages if message.author != Author.BOT]:  # which has none to give
        for attachment in session.scalars(_ATTACHED, {"ids": with_files}):
            attached[attachment.message_id].append(attachment)
    names_of_files = {one.id: desk.vault.open(conversation, one.filename_sealed) for found in attached.values() for one in found}
    texts_of_pictures = _texts_of_pictures(session, desk, conversation, [one for found in attached.values() for one in found])
    codes = [str(message.meta["access_code"]) for message in messages if "access_code" in message.meta]
    values = desk.vault.values(session, conversation, [*texts, *names_of_files.values(), *codes])
    return [
        {
            "id": str(message.id),
            "seq": message.seq,
            "author": message.author,
            "author_name": _author_name(desk, message, names),
            "text": resolve(text, values, masked=for_operator),
            "buttons": [{"title": button["title"], "payload": f"{message.id}.{index}"} for index, button in enumerate(message.buttons)],
            "attachments": [
                _attachment_document(one, resolve(names_of_files[one.id], values, masked=for_operator))
                | ({"text": texts_of_pictures[one.id]} if for_operator else {})
                for one in attached[message.id]
            ],
            "in_reply_to": message.in_reply_to,
            "expects": message.expects,
            "meta": {
                name: resolve(value, values, masked=for_operator) if name == "access_code" else value
                for name, value in message.meta.items()
            },
            "created_at": moscow_stamp(message.created_at),
        }
        for message, text in zip(messages, texts, strict=True)
    ]


def text_of_picture(vault: Vault, conversation: Conversation, attachment: Attachment) -> str | None:
    """What was read of it, personal data masked; None where nothing was."""
    return vault.open(conversation, attachment.text_sealed) if attachment.text_sealed and conversation.data_key else None


def _texts_of_pictures(
    session: Session, desk: Desk, conversation: Conversation, attachments: list[Attachment]
) -> dict[uuid.UUID, str | None]:
    """For operators: of what they may open."""
    withdrawn_at = consents.withdrawn_at(session, conversation.id) if any(one.text_sealed for one in attachments) else None
    return {
        one.id: None if withdrawn_at and one.created_at <= withdrawn_at else text_of_picture(desk.vault, conversation, one)
        for one in attachments
    }


def message_document(
    session: Session, desk: Desk, conversation: Conversation, message: Message, *, for_operator: bool = False
) -> dict[str, Any]:
    return message_documents(session, desk, conversation, [message], for_operator=for_operator)[0]


def attachment_document(
    session: Session, desk: Desk, conversation: Conversation, attachment: Attachment, *, for_operator: bool = False
) -> dict[str, Any]:
    return _attachment_document(attachment, file_name(session, desk, conversation, attachment, for_operator=for_operator))


def file_name(session: Session, desk: Desk, conversation: Conversation, attachment: Attachment, *, for_operator: bool = False) -> str:
    """A file's name for its reader: people put their data into these too."""
    name = desk.vault.open(conversation, attachment.filename_sealed)
    return resolve(name, desk.vault.values(session, conversation, [name]), masked=for_operator)


def _attachment_document(attachment: Attachment, filename: str) -> dict[str, Any]:
    return {
        "id": str(attachment.id),
        "filename": filename,
        "content_type": attachment.content_type,
        "size": attachment.size,
        "scan": attachment.scan,
    }


def note_documents(session: Session, desk: Desk, conversation: Conversation) -> list[dict[str, Any]]:
    """The internal notes, oldest first, for operators only."""
    notes = list(session.scalars(select(Note).where(Note.conversation_id == conversation.id).order_by(Note.created_at, Note.id)))
    texts = [desk.vault.open(conversation, note.text_sealed) for note in notes]
    values = desk.vault.values(session, conversation, texts)
    names = operator_names(session, {note.operator_id for note in notes})
    return [
        {
            "id": str(note.id),
            "author_name": names[note.operator_id],
            "text": resolve(text, values, masked=True),
            "created_at": moscow_stamp(note.created_at),
        }
        for note, text in zip(notes, texts, strict=True)
    ]


def erased_words(message: Message) -> str:
    """What the message of that kind says: it holds no text of its own, as the conversation has no key any more."""
    words = [say("erased_expired" if message.meta.get("cause") == "expired" else "erased_asked")]
    if message.meta.get("appeal_numbers"):
        words.append(say("erased_appeals", numbers=", ".join(message.meta["appeal_numbers"])))
    return "\n".join(words)


def masked_fields(session: Session, desk: Desk, conversation: Conversation) -> dict[str, str]:
    """What the conversation holds of the citizen, masked: {"snils": "***-***-445 95", "email2": "a***@mail.ru"}."""
    values = desk.vault.values(session, conversation)
    return {name: resolve(text, values, masked=True) for name, text in citizen_fields(session, desk, conversation).items()}


def citizen_fields(session: Session, desk: Desk, conversation: Conversation) -> dict[str, str]:
    """Name → token, or a text of the newest appeal's fields; then what else was found in the conversation, by kind and number."""
    newest = select(Appeal.fields_sealed).where(Appeal.conversation_id == conversation.id, Appeal.fields_sealed.is_not(None))
    sealed = session.scalar(newest.order_by(Appeal.received_at.desc(), Appeal.ordinal.desc()).limit(1))
    named: dict[str, str] = {}
    if sealed is not None and conversation.data_key is not None:
        named = json.loads(desk.vault.open(conversation, sealed))
        for name in _NO_FIELDS_OF_APPEALS:
            named.pop(name, None)
    others = (found for token in desk.vault.values(session, conversation) if (found := TOKEN.fullmatch(token)))
    kept = set(named.values())
    return named | {f"{found[1]}{found[2]}": found[0] for found in others if found[1] not in _NO_FIELDS and found[0] not in kept}


def operator_names(session: Session, ids: set[uuid.UUID]) -> dict[uuid.UUID, str]:
    if not ids:
        return {}
    return {row.id: row.name for row in session.execute(select(Operator.id, Operator.name).where(Operator.id.in_(ids)))}


def _author_name(desk: Desk, message: Message, names: dict[uuid.UUID, str]) -> str:
    if message.author == Author.OPERATOR and message.operator_id:
        return names[message.operator_id]
    return "" if message.author == Author.CITIZEN else desk.settings.service_name
