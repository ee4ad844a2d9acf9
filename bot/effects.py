"""What a turn may do, in the one transaction that ends it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.orm import Session

from bot import learning
from bot.dialogue_engine import Deed, Reply, Utterance
from bot.help_text import shorten
from core import conversations
from core.desk import Desk
from core.facts import fill
from core.models import AppealRequest, Author, Conversation, Effect, Message, RequestGround, Turn
from core.settings import Settings
from core.words import say
from handoff import appeal_form, appeal_requests, data_requests, erasure, queue
from handoff.ownership import find_own

log = structlog.get_logger(__name__)

_OFFERS = ("offer", "no_answer", "apology")  # the kinds of messages that offer a person
_REPEATABLE = ("keep_draft", "drop_draft")  # the last one counts, as where one form leads into another
_DETAIL = ("service_category", "reason", "problem", "files")  # of a request


class NotShown(Exception):
    """An action asked for something about an appeal that its citizen has not shown to be theirs."""


class UnknownDeed(Exception):
    """An action asked for something the gateway does not do: a fault of ours, ended at a person."""


def carry_out(session: Session, desk: Desk, conversation: Conversation, turn: Turn, reply: Reply, at: datetime) -> None:
    """Stores the bot's messages and does its deeds. The caller holds the conversation and has checked that it is still the turn's."""
    for part in reply:
        if isinstance(part, Utterance):
            _say(session, desk, conversation, turn, part, at)
        else:
            _do(session, desk, conversation, turn, part, at)
        if conversation.data_key is None:
            return  # erased: there is nothing to say any more, and nothing to say it with


def happens_first(session: Session, turn: Turn, effect: str) -> bool:
    """Marks ``effect`` of ``turn`` as done; False if it was done before."""
    if session.get(Effect, (turn.id, effect)) is not None:
        return False
    session.add(Effect(turn_id=turn.id, effect=effect))
    session.flush()
    return True


def _say(session: Session, desk: Desk, conversation: Conversation, turn: Turn, utterance: Utterance, at: datetime) -> None:
    text = _text_of(utterance, desk.settings)
    if utterance.meta.get("kind") in _OFFERS and (hours := queue.hours_words(desk, at)):
        text = f"{text}\n{hours}"
    conversations.append(
        session,
        desk.vault,
        conversation,
        Author.BOT,
        text,
        buttons=[dict(button) for button in utterance.buttons],
        in_reply_to=turn.seq,
        expects=utterance.expects,
        meta=utterance.meta,
    )


def _text_of(utterance: Utterance, settings: Settings) -> str:
    """As it is sent: of an article that is too long for a message the first paragraphs, and where the rest is."""
    text, limit = fill(utterance.text, settings), settings.message_characters
    if len(text) <= limit:
        return text
    if utterance.meta.get("kind") != "answer":
        return text[: limit - 1] + "…"
    address = fill(f"[[help_url]]/{utterance.meta['article']}", settings)
    ending = "\n\n" + say("answer_in_full", address=address)
    room = limit - len(ending)
    paragraphs = text[: room + 2].rpartition("\n\n")[0]  # one may end just there
    return (paragraphs or shorten(text, room)) + ending


def _do(session: Session, desk: Desk, conversation: Conversation, turn: Turn, deed: Deed, at: datetime) -> None:
    if deed.do not in _DEEDS:
        raise UnknownDeed(deed.do)
    if deed.do in _REPEATABLE or happens_first(session, turn, deed.do):
        _DEEDS[deed.do](session, desk, conversation, turn, deed.fields, at)


def _hand_over(session: Session, desk: Desk, conversation: Conversation, turn: Turn, fields: dict[str, Any], at: datetime) -> None:
    queue.hand_over(session, desk, conversation, str(fields.get("reason", "citizen_asked"))[:40], at, in_reply_to=turn.seq)


def _keep_draft(session: Session, desk: Desk, conversation: Conversation, _turn: Turn, fields: dict[str, Any], _at: datetime) -> None:
    conversations.keep_draft(session, desk.vault, conversation, fields)


def _drop_draft(session: Session, _desk: Desk, conversation: Conversation, _turn: Turn, _fields: dict[str, Any], _at: datetime) -> None:
    conversations.drop_draft(session, conversation)


def _record_consent(session: Session, desk: Desk, _conversation: Conversation, turn: Turn, _fields: dict[str, Any], _at: datetime) -> None:
    appeal_form.record_consent(session, desk, session.get_one(Message, turn.message_id))


def _register_appeal(session: Session, desk: Desk, conversation: Conversation, turn: Turn, fields: dict[str, Any], _at: datetime) -> None:
    if appeal_form.refuse_if_too_many(session, desk, conversation, fields, turn.created_at, turn.seq):
        return
    # Received when the citizen confirmed it, however long the engine took.
    appeal_form.register(session, desk, conversation, fields, turn.created_at, in_reply_to=turn.seq)


def _request_expedite(session: Session, desk: Desk, conversation: Conversation, turn: Turn, fields: dict[str, Any], _at: datetime) -> None:
    _request(session, desk, conversation, turn, fields, appeal_requests.ask_to_expedite)


def _request_higher_instance(
    session: Session, desk: Desk, conversation: Conversation, turn: Turn, fields: dict[str, Any], _at: datetime
) -> None:
    _request(session, desk, conversation, turn, fields, appeal_requests.ask_higher_instance)


def _request(
    session: Session,
    desk: Desk,
    conversation: Conversation,
    turn: Turn,
    fields: dict[str, Any],
    ask: Callable[..., AppealRequest | None],
) -> None:
    """Asked when the citizen confirmed it, however long the engine took; whose the appeal is is looked at once more."""
    token = str(fields.get("access_code") or "")
    proof = desk.vault.values(session, conversation, [token]).get(token, "")
    appeal = find_own(session, desk.vault, conversation.id, fields["appeal_number"], proof)
    if appeal is None:
        raise NotShown
    detail = {name: fields[name] for name in _DETAIL if fields.get(name)}
    ask(session, desk, conversation, appeal, RequestGround(fields["ground"]), detail, turn.created_at, turn.seq)


def _erase(session: Session, desk: Desk, conversation: Conversation, turn: Turn, _fields: dict[str, Any], at: datetime) -> None:
    if data_requests.was_read(session, conversation, turn.seq):
        erasure.erase(session, desk, conversation, erasure.CITIZEN, at, in_reply_to=turn.seq)
    else:  # a yes from before the question was there: it was meant for another one
        data_requests.ask(session, desk, conversation, data_requests.ERASE, turn.seq)


def _withdraw_consent(session: Session, desk: Desk, conversation: Conversation, turn: Turn, _fields: dict[str, Any], at: datetime) -> None:
    if data_requests.was_read(session, conversation, turn.seq):
        erasure.withdraw_consent(session, desk, conversation, at, in_reply_to=turn.seq)
    else:
        data_requests.ask(session, desk, conversation, data_requests.WITHDRAW, turn.seq)


def _export(session: Session, desk: Desk, conversation: Conversation, turn: Turn, _fields: dict[str, Any], _at: datetime) -> None:
    data_requests.ask(session, desk, conversation, data_requests.EXPORT, turn.seq)


def _keep_question(session: Session, _desk: Desk, conversation: Conversation, turn: Turn, fields: dict[str, Any], at: datetime) -> None:
    learning.keep_question(session, conversation, turn, fields, at)


def _drop_question(session: Session, _desk: Desk, conversation: Conversation, turn: Turn, _fields: dict[str, Any], _at: datetime) -> None:
    learning.drop_question(session, conversation, turn)


def _mark_answer(session: Session, _desk: Desk, conversation: Conversation, turn: Turn, fields: dict[str, Any], at: datetime) -> None:
    learning.mark_answer(session, conversation, turn, helpful=bool(fields["helpful"]), at=at)


_DEEDS: dict[str, Callable[[Session, Desk, Conversation, Turn, dict[str, Any], datetime], None]] = {
    "hand_over": _hand_over,
    "keep_draft": _keep_draft,
    "drop_draft": _drop_draft,
    "record_consent": _record_consent,
    "register_appeal": _register_appeal,
    "request_expedite": _request_expedite,
    "request_higher_instance": _request_higher_instance,
    "erase": _erase,
    "withdraw_consent": _withdraw_consent,
    "export": _export,
    "keep_question": _keep_question,
    "drop_question": _drop_question,
    "mark_answer": _mark_answer,
}
