"""Retention: what has been kept as long as settings.toml says is erased, each night, in the same way as on request."""

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from core import audit, conversations, leases
from core.desk import Desk
from core.errors import DatabaseDown
from core.ids import new_id
from core.models import (
    FINISHED,
    UNDER_WAY,
    Appeal,
    Attachment,
    Consent,
    Conversation,
    Draft,
    Erasure,
    Lease,
    Message,
    Mode,
    Turn,
    now,
)
from core.settings import Settings
from core.web import place_of
from core.working_time import seconds_until
from handoff import erasure
from handoff.mailbox import incoming, quarantine

log = structlog.get_logger(__name__)

_LEASE = "retention"
_DONE = "done"  # who holds the lease from the end of a run until the next one is due
_LEASE_SECONDS = 3600.0  # a run that crashed is repeated after that
_LONGEST_SLEEP_SECONDS = 600.0  # a machine that was suspended sleeps through its timers
_AT_ONCE = 200
_FIRST = uuid.UUID(int=0)
_finished_at = func.coalesce(Appeal.closed_at, Appeal.answered_at)


@dataclass
class Counts:
    """How many of each were erased, and how many could not be: the log says which, and the next night they are tried again."""

    conversations: int = 0
    files: int = 0
    drafts: int = 0
    letters: int = 0
    reasons: int = 0
    audit_rows: int = 0
    failed: int = 0


class Retention:
    """The nightly job. One gateway of several does it; a night that the desk was down is made good at its start."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._owner = new_id().hex

    async def run_forever(self) -> None:
        while True:
            pause = _LONGEST_SLEEP_SECONDS
            with contextlib.suppress(DatabaseDown):
                due_at = await self._desk.database.write_soon(_due_at, self._next_night())
                pause = min(max((due_at - now()).total_seconds(), 0), pause)
                if not pause:
                    await self.run_if_due()
            await asyncio.sleep(pause)

    async def run_if_due(self) -> Counts | None:
        """What it erased; None if it is another's, or done."""
        database = self._desk.database
        if not await database.write_soon(leases.take, _LEASE, self._owner, now(), _LEASE_SECONDS):
            return None
        counts = await asyncio.to_thread(retain, self._desk, now())
        await database.write_soon(_set_due, self._next_night())
        log.info("retention_done", **asdict(counts))
        return counts

    def _next_night(self) -> datetime:
        return now() + timedelta(seconds=seconds_until(self._desk.settings.retention_at, now()))


def _due_at(session: Session, first: datetime) -> datetime:
    """When the next run is due: ``first`` on a desk that has never had one."""
    held = session.get(Lease, _LEASE)
    if held is None:
        held = Lease(name=_LEASE, owner=_DONE, until=first)
        session.add(held)
    return held.until


def _set_due(session: Session, at: datetime) -> None:
    held = session.get_one(Lease, _LEASE)
    held.owner, held.until = _DONE, at


def retain(desk: Desk, at: datetime) -> Counts:
    """Erases what has expired at ``at``. One short transaction for each conversation: nobody waits for this job. DatabaseDown."""
    counts = Counts()
    before = at - timedelta(days=desk.settings.keep_audit_days)

    def attempt(kind: str, item: object, work: Callable[..., int], *arguments: Any) -> int:
        """0 if it failed: one item's fault ends nothing else."""
        try:
            return work(*arguments)
        except DatabaseDown:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was
            log.error("retention_failed", kind=kind, item=str(item), error=type(error).__name__, at=place_of(error))
            counts.failed += 1
            return 0

    last = _FIRST
    while found := desk.database.read(expired, desk.settings, at, last):
        for one in found:
            counts.conversations += attempt("conversation", one, desk.database.write, _erase, desk, one, at)
        last = found[-1]
    for one in desk.database.read(_expired_files, desk.settings, at):
        counts.files += attempt("file", one, _erase_file, desk, one, at)
    old = at - timedelta(hours=desk.settings.draft_hours)
    for one in desk.database.read(lambda session: list(session.scalars(select(Draft.conversation_id).where(Draft.updated_at < old)))):
        counts.drafts += attempt("draft", one, desk.database.write, _drop_draft, one, old)
    counts.letters = attempt("letters", "", desk.database.write, incoming.forget, at - timedelta(days=desk.settings.keep_letter_days))
    held_before = at - timedelta(days=desk.settings.keep_quarantine_days)
    counts.letters += attempt("quarantine", "", desk.database.write, quarantine.forget, held_before)
    counts.reasons = attempt("reasons", "", desk.database.write, _forget_reasons, before)
    counts.audit_rows = attempt("audit_rows", "", desk.database.write, audit.forget, desk.vault, before)
    return counts


