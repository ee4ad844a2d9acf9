"""From a delivery to a letter: its headers, its two bodies, its files. What it says is contents.py's."""

from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from sqlalchemy.orm import Session

from core import consents
from core.deliveries import Undeliverable
from core.desk import Desk
from core.files import parts_of
from core.models import Attachment, Author, Conversation, Delivery, Message
from core.transcript import file_name
from handoff.letters import ANSWER, ERASURE, NOTICES
from handoff.letters.contents import attached_to, write
from handoff.letters.layouts import one_line
from handoff.letters.receipts import receipt_address
from handoff.letters.threads import references


def render(session: Session, desk: Desk, delivery: Delivery) -> EmailMessage:
    """The letter, the same at every attempt. Undeliverable if the data is erased or the address cannot be one."""
    conversation = session.get_one(Conversation, delivery.conversation_id)
    values, recipient = _known(session, desk, delivery, conversation)
    settings = desk.settings
    written = write(session, desk, delivery, conversation, values)
    letter = EmailMessage(policy=SMTP)
    letter["From"] = _address(settings.official_email, settings.service_name)
    letter["To"] = _address(recipient or "")
    letter["Reply-To"] = _address(settings.official_email)
    letter["Subject"] = written.subject
    letter["Date"] = delivery.created_at
    letter["Message-ID"] = delivery.message_id
    thread = references(session, desk, delivery)
    if thread:
        letter["In-Reply-To"] = thread[-1]
        letter["References"] = " ".join(thread)
    if kind := _automatic(session, delivery):
        letter["Auto-Submitted"] = kind
    # Lines of any length through servers of any age.
    letter.set_content(written.text, cte="base64")
    letter.add_alternative(written.html, subtype="html", cte="base64")
    if delivery.kind == ANSWER:
        _attach_files(session, desk, delivery, conversation, letter)
    for place, part in enumerate(letter.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{delivery.id.hex}_{place}")  # the library's are random; base64 has no such line
    return letter


def _known(session: Session, desk: Desk, delivery: Delivery, conversation: Conversation) -> tuple[dict[str, str], str | None]:
    """What tokens stand for, and where the letter goes."""
    if delivery.kind == ERASURE:
        return {}, receipt_address(session, desk, delivery)
    if conversation.data_key is None:
        raise Undeliverable("erased")
    if consents.withdrawn_at(session, conversation.id):
        raise Undeliverable("withdrawn")  # while it was under way: what was queued is cancelled
    values = desk.vault.values(session, conversation)
    return values, values.get(delivery.address_token)


def _automatic(session: Session, delivery: Delivery) -> str | None:
    """What RFC 3834 calls a letter that no person wrote: an answer to something, or sent of the desk's own accord."""
    if delivery.kind in NOTICES:
        return "auto-generated"
    if delivery.kind != ANSWER:
        return "auto-replied"
    return None if session.get_one(Message, delivery.subject_id).author == Author.OPERATOR else "auto-generated"


def _attach_files(session: Session, desk: Desk, delivery: Delivery, conversation: Conversation, letter: EmailMessage) -> None:
    for attachment in session.scalars(attached_to(delivery.subject_id).order_by(Attachment.id)):
        maintype, _, subtype = attachment.content_type.partition("/")
        content = b"".join(parts_of(desk, conversation, attachment.id))  # a letter is built whole; its files are bounded by the settings
        name = str(one_line(file_name(session, desk, conversation, attachment)))
        letter.add_attachment(content, maintype=maintype, subtype=subtype, filename=name)


def _address(written: str, name: str = "") -> Address:
    """An address with its domain in ASCII. Undeliverable for one whose name is not, or that is none."""
    local, _, domain = written.strip().rpartition("@")
    try:
        return Address(name, addr_spec=f"{local}@{domain.encode('idna').decode()}")
    except (ValueError, IndexError, MessageError):  # of the domain's encoding, and of the header registry
        raise Undeliverable("address") from None
