"""From a delivery to a letter. Here, and only here for letters, tokens become what the citizen wrote."""

import uuid
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import consents
from core.deliveries import Undeliverable
from core.desk import Desk
from core.files import parts_of
from core.models import Appeal, Attachment, Conversation, Delivery, IncomingLetter, Message
from core.personal_data import resolve
from core.transcript import file_name
from core.words import say
from core.working_time import in_words
from handoff import appeals
from handoff.appeal_numbers import format_number
from handoff.appeals import KIND_WORDS
from handoff.fields import ReplyChannel
from handoff.letters import (
    ANSWER,
    ERASURE,
    FORM,
    MISSING,
    NOTICES,
    RECEIPT,
    RETURNED,
    TELEGRAM_CODE,
    UNSAFE_FILE,
    newest_appeal,
    status_url,
)
from handoff.letters.receipts import receipt_address, withdrawn_numbers
from handoff.mailbox import incoming
from handoff.mailbox.sender_fields import WORDS

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=False,  # noqa: S701 - plain text, not HTML
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(session: Session, desk: Desk, delivery: Delivery) -> EmailMessage:
    """The letter, the same at every attempt. Undeliverable if the data is erased or the address cannot be one."""
    conversation = session.get_one(Conversation, delivery.conversation_id)
    settings = desk.settings
    letter = EmailMessage(policy=SMTP)
    letter["From"] = _address(settings.official_email, settings.service_name)
    if delivery.kind == ERASURE:
        values: dict[str, str] = {}
        recipient = receipt_address(session, desk, delivery)
    elif conversation.data_key is None:
        raise Undeliverable("erased")
    elif consents.withdrawn_at(session, conversation.id):
        raise Undeliverable("withdrawn")  # while it was under way: what was queued is cancelled
    else:
        values = desk.vault.values(session, conversation)
        recipient = values.get(delivery.address_token)
    letter["To"] = _address(recipient or "")
    letter["Reply-To"] = _address(settings.official_email)
    letter["Date"] = delivery.created_at
    letter["Message-ID"] = delivery.message_id
    # The citizen's program shows the letter under the one that it answers; ours of before are named for what it has kept of them.
    answered = incoming.last_message_id(session, desk, conversation.id, delivery.created_at)
    thread = [message_id for message_id in (delivery.in_reply_to, answered) if message_id]
    if thread:
        letter["In-Reply-To"] = thread[-1]
        letter["References"] = " ".join(thread)
    attached: list[Attachment] = []
    if delivery.kind == RECEIPT:
        letter["Auto-Submitted"] = "auto-replied"
        subject, text = _receipt(session, desk, conversation, delivery.subject_id, values)
    elif delivery.kind == ERASURE:
        letter["Auto-Submitted"] = "auto-replied"
        subject, text = _erasure(session, desk, conversation.id)
    elif delivery.kind in (RETURNED, MISSING, UNSAFE_FILE):
        letter["Auto-Submitted"] = "auto-replied"
        subject, text = _reply(session, desk, conversation, delivery)
    elif delivery.kind in NOTICES:
        letter["Auto-Submitted"] = "auto-generated"
        subject, text = _notice(session, desk, conversation, delivery, values)
    elif delivery.kind == ANSWER:
        attached = list(session.scalars(select(Attachment).where(Attachment.message_id == delivery.subject_id).order_by(Attachment.id)))
        subject, text = _answer(session, desk, conversation, delivery.subject_id, values, len(attached))
    else:
        raise Undeliverable("unknown_kind")
    letter["Subject"] = subject
    letter.set_content(text, cte="base64")  # lines of any length through servers of any age
    for attachment in attached:
        maintype, _, subtype = attachment.content_type.partition("/")
        content = b"".join(parts_of(desk, conversation, attachment.id))  # a letter is built whole; its files are bounded by the settings
        name = file_name(session, desk, conversation, attachment)
        letter.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)
    return letter


