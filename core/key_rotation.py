"""Changing the master key under a running desk: data keys are wrapped anew in small batches, contents stay as they are.

Between the first and the last batch some keys are wrapped by the old master key and some by the new one: each says by which, and every
process knows both. A data key that is destroyed meanwhile stays destroyed.
"""

import time
import uuid
from collections import Counter
from typing import cast

from sqlalchemy import Table, bindparam, func, select, text, update
from sqlalchemy.orm import Session

from core import master_keys
from core.blind_index import INDEX_KEY
from core.database import Database
from core.keys import NAMED, Keyring, wrapped_by
from core.master_keys import ID_BYTES
from core.models import Conversation, Erasure, IncomingLetter, WrappedKey
from core.settings import PREFIX, SettingsError

_BATCH = 200
_FIRST = uuid.UUID(int=0)
_MOST_PASSES = 100
_TABLE = cast("Table", Conversation.__table__)
# Only if it is the same still: erasing destroys a key, and this must not bring it back.
_CHANGE = update(_TABLE).where(_TABLE.c.id == bindparam("of"), _TABLE.c.data_key == bindparam("was")).values(data_key=bindparam("is_now"))


class KeyInUse(Exception):
    """The master key still wraps data keys; the text is one line that says how many and what to do."""


def wrap_anew(database: Database, keyring: Keyring) -> int:
    """Wraps by the newest master key whatever is wrapped by another one; returns how many data keys that were.

    ValueError if one was wrapped by a master key that is not known.
    """
    total = 0
    # A writer that had begun before the key was added may still commit behind the pass: hence another one until nothing is left.
    for _ in range(_MOST_PASSES):
        in_this_pass = _pass(database, keyring)
        total += in_this_pass
        if not in_this_pass:
            break
    database.write(_index_key_anew, keyring)
    while in_this_batch := database.write(_letters_anew, keyring):
        total += in_this_batch
    return total + database.write(_erasures_anew, keyring)


def _pass(database: Database, keyring: Keyring) -> int:
    count, after = 0, _FIRST
    while True:
        begun = time.monotonic()
        wrapped, last = database.write(_batch, keyring, after)
        count += wrapped
        if last is None:
            return count
        after = last
        time.sleep(time.monotonic() - begun)  # half of the time is the running desk's: SQLite has one writer at a time


def _batch(session: Session, keyring: Keyring, after: uuid.UUID) -> tuple[int, uuid.UUID | None]:
    """How many were wrapped anew, and the last one looked at; None when there is none left."""
    newest = wrapped_by(keyring.master.newest().id)
    old = (
        select(Conversation.id, Conversation.data_key)
        .where(Conversation.id > after, Conversation.data_key.is_not(None), func.substr(Conversation.data_key, 1, len(newest)) != newest)
        .order_by(Conversation.id)
        .limit(_BATCH)
    )
    found = session.execute(old).all()
    if not found:
        return 0, None
    anew = [{"of": row.id, "was": row.data_key, "is_now": keyring.rewrapped(row.id, row.data_key or b"")} for row in found]
    changed = session.connection().execute(_CHANGE, anew)
    return changed.rowcount, found[-1].id


def _index_key_anew(session: Session, keyring: Keyring) -> None:
    stored = session.get(WrappedKey, INDEX_KEY, with_for_update=True)
    if stored is not None and not stored.wrapped.startswith(wrapped_by(keyring.master.newest().id)):
        stored.wrapped = keyring.rewrapped_index_key(stored.wrapped)


def _erasures_anew(session: Session, keyring: Keyring) -> int:
    """The keys of receipts under way and of the reasons in the audit log: few."""
    newest = wrapped_by(keyring.master.newest().id)
    count = 0
    for erasure in session.scalars(select(Erasure).where(Erasure.data_key.is_not(None)).with_for_update()):
        if erasure.data_key is not None and not erasure.data_key.startswith(newest):
            erasure.data_key = keyring.rewrapped(erasure.conversation_id, erasure.data_key)
            count += 1
    return count


