"""Bytes of letters as text, whatever their charset is called: the declared one, else UTF-8, else the likeliest Cyrillic one.

Nothing here raises, and nothing that held a letter comes out empty.
"""

import base64
import binascii
import codecs
import math
import quopri
import re
from email.message import Message

from core.models import UNSTORABLE

# What programs call charsets that Python knows under other names, or not at all. None: it says nothing.
_ALIASES: dict[str, str | None] = {
    "x-mac-cyrillic": "mac-cyrillic",
    "x-mac-ukrainian": "mac-cyrillic",
    "win-1251": "cp1251",
    "windows1251": "cp1251",
    "windows-cp1251": "cp1251",
    "cp-1251": "cp1251",
    "x-cp1251": "cp1251",
    "ansi": "cp1251",
    "koi8": "koi8-r",
    "koi-8": "koi8-r",
    "koi-8r": "koi8-r",
    "utf": "utf-8",
    "unicode": "utf-8",
    "unicode-1-1-utf-8": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "us-ascii": None,
    "ascii": None,
    "8bit": None,
    "binary": None,
    "default": None,
}
# Codecs that are no charsets of a letter, or take a time that grows with its square.
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"})
_LATIN = frozenset({"iso8859-1", "iso8859-15", "cp1252", "latin-1"})
_GUESSES = ("cp1251", "koi8-r", "mac-cyrillic")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CYRILLIC = frozenset({"cp1251", "koi8-r", "koi8-u", "mac-cyrillic", "iso8859-5", "cp866"})
_LOOKED_AT = 20_000  # bytes of a text by which a charset is told

# How often each letter stands among a thousand of a Russian text.
_FREQUENCIES = dict(
    zip(
        "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
        (110, 85, 80, 74, 67, 63, 55, 47, 45, 44, 35, 32, 30, 28, 26, 20, 19, 17, 17, 16, 16, 14, 12, 10, 9, 7, 6, 5, 4, 3, 3, 1, 1),
        strict=True,
    )
)
_RARE = 0.02  # per thousand: of what is no letter
_BEYOND = re.compile("[а-яё]", re.IGNORECASE)
_CERTAIN_FROM = 30  # letters
_CERTAIN_BY = 0.5
_RUSSIAN = 3.4  # the likelihood of a text is about 3.8
_CAPITAL = re.compile("[А-ЯЁ]")
_CHANGED_CASE = re.compile("[а-яё][А-ЯЁ]")

# An encoded word (RFC 2047), also without its end, with spaces inside, or with the language of RFC 2231.
_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?(.*?)(?:\?=|$)", re.DOTALL)
_FOLDED = re.compile(r"\r?\n[ \t]*|\r")


def decode_text(content: bytes, charset: str | None = None) -> str:
    """``content`` with one kind of line breaks and without what cannot be stored. ``charset``: what the letter says, right or wrong."""
    text = _decoded(content, charset)
    return UNSTORABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).replace("\ufeff", "")


def decode_header(raw: bytes) -> str:
    """A header's value in one line: encoded words, also broken ones, and what stands there without any encoding."""
    line = _FOLDED.sub(" ", raw.decode("ascii", "surrogateescape"))
    # What was once encoded again by a program on the way is read once more.
    for _ in range(2):
        line = _without_encoded_words(line)
        if "=?" not in line:
            break
    return " ".join(decode_text(line.encode("utf-8", "surrogateescape")).split())


def _without_encoded_words(line: str) -> str:
    parts: list[str] = []
    end = 0
    pending: tuple[str, bytes] | None = None  # characters are cut in two between words of one charset
    for word in _WORD.finditer(line):
        between = line[end : word.start()]
        charset, content = word[1], _word_content(word[2], word[3])
        if pending and not between.strip() and pending[0].lower() == charset.lower():
            pending = charset, pending[1] + content
        else:
            if pending:
                parts.append(decode_text(pending[1], pending[0]))
            parts.append("" if pending and not between.strip() else between)
            pending = charset, content
        end = word.end()
    if pending:
        parts.append(decode_text(pending[1], pending[0]))
    return "".join([*parts, line[end:]])


def _word_content(encoding: str, payload: str) -> bytes:
    raw = payload.encode("utf-8", "surrogateescape")  # within words that are read once more letters may stand
    if encoding in "qQ":
        return quopri.decodestring(raw.replace(b" ", b"_"), header=True)
    return decode_base64(raw)


