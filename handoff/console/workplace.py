"""What an operator does with a conversation, behind the console's calls and its socket."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit, consents, conversations
from core.desk import Desk
from core.errors import conflict, invalid, not_found
from core.facts import fill
from core.files import Files
from core.ids import digest, new_id
from core.inbound import check_text, unsent_attachments
from core.limits import Counters, SharedRateLimit
from core.models import Article, Attachment, Author, Conversation, Message, Mode, Operator, Scan, now
from core.personal_data import resolve
from core.presence import Presence
from core.transcript import citizen_fields, masked_fields, message_document, message_documents, note_documents
from handoff import appeal_documents, appeal_requests, appeals, departments, letters, operators, queue, work_list
from handoff.export import CONTENT_TYPE as EXPORT
from handoff.letters import overview, resending
from handoff.reply_ways import Ways, ways

_ALL_MESSAGES = 1_000_000
_PASSWORD_CHECKS_AT_ONCE = 2
_ANSWERS_TO_QUESTIONS = ("answer", "suggestions", "no_answer")
_LAST_WORDS = 5
_ONE_OPENING = timedelta(hours=1)

# Articles that fit the citizen's words: [{"slug", "title", "text"}].
Suggest = Callable[[str], list[dict[str, str]]]


class Workplace:
    """The operators' side of one gateway process."""

    def __init__(self, desk: Desk, files: Files, suggest: Suggest, citizens: Presence) -> None:
        self.desk = desk
        self.files = files
        self._suggest = suggest
        self.citizens = citizens
        self._password_checks = asyncio.Semaphore(_PASSWORD_CHECKS_AT_ONCE)
        counters = Counters(desk.vault, desk.settings)
        self._read_limit = SharedRateLimit(counters, "reads of operator", desk.settings.operator_reads_per_minute)
        self._reveal_limit = SharedRateLimit(counters, "reveals of operator", desk.settings.reveals_per_minute)

    async def password_matches(self, operator: Operator | None, password: str) -> bool:
        """In a thread, a few at once: each takes tens of milliseconds and 64 MiB on purpose."""
        async with self._password_checks:
            return await asyncio.to_thread(operators.password_matches, operator, password)

    async def record_opening(self, conversation_id: uuid.UUID, operator: Operator) -> None:
        """Writes into the audit log who reads a conversation, once an hour. Problem 404; 429 for one who reads too much."""
        await self._read_limit.check(operator.login)
        await self._record_once(conversation_id, operator, audit.OPEN)

    async def record_download(self, conversation_id: uuid.UUID, operator: Operator, attachment_id: uuid.UUID) -> None:
        """Writes into the audit log who opens a file, once an hour. Problem 429 for one who opens too many."""
        await self._read_limit.check(operator.login)
        await self._record_once(conversation_id, operator, audit.DOWNLOAD, str(attachment_id))

    async def _record_once(self, conversation_id: uuid.UUID, operator: Operator, action: str, subject: str = "") -> None:
        done = (operator, action, conversation_id, now() - _ONE_OPENING, subject)
        if await self.desk.database.read_soon(audit.was_recorded, *done):
            return

        def record(session: Session) -> None:
            conversation = conversations.lock(session, conversation_id)  # several calls at once are one opening
            if not audit.was_recorded(session, *done):
                audit.append(session, self.desk.vault, operator, action, subject, conversation=conversation)

        await self.desk.database.write_soon(record)

    async def transcript(self, conversation_id: uuid.UUID, operator: Operator) -> dict[str, Any]:
        """The whole conversation for an operator; the opening is recorded first. Problem 404."""
        await self.record_opening(conversation_id, operator)
        document, question = await self.desk.database.read_soon(self._transcript, conversation_id)
        articles = await asyncio.to_thread(self._suggest, question) if question else []
        document["suggested_articles"] = [{**article, "text": fill(article["text"], self.desk.settings)} for article in articles]
        return document

    def _transcript(self, session: Session, conversation_id: uuid.UUID) -> tuple[dict[str, Any], str]:
        conversation = conversations.find(session, conversation_id)
        messages = conversations.messages_after(session, conversation_id, 0, _ALL_MESSAGES)
        own_appeals = appeals.of_conversation(session, conversation_id)
        documents = message_documents(session, self.desk, conversation, messages, for_operator=True)
        return {
            "messages": documents,
            "notes": note_documents(session, self.desk, conversation),
            "fields": masked_fields(session, self.desk, conversation),
            "appeal": appeal_documents.document(session, self.desk, own_appeals[0]) if own_appeals else None,
            "requests": appeal_requests.of_appeals(session, self.desk, own_appeals),
            "earlier_appeals": appeals.earlier(session, conversation_id),
            "deliveries": overview.letter_documents(session, conversation),
            **self.state(session, conversation),
            "channel": conversation.channel,
        }, _question(documents)

    def lists(self, session: Session) -> dict[str, Any]:
        """What waits for operators."""
        moment = now()
        items = work_list.items(session, self.desk.settings, moment)
        return {"items": items, "undelivered": resending.undelivered(session, self.desk, moment)}

    def state(self, session: Session, conversation: Conversation) -> dict[str, Any]:
        """Who has the conversation, and where an answer would go."""
        operator = session.get(Operator, conversation.operator_id) if conversation.operator_id else None
        return {
            "mode": conversation.mode,
            "operator": {"login": operator.login, "name": operator.name} if operator else None,
            "queue_position": queue.position(session, conversation.id) if conversation.mode == Mode.QUEUED else None,
            "reply_way": self._ways(session, conversation).words if conversation.mode == Mode.OPERATOR else None,
        }

    def send(self, session: Session, conversation: Conversation, message: Message) -> None:
        """Lets what was said in a conversation leave by letter too, where that is its citizen's way. ``conversation`` is locked."""
        if self._ways(session, conversation).letter:
            letters.put_answer(session, self.desk, conversation, message)

    def _ways(self, session: Session, conversation: Conversation) -> Ways:
        return ways(session, self.desk, conversation, is_here=self.citizens.is_here(conversation))

    async def reply(
        self,
        conversation_id: uuid.UUID,
        operator: Operator,
        client_message_id: str,
        text: str,
        attachment_ids: list[uuid.UUID],
        article: str | None = None,
    ) -> dict[str, Any]:
        """Stores an operator's message, and a letter with it where that is the citizen's way; the same ``client_message_id`` again returns
        what was stored. ``article``: the slug of the one that the text is from. Problem 404, 409, 422.
        """
        external_id = digest(f"{conversation_id}:{operator.id}:{client_message_id}")

        def store(session: Session) -> dict[str, Any]:
            conversation = conversations.lock(session, conversation_id)
            message = conversations.find_by_external_id(session, conversation.channel, external_id)
            if message is None:
                queue.check_holder(session, conversation, operator)
                attachments = unsent_attachments(session, self.desk, conversation, attachment_ids, operator.id)
                checked = check_text(self.desk, text, has_attachment=bool(attachments))
                if article is not None and session.get(Article, article) is None:
                    raise invalid("article", "article_not_found")
                message = conversations.append(
                    session,
                    self.desk.vault,
                    conversation,
                    Author.OPERATOR,
                    checked,
                    operator=operator,
                    attachments=attachments,
                    external_id=external_id,
                    meta={"article": article} if article else None,
                )
                self.send(session, conversation, message)
            return message_document(session, self.desk, conversation, message, for_operator=True)

        return await self.desk.database.write_soon(store)

    async def note(
        self, conversation_id: uuid.UUID, operator: Operator, client_message_id: str, text: str, attachment_ids: list[uuid.UUID]
    ) -> dict[str, Any]:
        """Stores an internal note. Only who has the conversation may write one. Problem 404, 409, 422."""
        if attachment_ids:
            raise invalid("attachment_ids", "note_attachments")

        def store(session: Session) -> dict[str, Any]:
            conversation = conversations.lock(session, conversation_id)
            queue.check_holder(session, conversation, operator)
            checked = check_text(self.desk, text, has_attachment=False)
            note = conversations.add_note(
                session, self.desk.vault, conversation, operator, checked, digest(f"{operator.id}:{client_message_id}")
            )
            documents = note_documents(session, self.desk, conversation)
            return next(document for document in documents if document["id"] == str(note.id))

        return await self.desk.database.write_soon(store)

    def transfer(
        self, session: Session, conversation_id: uuid.UUID, operator: Operator, department: str | None, login: str | None, note: str
    ) -> dict[str, Any]:
        """Gives the conversation to a department's queue or to a colleague, with a note for them. Problem 404, 409, 422."""
        conversation = conversations.lock(session, conversation_id)
        queue.check_holder(session, conversation, operator)
        conversations.add_note(session, self.desk.vault, conversation, operator, note, f"transfer:{new_id()}")
        if department:
            departments.check(session, self.desk.settings, department)
            queue.pass_to_department(session, self.desk, conversation, operator, department, now())
        else:
            queue.pass_to_colleague(session, self.desk, conversation, operator, operators.colleague(session, login or ""))
        subject = f"department {department}" if department else f"operator {login}"
        audit.append(session, self.desk.vault, operator, audit.TRANSFER, subject, conversation=conversation)
        session.flush()
        return self.state(session, conversation)

    async def reveal(self, conversation_id: uuid.UUID, operator: Operator, field: str, reason: str) -> str:
        """A field's value in full, and a line in the audit log. Problem 404, 409; 429 for one who reveals too much."""
        await self._reveal_limit.check(operator.login)

        def show(session: Session) -> str:
            conversation = conversations.lock(session, conversation_id)
            if consents.withdrawn_at(session, conversation_id):
                raise conflict("opening_withdrawn")
            fields = citizen_fields(session, self.desk, conversation)
            if field not in fields:
                raise not_found("field_unknown")
            value = resolve(fields[field], self.desk.vault.values(session, conversation, [fields[field]]), masked=False)
            audit.append(session, self.desk.vault, operator, audit.REVEAL, field, reason, conversation=conversation)
            return value

        return await self.desk.database.write_soon(show)

    def readable_attachment(self, session: Session, attachment_id: uuid.UUID, operator: Operator) -> tuple[Conversation, Attachment]:
        """An attachment that may be opened. Problem 404, 409."""
        attachment = session.get(Attachment, attachment_id)
        # What is not sent yet is its uploader's own.
        if attachment is None or (attachment.message_id is None and attachment.operator_id != operator.id):
            raise not_found("attachment_not_found")
        if attachment.content_type == EXPORT:
            raise not_found("attachment_not_found")  # the citizen's own: everything of theirs, unmasked
        if attachment.scan == Scan.REFUSED:
            raise conflict("attachment_refused")
        if attachment.erased_at is not None:
            raise not_found("attachment_gone")
        _check_consent(session, attachment)
        if attachment.scan == Scan.UNSCANNED and attachment.released_at is None and attachment.operator_id is None:
            raise conflict("unscanned")
        return conversations.find(session, attachment.conversation_id), attachment

    def release(self, session: Session, attachment_id: uuid.UUID, operator: Operator, reason: str) -> None:
        """Lets an unscanned file be opened from now on. Problem 404, 409."""
        owner = session.scalar(select(Attachment.conversation_id).where(Attachment.id == attachment_id, Attachment.message_id.is_not(None)))
        if owner is None:
            raise not_found("attachment_not_found")
        conversation = conversations.lock(session, owner)
        attachment = session.get_one(Attachment, attachment_id)
        if attachment.scan == Scan.REFUSED:
            raise conflict("attachment_refused")
        if attachment.erased_at is not None:
            raise not_found("attachment_gone")
        _check_consent(session, attachment)
        attachment.released_at = now()
        audit.append(session, self.desk.vault, operator, audit.RELEASE, str(attachment.id), reason, conversation=conversation)

    def writes(self, session: Session, conversation: Conversation) -> bool:
        """Whether what is told of the appeal goes by letter too."""
        return self._ways(session, conversation).letter

    def check_words(self, text: str, field: str, missing: str) -> str:
        """What an operator has to write, trimmed. Problem 422 if it is empty or cannot be stored."""
        if not text.strip():
            raise invalid(field, missing)
        return check_text(self.desk, text, has_attachment=False).strip()


def _check_consent(session: Session, attachment: Attachment) -> None:
    """Problem 409 for a citizen's file from before they withdrew their consent. What they send later they mean to be read."""
    withdrawn_at = consents.withdrawn_at(session, attachment.conversation_id)
    if attachment.operator_id is None and withdrawn_at and attachment.created_at <= withdrawn_at:
        raise conflict("opening_withdrawn")


def _question(documents: list[dict[str, Any]]) -> str:
    """What the citizen asked last, as far as the bot searched for it; else the longest of their last words."""
    searched = {document["in_reply_to"] for document in documents if document["meta"].get("kind") in _ANSWERS_TO_QUESTIONS}
    typed = [document for document in documents if document["author"] == Author.CITIZEN]
    questions = [document["text"] for document in typed if document["seq"] in searched]
    return questions[-1] if questions else max((document["text"] for document in typed[-_LAST_WORDS:]), key=len, default="")
