"""What a mail server says of a letter of ours that it could not deliver (RFC 3464), or says in its own words."""

import re
from dataclasses import dataclass
from email.message import Message

from handoff.mailbox.decoding import as_it_stands, decode_text
from handoff.mailbox.references import message_ids

_STATUS = re.compile(r"(?<![0-9.])([245])\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9.])")
_REPLY_CODE = re.compile(r"(?<![0-9])(5[0-9]{2})(?=[ \-])")


@dataclass(frozen=True)
class Bounce:
    """``about``: Message-IDs of what did not arrive, likeliest first. ``status``: RFC 3463, such as 5.1.1; empty if it is not told.

    ``is_final``: nothing more will be tried.
    """

    about: list[str]
    status: str
    is_final: bool


def read_bounce(message: Message, text: str) -> Bounce:
    """The report in ``message``, whose words are ``text``."""
    about: list[str] = []
    status, action = "", ""
    for part in message.walk():
        content_type = part.get_content_type()
        if content_type == "message/delivery-status":
            for block in part.get_payload() if part.is_multipart() else []:
                if isinstance(block, Message):
                    status = status or _status_of(str(block.get("status", "")))
                    action = action or str(block.get("action", "")).strip().lower()
        elif content_type == "text/rfc822-headers":
            about += _ids_of_headers(decode_text(as_it_stands(part)))
        elif part is not message and part.get("message-id"):
            about += message_ids(str(part["message-id"]))
    about += _ids_of_headers(text)
    for header in ("in-reply-to", "references"):
        about += message_ids(str(message.get(header, "")))
    if not status:
        code = _REPLY_CODE.search(text)
        status = _status_of(text) or (code[1] if code else "")
    is_final = action not in ("delayed", "delivered", "relayed", "expanded") and not status.startswith(("2", "4"))
    return Bounce(list(dict.fromkeys(about)), status, is_final)


def _status_of(text: str) -> str:
    found = _STATUS.search(text)
    return found[0] if found else ""


def _ids_of_headers(text: str) -> list[str]:
    found = re.search(r"^message-id:\s*(<[^<>\s]+>)", text, re.IGNORECASE | re.MULTILINE)
    return [found[1]] if found else []
