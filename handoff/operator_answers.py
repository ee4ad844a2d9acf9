"""What an operator answered with an article is kept for the editors: the citizen's words may become an alias of it."""

import re
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.desk import Desk
from core.models import Author, Conversation, Message, QuestionOutcome
from core.personal_data import TOKEN
from knowledge_base import marks, questions

_SEARCHED = ("answer", "suggestions", "no_answer")  # the kinds of the bot's replies to what it took for a question
_LEFT = "operator_left"  # the kind of the message that ends an operator's part
_SENT = 1.0  # the confidence of an article that a person chose
_FEWEST_WORDS = 3  # of what no search has taken for a question
_WORD = re.compile(r"[^\W\d_]{2,}")


def keep_answered(session: Session, desk: Desk, conversation: Conversation, at: datetime) -> None:
    """Keeps the question that led to the operator, with the article that was sent last. The conversation is held."""
    said = _since_the_last_operator(session, conversation)
    sent = [message.meta["article"] for message in said if message.author == Author.OPERATOR and "article" in message.meta]
    question = _question(desk, conversation, _since_the_last_help(session, said)) if sent else None
    if question is not None:
        article = {"slug": sent[-1], "confidence": _SENT}
        questions.keep(session, conversation.id, question.seq, QuestionOutcome.OPERATOR, [article], at)


def _since_the_last_operator(session: Session, conversation: Conversation) -> list[Message]:
    said = list(session.scalars(select(Message).where(Message.conversation_id == conversation.id).order_by(Message.seq)))
    ends = [place for place, message in enumerate(said) if message.meta.get("kind") == _LEFT]
    return said[ends[-1] + 1 :] if ends else said


def _since_the_last_help(session: Session, said: list[Message]) -> list[Message]:
    """What came after the last question whose answer helped."""
    answers = {message.id: message.in_reply_to or 0 for message in said if message.meta.get("kind") == "answer"}
    last = max((answers[answer] for answer in marks.helpful_among(session, answers)), default=0)
    return [message for message in said if message.seq > last]


def _question(desk: Desk, conversation: Conversation, said: list[Message]) -> Message | None:
    """The last that the bot searched for before it called an operator, else the first after that which is, or reads as, a question."""
    calls = [message for message in said if message.meta.get("kind") == "handoff"]
    called = calls[-1].seq if calls else 0
    searched = {message.in_reply_to for message in said if message.meta.get("kind") in _SEARCHED}
    typed = [message for message in said if message.author == Author.CITIZEN and "about" not in message.meta]
    before = [message for message in typed if message.seq < called and message.seq in searched]
    if before:
        return before[-1]
    after = (message for message in typed if message.seq > called)
    return next((message for message in after if message.seq in searched or _reads_as_question(desk, conversation, message)), None)


def _reads_as_question(desk: Desk, conversation: Conversation, message: Message) -> bool:
    words = _WORD.findall(TOKEN.sub(" ", desk.vault.open(conversation, message.text_sealed)))
    return len(words) >= _FEWEST_WORDS
