"""Waits for the citizen: an appeal's clock stands still while the desk waits for what it has asked for.

The functions that write are given an appeal that is held (handoff/appeals.py ``hold``), or whose conversation is locked.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.models import Appeal, AppealStatus, AppealWait
from core.working_time import moscow_stamp, moved


def of(session: Session, appeal: Appeal) -> list[AppealWait]:
    """Those that count for its present date, oldest first."""
    own = select(AppealWait).where(AppealWait.appeal_id == appeal.id, AppealWait.began_at >= appeal.counted_from)
    return list(session.scalars(own.order_by(AppealWait.began_at, AppealWait.id)))


def open_one(session: Session, appeal: Appeal) -> AppealWait | None:
    return session.scalar(select(AppealWait).where(AppealWait.appeal_id == appeal.id, AppealWait.ended_at.is_(None)))


def begin(session: Session, appeal: Appeal, returns_to: AppealStatus, at: datetime) -> AppealWait:
    wait = AppealWait(appeal_id=appeal.id, returns_to=returns_to, began_at=at)
    session.add(wait)
    session.flush()
    return wait


def end(session: Session, appeal: Appeal, at: datetime) -> AppealWait | None:
    """Ends the open one, if there is one, and moves the due date by its length."""
    wait = open_one(session, appeal)
    if wait is None:
        return None
    wait.ended_at = max(at, wait.began_at)
    due_at = moved(appeal.due_at, wait.began_at, wait.ended_at)
    if appeal.overdue_told == appeal.due_at:  # late before the wait is as late after it: that was told
        appeal.overdue_told = due_at
    appeal.due_at = due_at
    session.flush()
    return wait


def shorten(session: Session, appeal: Appeal, until: datetime, at: datetime) -> None:
    """Makes ``until``, reckoned from ``at``, the due date if it is the earlier one. A wait that is open moves it by what is left of it."""
    wait = end(session, appeal, at)
    appeal.due_at = min(appeal.due_at, until)
    if wait is not None:
        begin(session, appeal, wait.returns_to, at).reminded_at = wait.reminded_at


def moved_date(session: Session, appeal: Appeal, due_at: datetime) -> datetime:
    """A date reckoned anew from ``counted_from``, after the waits that are over."""
    for wait in of(session, appeal):
        if wait.ended_at is not None:
            due_at = moved(due_at, wait.began_at, wait.ended_at)
    return due_at


def length(waits: Sequence[AppealWait]) -> timedelta:
    """By how much they have moved the due date so far."""
    return sum((wait.ended_at - wait.began_at for wait in waits if wait.ended_at is not None), timedelta())


def documents(waits: Sequence[AppealWait]) -> list[dict[str, Any]]:
    return [{"began_at": moscow_stamp(wait.began_at), "ended_at": moscow_stamp(wait.ended_at)} for wait in waits]
