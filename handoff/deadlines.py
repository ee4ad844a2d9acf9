"""Deadlines at work: what became due is told, once. ``due_for_notice`` says which appeals to look at; each is one transaction's worth.

A notice and the mark that it was told are one transaction on a locked conversation, so that several gateways, or a crash in between, tell
nothing twice and leave nothing out.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.models import ON_THE_CLOCK, Appeal, AppealWait, Conversation, Mode
from core.settings import Settings
from core.words import say
from core.working_time import in_words
from handoff import appeals, letters, notices, waits

_AT_ONCE = 500
# Commands of the bot's own (actions/known_appeal.py): each begins a form about the appeal.
_WAYS_ON = {"repeat_button": "repeat_appeal", "higher_button": "escalate_higher"}


def due_for_notice(session: Session, settings: Settings, at: datetime) -> list[uuid.UUID]:
    """Appeals whose citizen is to be told that the date has passed, or reminded of what is waited for; the oldest first."""
    untold = or_(Appeal.overdue_told.is_(None), Appeal.overdue_told != Appeal.due_at)
    overdue = select(Appeal.id).where(Appeal.status.in_(ON_THE_CLOCK), Appeal.due_at < at, untold).order_by(Appeal.due_at)
    silent = AppealWait.ended_at.is_(None), AppealWait.reminded_at.is_(None), AppealWait.began_at < _silent_since(settings, at)
    waiting = select(AppealWait.appeal_id).where(*silent).order_by(AppealWait.began_at)
    return [*session.scalars(overdue.limit(_AT_ONCE)), *session.scalars(waiting.limit(_AT_ONCE))]


def notify(session: Session, desk: Desk, appeal_id: uuid.UUID, at: datetime) -> str | None:
    """Tells the citizen what is due for the appeal at ``at``; the kind of letter it is told by, None if nothing is due any more."""
    conversation = conversations.lock(session, session.get_one(Appeal, appeal_id).conversation_id)
    appeal = appeals.hold(session, session.get_one(Appeal, appeal_id))
    if conversation.data_key is None:
        return None
    if appeals.is_overdue(appeal, at) and appeal.overdue_told != appeal.due_at:
        _tell_overdue(session, desk, conversation, appeal)
        return letters.OVERDUE
    wait = waits.open_one(session, appeal)
    if wait is not None and wait.reminded_at is None and wait.began_at < _silent_since(desk.settings, at):
        wait.reminded_at = at
        notices.tell(session, desk, conversation, say("reminder", number=appeal.number), letter=letters.REMINDER)
        return letters.REMINDER
    return None


def _tell_overdue(session: Session, desk: Desk, conversation: Conversation, appeal: Appeal) -> None:
    appeal.overdue_told = appeal.due_at
    appeals.record(session, appeal, "overdue")
    appeals.tell_operators(session, appeal)
    words = say("overdue", number=appeal.number, due=in_words(appeal.due_at))
    # To who waits for an operator or speaks with one the bot offers nothing.
    buttons = _ways_on(appeal) if conversation.mode == Mode.BOT and conversation.channel not in (letters.CHANNEL, letters.FORM) else None
    notices.tell(session, desk, conversation, words, letter=letters.OVERDUE, buttons=buttons)


def _ways_on(appeal: Appeal) -> list[dict[str, Any]]:
    return [{"title": say(title), "command": f'/{intent}{{"value": "{appeal.number}"}}'} for title, intent in _WAYS_ON.items()]


def _silent_since(settings: Settings, at: datetime) -> datetime:
    return at - timedelta(days=settings.reminder_days)
