"""What each kind of letter says. Here, and only here for letters, tokens become what the citizen wrote."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.deliveries import Undeliverable
from core.desk import Desk
from core.models import Appeal, Attachment, Author, Conversation, Delivery, IncomingLetter, Message, Scan
from core.personal_data import resolve
from core.settings import Settings
from core.transcript import message_documents
from core.words import say
from core.working_time import day_in_words, in_words
from handoff import appeal_requests, appeals
from handoff.appeal_numbers import format_number
from handoff.appeals import KIND_WORDS
from handoff.fields import ReplyChannel
from handoff.letters import (
    ANSWER,
    CHANNEL,
    ERASURE,
    FORM,
    INFECTED,
    MISSING,
    NOTICES,
    OVERDUE,
    RECEIPT,
    RETURNED,
    TELEGRAM_CODE,
    TRANSCRIPT,
    UNSAFE_FILE,
    appeal_of,
    status_url,
)
from handoff.letters.layouts import LINK, Written, fill, is_own
from handoff.letters.receipts import withdrawn_numbers
from handoff.mailbox import incoming
from handoff.mailbox.sender_fields import WORDS

_PAGE = 200  # messages of a transcript that are read at once


@dataclass(frozen=True)
class _Source:
    """What a letter is made from. ``values``: what the conversation's tokens stand for; nothing once it is erased."""

    session: Session
    desk: Desk
    delivery: Delivery
    conversation: Conversation
    values: dict[str, str]

    @property
    def appeal(self) -> Appeal | None:
        return appeal_of(self.session, self.desk, self.conversation, self.delivery)

    @property
    def chat_url(self) -> str:
        return f"{self.desk.settings.public_url.rstrip('/')}/"

    @property
    def is_by_letter(self) -> bool:
        """Whether its citizen has no chat."""
        return self.conversation.channel in (CHANNEL, FORM)

    def text_of(self, message_id: uuid.UUID) -> str:
        message = self.session.get_one(Message, message_id)
        return resolve(self.desk.vault.open(self.conversation, message.text_sealed), self.values, masked=False).strip()

    def fill(self, template: str, *, automatic: bool = True, **facts: object) -> Written:
        appeal = self.appeal
        known: dict[str, object] = {"number": appeal.number if appeal else None}
        known["status_url"] = status_url(self.desk, appeal) if appeal else None
        known |= {"chat_url": self.chat_url, "by_letter": self.is_by_letter}
        return fill(template, self.desk.settings, automatic=automatic, **known | facts)


def write(session: Session, desk: Desk, delivery: Delivery, conversation: Conversation, values: dict[str, str]) -> Written:
    """The letter of a delivery. Undeliverable for a kind that is none."""
    by_kind: dict[str, Callable[[_Source], Written]] = {
        RECEIPT: _receipt,
        ANSWER: _answer,
        TRANSCRIPT: _transcript,
        ERASURE: _erasure,
        **dict.fromkeys((RETURNED, MISSING, UNSAFE_FILE, INFECTED), _reply),
        **dict.fromkeys(NOTICES, _notice),
    }
    if delivery.kind not in by_kind:
        raise Undeliverable("unknown_kind")
    return by_kind[delivery.kind](_Source(session, desk, delivery, conversation, values))


def _receipt(source: _Source) -> Written:
    appeal = source.session.get_one(Appeal, source.delivery.subject_id)
    fields = appeals.fields_of(source.desk.vault, source.conversation, appeal)
    return source.fill(
        "receipt.txt",
        number=appeal.number,
        status_url=status_url(source.desk, appeal),
        kind=fields.get("category") or say(KIND_WORDS[appeal.kind]),
        by_phone=fields.get("reply_channel") == ReplyChannel.PHONE,
        by_letter=source.is_by_letter or fields.get("reply_channel") == ReplyChannel.EMAIL,
        telegram_url=_telegram_url(source.desk, source.values.get(fields.get(TELEGRAM_CODE, ""))),
        due=in_words(appeal.due_at),
        access_code=source.desk.vault.open(source.conversation, appeal.access_code_sealed),
    )


