"""The shortest ways to a conversation, an operator, a queue: what tests begin with."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from bot import intake
from core import conversations
from core.desk import Desk
from core.ids import new_id
from core.models import Appeal, AppealKind, Attachment, Author, Conversation, Message, Mode, Operator, Role, Scan
from core.working_time import MOSCOW
from handoff import appeals, operators, queue, work_list

T = TypeVar("T")

MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=MOSCOW)  # an ordinary working morning
LATER = MONDAY + timedelta(minutes=5)


def start_conversation(desk: Desk, channel: str = "widget") -> uuid.UUID:
    def begin(session: Session) -> uuid.UUID:
        return conversations.start(session, desk.vault, channel)[0].id

    return desk.database.write(begin)


def write_message(
    desk: Desk, conversation_id: uuid.UUID, text: str = "Добрый день", author: Author = Author.CITIZEN, **more: Any
) -> Message:
    def append(session: Session) -> Message:
        return conversations.append(session, desk.vault, conversations.lock(session, conversation_id), author, text, **more)

    return desk.database.write(append)


def accept(desk: Desk, conversation_id: uuid.UUID, text: str = "вопрос", external_id: str = "m1", **more: Any) -> Message:
    """A citizen's message as a channel hands it over."""
    return desk.database.write(intake.accept, desk, conversation_id, intake.Inbound(external_id, text, **more), MONDAY)


def upload(desk: Desk, conversation_id: uuid.UUID, size: int = 1000, operator_id: uuid.UUID | None = None) -> uuid.UUID:
    """A file for a message to come: its row, without content."""

    def store(session: Session, _desk: Desk, conversation: Conversation) -> uuid.UUID:
        attachment = Attachment(
            id=new_id(),
            conversation_id=conversation.id,
            operator_id=operator_id,
            filename_sealed=desk.vault.seal(conversation, "a.png"),
            content_type="image/png",
            size=size,
            scan=Scan.CLEAN,
        )
        session.add(attachment)
        return attachment.id

    return locked(desk, conversation_id, store)


def add_operator(desk: Desk, login: str = "ivanova", name: str = "Мария Иванова") -> Operator:
    """An operator who cannot log in: hashing a password takes its time."""
    return desk.database.write(operators.add, login, name, Role.OPERATOR, "support", "")


def locked(desk: Desk, conversation_id: uuid.UUID, work: Callable[..., T], *arguments: Any) -> T:
    """``work(session, desk, conversation, …)`` on the held conversation, in one transaction."""

    def run(session: Session) -> T:
        return work(session, desk, conversations.lock(session, conversation_id), *arguments)

    return desk.database.write(run)


def know_address(desk: Desk, conversation_id: uuid.UUID, address: str) -> None:
    """The conversation's letters go there."""

    def know(session: Session, _desk: Desk, conversation: Conversation) -> None:
        conversation.email_token = desk.vault.put(session, conversation, "email", address)

    locked(desk, conversation_id, know)


def hand_over(desk: Desk, conversation_id: uuid.UUID, at: datetime = MONDAY, reason: str = "citizen_asked") -> Message | None:
    return locked(desk, conversation_id, queue.hand_over, reason, at)


def claim(desk: Desk, conversation_id: uuid.UUID, operator: Operator, at: datetime = LATER) -> None:
    locked(desk, conversation_id, queue.claim, operator, at)


def return_to_bot(desk: Desk, conversation_id: uuid.UUID, operator: Operator) -> None:
    locked(desk, conversation_id, queue.return_to_bot, operator)


def close(desk: Desk, conversation_id: uuid.UUID, operator: Operator, resolution: str = "Помогли, тел. +79215550142") -> None:
    locked(desk, conversation_id, queue.close, operator, resolution, LATER)


def register(desk: Desk, conversation_id: uuid.UUID, kind: AppealKind = AppealKind.SIMPLE, at: datetime = MONDAY) -> Appeal:
    return locked(desk, conversation_id, appeals.register, kind, at)


def listed(desk: Desk, at: datetime = MONDAY) -> list[dict[str, Any]]:
    """The operators' list as it is at ``at``."""
    return desk.database.read(work_list.items, desk.settings, at)


def appeals_of(desk: Desk, conversation_id: uuid.UUID) -> list[Appeal]:
    """Newest first."""
    return desk.database.read(appeals.of_conversation, conversation_id)


def change_mode(desk: Desk, conversation_id: uuid.UUID, mode: Mode, operator: Operator | None = None) -> None:
    def change(session: Session) -> None:
        conversations.change_mode(session, conversations.lock(session, conversation_id), mode, operator)

    desk.database.write(change)


def reload(desk: Desk, conversation_id: uuid.UUID) -> Conversation:
    return desk.database.read(conversations.find, conversation_id)


def messages(desk: Desk, conversation_id: uuid.UUID) -> list[Message]:
    return desk.database.read(conversations.messages_after, conversation_id, 0, 1000)


def text_of(desk: Desk, message: Message) -> str:
    """What is stored of a message: with tokens."""
    return desk.vault.open(reload(desk, message.conversation_id), message.text_sealed)


def in_threads(count: int, work: Callable[[int], T]) -> list[T]:
    """``work(0)`` … ``work(count - 1)`` at the same time; the first error is raised."""
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(work, range(count)))
