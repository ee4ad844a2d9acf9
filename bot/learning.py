"""What a turn teaches the knowledge base: which question had no good answer, and which answer helped."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.models import Author, Conversation, Message, QuestionOutcome, Turn
from knowledge_base import marks, questions

_MARKED = ("answer", "suggestions")  # the kinds of messages that words like «не помогло» may be about
_PASSED_OVER = ("notice", "smalltalk")  # and those that may come in between
_LOOKED_BACK = 10


def keep_question(session: Session, conversation: Conversation, turn: Turn, fields: dict[str, Any], at: datetime) -> None:
    """The turn's question found no answer, or suggestions only. A pressed button asks nothing."""
    if turn.command is None:
        questions.keep(session, conversation.id, turn.seq, QuestionOutcome(fields["outcome"]), list(fields["articles"]), at)


def drop_question(session: Session, conversation: Conversation, turn: Turn) -> None:
    """The turn chose one of the articles suggested for an earlier question."""
    suggested = _told_about(session, conversation, _message(session, conversation, turn.seq))
    seq = _question_of(session, conversation, suggested) if suggested else None
    if seq is not None:
        questions.drop_suggested(session, conversation.id, seq)


def mark_answer(session: Session, conversation: Conversation, turn: Turn, *, helpful: bool, at: datetime) -> None:
    """The turn is a mark, by button or in words: for an answer, or for suggestions none of which was right."""
    said = _message(session, conversation, turn.seq)
    marked = _told_about(session, conversation, said) or _last_marked(session, conversation, turn.seq)
    if marked is None or marked.meta.get("kind") not in _MARKED:
        return
    said.meta = {**said.meta, "about": marked.seq}  # words now lead to the answer as a button does
    if marked.meta["kind"] == "answer":
        marks.put(session, marked, helpful=helpful, at=at)
    seq = _question_of(session, conversation, marked)
    if not helpful and seq is not None:
        questions.keep(session, conversation.id, seq, QuestionOutcome.UNHELPFUL, _articles(marked), at)


def _last_marked(session: Session, conversation: Conversation, seq: int) -> Message | None:
    """The bot's last answer or suggestions before ``seq``, if nothing but small talk came after."""
    earlier = select(Message).where(Message.conversation_id == conversation.id, Message.seq < seq, Message.author != Author.CITIZEN)
    for message in session.scalars(earlier.order_by(Message.seq.desc()).limit(_LOOKED_BACK)):
        if message.meta.get("kind") not in _PASSED_OVER:
            return message
    return None


def _question_of(session: Session, conversation: Conversation, message: Message) -> int | None:
    """The ``seq`` of the typed question that ``message`` leads back to, over however many buttons."""
    for asked in _back(session, conversation, message):
        if "about" not in asked.meta:
            return asked.seq if _is_typed(session, asked) else None
    return None


def _is_typed(session: Session, said: Message) -> bool:
    """Not a picture without a word: editors would see an empty question."""
    turn = select(Turn.id).where(Turn.conversation_id == said.conversation_id, Turn.seq == said.seq, Turn.command.is_not(None))
    return session.scalar(turn) is None


def _back(session: Session, conversation: Conversation, message: Message | None) -> Iterator[Message]:
    """The citizen's message that ``message`` replies to, the one before whose button that was, and so on."""
    while message is not None and message.in_reply_to is not None:
        asked = _message(session, conversation, message.in_reply_to)
        yield asked
        message = _told_about(session, conversation, asked)


def _told_about(session: Session, conversation: Conversation, said: Message) -> Message | None:
    """The message whose button was pressed."""
    about = said.meta.get("about")
    return _message(session, conversation, about) if about is not None and about < said.seq else None


def _message(session: Session, conversation: Conversation, seq: int) -> Message:
    return session.scalars(select(Message).where(Message.conversation_id == conversation.id, Message.seq == seq)).one()


def _articles(marked: Message) -> list[dict[str, Any]]:
    if marked.meta["kind"] == "answer":
        return [{"slug": marked.meta["article"], "confidence": marked.meta["score"], "shown": True}]
    return [{"slug": slug, "confidence": None} for slug in marked.meta["articles"]]
