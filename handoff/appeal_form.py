"""An appeal as the form hands it over: checked once more, put into normal form, registered, acknowledged."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.models import Appeal, AppealKind, Author, Consent, Conversation, Message
from core.words import say
from core.working_time import MOSCOW, in_words
from handoff import appeals, letters, queue, repeat_appeals
from handoff.fields import PARSERS, FieldFault, ReplyChannel
from handoff.topics import topic_of

# A personal field → its kind in the vault.
PERSONAL = {"full_name": "name", "snils": "snils", "birth_date": "birthdate", "email": "email", "phone": "phone"}
_DAY = timedelta(days=1)
_KIND_WORDS = {AppealKind.COMPLAINT: "appeal_complaint", AppealKind.SUGGESTION: "appeal_suggestion"}


class IncompleteForm(Exception):
    """A field that must be there is missing: a fault of ours, as the form does not end without it."""


def record_consent(session: Session, desk: Desk, message: Message) -> None:
    """Keeps that ``message`` gave the consent, and to which text."""
    session.merge(
        Consent(
            message_id=message.id,
            conversation_id=message.conversation_id,
            version=desk.settings.consent_version,
            given_at=message.created_at,
        )
    )


def are_used_up(session: Session, desk: Desk, snils: str, received: datetime) -> bool:
    """Whether that SNILS has had as many appeals within a day as it may have, in whatever conversations."""
    recent = select(func.count()).select_from(Appeal).where(Appeal.received_at > received - _DAY)
    count = session.scalar(recent.where(Appeal.conversation_id.in_(desk.vault.holders(session, "snils", snils)))) or 0
    return count >= desk.settings.appeals_per_snils_per_day


def refuse_if_too_many(
    session: Session, desk: Desk, conversation: Conversation, slots: dict[str, Any], received: datetime, in_reply_to: int
) -> bool:
    """Whether a day's appeals of the conversations that hold the form's SNILS are used up. The citizen is told so then, in words that do
    not say whose they are, and can call a person: who knows somebody's SNILS must not be able to keep them out.

    Found by the blind index: all gateways count together.
    """
    token = str(slots.get("snils"))
    if not are_used_up(session, desk, desk.vault.values(session, conversation, [token]).get(token, ""), received):
        return False
    conversations.append(
        session,
        desk.vault,
        conversation,
        Author.BOT,
        say("appeals_used_up", hotline=desk.settings.hotline),
        buttons=[{"title": say("call_operator_button"), "command": queue.HAND_OVER}],
        in_reply_to=in_reply_to,
        meta={"kind": "notice"},
    )
    return True


def register(
    session: Session, desk: Desk, conversation: Conversation, slots: dict[str, Any], received: datetime, in_reply_to: int | None = None
) -> Appeal:
    """Registers the appeal that ``slots`` (personal fields as tokens) hold, tells the citizen, and puts the receipt.

    ``conversation`` is locked. Raises IncompleteForm or FieldFault: then nothing may be stored.
    """
    if slots.get("consent") is not True or slots.get("confirmation") is not True:
        raise IncompleteForm("consent or confirmation")
    fields = _fields(session, desk, conversation, slots)
    snils = desk.vault.values(session, conversation, [fields["snils"]])[fields["snils"]]
    earlier = repeat_appeals.find_earlier(session, desk, conversation, slots, snils)
    if earlier is None and (named := repeat_appeals.named(slots)):
        fields["earlier_appeal"] = named
    kind = earlier.kind if earlier else AppealKind(slots["category"])
    # A simple one is what the form calls a question on an application.
    topic = topic_of(kind, names_application=True)
    appeal = appeals.register(session, desk, conversation, kind, received, fields, topic, parent=earlier)
    if fields["reply_channel"] == ReplyChannel.EMAIL:
        conversation.email_token = fields["email"]
    conversations.drop_draft(session, conversation)
    acknowledge(
        session,
        desk,
        conversation,
        appeal,
        "appeal_registered_by_letter" if conversation.email_token else "appeal_registered",
        in_reply_to,
    )
    return appeal


def acknowledge(session: Session, desk: Desk, conversation: Conversation, appeal: Appeal, words: str, in_reply_to: int | None) -> None:
    """Tells the citizen the number: by letter where an address is known, and in the conversation. ``words``: a key of messages.ru.yml."""
    letters.put_receipt(session, desk, conversation, appeal)
    _tell(session, desk, conversation, appeal, words, in_reply_to)


def _fields(session: Session, desk: Desk, conversation: Conversation, slots: dict[str, Any]) -> dict[str, str]:
    """Name → token of the value in normal form, or text."""
    channel = ReplyChannel(slots["reply_channel"])
    values = desk.vault.values(session, conversation)
    fields = {}
    required = {"full_name", "snils", str(channel)}
    for name in PERSONAL:
        written = values.get(str(slots.get(name)))
        if written is None and name in required:
            raise IncompleteForm(name)
        if written is None:
            continue
        fields[name] = desk.vault.put(session, conversation, PERSONAL[name], _in_normal_form(name, written, desk))
    if not slots.get("problem"):
        raise IncompleteForm("problem")
    fields |= {"reply_channel": str(channel), "problem": str(slots["problem"])}
    fields |= {name: str(slots[name]) for name in ("application_number", "occurred_at", "tried") if slots.get(name)}
    if slots.get("files"):
        fields["files"] = ", ".join(slots["files"])
    return fields


def _in_normal_form(name: str, written: str, desk: Desk) -> str:
    try:
        value = PARSERS[name](written, desk.settings)
    except FieldFault:
        if name != "full_name":
            raise
        return " ".join(written.split())  # a rare name, which its owner has confirmed
    return f"{value:%d.%m.%Y}" if isinstance(value, date) else str(value)


def _tell(session: Session, desk: Desk, conversation: Conversation, appeal: Appeal, words: str, in_reply_to: int | None) -> None:
    code = desk.vault.put(session, conversation, "code", desk.vault.open(conversation, appeal.access_code_sealed))
    conversations.append(
        session,
        desk.vault,
        conversation,
        Author.BOT,
        say(
            words,
            kind=say("appeal_repeat" if appeal.parent_id else _KIND_WORDS.get(appeal.kind, "appeal_appeal")),
            number=appeal.number,
            due=in_words(appeal.due_at),
            status_url=letters.status_url(desk, appeal),
            code=code,
        ),
        in_reply_to=in_reply_to,
        meta={
            "kind": "appeal_registered",
            "appeal_number": appeal.number,
            "due_at": appeal.due_at.astimezone(MOSCOW).isoformat(),
            "access_code": code,
        },
    )
