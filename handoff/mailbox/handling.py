"""From a letter that is stored to what becomes of it, in two transactions: whose it is, and, once its files are checked, all the rest."""

import dataclasses
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core import conversations, deliveries
from core.desk import Desk
from core.ids import digest
from core.inbound import unsent_attachments
from core.models import Appeal, AppealKind, Author, Conversation, IncomingLetter, Message, Mode
from core.words import say
from handoff import appeal_form, appeal_requests, appeal_states, appeals, letters, notices, queue
from handoff.letters import message_ids
from handoff.mailbox import incoming
from handoff.mailbox.correspondence import Place, find_place, message_id_hash, sender_hash
from handoff.mailbox.letter import Letter
from handoff.mailbox.rules import Known, Route, judge
from handoff.mailbox.sender_fields import WORDS, missing_fields
from handoff.mailbox.subject import Subject, expedite_ground, find_appeal_number, read_subject, with_numbers_of
from handoff.topics import topic_of

_LOOKED_AT = 5_000  # characters of a letter's words in which its number is looked for
NO_SENDER = "sender: there is no address to answer to"
# A field of the sender → its kind in the vault; the others are texts.
_PERSONAL = {"full_name": "name", "snils": "snils", "birth_date": "birthdate", "phone": "phone", "inn": "inn"}


@dataclass(frozen=True)
class RefusedFile:
    """A file that was left out, and why."""

    name: str
    reason: str
    is_infected: bool = False


def begin(session: Session, desk: Desk, letter_id: uuid.UUID, letter: Letter) -> uuid.UUID | None:
    """Finds the conversation of a new letter, or begins one. None if there is nothing more to do: no person wrote it, or nobody can be
    answered."""
    row = incoming.lock_new(session, letter_id)
    if row is None:
        return None
    if letter.automatic is not None:
        if letter.bounce is not None and letter.bounce.is_final:
            _note_bounce(session, desk, letter.bounce.about, letter.bounce.status)
        incoming.end(row, letter.automatic)
        return None
    if letter.sender is None:
        incoming.park(row, NO_SENDER)
        return None
    if row.conversation_id is None:
        place = find_place(session, desk, letter, _subject(letter, desk))
        conversation = place.conversation
        if conversation is None:
            conversation = conversations.start_by_letter(session, desk.vault, letters.CHANNEL)
            conversation.email_token = desk.vault.put(session, conversation, "email", letter.sender)
        message_id = letter.message_id or incoming.derived_message_id(row)
        row.conversation_id = conversation.id
        row.named_appeal_id = place.named.id if place.named else None
        row.sender_hash = sender_hash(desk, letter)
        row.message_id_hash = message_id_hash(desk, message_id)
        # An answer names the letter's own id or none: a derived one is nothing to its sender's program.
        row.message_id_sealed = desk.vault.seal(incoming.holder(row), message_id) if letter.message_id else None
    return row.conversation_id


def finish(
    session: Session,
    desk: Desk,
    letter_id: uuid.UUID,
    letter: Letter,
    told: dict[str, str],
    file_ids: list[uuid.UUID],
    refused: list[RefusedFile],
    at: datetime,
) -> Route | None:
    """Everything that a letter leads to. None if that was done before, or its conversation was erased meanwhile.

    ``told``: what it tells of its sender (``sender_fields``).
    """
    row = incoming.lock_new(session, letter_id)
    if row is None or row.conversation_id is None:
        return None
    conversation = conversations.lock(session, row.conversation_id)
    subject = _subject(letter, desk)
    place = find_place(session, desk, letter, subject)
    if place.conversation is None or place.conversation.id != conversation.id:
        place = Place(conversation, letters.newest_appeal(session, conversation))
    known = Known(place.appeal.finished_at) if place.appeal else None
    verdict = judge(subject, known, row.received_at, desk.settings, is_readable=not letter.is_overbuilt)
    messages = _append(session, desk, conversation, row, letter, file_ids, with_quotations=known is None)
    incoming.end(row, verdict.route)
    _Outcome(session, desk, conversation, row, told, subject, messages, refused, at).carry_out(verdict.route, verdict.faults, place.appeal)
    return verdict.route


