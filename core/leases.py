"""What only one of several gateways does at a time: whoever holds the lease does it, and renews it."""

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from core.models import Lease


def take(session: Session, name: str, owner: str, at: datetime, seconds: float) -> bool:
    """Takes the lease, or renews it, until ``seconds`` after ``at``; False while it is another's."""
    until = at + timedelta(seconds=seconds)
    held = session.get(Lease, name, with_for_update=True, populate_existing=True)
    if held is None:
        session.add(Lease(name=name, owner=owner, until=until))
        session.flush()  # two that come first at the same time: one of them is run again and finds the other's
        return True
    if held.owner != owner and held.until >= at:
        return False
    held.owner, held.until = owner, until
    return True


def give_back(session: Session, name: str, owner: str, at: datetime) -> None:
    """Lets another one have it at once."""
    session.execute(update(Lease).where(Lease.name == name, Lease.owner == owner, Lease.until > at).values(until=at - timedelta(seconds=1)))
