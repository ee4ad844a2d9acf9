"""The vault: finds personal data in a text, keeps it encrypted behind tokens, and resolves the tokens again.

A token is one word, kind and ordinal within the conversation (``pdsnils1``). Everything past this module (the dialogue engine, logs,
events) sees tokens only. All that a conversation's people wrote is sealed with the conversation's data key.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.keys import Keyring
from core.models import Conversation, VaultEntry
from core.settings import Settings
from core.words import say

_LETTER = "[0-9A-Za-zА-Яа-яЁё_]"  # of a word: a token has none beside it
TOKEN = re.compile(rf"(?<!{_LETTER})pd(snils|phone|email|name|code|text)([1-9][0-9]*)(?!{_LETTER})")

_IS_LETTER = re.compile(_LETTER).fullmatch
# All patterns read a plain copy of the text (see _plain): one kind of space, dash and digit, nothing invisible. Repetitions are bounded:
# the search runs while a message is stored, and its time must not grow with the square of the text.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}(?: ?@ ?)[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_SEPARATOR = r"[ \n\t.()/-]{0,3}"
# What follows the word is meant as a SNILS whether its length is right or not: validation reads the vault.
_NAMED_SNILS = re.compile(r"снилс\w{0,5}[^\d\n]{0,20}?(\d(?:[ .-]{0,2}\d){5,14})(?!\d)", re.IGNORECASE)
_SNILS = re.compile(r"(?<![\d\w-])\d{3}[ .-]?\d{3}[ .-]?\d{3}[ .-]?\d{2}(?![\d\w])(?!-\d)")
_PHONE = re.compile(
    rf"(?<![\d-])(?:\+ ?7|[78])(?:{_SEPARATOR}\d){{10}}(?!\d)"
    rf"|(?<!\d)\(?9\d{{2}}\)?{_SEPARATOR}\d{{3}}{_SEPARATOR}\d{{2}}{_SEPARATOR}\d{{2}}(?!\d)"
    r"|\+\d{1,3}[ (-]{0,2}\d(?:[ ()-]{0,2}\d){7,12}(?!\d)"
)
# Appeal numbers, and the numbers of applications, which are written without separators.
_APPEAL_NUMBER_BEFORE = re.compile(r"(?:об|ob)[ №-]{0,3}$", re.IGNORECASE)
_NUMBER_BEFORE = re.compile(r"(?:обращени\w{0,3}|заявлени\w{0,3}|заявк\w{0,3}|№)[ №-]{0,3}$", re.IGNORECASE)
_LOOK_BACK = 20
_FEWEST_DIGITS = 5  # of a number that may be somebody's
_NUMBERS = ("snils", "phone")  # digits that only the question tells apart when some are missing
_LONGEST_NAME = 5  # words; more of them hold something else too
_OTHER_DASHES = "\u2212\u00ad"


@dataclass(frozen=True)
class Span:
    """A piece of personal data in a text: offsets in code points, end exclusive."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Expected:
    """The kind of personal data that was asked for, and the part of a text that answers."""

    kind: str
    part: str


def snils_is_valid(digits: str) -> bool:
    """The control number of a SNILS: weighted sum modulo 101 (Pension Fund order 192п, annex 1). ``digits``: eleven of them."""
    if not re.fullmatch(r"\d{11}", digits):
        return False
    control = sum(int(digit) * weight for digit, weight in zip(digits[:9], range(9, 0, -1), strict=True)) % 101 % 100
    return control == int(digits[9:])


