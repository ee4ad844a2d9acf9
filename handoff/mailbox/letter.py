"""A raw letter as what it holds: who writes, about what, in which words, with which files."""

import re
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from email.utils import collapse_rfc2231_value
from functools import cached_property
from typing import Any
from urllib.parse import unquote_to_bytes

from core.blind_index import normal_form
from core.settings import Settings
from handoff.mailbox import quotations, structure
from handoff.mailbox.automatic import Automatic, recognise
from handoff.mailbox.bounces import Bounce, read_bounce
from handoff.mailbox.decoding import as_it_stands, decode_header, decode_text
from handoff.mailbox.html_text import html_to_text
from handoff.mailbox.references import answered_ids, message_ids

# Parts that are no files of the sender's: signatures of programs, invitations, pictures of a few bytes inside a text.
_BESIDE = re.compile(
    r"^(?:application/(?:pgp-signature|(?:x-)?pkcs7-signature|ics)|text/calendar|message/(?:delivery-status|disposition).*)$"
)
_DECORATION_BYTES = 20_480
# What is read at most: a letter may be made so that each search in it takes for ever.
_TEXT_BYTES = 400_000
_TEXT_CHARACTERS = 200_000
_HEADER_CHARACTERS = 2_000
_ADDRESS = re.compile(r"<\s*([^<>\s]+@[^<>\s]+)\s*>")
_BARE_ADDRESS = re.compile(r"[^\s<>,;:\"'()]+@[^\s<>,;:\"'()]+")
_WORDS_OF_A_NAME = re.compile(r"^\s*(\d{0,4})([^']{0,40})'[^']{0,20}'(.*)$", re.DOTALL)


class _Part(Message):
    """Parameters by which the library stumbles (two ways of continuing one, no octets where some must stand) are as if not there."""

    def get_param(self, *args: Any, **named: Any) -> Any:
        try:
            return super().get_param(*args, **named)
        except (TypeError, ValueError, LookupError):
            return named.get("failobj", args[1] if len(args) > 1 else None)


class _AsItStands(Compat32):
    """Headers with the very bytes that stand there, for decoding.py."""

    message_factory = _Part

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002 - the library's signature
        return value


_POLICY = _AsItStands()


@dataclass(frozen=True)
class File:
    """A file of a letter, as it was sent. ``name`` is empty if it has none."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Letter:
    """``sender``: the address in normal form, None for one that is none. ``text``: all of the letter's words, its quotations too."""

    sender: str | None
    sender_name: str
    subject: str
    message_id: str | None
    answered_ids: list[str]
    text: str
    files: list[File]
    automatic: Automatic | None
    bounce: Bounce | None = None
    is_overbuilt: bool = False

    @cached_property
    def parts(self) -> quotations.Parts:
        """What the letter says itself, its signature, and what it quotes."""
        return quotations.split(self.text)


def read_letter(raw: bytes, settings: Settings) -> Letter:
    """Never refuses a letter for its form: of one that is overbuilt the headers are read."""
    try:
        structure.check(raw)
        message, is_overbuilt = BytesParser(policy=_POLICY).parsebytes(raw), False
    except structure.Overbuilt:
        message, is_overbuilt = BytesParser(policy=_POLICY).parsebytes(structure.head_of(raw), headersonly=True), True
    headers = _headers(message)
    sender_name, address = _sender(message)
    subject = " ".join(headers.get("subject", [])[:1])[:_HEADER_CHARACTERS]
    automatic = recognise(headers, (address or "").lower(), subject, settings.official_email.lower())
    texts, pages, files = ([], [], []) if is_overbuilt else _contents(message)
    text = ("\n\n".join(filter(str.strip, texts)) or "\n\n".join(filter(None, map(html_to_text, pages))))[:_TEXT_CHARACTERS]
    return Letter(
        sender=normal_form("email", address) if address else None,
        sender_name=sender_name,
        subject=subject,
        message_id=next(iter(message_ids(" ".join(headers.get("message-id", [])))), None),
        answered_ids=answered_ids(headers.get("in-reply-to", []), headers.get("references", [])),
        text=text,
        files=files,
        automatic=automatic,
        bounce=read_bounce(message, text) if automatic == Automatic.BOUNCE and not is_overbuilt else None,
        is_overbuilt=is_overbuilt,
    )


def read_sender(raw: bytes) -> str | None:
    """The sender alone, as ``read_letter`` finds it."""
    address = _sender(BytesParser(policy=_POLICY).parsebytes(structure.head_of(raw), headersonly=True))[1]
    return normal_form("email", address) if address else None


