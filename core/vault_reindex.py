"""Enters into the blind index what the vault stored before there was one. What is there already stays as it is."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import blind_index
from core.database import Database
from core.keys import Keyring
from core.models import Conversation, VaultEntry

_BATCH = 200


def enter_all(database: Database, keyring: Keyring) -> int:
    """Returns how many conversations were gone through. The desk may run."""
    database.write(blind_index.read_key, keyring)
    count, after = 0, uuid.UUID(int=0)
    while batch := database.read(_next, after):
        database.write(_enter, keyring, batch)
        count, after = count + len(batch), batch[-1]
    return count


def _next(session: Session, after: uuid.UUID) -> list[uuid.UUID]:
    wanted = select(Conversation.id).where(Conversation.id > after, Conversation.data_key.is_not(None))
    return list(session.scalars(wanted.order_by(Conversation.id).limit(_BATCH)))


def _enter(session: Session, keyring: Keyring, ids: list[uuid.UUID]) -> None:
    # Held against their erasure, in an order that no two writers can lock each other out by.
    held = select(Conversation).where(Conversation.id.in_(ids), Conversation.data_key.is_not(None)).order_by(Conversation.id)
    for conversation in session.scalars(held.with_for_update()):
        entries = select(VaultEntry).where(VaultEntry.conversation_id == conversation.id, VaultEntry.kind.in_(blind_index.KINDS))
        found = [
            (entry.kind, keyring.open(conversation.id, conversation.data_key, entry.value_sealed).decode())
            for entry in session.scalars(entries)
        ]
        blind_index.put(session, keyring, conversation.id, found)