def find(text: str, settings: Settings) -> list[Span]:
    """SNILS, phones and e-mail addresses in ``text``, by position, without overlaps. The desk's own contacts are not personal.

    A span is whole words («тел+79215550142»): a token glued to a letter would not be told from the word.
    """
    plain, places = _plain(text)
    found: list[Span] = []

    def add(kind: str, start: int, end: int) -> None:
        while start > 0 and _IS_LETTER(plain[start - 1]):
            start -= 1
        while end < len(plain) and _IS_LETTER(plain[end]):
            end += 1
        overlapping = [span for span in found if start < span.end and span.start < end]
        for span in overlapping:
            found.remove(span)
        kind = overlapping[0].kind if overlapping else kind
        found.append(Span(kind, min([start, *(span.start for span in overlapping)]), max([end, *(span.end for span in overlapping)])))

    def stands_for_a_number(match: re.Match[str]) -> bool:
        before = plain[max(0, match.start() - _LOOK_BACK) : match.start()]
        return bool(_APPEAL_NUMBER_BEFORE.search(before) or (match[0].isdigit() and _NUMBER_BEFORE.search(before)))

    for match in _EMAIL.finditer(plain):
        if match[0].replace(" ", "").casefold() != settings.official_email.casefold():
            add("email", *match.span())
    for match in _NAMED_SNILS.finditer(plain):
        add("snils", *match.span(1))
    for match in _SNILS.finditer(plain):
        digits = _digits(match[0])
        if not stands_for_a_number(match) and (snils_is_valid(digits) or not (match[0].isdigit() and digits[0] in "78")):
            add("snils", *match.span())
    for match in _PHONE.finditer(plain):
        if _digits(match[0])[-10:] != _digits(settings.hotline)[-10:] and not stands_for_a_number(match):
            add("phone", *match.span())
    for match in TOKEN.finditer(plain):  # a typed look-alike is kept as a text of its own, so that it cannot name another's data
        add("text", *match.span())
    spans = sorted(found, key=lambda span: span.start)
    return [Span(span.kind, places[span.start], places[span.end - 1] + 1) for span in spans]


def _as_expected(text: str, spans: list[Span], expected: Expected | None) -> list[Span]:
    if expected is None:
        return spans
    if expected.kind in _NUMBERS:
        spans = [Span(expected.kind, span.start, span.end) if _is_the_only_number(text, span) else span for span in spans]
    if any(span.kind == expected.kind for span in spans):
        return spans
    start = text.index(expected.part)
    return [Span(expected.kind, start, start + len(expected.part))]


def _is_the_only_number(text: str, span: Span) -> bool:
    return span.kind in _NUMBERS and len(_digits(text[: span.start] + text[span.end :])) < _FEWEST_DIGITS


def _plain(text: str) -> tuple[str, list[int]]:
    """``text`` with one kind of space, dash and digit and without what is invisible, and where each character of it stood."""
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        category = unicodedata.category(character)
        if character in _OTHER_DASHES or category == "Pd":
            character = "-"
        elif category == "Nd":
            character = str(unicodedata.decimal(character))
        elif category == "Zs":
            character = " "
        elif category in ("Cf", "Cc", "Mn") and character not in "\n\t":
            continue
        characters.append(character)
        places.append(place)
    return "".join(characters), places


