"""The vault: keeps the personal data of a text encrypted behind tokens, and resolves the tokens again. Finding it is core/finding's.

A token is one word, kind and ordinal within the conversation (``pdsnils1``). Everything past this module (the dialogue engine, logs,
events) sees tokens only. All that a conversation's people wrote is sealed with the conversation's data key.
"""

import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import IO

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from core import blind_index
from core.finding import TOKEN, Expected, Span, digits_of, find, snils_is_valid
from core.keys import Keyring
from core.models import Conversation, VaultEntry
from core.settings import Settings
from core.words import say

__all__ = ["TOKEN", "Expected", "Span", "Vault", "find", "mask", "mask_found", "resolve", "snils_is_valid"]

_LONGEST_NAME = 5  # words; more of them hold something else too
_FEWEST_PHONE_DIGITS = 6
_EXTENSION = re.compile(r"\s*[,;(]?\s*(?:доб|вн|ext)", re.IGNORECASE)  # of a phone number, not the number itself
_NAMES = select(VaultEntry.value_sealed).where(VaultEntry.conversation_id == bindparam("id"), VaultEntry.kind == "name")


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

    def seal_file(self, conversation: Conversation, file_id: uuid.UUID, content: IO[bytes]) -> Iterator[bytes]:
        """What to store of a file, in parts; made while it is read, so that nothing holds the whole."""
        return self._keyring.seal_file(conversation.id, conversation.data_key, file_id, content)

    def open_file(self, conversation: Conversation, file_id: uuid.UUID, sealed: IO[bytes]) -> Iterator[bytes]:
        """The file in parts. Raises keys.KeyDestroyed after erasure, ValueError for a part that was not sealed so."""
        return self._keyring.open_file(conversation.id, conversation.data_key, file_id, sealed)

    def keyed_hash(self, content: str) -> bytes:
        """What tells two addresses apart without holding either."""
        return self._keyring.keyed_hash(content)

    def holders(self, session: Session, kind: str, value: str) -> Select[uuid.UUID]:
        """The conversations that hold ``value``, a SNILS, e-mail address or phone number in any writing."""
        return blind_index.holders(session, self._keyring, kind, value)

    def tokenise(
        self, session: Session, conversation: Conversation, text: str, expected: Expected | None = None, *, indexed: bool = True
    ) -> str:
        """``text`` with each piece of personal data stored and replaced by its token; the same value keeps its token.

        ``expected``: what the text is as an answer. What is found is of that kind then; if nothing is, the expected part is.
        ``indexed``: False for what an operator wrote: the same address in two answers does not make two citizens one.
        """
        spans = find(text, self._settings, expected, self._known_names(session, conversation))
        tokens = self._put_all(session, conversation, [(span.kind, text[span.start : span.end]) for span in spans], indexed)
        parts: list[str] = []
        end = 0
        for span, token in zip(spans, tokens, strict=True):
            parts += [text[end : span.start], token]
            end = span.end
        return "".join([*parts, text[end:]])

    def mask_found(self, session: Session, conversation: Conversation, text: str) -> str:
        """``text`` with each piece of personal data masked for good: what a picture shows may be anybody's, and the picture is kept."""
        return mask_found(text, self._settings, self._known_names(session, conversation))

    def _known_names(self, session: Session, conversation: Conversation) -> list[str]:
        return [self.open(conversation, sealed) for sealed in session.scalars(_NAMES, {"id": conversation.id})]

    def put(self, session: Session, conversation: Conversation, kind: str, value: str, *, indexed: bool = True) -> str:
        """Stores ``value`` as the citizen wrote it and returns its token. ``indexed``: other conversations with it are found by it."""
        return self._put_all(session, conversation, [(kind, value)], indexed)[0]

    def _put_all(self, session: Session, conversation: Conversation, found: list[tuple[str, str]], indexed: bool) -> list[str]:
        """The tokens of (kind, value), new ones stored together."""
        if not found:
            return []
        if indexed:
            blind_index.put(session, self._keyring, conversation.id, found)
        known = select(VaultEntry.kind, VaultEntry.fingerprint, VaultEntry.token).where(VaultEntry.conversation_id == conversation.id)
        tokens = {(kind, fingerprint): token for kind, fingerprint, token in session.execute(known)}
        counts = Counter(kind for kind, _ in tokens)
        answers = []
        for kind, value in found:
            fingerprint = self._keyring.fingerprint(conversation.id, conversation.data_key, f"{kind}:{value}".encode())
            if (kind, fingerprint) not in tokens:
                counts[kind] += 1
                token = tokens[kind, fingerprint] = f"pd{kind}{counts[kind]}"
                sealed = self.seal(conversation, value)
                session.add(
                    VaultEntry(conversation_id=conversation.id, token=token, kind=kind, value_sealed=sealed, fingerprint=fingerprint)
                )
            answers.append(tokens[kind, fingerprint])
        session.flush()
        return answers

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


def mask_found(text: str, settings: Settings, known_names: Iterable[str] = ()) -> str:
    """``text`` with each piece of personal data masked for good."""
    parts: list[str] = []
    end = 0
    for span in find(text, settings, None, known_names):
        value = text[span.start : span.end]
        parts += [text[end : span.start], "***" if span.kind == "text" else mask(span.kind, value)]
        end = span.end
    return "".join([*parts, text[end:]])


def mask(kind: str, value: str) -> str:
    """What an operator sees before revealing: enough to recognise a value that is read out, too little to use it."""
    digits = digits_of(value)
    match kind:
        case "email":
            name, _, domain = value.partition("@")
            # What else was glued to the address is not to be seen either.
            return f"{name[:1]}***@{domain}" if re.fullmatch(r"[a-zа-яё-]+(\.[a-zа-яё-]+)+", domain, re.IGNORECASE) else "***"
        case "snils":
            return f"***-***-{digits[-5:-2]} {digits[-2:]}" if len(digits) == 11 else "***"
        case "name":
            return _mask_name(value)
        case "phone":
            digits = digits_of(_EXTENSION.split(value)[0])
            return f"+* *** ***-{digits[-4:-2]}-{digits[-2:]}" if len(digits) >= _FEWEST_PHONE_DIGITS else "***"
        case "passport":
            return f"** ** ***{digits[-3:]}" if len(digits) >= 9 else "***"
        case "card":
            return f"**** {digits[-4:]}" if len(digits) >= 13 else "***"
        case "inn":
            return f"{'*' * (len(digits) - 2)}{digits[-2:]}" if len(digits) >= 10 else "***"
        case "birthdate":
            year = re.search(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])|(?:19|20)[0-9]{2}$", value.strip())
            return f"**.**.{year[0]}" if year else "***"
        case "address":
            town = re.search(r"(?<![А-Яа-яЁё])(?:г|гор|город[еау]?)(?:\.| ) ?([А-ЯЁ][А-Яа-яЁё-]+(?: [А-ЯЁ][А-Яа-яЁё-]+)?)(?=[,;]|$)", value)
            return f"г. {town[1]}, ***" if town else "***"
        case "text":
            return value
        case _:
            return "***"


def _mask_name(value: str) -> str:
    """«Иванов И. И.»; of a name that begins with initials they stay, with the surname."""
    words = re.findall(r"[^\s_,;.]+\.?", value)
    if not words or len(words) > _LONGEST_NAME or re.search(r"[\d@]", value):
        return "***"
    if words[0].endswith("."):
        return " ".join(words)
    return " ".join([words[0], *(f"{word[:1].upper()}." for word in words[1:3])])