def _headers(message: Message) -> dict[str, list[str]]:
    """Names in lower case → decoded values, in the order in which they stand."""
    found: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        found.setdefault(name.lower(), []).append(decode_header(_raw(value)))
    return found


def _raw(value: object) -> bytes:
    return str(value).encode("utf-8", "surrogateescape")


def _sender(message: Message) -> tuple[str, str]:
    """Name and address of who wrote it; where «From» names nobody, of who sent it. Never «Reply-To»: an answer goes to whom it names.

    The address is taken before the name is decoded: one within a name is none.
    """
    for header in ("from", "sender"):
        for whole in message.get_all(header, []):
            value = whole[-_HEADER_CHARACTERS:]  # the address is at its end
            found = [*_ADDRESS.finditer(value)] or [*_BARE_ADDRESS.finditer(value)]
            if found:
                name = decode_header(_raw(value[: found[-1].start()]))
                return name.strip(" \t\"'"), decode_header(_raw(found[-1][found[-1].lastindex or 0]))
    return "", ""


def _contents(message: Message) -> tuple[list[str], list[str], list[File]]:
    """Plain texts, pages of HTML and files."""
    texts: list[str] = []
    pages: list[str] = []
    files: list[File] = []
    for part in _leaves(message):
        content_type = part.get_content_type()
        name = _file_name(part)
        disposition = str(part.get("content-disposition", "")).split(";")[0].strip().lower()
        if content_type.startswith("message/"):
            if not _BESIDE.match(content_type):
                files.append(File(name or "letter.eml", part.as_bytes(policy=_POLICY)))
            continue
        content = as_it_stands(part)
        if content_type.startswith("multipart/"):  # whose parts never begin: what stands there are its words
            content_type = "text/plain"
        if content_type in ("text/plain", "text/html") and disposition != "attachment" and not name:
            text = decode_text(content[:_TEXT_BYTES], _charset(part))
            (texts if content_type == "text/plain" else pages).append(_unflowed(text, part))
        elif content and not _BESIDE.match(content_type) and not _is_decoration(part, disposition, content):
            files.append(File(name, content))
    return texts, pages, files


def _leaves(message: Message) -> list[Message]:
    """The parts that hold something, in their order; a letter inside the letter is one."""
    leaves: list[Message] = []
    pending = [message]
    while pending:
        part = pending.pop()
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            pending += reversed([inner for inner in part.get_payload() if isinstance(inner, Message)])
        else:
            leaves.append(part)
    return leaves


def _is_decoration(part: Message, disposition: str, content: bytes) -> bool:
    is_inside = disposition != "attachment" and part.get("content-id") is not None
    return is_inside and part.get_content_maintype() == "image" and len(content) < _DECORATION_BYTES


def _charset(part: Message) -> str | None:
    given = part.get_param("charset")
    return collapse_rfc2231_value(given) if given else None


def _unflowed(text: str, part: Message) -> str:
    """Paragraphs of «format=flowed» (RFC 3676) whole again: a number is not broken in two."""
    if str(part.get_param("format") or "").lower() != "flowed":
        return text
    deletes = str(part.get_param("delsp") or "").lower() == "yes"
    parts: list[str] = []
    continues = False
    for line in text.split("\n"):
        stripped = line.removeprefix(" ")
        if parts and not (continues and not stripped.startswith(">")):
            parts.append("\n")
        continues = stripped.endswith(" ") and stripped != "-- " and not stripped.startswith(">")
        parts.append(stripped.removesuffix(" ") if continues and deletes else stripped)
    return "".join(parts)


def _file_name(part: Message) -> str:
    """As its sender sees it, whichever way it is encoded: RFC 2231, RFC 2047 (which is wrong here, and usual), or not at all."""
    for parameter, header in (("filename", "content-disposition"), ("name", "content-type")):
        given = part.get_param(parameter, header=header)
        if isinstance(given, tuple):
            charset, _, value = given
            # What the library has unquoted are characters of latin-1, one for each octet; what is no ASCII without quoting, escapes.
            return decode_text(unquote_to_bytes(value.encode("latin-1", "surrogateescape")), charset)
        if given:
            broken = _WORDS_OF_A_NAME.match(given)  # RFC 2231 without its star
            if broken and "%" in given:
                return decode_text(unquote_to_bytes(_raw(broken[3])), broken[2])
            return decode_header(_raw(given))
    return ""
