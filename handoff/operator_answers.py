"""What an operator answered with an article is kept for the editors: the citizen's words may become an alias of it."""

import re
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.desk import Desk
from core.models import Author, Conversation, Message, QuestionOutcome
from core.personal_data import TOKEN
from knowledge_base import questions

_SEARCHED = ("answer", "suggestions", "no_answer")  # the kinds of the bot's replies to what it took for a question
_LEFT = "operator_left"  # the kind of the message that ends an operator's part
_SENT = 1.0  # the confidence of an article that a person chose
_FEWEST_WORDS = 3  # of what no search has taken for a question
_WORD = re.compile(r"[^\W\d_]{2,}")


def keep_answered(session: Session, desk: Desk, conversation: Conversation, at: datetime) -> None:
    """Keeps the first question since the last operator, with the article that was sent last. The conversation is held."""
    said = _since_the_last_operator(session, conversation)
    sent = [message.meta["article"] for message in said if message.author == Author.OPERATOR and "article" in message.meta]
    question = next(_questions(desk, conversation, said), None) if sent else None
    if question is not None:
        article = {"slug": sent[-1], "confidence": _SENT}
        questions.keep(session, conversation.id, question.seq, QuestionOutcome.OPERATOR, [article], at)


def _since_the_last_operator(session: Session, conversation: Conversation) -> list[Message]:
    said = list(session.scalars(select(Message).where(Message.conversation_id == conversation.id).order_by(Message.seq)))
    ends = [place for place, message in enumerate(said) if message.meta.get("kind") == _LEFT]
    return said[ends[-1] + 1 :] if ends else said


def _questions(desk: Desk, conversation: Conversation, said: list[Message]) -> Iterator[Message]:
    """What the bot searched for; after that, for who asked a person at once, what reads as a question."""
    typed = [message for message in said if message.author == Author.CITIZEN and "about" not in message.meta]
    searched = {message.in_reply_to for message in said if message.meta.get("kind") in _SEARCHED}
    called = {message.in_reply_to for message in said if message.meta.get("kind") == "handoff"}
    yield from (message for message in typed if message.seq in searched)
    for message in typed:
        words = _WORD.findall(TOKEN.sub(" ", desk.vault.open(conversation, message.text_sealed)))
        if message.seq not in called and len(words) >= _FEWEST_WORDS:
            yield message