def decode_base64(raw: bytes) -> bytes:
    """The bytes, as far as they can be read: without padding, with other characters in between, cut anywhere."""
    digits = re.sub(rb"[^A-Za-z0-9+/]", b"", raw.translate(bytes.maketrans(b"-_", b"+/")))
    digits = digits[: len(digits) - 1] if len(digits) % 4 == 1 else digits
    try:
        return base64.b64decode(digits + b"=" * (-len(digits) % 4))
    except binascii.Error:
        return b""


def as_it_stands(part: Message) -> bytes:
    """A part's bytes, free of quoted-printable or base64."""
    encoding = str(part.get("content-transfer-encoding", ""))
    if encoding.strip(" \t\"'").lower() in ("base64", "b"):
        del part["content-transfer-encoding"]  # the library gives up where a letter is cut or damaged
        raw = as_it_stands(part)
        part["content-transfer-encoding"] = encoding
        return decode_base64(raw)
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _decoded(content: bytes, charset: str | None) -> str:
    for mark, marked in _MARKS:
        if content.startswith(mark):
            return content.decode(marked, "replace")
    declared = _known(charset)
    if declared and not (declared in _LATIN and _looks_cyrillic(content)):
        text = _strictly(content, declared)
        if text is not None and not _is_really_utf8(content, declared):
            return _in_likelier_letters(content, text) if declared in _CYRILLIC else text
    text = _strictly(content, "utf-8")
    if text is not None:
        return text
    if declared == "utf-8" and (mended := _with_few_faults(content)) is not None:
        return mended
    return content.decode(_likeliest(content), "replace")


def _known(charset: str | None) -> str | None:
    """The codec of a charset; None for one that says nothing or is not known."""
    name = re.sub(r"[^a-z0-9._-]", "", (charset or "").lower())
    alias = _ALIASES.get(name, name)
    if not alias:
        return None
    try:
        codec = codecs.lookup(alias)
    except (LookupError, ValueError):
        return None
    is_charset = codec._is_text_encoding and codec.name.replace("_", "-") not in _NO_CHARSETS
    return codec.name if is_charset else None


def _strictly(content: bytes, codec: str) -> str | None:
    try:
        return content.decode(codec)
    except (UnicodeError, ValueError):
        return None


def _is_really_utf8(content: bytes, declared: str) -> bool:
    """Whether a text that is called something of one byte is one in UTF-8: no Russian text is so by chance."""
    if content.isascii() or declared == "utf-8" or declared.startswith(("utf", "iso2022", "gb", "big5", "euc", "shift", "hz", "johab")):
        return False
    text = _strictly(content, "utf-8")
    return text is not None and bool(re.search("[А-Яа-яЁё]", text))


def _with_few_faults(content: bytes) -> str | None:
    """A text in UTF-8 that was cut in the middle of a letter, or has some bytes damaged."""
    text = content.decode("utf-8", "replace")
    return text if 20 * text.count("\ufffd") <= sum(sign > "\x7f" for sign in text) else None


def _looks_cyrillic(content: bytes) -> bool:
    """Whether bytes that are called Latin are words of another alphabet: half of the letters are beyond ASCII."""
    high = sum(byte >= 0x80 for byte in content[:_LOOKED_AT])
    return high > 0 and 2 * high > sum(chr(byte).isalpha() for byte in content[:_LOOKED_AT] if byte < 0x80)


def _in_likelier_letters(content: bytes, text: str) -> str:
    """``text``, or what the bytes are in another Cyrillic charset that they are far likelier in than in the one they are said to be."""
    likeliest = content.decode(_likeliest(content), "replace")
    least = max(_likelihood(text[:_LOOKED_AT]) + _CERTAIN_BY, _RUSSIAN)
    if len(_BEYOND.findall(likeliest)) < _CERTAIN_FROM or _likelihood(likeliest) <= least:
        return text
    # cp1251 and koi8-r have capitals where the other has small letters: read wrongly, a letter shouts.
    return likeliest if len(_CAPITAL.findall(likeliest)) <= len(_CAPITAL.findall(text)) else text


def _likeliest(content: bytes) -> str:
    return max(_GUESSES, key=lambda codec: _likelihood(content[:_LOOKED_AT].decode(codec, "replace")))


def _likelihood(text: str) -> float:
    """How much a text is like a Russian one: by its letters' frequencies, and by capitals where capitals stand."""
    beyond = [sign for sign in text.lower() if sign > "\x7f" and sign not in "«»—–№\xa0"]
    if not beyond:
        return -math.inf
    sums = sum(math.log(_FREQUENCIES.get(sign, _RARE)) for sign in beyond)
    return sums / len(beyond) - 4 * len(_CHANGED_CASE.findall(text)) / len(beyond)