@dataclass
class _Outcome:
    """One letter's consequences, in one transaction on a locked conversation."""

    _session: Session
    _desk: Desk
    _conversation: Conversation
    _row: IncomingLetter
    _told: dict[str, str]
    _subject: Subject
    _messages: list[Message]
    _refused: list[RefusedFile]
    _at: datetime

    def __post_init__(self) -> None:
        self._may_reply = incoming.may_be_answered(self._session, self._desk, self._row, self._at)

    def carry_out(self, route: Route, faults: list[str], appeal: Appeal | None) -> None:
        missing: list[str] = []
        if appeal is None or route == Route.REPEAT:  # sending a letter is the consent to what is done with it
            appeal_form.record_consent(self._session, self._desk, self._messages[0])
        match route:
            case Route.RETURN:
                self._notify(say("letter_returned", faults=" ".join(say(fault) for fault in faults)))
            case Route.REGISTER | Route.REPEAT:
                missing = self._register(appeal)
            case Route.REOPEN | Route.JOIN if appeal is not None:
                if route == Route.REOPEN:
                    appeal_states.reopen(self._session, self._desk, appeal, self._row.received_at)
                    self._tell(appeal_states.news(self._session, appeal))
                elif news := appeal_states.hear(self._session, self._desk, self._conversation, self._at):
                    self._tell(news)
                self._join(appeal)
        for file in self._refused:
            name = self._desk.vault.tokenise(self._session, self._conversation, file.name)
            self._notify(say("letter_file_refused", name=name, reason=file.reason))
        kinds = [letters.RETURNED] if route == Route.RETURN else []
        kinds += [letters.MISSING] * bool(missing) + [letters.UNSAFE_FILE] * (bool(self._refused) and route != Route.RETURN)
        if not kinds:
            return
        findings = {"faults": faults, "missing": missing, "refused": [dataclasses.asdict(file) for file in self._refused]}
        incoming.keep_findings(self._desk, self._row, findings | ({"told": self._told} if route == Route.RETURN else {}))
        if self._may_reply:  # the sender has not had as many today as one address gets
            self._row.answered = True
            for kind in kinds:
                letters.put_reply(self._session, self._desk, self._conversation, kind, self._row.id)

    def _register(self, parent: Appeal | None) -> list[str]:
        """A new appeal, which waits for an operator; what is missing in it. ``parent``: the earlier one, closed, that it repeats."""
        first = self._messages[0]
        if parent is None:  # what was returned before is what this is about
            earlier = incoming.of_conversation(self._session, self._conversation.id)
            for letter in reversed(earlier):
                self._told = incoming.findings_of(self._desk, letter).get("told", {}) | self._told
            first = conversations.first_message(self._session, self._conversation.id, Author.CITIZEN)
        # Who repeats an appeal has told of themselves in the first one.
        known = appeals.fields_of(self._desk.vault, self._conversation, parent) if parent else {}
        earlier_told = {name: token for name, token in known.items() if name in WORDS}
        fields = earlier_told | self._stored(self._told) | {"reply_channel": "email", "problem": self._words_of(first)}
        if self._conversation.email_token:
            fields["email"] = self._conversation.email_token
        if self._subject.application_number:
            fields["application_number"] = self._subject.application_number
        kind = self._kind()
        topic = topic_of(kind, names_application=self._subject.application_number is not None)
        received = self._row.received_at
        appeal = appeals.register(self._session, self._desk, self._conversation, kind, received, fields, topic, parent=parent)
        if self._subject.repeat and parent is None:
            appeals.record(self._session, appeal, "named_repeat")  # of one that an operator has to look for
        self._ask_to_expedite(appeal)
        if self._may_reply:
            letters.put_receipt(self._session, self._desk, self._conversation, appeal)
            self._row.answered = True
        self._queue()
        missing = missing_fields(self._values(earlier_told) | self._told)
        if missing and self._may_reply:
            self._notify(say("letter_data_asked", missing=", ".join(say(WORDS[name]) for name in missing)))
            appeal_states.ask(self._session, appeal, self._at)
        return missing

    def _join(self, appeal: Appeal) -> None:
        """Into an open appeal: operators hear of it, and what was missing is filled in."""
        known = appeals.fields_of(self._desk.vault, self._conversation, appeal)
        news = self._stored({name: value for name, value in self._told.items() if name not in known})
        if news:
            appeal.fields_sealed = self._desk.vault.seal(self._conversation, json.dumps(known | news, ensure_ascii=False))
        appeals.record(self._session, appeal, "letter_joined")
        self._ask_to_expedite(appeal)
        self._queue()

    def _ask_to_expedite(self, appeal: Appeal) -> None:
        """If the subject does; an operator decides."""
        if not self._subject.expedite:
            return
        words = self._words_of(self._messages[0])
        ground = expedite_ground(words)
        if ground is None:
            self._notify(say("letter_expedite_without_ground"))
            return
        seq = self._messages[-1].seq
        appeal_requests.ask_to_expedite(
            self._session, self._desk, self._conversation, appeal, ground, {"reason": words}, self._row.received_at, seq
        )

    def _queue(self) -> None:
        if self._conversation.mode == Mode.BOT:
            seq = self._messages[-1].seq
            queue.hand_over(self._session, self._desk, self._conversation, queue.LETTER, self._at, seq, with_receipt=False)

    def _kind(self) -> AppealKind:
        if self._subject.complaint:
            return AppealKind.COMPLAINT
        return AppealKind.SUGGESTION if self._subject.suggestion else AppealKind.SIMPLE

    def _stored(self, fields: dict[str, str]) -> dict[str, str]:
        """Field → token; what is no person's, as a text with tokens."""
        vault, conversation = self._desk.vault, self._conversation
        return {
            name: vault.put(self._session, conversation, _PERSONAL[name], value)
            if name in _PERSONAL
            else vault.tokenise(self._session, conversation, value)
            for name, value in fields.items()
        }

    def _values(self, stored: dict[str, str]) -> dict[str, str]:
        """Field → value, of what ``_stored`` gave."""
        values = self._desk.vault.values(self._session, self._conversation, stored.values())
        return {name: values.get(token, token) for name, token in stored.items()}

    def _words_of(self, message: Message) -> str:
        return self._desk.vault.open(self._conversation, message.text_sealed)

    def _tell(self, words: str) -> None:
        """Of the appeal's state; by letter as long as its sender gets letters today."""
        if not self._may_reply:
            self._notify(words)
            return
        notices.tell(self._session, self._desk, self._conversation, words, letter=letters.STATUS)
        self._row.answered = True

    def _notify(self, words: str) -> None:
        conversations.append(self._session, self._desk.vault, self._conversation, Author.SYSTEM, words, meta={"kind": "notice"})


