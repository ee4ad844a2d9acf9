"""The queue: from the bot to a person and back. Each function is one transaction's worth and is given a locked conversation."""

import uuid
from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select, tuple_
from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.errors import conflict
from core.ids import new_id
from core.models import Appeal, AppealKind, AppealRequest, AppealStatus, Author, Conversation, Message, Mode, Operator, QueueEntry, Rating
from core.words import say
from core.working_time import MOSCOW, in_words, opening_after
from handoff import appeals, letters, operator_answers

HAND_OVER = "do:hand_over"
LEAVE_QUEUE = "do:leave_queue"
RATE = "do:rate"
ENGINE_FAILED = "engine_failed"
LETTER = "letter"
_SCORES = range(1, 6)
_SCORE_WORDS = ("один", "два", "три", "четыре", "пять")


def hand_over(
    session: Session,
    desk: Desk,
    conversation: Conversation,
    reason: str,
    at: datetime,
    in_reply_to: int | None = None,
    *,
    with_receipt: bool = True,
) -> Message | None:
    """Puts a conversation with the bot into the queue under its newest open appeal, or a new one. None if a person has it already."""
    if conversation.mode != Mode.BOT:
        return None
    appeal = appeals.newest_open(session, conversation.id) or appeals.register(session, desk, conversation, AppealKind.SIMPLE, at)
    session.add(
        QueueEntry(
            conversation_id=conversation.id,
            appeal_id=appeal.id,
            reason=reason,
            department=appeal.department,
            priority=appeal.priority,
            waiting_since=at,
        )
    )
    appeals.record(session, appeal, "queued")
    if with_receipt:
        letters.put_receipt(session, desk, conversation, appeal)
    conversations.change_mode(session, conversation, Mode.QUEUED)
    session.flush()
    place = position(session, conversation.id)
    if reason == LETTER:
        words = "handoff_by_letter"
    elif conversation.push_token:
        words = "handoff_pushed_email_known" if conversation.email_token else "handoff_pushed"
    else:
        words = "handoff_failed" if reason == ENGINE_FAILED else "handoff_email_known" if conversation.email_token else "handoff"
    return conversations.append(
        session,
        desk.vault,
        conversation,
        Author.SYSTEM,
        "\n".join(filter(None, [say(words, number=appeal.number, due=in_words(appeal.due_at)), hours_words(desk, at)])),
        # No bot answers letters.
        buttons=[] if conversation.channel == letters.CHANNEL else [{"title": say("leave_queue_button"), "command": LEAVE_QUEUE}],
        in_reply_to=in_reply_to,
        expects=None if conversation.email_token else "email",
        meta={
            "kind": "handoff",
            "appeal_number": appeal.number,
            "due_at": appeal.due_at.astimezone(MOSCOW).isoformat(),
            "queue_position": place,
        },
    )


def hours_words(desk: Desk, at: datetime) -> str | None:
    """When a person can be expected, outside of the working hours."""
    opening = opening_after(at, desk.settings)
    return say("person_from", opening=in_words(opening)) if opening else None


def leave(session: Session, desk: Desk, conversation: Conversation, at: datetime) -> Message:
    """The citizen goes back to the bot; the appeal stays open. Problem 409 if they were not waiting."""
    if conversation.mode != Mode.QUEUED:
        raise conflict("not_queued")
    entry = _end_wait(session, conversation, "left", at)
    conversations.change_mode(session, conversation, Mode.BOT)
    number = session.get_one(Appeal, entry.appeal_id).number if entry else ""
    return conversations.append(session, desk.vault, conversation, Author.SYSTEM, say("left_queue", number=number), meta={"kind": "notice"})


def claim(session: Session, desk: Desk, conversation: Conversation, operator: Operator, at: datetime) -> None:
    """Gives the conversation to ``operator``; again is fine. Problem 409 with who has it already."""
    if conversation.mode == Mode.CLOSED:
        raise conflict("conversation_not_open")
    if conversation.mode == Mode.OPERATOR:
        if conversation.operator_id == operator.id:
            return
        raise conflict("claimed_by", name=_holder(session, conversation))
    _end_wait(session, conversation, "claimed", at)
    appeal = appeals.newest_open(session, conversation.id)
    if appeal:
        appeals.begin_work(session, appeal, operator)
    conversations.change_mode(session, conversation, Mode.OPERATOR, operator)
    conversations.append(
        session,
        desk.vault,
        conversation,
        Author.SYSTEM,
        say("operator_joined", name=operator.name),
        meta={"kind": "operator_joined", "operator_name": operator.name},
    )


