"""The feedback form (S7): read field by field, then made an appeal with a conversation of its own in one transaction."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.errors import Problem, conflict
from core.files import CheckedFile, attach
from core.ids import digest, new_token
from core.models import Appeal, AppealStatus, Author, Conversation, Message
from core.settings import Settings
from core.words import say
from handoff import appeal_form, appeals
from handoff.fields import PARSERS, FieldFault, ReplyChannel, recognise_urgency
from handoff.fields.full_name import MAX_CHARACTERS
from handoff.fields.writing import plain
from handoff.letters import FORM as CHANNEL
from handoff.letters import TELEGRAM_CODE
from handoff.topics import KINDS_OF_TOPICS, TOPIC_WORDS, Topic

# What the form asks for, in its order.
TOPICS = tuple(TOPIC_WORDS)
FIELDS = ("kind", "text", "application_number", "files", "full_name", "snils", "email", "reply_channel", "phone", "consent")
FORM_ID = re.compile(r"[\w-]{32,100}", re.ASCII)  # as long as core.ids.new_token makes it: nobody's can be guessed
_PERHAPS_URGENT = (Topic.TECHNICAL_PROBLEM, Topic.APPLICATION_QUESTION)  # as in the chat: if the story says so outright
_PERSONAL = ("full_name", "snils", "email", "phone")
# Faults of a name that may be its owner's all the same: who sends it unchanged has it so.
_DOUBTS = ("full_name_one_word", "full_name_initials", "full_name_characters", "full_name_long", "full_name_unlike")


class WrongFields(Exception):
    """``errors``: a field's name → words that say how to correct it."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


@dataclass(frozen=True)
class Feedback:
    """A form without faults; values in normal form."""

    topic: Topic
    text: str
    full_name: str
    snils: str
    email: str
    reply_channel: ReplyChannel
    phone: str | None
    application_number: str | None
    form_id: str | None

    @property
    def external_id(self) -> str | None:
        """By which the form is known again. Whoever finds somebody's form in a shared browser and writes themselves in sends another."""
        return digest(f"{self.form_id}:{self.snils}:{self.email}") if self.form_id else None


@dataclass(frozen=True)
class Registered:
    """What the form became. ``is_repeated``: it had been sent before."""

    number: str
    due_at: datetime
    status: AppealStatus
    access_code: str
    is_repeated: bool


def read(typed: Mapping[str, str], settings: Settings) -> Feedback:
    """The form that was ``typed`` (field → text). Raises WrongFields.

    ``doubted_name``: a name that was refused before; the same again is taken, if a name may be so at all.
    """
    form = _Form(typed, settings)
    topic = form.read("kind", _parse_topic)
    text = form.read("text", lambda told, settings: PARSERS["problem"](told.replace("\r\n", "\n"), settings))
    if topic in _PERHAPS_URGENT and recognise_urgency(text or ""):
        topic = Topic.OUTAGE
    number = form.read("application_number", PARSERS["application_number"]) if form.typed("application_number") else None
    name = form.read_name()
    snils, email = form.read("snils", PARSERS["snils"]), form.read("email", PARSERS["email"])
    channel = form.read("reply_channel", _parse_channel) if form.typed("reply_channel") else ReplyChannel.EMAIL
    is_phone_wanted = channel == ReplyChannel.PHONE or form.typed("phone")
    phone = form.read("phone", PARSERS["phone"]) if is_phone_wanted else None
    form.read("consent", _parse_consent)
    form_id = form.typed("form_id")
    if form_id and not FORM_ID.fullmatch(form_id):
        form.errors["form_id"] = say("form_id_wrong")
    if form.errors:
        raise WrongFields(form.errors)
    return Feedback(topic, text, name, snils, email, channel, phone, number, form_id or None)


class _Form:
    """A form under way, with its faults so far."""

    def __init__(self, typed: Mapping[str, str], settings: Settings) -> None:
        self._typed = typed
        self._settings = settings
        self.errors: dict[str, str] = {}

    def typed(self, name: str) -> str:
        return self._typed.get(name, "").strip()

    def read(self, name: str, parse: Callable[[str, Settings], Any]) -> Any:
        """The field's value; None with an error beside it."""
        try:
            return parse(self.typed(name), self._settings)
        except FieldFault as fault:
            self.errors[name] = fault.words
            return None

    def read_name(self) -> Any:
        name = self.typed("full_name")
        try:
            return PARSERS["full_name"](name, self._settings)
        except FieldFault as fault:
            if fault.key not in _DOUBTS or len(name) > MAX_CHARACTERS:
                self.errors["full_name"] = fault.words
            elif name != self.typed("doubted_name"):
                self.errors["full_name"] = f"{fault.words} {say('full_name_insist')}"
            else:
                return plain(name)
            return None


