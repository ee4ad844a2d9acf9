"""The blind index: whose SNILS, e-mail address or phone number is the same is found without decrypting anything.

A row holds the HMAC of a value in its normal form, under a key derived from the index key. Without that key a row tells nothing; a
SNILS has few enough values to try them all, so that whoever has the database and the master key can read it all the same.
"""

import hmac
import re
import unicodedata
import uuid
from collections import defaultdict
from collections.abc import Iterable

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session, aliased

from core import consents
from core.finding.numbers import snils_is_valid
from core.keys import Keyring
from core.models import Conversation, IndexedValue, WrappedKey

KINDS = ("snils", "email", "phone")
INDEX_KEY = "index"
_PURPOSE = "blind index"


def read_key(session: Session, keyring: Keyring) -> None:
    """Gives the keyring the desk's index key, made at first use. ValueError if its master key is missing."""
    stored = session.get(WrappedKey, INDEX_KEY)
    if stored is None:
        # A desk that has conversations already finds them by hashes that it made with a key derived from its master key: they stay good.
        is_old = session.scalar(select(Conversation.id).limit(1)) is not None
        stored = WrappedKey(name=INDEX_KEY, wrapped=keyring.new_index_key(of_master_key=is_old))
        session.add(stored)
        session.flush()
    keyring.use_index_key(stored.wrapped)


def normal_form(kind: str, value: str) -> str | None:
    """How every writing of the same value reads; None for one that cannot be right."""
    value = unicodedata.normalize("NFKC", value)
    match kind:
        case "snils":
            digits = re.sub(r"[^0-9]", "", value)
            return digits if snils_is_valid(digits) else None
        case "email":
            try:
                return validate_email(re.sub(r"\s", "", value), check_deliverability=False).normalized.casefold()
            except EmailNotValidError:
                return None
        case "phone":
            try:
                number = phonenumbers.parse(value, "RU")
            except phonenumbers.NumberParseException:
                return None
            if not phonenumbers.is_valid_number(number):
                return None
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None


def put(session: Session, keyring: Keyring, conversation_id: uuid.UUID, found: Iterable[tuple[str, str]]) -> None:
    """Notes that the conversation holds each (kind, value); one that cannot be right is not noted. The conversation is locked."""
    hashes = {(kind, hashed) for kind, value in found if (hashed := _hashed(session, keyring, kind, value))}
    if not hashes or consents.withdrawn_at(session, conversation_id):
        return  # of a withdrawn consent nothing is left to be found; a new one has its values noted as they are put again
    noted = select(IndexedValue.kind, IndexedValue.hmac).where(IndexedValue.conversation_id == conversation_id)
    hashes -= {(kind, hashed) for kind, hashed in session.execute(noted)}
    session.add_all(IndexedValue(conversation_id=conversation_id, kind=kind, hmac=hashed) for kind, hashed in hashes)


def _hashed(session: Session, keyring: Keyring, kind: str, value: str) -> bytes | None:
    normal = normal_form(kind, value) if kind in KINDS else None
    if normal is None:
        return None
    if not keyring.has_index_key:
        read_key(session, keyring)
    return hmac.digest(keyring.derived_key(_PURPOSE), f"{kind}:{normal}".encode(), "sha256")


def alike(session: Session, conversation_id: uuid.UUID, limit: int = 200) -> dict[uuid.UUID, set[str]]:
    """The other conversations that hold a value of this one, newest first, and the kinds of what they share."""
    other = aliased(IndexedValue)
    shared = (
        select(other.conversation_id, other.kind)
        .join(IndexedValue, IndexedValue.hmac == other.hmac)
        .where(IndexedValue.conversation_id == conversation_id, other.conversation_id != conversation_id)
        .order_by(other.conversation_id.desc())
        .limit(limit)
    )
    found: dict[uuid.UUID, set[str]] = defaultdict(set)
    for other_id, kind in session.execute(shared):
        found[other_id].add(kind)
    return found


def holders(session: Session, keyring: Keyring, kind: str, value: str) -> Select[uuid.UUID]:
    """The conversations that hold ``value``; none for one that cannot be right."""
    return select(IndexedValue.conversation_id).where(
        IndexedValue.kind == kind, IndexedValue.hmac == _hashed(session, keyring, kind, value)
    )


def erase(session: Session, conversation_id: uuid.UUID) -> None:
    """Nothing leads to the conversation any longer. Part of its erasure."""
    session.execute(delete(IndexedValue).where(IndexedValue.conversation_id == conversation_id))