def check_holder(session: Session, conversation: Conversation, operator: Operator) -> None:
    """Problem 409 unless ``operator`` has the conversation."""
    if conversation.mode != Mode.OPERATOR:
        raise conflict("not_claimed")
    if conversation.operator_id != operator.id:
        raise conflict("claimed_by_other", name=_holder(session, conversation))


def return_to_bot(session: Session, desk: Desk, conversation: Conversation, operator: Operator) -> None:
    """Ends the operator's part; the appeal stays open."""
    check_holder(session, conversation, operator)
    appeal = appeals.newest_open(session, conversation.id)
    if appeal:
        appeals.record(session, appeal, "returned_to_bot", operator)
    conversations.change_mode(session, conversation, Mode.BOT)
    words = say("returned_to_bot", name=operator.name, number=appeal.number) if appeal else say("returned_to_bot_open", name=operator.name)
    conversations.append(
        session, desk.vault, conversation, Author.SYSTEM, words, meta={"kind": "operator_left", "operator_name": operator.name}
    )


def close(session: Session, desk: Desk, conversation: Conversation, operator: Operator, resolution: str, at: datetime) -> None:
    """Ends the operator's part and the appeal, and asks the citizen for a mark."""
    check_holder(session, conversation, operator)
    appeal = appeals.newest_open(session, conversation.id)
    if appeal:
        appeals.close(session, desk, conversation, appeal, operator, resolution, at)
    else:  # taken over from the bot: how it ended is kept all the same
        conversations.add_note(session, desk.vault, conversation, operator, resolution, f"resolution:{new_id()}")
    operator_answers.keep_answered(session, desk, conversation, at)
    conversations.change_mode(session, conversation, Mode.BOT)
    words = say("operator_left", name=operator.name, number=appeal.number) if appeal else say("operator_left_open", name=operator.name)
    conversations.append(
        session, desk.vault, conversation, Author.SYSTEM, words, meta={"kind": "operator_left", "operator_name": operator.name}
    )
    conversations.append(
        session,
        desk.vault,
        conversation,
        Author.SYSTEM,
        say("rating_question"),
        buttons=[{"title": str(score), "command": f"{RATE} {score} {operator.id}"} for score in _SCORES],
        expects="rating",
        meta={"kind": "rating"},
    )


def typed_rating(session: Session, conversation: Conversation, seq: int, text: str) -> dict[str, Any] | None:
    """The button that a mark typed right after the rating question means, if it is one."""
    question = session.scalar(select(Message).where(Message.conversation_id == conversation.id, Message.seq == seq - 1))
    if question is None or question.expects != "rating":
        return None
    word = text.strip(" \t\n.!").lower()
    score = _SCORE_WORDS.index(word) + 1 if word in _SCORE_WORDS else int(word) if word in map(str, _SCORES) else None
    return {**question.buttons[score - 1], "message_id": question.id} if score else None


def rate(session: Session, desk: Desk, conversation: Conversation, button: dict[str, Any]) -> Message:
    """Keeps the first mark given under a rating question."""
    _, score, operator_id = button["command"].split(" ")
    words = "rating_again"
    if session.get(Rating, button["message_id"]) is None:
        session.add(
            Rating(
                message_id=button["message_id"],
                conversation_id=conversation.id,
                operator_id=uuid.UUID(operator_id),
                score=int(score),
            )
        )
        words = "rating_thanks"
    return conversations.append(session, desk.vault, conversation, Author.SYSTEM, say(words), meta={"kind": "notice"})


def position(session: Session, conversation_id: uuid.UUID) -> int | None:
    """The place in the queue from 1, None for who does not wait."""
    entry = session.scalar(select(QueueEntry).where(QueueEntry.conversation_id == conversation_id, QueueEntry.ended_at.is_(None)))
    if entry is None:
        return None
    ahead = or_(
        QueueEntry.priority > entry.priority,
        (QueueEntry.priority == entry.priority) & (tuple_(QueueEntry.waiting_since, QueueEntry.id) < tuple_(entry.waiting_since, entry.id)),
    )
    return 1 + (session.scalar(select(func.count()).select_from(QueueEntry).where(QueueEntry.ended_at.is_(None), ahead)) or 0)