def expired(session: Session, settings: Settings, at: datetime, after: uuid.UUID = _FIRST) -> list[uuid.UUID]:
    """The conversations whose time is over, at most 200 with ids beyond ``after``. An open appeal, a turn, a wait or an operator keeps one
    alive."""
    return list(session.scalars(_idle(settings, at).where(Conversation.id > after).order_by(Conversation.id).limit(_AT_ONCE)))


def _idle(settings: Settings, at: datetime) -> Select[uuid.UUID]:
    def ago(days: int) -> datetime:
        return at - timedelta(days=days)

    has_appeal = exists().where(Appeal.conversation_id == Conversation.id)
    is_withdrawn = and_(
        _no(Consent, Consent.withdrawn_at.is_(None)),
        exists().where(Consent.conversation_id == Conversation.id, Consent.withdrawn_at < ago(settings.keep_withdrawn_days)),
    )
    return select(Conversation.id).where(
        Conversation.data_key.is_not(None),
        Conversation.mode == Mode.BOT,
        _no(Appeal, Appeal.status.not_in(FINISHED)),
        _no(Turn, Turn.state.in_(UNDER_WAY)),
        or_(
            and_(~has_appeal, _silent_since(ago(settings.keep_conversation_days))),
            and_(
                has_appeal,
                _no(Appeal, _finished_at >= ago(settings.keep_appeal_days)),
                _silent_since(ago(settings.keep_appeal_days)),
            ),
            is_withdrawn,
        ),
    )


def _no(kind: type[Appeal | Turn | Consent], condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return ~exists().where(kind.conversation_id == Conversation.id, condition)


def _silent_since(moment: datetime) -> ColumnElement[bool]:
    newest = select(func.max(Message.created_at)).where(Message.conversation_id == Conversation.id).scalar_subquery()
    return func.coalesce(newest, Conversation.created_at) < moment


def _erase(session: Session, desk: Desk, conversation_id: uuid.UUID, at: datetime) -> bool:
    conversation = conversations.lock(session, conversation_id)
    # Once more, now that nobody else can write into it.
    if session.scalar(_idle(desk.settings, at).where(Conversation.id == conversation_id)) is None:
        return False
    return erasure.erase(session, desk, conversation, erasure.EXPIRED, at)


def _drop_draft(session: Session, conversation_id: uuid.UUID, before: datetime) -> bool:
    return conversations.drop_old_draft(session, conversations.lock(session, conversation_id), before)


def _expired_files(session: Session, settings: Settings, at: datetime) -> list[uuid.UUID]:
    """Of conversations all of whose appeals were closed that long ago."""
    moment = at - timedelta(days=settings.keep_attachment_days)
    wanted = select(Attachment.id).join(Conversation, Conversation.id == Attachment.conversation_id)
    return list(
        session.scalars(
            wanted.where(
                Attachment.erased_at.is_(None),
                Attachment.created_at < moment,
                Conversation.mode == Mode.BOT,
                exists().where(Appeal.conversation_id == Conversation.id),
                _no(Appeal, Appeal.status.not_in(FINISHED)),
                _no(Appeal, _finished_at >= moment),
            )
        )
    )


def _erase_file(desk: Desk, attachment_id: uuid.UUID, at: datetime) -> int:
    desk.blobs.delete(attachment_id)  # first: a mark without a deletion would never be made good
    return desk.database.write(_mark_erased, attachment_id, at)


def _mark_erased(session: Session, attachment_id: uuid.UUID, at: datetime) -> int:
    session.execute(update(Attachment).where(Attachment.id == attachment_id).values(erased_at=at, text_sealed=None, reading=None))
    return 1


def _forget_reasons(session: Session, before: datetime) -> int:
    old = list(session.scalars(select(Erasure).where(Erasure.data_key.is_not(None), Erasure.erased_at < before)))
    for one in old:
        one.data_key = one.addresses_sealed = None
    return len(old)
