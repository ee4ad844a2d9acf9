"""What anybody sends, checked before it is stored: its text and its files."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.desk import Desk
from core.errors import invalid
from core.facts import size_words
from core.models import UNSTORABLE, Attachment, Conversation, Scan


def check_text(desk: Desk, text: str, *, has_attachment: bool) -> str:
    """``text`` if it may be stored; it is empty only with an attachment. Problem 422."""
    limit = desk.settings.message_characters
    if len(text) > limit:
        raise invalid("text", "message_too_long", limit=limit)
    if UNSTORABLE.search(text):
        raise invalid("text", "message_characters")
    if not has_attachment and not any(character.isprintable() and not character.isspace() for character in text):
        raise invalid("text", "message_empty")
    return text


def unsent_attachments(
    session: Session, desk: Desk, conversation: Conversation, ids: list[uuid.UUID], operator_id: uuid.UUID | None = None
) -> list[Attachment]:
    """The files uploaded before by the same person, in the order named. Problem 422 for another's, a sent one, or too many."""
    if not ids:
        return []
    settings = desk.settings
    if len(ids) > settings.message_attachments:
        raise invalid("attachment_ids", "too_many_attachments", limit=settings.message_attachments)
    found = {row.id: row for row in session.scalars(select(Attachment).where(Attachment.id.in_(ids)))}
    attachments = []
    for attachment_id in dict.fromkeys(ids):
        attachment = found.get(attachment_id)
        if (
            attachment is None
            or attachment.conversation_id != conversation.id
            or attachment.message_id is not None
            or attachment.operator_id != operator_id
        ):
            raise invalid("attachment_ids", "attachment_unknown")
        if attachment.scan == Scan.REFUSED:  # since it was uploaded
            raise invalid("attachment_ids", "attachment_refused")
        attachments.append(attachment)
    if sum(attachment.size for attachment in attachments) > settings.max_message_bytes:
        raise invalid("attachment_ids", "attachments_too_large", limit=size_words(settings.max_message_bytes))
    return attachments
