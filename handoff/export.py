"""A person's data, for themselves: asked for, made in attempts, offered, gone after its time. What is in it: handoff/export_contents.py."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from core import audit, conversations, deliveries
from core.database import hint
from core.desk import Desk
from core.errors import Problem, conflict
from core.ids import new_id
from core.models import (
    Appeal,
    AppealEvent,
    Attachment,
    Author,
    Conversation,
    DeliveryState,
    Export,
    Message,
    Operator,
    Scan,
    now,
)
from core.words import plural, say
from core.working_time import in_words

TOPIC = "exports"  # somebody asked for one
CONTENT_TYPE = "application/zip"
ASKED, READY, FAILED, GONE = "asked", "ready", "failed", "gone"
_DAY = timedelta(days=1)
_MARK = "export"  # in the meta of every message about one: whether it has the file


@dataclass(frozen=True)
class Attempt:
    """One go at making an export, with a blob of its own: two workers never write the same one."""

    export_id: uuid.UUID
    conversation_id: uuid.UUID
    blob_id: uuid.UUID
    earlier_blob_id: uuid.UUID | None  # what an attempt that died may have left


def ask(
    session: Session, desk: Desk, conversation: Conversation, in_reply_to: int | None = None, operator: Operator | None = None
) -> Export:
    """Has one made, unless one is being made already; one that holds all there is is offered again. ``conversation`` is locked.

    Problem 409 once a day's exports are used up.
    """
    under_way = select(Export).where(Export.conversation_id == conversation.id, Export.state == ASKED)
    stored = session.scalar(under_way.limit(1))
    if stored is not None:
        return stored
    export = _downloadable(session, desk, conversation)
    if export is not None and not _is_outdated(session, export, in_reply_to):
        _offer_again(session, desk, conversation, export, in_reply_to)
    else:
        limit = desk.settings.exports_per_day
        if _asked_since(session, conversation, now() - _DAY) >= limit:
            raise conflict("exports_used_up", limit=plural(limit, "раз", "раза", "раз"))
        export = Export(
            id=new_id(), conversation_id=conversation.id, operator_id=operator.id if operator else None, in_reply_to=in_reply_to
        )
        session.add(export)
        session.flush()
        hint(session, TOPIC)
    audit.append(session, desk.vault, operator or audit.CITIZEN, audit.EXPORT, conversation=conversation)
    return export


def ask_or_tell(session: Session, desk: Desk, conversation: Conversation, in_reply_to: int) -> bool:
    """``ask`` for a citizen: whether one is on its way; if none can be, they are told why."""
    try:
        return ask(session, desk, conversation, in_reply_to).state == ASKED
    except Problem as problem:
        _tell(session, desk, conversation, problem.detail, in_reply_to)
        return False


def begin(session: Session, export: Export) -> Attempt | None:
    """Begins an attempt to make it; None if that is done, or no longer wanted. An earlier attempt can end nothing any more."""
    held = session.get_one(Export, export.id, with_for_update=True, populate_existing=True)
    if held.state != ASKED:
        return None
    attempt = Attempt(export.id, export.conversation_id, new_id(), held.blob_id)
    held.blob_id = attempt.blob_id
    return attempt


def deliver(session: Session, desk: Desk, attempt: Attempt, size: int, last_seq: int, at: datetime) -> bool:
    """Hands a finished ZIP, the attempt's blob, to the citizen; False if their data were erased meanwhile, or another attempt began.

    ``last_seq``: the conversation's when the contents were read. An older export stays until it is outlived.
    """
    conversation = conversations.lock(session, attempt.conversation_id)
    export = _end(session, attempt, READY)
    if export is None or conversation.data_key is None:
        return False
    attachment = Attachment(
        id=attempt.blob_id,
        conversation_id=conversation.id,
        filename_sealed=desk.vault.seal(conversation, say("export_name")),
        content_type=CONTENT_TYPE,
        size=size,
        scan=Scan.CLEAN,
    )
    session.add(attachment)
    session.flush()
    export.size, export.last_seq, export.ready_at = size, last_seq, at
    words = say("export_ready", hours=desk.settings.keep_export_hours)
    _tell(session, desk, conversation, words, export.in_reply_to, [attachment])
    return True


def give_up(session: Session, desk: Desk, attempt: Attempt) -> None:
    """Tells the citizen that there will be none. Nothing happens once the attempt is over, or another one began."""
    conversation = conversations.lock(session, attempt.conversation_id)
    export = _end(session, attempt, FAILED)
    if export is not None and conversation.data_key is not None:
        _tell(session, desk, conversation, say("export_failed"), export.in_reply_to)


def _end(session: Session, attempt: Attempt, state: str) -> Export | None:
    """Ends an export that is still the attempt's."""
    ended = session.scalar(
        update(Export)
        .where(Export.id == attempt.export_id, Export.state == ASKED, Export.blob_id == attempt.blob_id)
        .values(state=state)
        .returning(Export.id)
        .execution_options(synchronize_session=False)
    )
    return session.get_one(Export, ended, populate_existing=True) if ended else None


