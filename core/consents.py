"""Whether a conversation's data may be used: not while every consent given in it is withdrawn. What was asked and answered without a
consent (a chat with an operator, nothing more) is not bound to one.
"""

import uuid
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.models import Consent


def withdrawn_at(session: Session, conversation_id: uuid.UUID) -> datetime | None:
    """When the last consent was withdrawn; None while one stands, and where none was ever given."""
    of_conversation = select(func.count(), func.count(Consent.withdrawn_at)).where(Consent.conversation_id == conversation_id)
    given, withdrawn = session.execute(of_conversation).one()
    if given == 0 or withdrawn < given:
        return None
    latest = select(Consent.withdrawn_at).where(Consent.conversation_id == conversation_id).order_by(Consent.withdrawn_at.desc())
    return session.scalar(latest.limit(1))