class Vault:
    """Seals what people wrote and resolves tokens. It holds keys, not data: every call names the conversation."""

    def __init__(self, keyring: Keyring, settings: Settings) -> None:
        self._keyring = keyring
        self._settings = settings

    def new_key(self, conversation: Conversation) -> None:
        """Gives a new conversation its data key."""
        conversation.data_key = self._keyring.new_data_key(conversation.id)

    def seal(self, conversation: Conversation, text: str) -> bytes:
        return self._keyring.seal(conversation.id, conversation.data_key, text.encode())

    def open(self, conversation: Conversation, sealed: bytes) -> str:
        """What was sealed, or «данные удалены» once the key is destroyed."""
        if conversation.data_key is None:
            return say("erased")
        return self._keyring.open(conversation.id, conversation.data_key, sealed).decode()

    def seal_bytes(self, conversation: Conversation, content: bytes) -> bytes:
        return self._keyring.seal(conversation.id, conversation.data_key, content)

    def open_bytes(self, conversation: Conversation, sealed: bytes) -> bytes:
        """Raises keys.KeyDestroyed after erasure."""
        return self._keyring.open(conversation.id, conversation.data_key, sealed)

    def keyed_hash(self, content: str) -> bytes:
        """What tells two addresses apart without holding either."""
        return self._keyring.keyed_hash(content)

    def tokenise(self, session: Session, conversation: Conversation, text: str, expected: "Expected | None" = None) -> str:
        """``text`` with each piece of personal data stored and replaced by its token; the same value keeps its token.

        ``expected``: what the text is as an answer. What is found is of that kind then; if nothing is, the expected part is.
        """
        parts: list[str] = []
        end = 0
        spans = _as_expected(text, find(text, self._settings), expected)
        for span in self._with_known_names(session, conversation, text, spans):
            parts += [text[end : span.start], self.put(session, conversation, span.kind, text[span.start : span.end])]
            end = span.end
        return "".join([*parts, text[end:]])

    def _with_known_names(self, session: Session, conversation: Conversation, text: str, spans: list[Span]) -> list[Span]:
        """A name that the citizen has given is found again in whatever is written later."""
        known = select(VaultEntry).where(VaultEntry.conversation_id == conversation.id, VaultEntry.kind == "name")
        for entry in session.scalars(known):
            words = re.findall(r"\w+", self.open(conversation, entry.value_sealed))
            if len(words) > 1:
                for match in re.finditer(r"\b" + r"\W{1,3}".join(map(re.escape, words)) + r"\b", text, re.IGNORECASE):
                    if not any(span.start < match.end() and match.start() < span.end for span in spans):
                        spans = [*spans, Span("name", match.start(), match.end())]
        return sorted(spans, key=lambda span: span.start)

    def put(self, session: Session, conversation: Conversation, kind: str, value: str) -> str:
        """Stores ``value`` as the citizen wrote it and returns its token."""
        fingerprint = self._keyring.fingerprint(conversation.id, conversation.data_key, f"{kind}:{value}".encode())
        stored = session.scalar(
            select(VaultEntry).where(
                VaultEntry.conversation_id == conversation.id, VaultEntry.kind == kind, VaultEntry.fingerprint == fingerprint
            )
        )
        if stored is not None:
            return stored.token
        count = session.scalar(
            select(func.count()).select_from(VaultEntry).where(VaultEntry.conversation_id == conversation.id, VaultEntry.kind == kind)
        )
        entry = VaultEntry(
            conversation_id=conversation.id,
            token=f"pd{kind}{(count or 0) + 1}",
            kind=kind,
            value_sealed=self.seal(conversation, value),
            fingerprint=fingerprint,
        )
        session.add(entry)
        session.flush()
        return entry.token

    def values(self, session: Session, conversation: Conversation, texts: Iterable[str] | None = None) -> dict[str, str]:
        """Token → value: all of the conversation's, or those that stand in ``texts``."""
        wanted = select(VaultEntry).where(VaultEntry.conversation_id == conversation.id).order_by(VaultEntry.created_at)
        if texts is not None:
            tokens = {found[0] for text in texts for found in TOKEN.finditer(text)}
            if not tokens:
                return {}
            wanted = wanted.where(VaultEntry.token.in_(tokens))
        entries = session.scalars(wanted)
        return {entry.token: self.open(conversation, entry.value_sealed) for entry in entries}


def resolve(text: str, values: dict[str, str], *, masked: bool) -> str:
    """``text`` with the tokens in ``values`` replaced, masked or in full; a token not in ``values`` stays."""

    def replace(found: re.Match[str]) -> str:
        value = values.get(found[0])
        if value is None:
            return found[0]
        return mask(found[1], value) if masked else value

    return TOKEN.sub(replace, text)


def mask(kind: str, value: str) -> str:
    """What an operator sees before revealing: enough to recognise a value that is read out, too little to use it."""
    if kind == "email":
        name, _, domain = value.partition("@")
        # What else was glued to the address is not to be seen either.
        return f"{name[:1]}***@{domain}" if re.fullmatch(r"[a-zа-яё-]+(\.[a-zа-яё-]+)+", domain, re.IGNORECASE) else "***"
    if kind == "snils":
        digits = _digits(value)
        return f"***-***-*{digits[-4:-2]} {digits[-2:]}" if len(digits) == 11 else "***"
    if kind == "name":
        words = re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", value)
        if len(words) > _LONGEST_NAME or re.search(r"[\d@]", value):
            return "***"
        return " ".join([*words[:1], *(f"{word[:1].upper()}." for word in words[1:3])])
    if kind == "code":
        return "***"
    if kind == "phone":
        digits = _digits(value)
        return f"+* *** ***-{digits[-4:-2]}-{digits[-2:]}"
    return value


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)