def items(session: Session) -> list[dict[str, Any]]:
    """Waiting conversations, then those with an operator and open appeals; in each the most urgent first."""
    waiting = session.execute(_rows().where(QueueEntry.id.is_not(None)))
    others = session.execute(_rows().where(QueueEntry.id.is_(None)))
    # A conversation that an operator took from the bot has no appeal; an appeal superseded by a newer one is not listed twice.
    seen: set[uuid.UUID] = set()
    documents = []
    rows = [*waiting, *others]
    # Why it came to people stays worth knowing after the claim: the newest wait's reason.
    newest = select(QueueEntry.conversation_id, QueueEntry.reason).order_by(QueueEntry.waiting_since)
    reasons = {row[0]: row[1] for row in session.execute(newest.where(QueueEntry.conversation_id.in_([row[0].id for row in rows])))}
    asked = _requests(session, [row[0].id for row in rows])
    conversation: Conversation
    appeal: Appeal | None
    entry: QueueEntry | None
    operator: Operator | None
    for conversation, appeal, entry, operator in rows:
        if conversation.id in seen:
            continue
        seen.add(conversation.id)
        documents.append(
            {
                "conversation_id": str(conversation.id),
                "appeal_number": appeal.number if appeal else None,
                "reason": reasons.get(conversation.id),
                "department": appeal.department if appeal else operator.department if operator else None,
                "priority": appeal.priority if appeal else 0,
                "waiting_since": entry.waiting_since.astimezone(MOSCOW).isoformat() if entry else None,
                "due_at": appeal.due_at.astimezone(MOSCOW).isoformat() if appeal else None,
                "channel": conversation.channel,
                "mode": conversation.mode,
                "repeats": appeal is not None and appeal.parent_id is not None,
                "requests": asked.get(conversation.id, []),
                "operator": {"login": operator.login, "name": operator.name} if operator else None,
            }
        )
    return documents


def _requests(session: Session, conversation_ids: list[uuid.UUID]) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """Conversation → what is asked or granted about its open appeals, the newest of each kind."""
    wanted = (
        select(Appeal.conversation_id, AppealRequest.kind, AppealRequest.state, AppealRequest.check_by)
        .join(Appeal, Appeal.id == AppealRequest.appeal_id)
        .where(Appeal.conversation_id.in_(conversation_ids), Appeal.status != AppealStatus.CLOSED)
        .order_by(AppealRequest.requested_at)
    )
    found: dict[uuid.UUID, dict[str, dict[str, Any]]] = defaultdict(dict)
    for conversation_id, kind, state, check_by in session.execute(wanted):
        until = check_by.astimezone(MOSCOW).isoformat() if check_by else None
        found[conversation_id][kind] = {"kind": kind, "state": state, "check_by": until}
    return {conversation_id: list(by_kind.values()) for conversation_id, by_kind in found.items()}


def _rows() -> Select[Conversation, Appeal, QueueEntry, Operator]:
    open_appeal = (Appeal.conversation_id == Conversation.id) & (Appeal.status != AppealStatus.CLOSED)
    return (
        select(Conversation, Appeal, QueueEntry, Operator)
        .join(Appeal, open_appeal, isouter=True)
        .join(QueueEntry, (QueueEntry.conversation_id == Conversation.id) & QueueEntry.ended_at.is_(None), isouter=True)
        .join(Operator, Operator.id == Conversation.operator_id, isouter=True)
        .where(or_(Appeal.id.is_not(None), Conversation.mode == Mode.OPERATOR))
        .order_by(Appeal.priority.desc(), QueueEntry.waiting_since, Appeal.due_at)
    )


def _end_wait(session: Session, conversation: Conversation, by: str, at: datetime) -> QueueEntry | None:
    entry = session.scalar(select(QueueEntry).where(QueueEntry.conversation_id == conversation.id, QueueEntry.ended_at.is_(None)))
    if entry:
        entry.ended_at, entry.ended_by = at, by
    return entry


def _holder(session: Session, conversation: Conversation) -> str:
    return session.get_one(Operator, conversation.operator_id).name