def _telegram_url(desk: Desk, code: str | None) -> str | None:
    """Where the bot's chat becomes the appeal's."""
    settings = desk.settings
    return f"https://t.me/{settings.telegram_bot_name}?start={code}" if code and settings.has_telegram_link else None


def attached_to(message_id: uuid.UUID) -> Select[Attachment]:
    """The files that go with an answer: not one in which a virus was found meanwhile."""
    return select(Attachment).where(Attachment.message_id == message_id, Attachment.scan != Scan.REFUSED)


def _answer(source: _Source) -> Written:
    attached = select(func.count()).select_from(attached_to(source.delivery.subject_id).subquery())
    text = source.text_of(source.delivery.subject_id)
    automatic = source.session.get_one(Message, source.delivery.subject_id).author != Author.OPERATOR
    return source.fill("answer.txt", automatic=automatic, text=text, attached=source.session.scalar(attached))


def _notice(source: _Source) -> Written:
    appeal, at = source.appeal, source.delivery.created_at
    may_go_higher = (
        source.delivery.kind == OVERDUE
        and appeal is not None
        and appeal_requests.refusal_of_higher_instance(source.session, appeal, at) is None
    )
    text = source.text_of(source.delivery.subject_id)
    return source.fill("notice.txt", kind=source.delivery.kind, text=text, may_go_higher=may_go_higher)


def _reply(source: _Source) -> Written:
    """To a letter that came: what to correct, what is missing, which files were left out."""
    findings = incoming.findings_of(source.desk, source.session.get_one(IncomingLetter, source.delivery.subject_id))
    return source.fill(
        f"{source.delivery.kind}.txt",
        faults=[say(fault) for fault in findings["faults"]],
        missing=[say(WORDS[name]) for name in findings["missing"]],
        refused=findings["refused"],
        example=format_number(source.desk.settings.appeal_prefix, source.delivery.created_at.year, 417),
    )


def _erasure(source: _Source) -> Written:
    return source.fill("erasure.txt", numbers=", ".join(withdrawn_numbers(source.session, source.conversation.id)))


def _transcript(source: _Source) -> Written:
    """What the citizen saw up to the message that the delivery names, the newest of it if it is long."""
    last = source.session.get_one(Message, source.delivery.subject_id).seq
    taken: list[dict[str, Any]] = []
    room, before = source.desk.settings.transcript_characters, last + 1
    while before > 1 and room > 0:
        wanted = select(Message).where(Message.conversation_id == source.conversation.id, Message.seq < before)
        page = list(source.session.scalars(wanted.order_by(Message.seq.desc()).limit(_PAGE)))
        for document in message_documents(source.session, source.desk, source.conversation, page):
            room -= len(document["text"])
            if room < 0 and taken:
                break
            taken.append(document)
            before = document["seq"]
    messages = [_line_of(source.desk.settings, document) for document in reversed(taken)]
    return source.fill("transcript.txt", messages=messages, left_out=last - len(messages))


def _line_of(settings: Settings, document: dict[str, Any]) -> dict[str, object]:
    author = {Author.CITIZEN: say("transcript_citizen"), Author.BOT: say("transcript_bot")}.get(document["author"], document["author_name"])
    if document["author"] == Author.OPERATOR:
        author = say("transcript_operator", name=author)
    at = datetime.fromisoformat(document["created_at"])
    return {
        "at": f"{day_in_words(at)}, {at:%H:%M}",
        "author": author,
        "text": _without_strange_links(settings, document["text"]) if document["author"] == Author.CITIZEN else document["text"],
        "files": [file["filename"] for file in document["attachments"]],
    }


def _without_strange_links(settings: Settings, text: str) -> str:
    """Whose address it is nobody has checked: a letter of ours carries nobody's links to a stranger."""
    return LINK.sub(lambda found: found[0] if is_own(settings, found[0]) else say("transcript_link"), text)