def asked(session: Session) -> list[Export]:
    return list(session.scalars(select(Export).where(Export.state == ASKED).order_by(Export.created_at)))


def outlived(session: Session, before: datetime) -> list[Export]:
    """Those still there that were made ready before ``before``, or that a newer one has replaced."""
    newer = aliased(Export)
    is_replaced = exists().where(
        newer.conversation_id == Export.conversation_id, newer.state == READY, newer.ready_at > Export.ready_at, newer.id != Export.id
    )
    return list(session.scalars(select(Export).where(Export.state == READY, or_(Export.ready_at < before, is_replaced))))


def mark_gone(session: Session, export: Export, at: datetime) -> None:
    """Its blob is deleted already."""
    conversations.lock(session, export.conversation_id)
    held = session.get_one(Export, export.id, populate_existing=True)
    if held.state != READY or held.blob_id is None:
        return
    held.state = GONE
    session.get_one(Attachment, held.blob_id).erased_at = at


def _downloadable(session: Session, desk: Desk, conversation: Conversation) -> Export | None:
    since = now() - timedelta(hours=desk.settings.keep_export_hours)
    ready = select(Export).where(Export.conversation_id == conversation.id, Export.state == READY, Export.ready_at >= since)
    return session.scalar(ready.order_by(Export.ready_at.desc()).limit(1))


def _is_outdated(session: Session, export: Export, in_reply_to: int | None) -> bool:
    """Whether anything but the requests for exports, and the answers to them, has come after it."""
    later = select(Message.seq, Message.in_reply_to, Message.meta).where(Message.conversation_id == export.conversation_id)
    rows = session.execute(later.where(Message.seq > export.last_seq)).all()
    requests = {in_reply_to, *(row.in_reply_to for row in rows if _MARK in row.meta)} - {None}
    if any(_MARK not in row.meta and not {row.seq, row.in_reply_to} & requests for row in rows):
        return True
    events = select(AppealEvent.id).join(Appeal, Appeal.id == AppealEvent.appeal_id)
    newer = events.where(Appeal.conversation_id == export.conversation_id, AppealEvent.created_at > export.created_at)
    return session.scalar(newer.limit(1)) is not None


def _offer_again(session: Session, desk: Desk, conversation: Conversation, export: Export, in_reply_to: int | None) -> None:
    """The file moves to the newest message. Where it was pushed it is with the citizen already."""
    attachment = session.get_one(Attachment, export.blob_id)
    pushed = deliveries.find(session, conversation.id, conversations.PUSHED, attachment.message_id) if attachment.message_id else None
    if pushed is not None and pushed.state != DeliveryState.FAILED:
        _tell(session, desk, conversation, say("export_sent_already"), in_reply_to)
        return
    until = (export.ready_at or now()) + timedelta(hours=desk.settings.keep_export_hours)
    _tell(session, desk, conversation, say("export_again", until=in_words(until)), in_reply_to, [attachment])


def _asked_since(session: Session, conversation: Conversation, since: datetime) -> int:
    counted = select(func.count()).select_from(Export).where(Export.conversation_id == conversation.id, Export.state != FAILED)
    return session.scalar(counted.where(Export.created_at > since)) or 0


def _tell(
    session: Session,
    desk: Desk,
    conversation: Conversation,
    words: str,
    in_reply_to: int | None,
    attachments: list[Attachment] | None = None,
) -> None:
    conversations.append(
        session,
        desk.vault,
        conversation,
        Author.SYSTEM,
        words,
        attachments=attachments,
        in_reply_to=in_reply_to,
        meta={"kind": "notice", _MARK: bool(attachments)},
    )