def _letters_anew(session: Session, keyring: Keyring) -> int:
    """Of letters that came in, a batch."""
    newest = wrapped_by(keyring.master.newest().id)
    is_old = IncomingLetter.data_key.is_not(None), func.substr(IncomingLetter.data_key, 1, len(newest)) != newest
    found = list(session.scalars(select(IncomingLetter).where(*is_old).limit(_BATCH).with_for_update()))
    for letter in found:
        letter.data_key = keyring.rewrapped(letter.id, letter.data_key or b"")
    return len(found)


def in_use(session: Session) -> Counter[bytes]:
    """Master key's id → how many keys it wraps. Those of the time before ids are under b""."""
    named = func.substr(Conversation.data_key, 1, 1) == NAMED
    ids = select(func.substr(Conversation.data_key, 2, ID_BYTES).label("id")).where(named, Conversation.data_key.is_not(None)).subquery()
    unnamed = session.scalar(select(func.count()).where(~named, Conversation.data_key.is_not(None)))
    found = Counter({bytes(key_id): int(count) for key_id, count in session.execute(select(ids.c.id, func.count()).group_by(ids.c.id))})
    of_erasures = select(Erasure.data_key).where(Erasure.data_key.is_not(None))
    for wrapped in [*session.scalars(select(WrappedKey.wrapped)), *(key for key in session.scalars(of_erasures) if key)]:
        found[bytes(wrapped[1 : 1 + ID_BYTES])] += 1
    by = func.substr(IncomingLetter.data_key, 2, ID_BYTES)
    of_letters = select(by, func.count()).where(IncomingLetter.data_key.is_not(None)).group_by(by)
    found += Counter({bytes(key_id): int(count) for key_id, count in session.execute(of_letters)})
    return found + Counter({b"": int(unnamed or 0)})


def retire(session: Session, keyring: Keyring) -> list[bytes]:
    """Takes all but the newest master key out of the key file, and returns their ids. Raises KeyInUse and changes nothing if one is used.

    With keys from the environment it only checks: taking them out is the administrator's part.
    """
    if session.get_bind().dialect.name == "postgresql":
        # Whoever writes a data key now is waited for, and nobody begins to until the file is changed.
        session.execute(text("LOCK TABLE conversations, incoming_letters, wrapped_keys, erasures IN SHARE MODE"))
    keyring.master.newest()  # raises if the file cannot be read
    newest, *older = keyring.master.all()  # at once: one that is added now is not among them
    used = in_use(session)
    left = used.total() - used[newest.id]
    if left:
        raise KeyInUse(f"{left} data keys are wrapped by another master key than the newest; 'python -m handoff keys rotate' first")
    ids = [key.id for key in older]
    if ids and keyring.master.path is not None:
        master_keys.remove(keyring.master.path, ids)
    return ids


def check(database: Database, keyring: Keyring) -> None:
    """Raises SettingsError if the database wants a master key that this process has not: it could read nothing of what that has wrapped."""
    missing = database.read(_missing, keyring)
    if missing is not None:
        where = keyring.master.path or "the environment"
        raise SettingsError(
            f"{PREFIX}MASTER_KEY: the database was written with a master key ({missing}) that is not in {where}: "
            "put it there again, behind the newest"
        )


def _missing(session: Session, keyring: Keyring) -> str | None:
    known = {key.id for key in keyring.master.all()}
    for key_id in in_use(session):
        if key_id and key_id not in known:
            return key_id.hex()
    unnamed = Conversation.data_key.is_not(None), func.substr(Conversation.data_key, 1, 1) != NAMED
    newest = session.scalar(select(Conversation).where(*unnamed).order_by(Conversation.id.desc()).limit(1))
    try:
        if newest is not None and newest.data_key is not None:
            keyring.rewrapped(newest.id, newest.data_key)
    except ValueError:
        return "without an id"
    return None
