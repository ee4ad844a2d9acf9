"""The queue: from the bot to a person and back. Each function is one transaction's worth and is given a locked conversation."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.errors import conflict, invalid
from core.ids import new_id
from core.models import (
    FINISHED,
    Appeal,
    AppealKind,
    AppealStatus,
    Author,
    Conversation,
    Message,
    Mode,
    Operator,
    QueueEntry,
    Rating,
)
from core.words import say
from core.working_time import MOSCOW, in_words, opening_after
from handoff import appeal_states, appeals, letters, operator_answers

HAND_OVER = "do:hand_over"
LEAVE_QUEUE = "do:leave_queue"
RATE = "do:rate"
ENGINE_FAILED = "engine_failed"
LETTER = "letter"
TRANSFERRED = "transferred"  # an operator gave it to a department
REPLIED = "replied"  # the citizen answered what the desk asked
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
    appeal = _appeal_for(session, desk, conversation, at)
    _begin_wait(session, conversation, appeal, reason, at)
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


def _appeal_for(session: Session, desk: Desk, conversation: Conversation, at: datetime) -> Appeal:
    """What people are called for: the open appeal, an answered one again, or a new one, which repeats one answered long ago."""
    appeal_states.reopen_answered(session, desk, conversation, at)
    appeal = appeals.newest_open(session, conversation.id)
    if appeal is not None and appeal.status != AppealStatus.ANSWERED:
        return appeal
    return appeals.register(session, desk, conversation, AppealKind.SIMPLE, at, parent=appeal)


def _begin_wait(session: Session, conversation: Conversation, appeal: Appeal, reason: str, at: datetime) -> None:
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


def claim(session: Session, desk: Desk, conversation: Conversation, operator: Operator, at: datetime) -> Appeal | None:
    """Gives the conversation to ``operator``; again is fine. Problem 409 with who has it already.

    Returns the appeal if this is the first work on it, which its citizen is told of.
    """
    if conversation.mode == Mode.CLOSED:
        raise conflict("conversation_not_open")
    if conversation.mode == Mode.OPERATOR:
        if conversation.operator_id == operator.id:
            return None
        raise conflict("claimed_by", name=_holder(session, conversation))
    _end_wait(session, conversation, "claimed", at)
    appeal = appeals.newest_open(session, conversation.id)
    is_first = appeal is not None and appeal_states.begin_work(session, appeal, operator)
    conversations.change_mode(session, conversation, Mode.OPERATOR, operator)
    _tell_joined(session, desk, conversation, operator, "operator_joined")
    return appeal if is_first else None


def _tell_joined(session: Session, desk: Desk, conversation: Conversation, operator: Operator, words: str) -> None:
    meta = {"kind": "operator_joined", "operator_name": operator.name}
    conversations.append(session, desk.vault, conversation, Author.SYSTEM, say(words, name=operator.name), meta=meta)


def pass_to_department(session: Session, desk: Desk, conversation: Conversation, operator: Operator, department: str, at: datetime) -> None:
    """Back into the queue, of that department, under the appeal; a new one, if the conversation was taken from the bot without."""
    check_holder(session, conversation, operator)
    appeal = _appeal_for(session, desk, conversation, at)
    appeals.move(session, appeal, department=department)
    _begin_wait(session, conversation, appeal, TRANSFERRED, at)
    appeals.record(session, appeal, "transferred", operator, appeals.sealed_words(session, desk, conversation, department))
    conversations.change_mode(session, conversation, Mode.QUEUED)
    session.flush()
    until = in_words(appeal.due_at)
    conversations.append(
        session,
        desk.vault,
        conversation,
        Author.SYSTEM,
        "\n".join(filter(None, [say("transferred", name=operator.name, number=appeal.number, due=until), hours_words(desk, at)])),
        buttons=[] if conversation.channel == letters.CHANNEL else [{"title": say("leave_queue_button"), "command": LEAVE_QUEUE}],
        meta={
            "kind": "handoff",
            "appeal_number": appeal.number,
            "due_at": appeal.due_at.astimezone(MOSCOW).isoformat(),
            "queue_position": position(session, conversation.id),
        },
    )


def pass_to_colleague(session: Session, desk: Desk, conversation: Conversation, operator: Operator, colleague: Operator) -> None:
    """The conversation is the colleague's at once. Problem 422 for who holds it already."""
    check_holder(session, conversation, operator)
    if colleague.id == operator.id:
        raise invalid("operator", "transfer_to_oneself")
    appeal = appeals.newest_open(session, conversation.id)
    if appeal:
        appeals.record(session, appeal, "transferred", operator, appeals.sealed_words(session, desk, conversation, colleague.login))
    conversations.change_mode(session, conversation, Mode.OPERATOR, colleague)
    _tell_joined(session, desk, conversation, colleague, "operator_joined_after")


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
    words = say("returned_to_bot_open", name=operator.name)
    if appeal and appeal.status not in FINISHED:
        words = say("returned_to_bot", name=operator.name, number=appeal.number)
    conversations.append(
        session, desk.vault, conversation, Author.SYSTEM, words, meta={"kind": "operator_left", "operator_name": operator.name}
    )


def close(session: Session, desk: Desk, conversation: Conversation, operator: Operator, resolution: str, at: datetime) -> Message:
    """Ends the operator's part and the appeal, and asks the citizen for a mark. Returns the message that says so."""
    check_holder(session, conversation, operator)
    appeal = appeals.newest_open(session, conversation.id)
    if appeal:
        appeal_states.close(session, desk, conversation, appeal, operator, resolution, at)
    else:  # taken over from the bot: how it ended is kept all the same
        conversations.add_note(session, desk.vault, conversation, operator, resolution, f"resolution:{new_id()}")
    operator_answers.keep_answered(session, desk, conversation, at)
    conversations.change_mode(session, conversation, Mode.BOT)
    words = say("operator_left", name=operator.name, number=appeal.number) if appeal else say("operator_left_open", name=operator.name)
    left = conversations.append(
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
    return left


def typed_rating(question: Message | None, text: str) -> dict[str, Any] | None:
    """The button that a mark typed right after ``question`` means, if that asks for one."""
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


def _end_wait(session: Session, conversation: Conversation, by: str, at: datetime) -> QueueEntry | None:
    entry = session.scalar(select(QueueEntry).where(QueueEntry.conversation_id == conversation.id, QueueEntry.ended_at.is_(None)))
    if entry:
        entry.ended_at, entry.ended_by = at, by
    return entry


def _holder(session: Session, conversation: Conversation) -> str:
    return session.get_one(Operator, conversation.operator_id).name