def _parse_topic(text: str, _settings: Settings) -> Topic:
    if text not in TOPICS:
        raise FieldFault("kind", "kind_missing")
    return Topic(text)


def _parse_channel(text: str, settings: Settings) -> ReplyChannel:
    if text == ReplyChannel.MESSENGER and settings.has_telegram_link:
        return ReplyChannel.MESSENGER
    return ReplyChannel(PARSERS["reply_channel"](text, settings))


def _parse_consent(text: str, settings: Settings) -> bool:
    if not text:
        raise FieldFault("consent", "consent_missing")
    return bool(PARSERS["consent"](text, settings))


def find_sent(session: Session, desk: Desk, feedback: Feedback) -> Registered | None:
    """The appeal that this form has become before. Problem 409 if that is erased."""
    message = conversations.find_by_external_id(session, CHANNEL, feedback.external_id) if feedback.external_id else None
    if message is None:
        return None
    conversation = conversations.find(session, message.conversation_id)
    if conversation.data_key is None:
        raise conflict("form_erased")
    return _registered(desk, conversation, appeals.of_conversation(session, conversation.id)[-1], is_repeated=True)


def register(
    session: Session, desk: Desk, holder: Conversation, feedback: Feedback, files: Sequence[CheckedFile], received: datetime
) -> Registered:
    """Stores the form once: conversation, message with its files, consent, appeal, receipt. Problem 429 for a SNILS that has too many.

    ``holder``: id and key of the conversation to be, with which the contents of ``files`` are sealed and written.
    """
    sent = find_sent(session, desk, feedback)
    if sent is not None:
        return sent
    if appeal_form.are_used_up(session, desk, feedback.snils, received):
        raise Problem(429, "form_appeals_used_up", {"hotline": desk.settings.hotline})
    code = new_token() if feedback.reply_channel == ReplyChannel.MESSENGER else None
    conversation = conversations.start_for_files(session, desk.vault, CHANNEL, holder, code)
    fields = _put_fields(session, desk, conversation, feedback)
    if code:
        fields[TELEGRAM_CODE] = desk.vault.put(session, conversation, "code", code)
    message = conversations.append(
        session,
        desk.vault,
        conversation,
        Author.CITIZEN,
        feedback.text,
        attachments=[attach(session, desk, conversation, file) for file in files],
        external_id=feedback.external_id,
    )
    appeal_form.record_consent(session, desk, message)
    fields |= _told(desk, conversation, message, feedback, files)
    appeal = appeals.register(session, desk, conversation, KINDS_OF_TOPICS[feedback.topic], received, fields, feedback.topic)
    conversation.email_token = fields["email"]
    appeal_form.acknowledge(session, desk, conversation, appeal, "appeal_registered_by_form", message.seq)
    return _registered(desk, conversation, appeal, is_repeated=False)


def _put_fields(session: Session, desk: Desk, conversation: Conversation, feedback: Feedback) -> dict[str, str]:
    """The personal fields' tokens; put before the text is looked through, which may name them again."""
    given = {name: getattr(feedback, name) for name in _PERSONAL}
    kinds = appeal_form.PERSONAL
    return {name: desk.vault.put(session, conversation, kinds[name], value) for name, value in given.items() if value is not None}


def _told(desk: Desk, conversation: Conversation, message: Message, feedback: Feedback, files: Sequence[CheckedFile]) -> dict[str, str]:
    """The other fields, as an appeal keeps them."""
    told = {
        "category": say(TOPIC_WORDS[feedback.topic]),
        "reply_channel": str(feedback.reply_channel),
        "problem": desk.vault.open(conversation, message.text_sealed),
        "application_number": feedback.application_number,
        "files": ", ".join(str(file.id) for file in files),
    }
    return {name: text for name, text in told.items() if text}


def _registered(desk: Desk, conversation: Conversation, appeal: Appeal, *, is_repeated: bool) -> Registered:
    code = desk.vault.open(conversation, appeal.access_code_sealed)
    return Registered(appeal.number, appeal.due_at, appeal.status, code, is_repeated)
