"""Whose appeal it is: shown before anything of an appeal is told or changed."""

import uuid
from datetime import date, datetime, time, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import blind_index
from core.models import Appeal, Conversation
from core.personal_data import Vault
from core.working_time import MOSCOW
from handoff import appeals
from handoff.appeal_status import Lookup


def find_own(session: Session, vault: Vault, conversation_id: uuid.UUID, number: str | None, proof: str = "") -> Appeal | None:
    """The appeal of ``number`` (as ``read_number`` returned it), if it is the conversation's own, or ``proof`` is its access code or the
    SNILS in it, in any writing. None whatever is wrong: who asks is not told what.
    """
    own = select(Appeal).where(Appeal.number == (number or ""), Appeal.conversation_id == conversation_id)
    return session.scalar(own) or _by_snils(session, vault, number, proof) or Lookup(vault).find(session, number, proof)


def find_received(session: Session, vault: Vault, conversation_id: uuid.UUID, day: date, snils: str) -> Appeal | None:
    """The first appeal of that day in Moscow which is the conversation's own or has that SNILS."""
    begins = datetime.combine(day, time(), MOSCOW)
    theirs = or_(Appeal.conversation_id == conversation_id, Appeal.conversation_id.in_(vault.holders(session, "snils", snils)))
    of_day = select(Appeal).where(theirs, Appeal.received_at >= begins, Appeal.received_at < begins + timedelta(days=1))
    for appeal in session.scalars(of_day.order_by(Appeal.received_at, Appeal.ordinal)):
        if appeal.conversation_id == conversation_id or _has_snils(session, vault, appeal, snils):
            return appeal
    return None


def _by_snils(session: Session, vault: Vault, number: str | None, proof: str) -> Appeal | None:
    if blind_index.normal_form("snils", proof) is None:
        return None
    holders = vault.holders(session, "snils", proof)
    appeal = session.scalar(select(Appeal).where(Appeal.number == (number or ""), Appeal.conversation_id.in_(holders)))
    return appeal if appeal is not None and _has_snils(session, vault, appeal, proof) else None


def _has_snils(session: Session, vault: Vault, appeal: Appeal, snils: str) -> bool:
    """Whether the appeal names it. One that came to people without the form names none: what its citizen told in the chat counts."""
    owner = session.get_one(Conversation, appeal.conversation_id)
    if owner.data_key is None:
        return False
    token = appeals.fields_of(vault, owner, appeal).get("snils")
    if token is None:
        return True
    named = vault.values(session, owner, [token]).get(token, "")
    return blind_index.normal_form("snils", named) == blind_index.normal_form("snils", snils)