def _telegram_url(desk: Desk, code: str | None) -> str | None:
    """Where the bot's chat becomes the appeal's."""
    settings = desk.settings
    return f"https://t.me/{settings.telegram_bot_name}?start={code}" if code and settings.has_telegram_link else None


def _receipt(session: Session, desk: Desk, conversation: Conversation, appeal_id: uuid.UUID, values: dict[str, str]) -> tuple[str, str]:
    appeal = session.get_one(Appeal, appeal_id)
    fields = appeals.fields_of(desk.vault, conversation, appeal)
    return _fill(
        "receipt.txt",
        settings=desk.settings,
        number=appeal.number,
        kind=fields.get("category") or say(KIND_WORDS[appeal.kind]),
        by_phone=fields.get("reply_channel") == ReplyChannel.PHONE,
        by_form=conversation.channel == FORM,
        telegram_url=_telegram_url(desk, values.get(fields.get(TELEGRAM_CODE, ""))),
        due=in_words(appeal.due_at),
        status_url=status_url(desk, appeal),
        access_code=desk.vault.open(conversation, appeal.access_code_sealed),
    )


def _answer(
    session: Session, desk: Desk, conversation: Conversation, message_id: uuid.UUID, values: dict[str, str], attached: int
) -> tuple[str, str]:
    message = session.get_one(Message, message_id)
    appeal = newest_appeal(session, conversation)
    return _fill(
        "answer.txt",
        settings=desk.settings,
        number=appeal.number if appeal else None,
        text=resolve(desk.vault.open(conversation, message.text_sealed), values, masked=False).strip(),
        attached=attached,
        chat_url=f"{desk.settings.public_url.rstrip('/')}/",
    )


def _notice(session: Session, desk: Desk, conversation: Conversation, delivery: Delivery, values: dict[str, str]) -> tuple[str, str]:
    message = session.get_one(Message, delivery.subject_id)
    appeal = newest_appeal(session, conversation)
    return _fill(
        "notice.txt",
        settings=desk.settings,
        kind=delivery.kind,
        number=appeal.number if appeal else None,
        status_url=status_url(desk, appeal) if appeal else None,
        text=resolve(desk.vault.open(conversation, message.text_sealed), values, masked=False).strip(),
    )


def _reply(session: Session, desk: Desk, conversation: Conversation, delivery: Delivery) -> tuple[str, str]:
    """To a letter that came: what to correct, what is missing, which files were left out."""
    findings = incoming.findings_of(desk, session.get_one(IncomingLetter, delivery.subject_id))
    appeal = newest_appeal(session, conversation)
    return _fill(
        f"{delivery.kind}.txt",
        settings=desk.settings,
        number=appeal.number if appeal else None,
        faults=[say(fault) for fault in findings["faults"]],
        missing=[say(WORDS[name]) for name in findings["missing"]],
        refused=findings["refused"],
        example=format_number(desk.settings.appeal_prefix, delivery.created_at.year, 417),
    )


def _erasure(session: Session, desk: Desk, conversation_id: uuid.UUID) -> tuple[str, str]:
    return _fill(
        "erasure.txt",
        settings=desk.settings,
        numbers=", ".join(withdrawn_numbers(session, conversation_id)),
        chat_url=f"{desk.settings.public_url.rstrip('/')}/",
    )


def _fill(template: str, **facts: Any) -> tuple[str, str]:
    """Subject and text: a template's first line, and what follows the empty line after it."""
    subject, _, text = _TEMPLATES.get_template(template).render(facts).partition("\n\n")
    return subject, text.strip() + "\n"


def _address(written: str, name: str = "") -> Address:
    """An address with its domain in ASCII. Undeliverable for one whose name is not, or that is none."""
    local, _, domain = written.strip().rpartition("@")
    try:
        return Address(name, addr_spec=f"{local}@{domain.encode('idna').decode()}")
    except (ValueError, IndexError, MessageError):  # of the domain's encoding, and of the header registry
        raise Undeliverable("address") from None