def _subject(letter: Letter, desk: Desk) -> Subject:
    """A letter whose subject stands for a number may name the number in its words; so may an answer: few programs let its subject be
    changed."""
    subject = read_subject(letter.subject, desk.settings)
    if letter.answered_ids:
        return with_numbers_of(subject, letter.parts.own[:_LOOKED_AT], desk.settings)
    if (subject.expedite or subject.repeat) and subject.appeal_number is None:
        return dataclasses.replace(subject, appeal_number=find_appeal_number(letter.parts.own[:_LOOKED_AT], desk.settings)[0])
    return subject


def _note_bounce(session: Session, desk: Desk, about: list[str], status: str) -> None:
    """The letters that did not arrive, on their appeals. Anybody may send such a report; only who has had a letter can name it."""
    for sent in deliveries.find_sent(session, [message_id for message_id in about if not message_ids.is_forged(desk, message_id)]):
        conversation = conversations.lock(session, sent.conversation_id)
        delivery = deliveries.bounce(session, sent.message_id, f"bounced {status}".strip())
        if delivery is not None and conversation.data_key is not None:
            letters.tell_failure(session, desk, conversation, delivery)


def _append(
    session: Session,
    desk: Desk,
    conversation: Conversation,
    row: IncomingLetter,
    letter: Letter,
    file_ids: list[uuid.UUID],
    *,
    with_quotations: bool,
) -> list[Message]:
    """The letter as messages: its subject and all its words where it begins something; what is new in it where it goes on."""
    words = (letter.subject, letter.text) if with_quotations else (letter.parts.own, letter.parts.signature)
    text = "\n\n".join(words).strip()
    pieces = list(_pieces(text, desk.settings.message_characters))[: desk.settings.letter_messages] or [say("letter_without_text")]
    attachments = unsent_attachments(session, desk, conversation, file_ids)
    return [
        conversations.append(
            session,
            desk.vault,
            conversation,
            Author.CITIZEN,
            piece,
            attachments=attachments if place == len(pieces) - 1 else None,
            external_id=digest(f"{row.id}:{place}"),
            meta={"kind": "letter"},
        )
        for place, piece in enumerate(pieces)
    ]


def _pieces(text: str, limit: int) -> Iterator[str]:
    """``text`` in parts of at most ``limit`` characters, parted between paragraphs, lines or words where that can be."""
    while len(text) > limit:
        ends = [found.end() for pattern in (r"\n\n", r"\n", r"\s") for found in list(re.finditer(pattern, text[:limit]))[-1:]]
        end = next((end for end in ends if end > limit // 2), limit)
        yield text[:end].strip()
        text = text[end:].strip()
    if text:
        yield text
