"""What an operator changes of an appeal, as one transaction; its citizen is told of each new state, where they are."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from core import audit, conversations
from core.desk import Desk
from core.errors import conflict, invalid
from core.ids import new_id
from core.models import FINISHED, Appeal, AppealKind, AppealStatus, Author, Conversation, Mode, Operator, RequestKind
from handoff import appeal_requests, appeal_states, appeals, departments, letters, notices, queue
from handoff.console.workplace import Workplace
from handoff.rights import Right

_TEXT_CHARACTERS = 2000
_HIGHEST = 100
Text = Annotated[str, Field(max_length=_TEXT_CHARACTERS)]


class Change(BaseModel):
    """What an operator changes of an appeal.

    ``reason``: told to the citizen with a decision; with the status «closed» how it ended. ``question``: with the status «waiting» what is
    asked, as the operator's message; without it the citizen was asked before, in the chat or by telephone.
    """

    status: AppealStatus | None = None
    kind: AppealKind | None = None
    department: Annotated[str, Field(max_length=40)] | None = None
    priority: Annotated[int, Field(ge=0, le=_HIGHEST)] | None = None
    urgent_confirmed: Literal[True] | None = None
    expedite: Literal["confirmed", "refused"] | None = None
    higher_instance: Literal["confirmed", "refused"] | None = None
    reason: Text = ""
    question: Text = ""

    @property
    def decisions(self) -> dict[RequestKind, str]:
        """What was asked for → what is decided."""
        given = {RequestKind.EXPEDITE: self.expedite, RequestKind.HIGHER_INSTANCE: self.higher_instance}
        return {kind: state for kind, state in given.items() if state}

    @property
    def rights(self) -> list[Right]:
        """Those that it takes; none for nothing."""
        wanted = [Right.WORK] if self.status or self.department is not None else []
        if self.decisions or self.urgent_confirmed or self.kind or self.priority is not None:
            wanted.append(Right.DECIDE)
        return [*wanted, Right.DECIDE_HIGHER] if self.higher_instance else wanted


@dataclass
class AppealChanges:
    """One operator's changes of one appeal. The appeal is held, its conversation and those of its requests are locked."""

    session: Session
    workplace: Workplace
    conversation: Conversation
    appeal: Appeal
    operator: Operator
    at: datetime

    @property
    def desk(self) -> Desk:
        return self.workplace.desk

    def carry_out(self, given: Change) -> None:
        """All of it or nothing. Problem 409, 422."""
        if given.status == AppealStatus.REOPENED:  # what else is changed may want an open one
            self._change_status(given)
        if self.appeal.status in FINISHED and (given.kind or given.department is not None or given.priority is not None):
            raise conflict("appeal_finished", number=self.appeal.number)
        if given.department is not None:
            self._move(given.department)
        if given.priority is not None:
            appeals.move(self.session, self.appeal, priority=given.priority)
            self._note(f"priority {given.priority}")
        if given.kind is not None:
            appeals.change_kind(self.session, self.desk, self.appeal, given.kind, self.operator)
            self._note(f"kind {given.kind}")
        if given.urgent_confirmed:
            appeals.confirm_urgency(self.session, self.desk, self.appeal, self.operator, self.at)
            self._note("urgent_confirmed")
        for kind, state in given.decisions.items():
            self._decide(kind, state, given.reason)
        if given.status is not None and given.status != AppealStatus.REOPENED:
            self._change_status(given)

    def _change_status(self, given: Change) -> None:
        steps: dict[AppealStatus, Callable[[Change], None]] = {
            AppealStatus.IN_PROGRESS: self._start,
            AppealStatus.WAITING: self._ask,
            AppealStatus.ANSWERED: self._answer,
            AppealStatus.CLOSED: self._close,
            AppealStatus.REOPENED: self._reopen,
        }
        status = AppealStatus(given.status or self.appeal.status)
        appeal_states.check(self.appeal, status)
        steps[status](given)
        self._note(f"status {status}")

    def _start(self, _given: Change) -> None:
        appeal_states.start(self.session, self.appeal, self.operator, self.at)
        self._tell(appeal_states.news(self.session, self.appeal))

    def _ask(self, given: Change) -> None:
        if given.question:
            queue.check_holder(self.session, self.conversation, self.operator)
            external_id = f"question:{new_id()}"
            conversations.append(
                self.session,
                self.desk.vault,
                self.conversation,
                Author.OPERATOR,
                given.question,
                operator=self.operator,
                external_id=external_id,
            )
        appeal_states.ask(self.session, self.appeal, self.at, self.operator)
        # A letter holds this message alone; in the chat the question stands above it.
        unread = given.question if self.workplace.writes(self.session, self.conversation) else ""
        question = self.desk.vault.tokenise(self.session, self.conversation, unread, indexed=False) if unread else ""
        self._tell(appeal_states.news(self.session, self.appeal, question))

    def _answer(self, _given: Change) -> None:
        appeal_states.answer(self.session, self.appeal, self.operator, self.at)
        self._tell(appeal_states.news(self.session, self.appeal))

    def _close(self, given: Change) -> None:
        is_its_own = appeals.newest_open(self.session, self.conversation.id) == self.appeal
        if is_its_own and self.conversation.mode in (Mode.QUEUED, Mode.OPERATOR):  # then the conversation ends with it
            left = queue.close(self.session, self.desk, self.conversation, self.operator, given.reason, self.at)
            if self.workplace.writes(self.session, self.conversation):
                letters.put_notice(self.session, self.desk, self.conversation, letters.STATUS, left)
            return
        appeal_states.close(self.session, self.desk, self.conversation, self.appeal, self.operator, given.reason, self.at)
        self._tell(appeal_states.news(self.session, self.appeal))

    def _reopen(self, _given: Change) -> None:
        appeal_states.reopen(self.session, self.desk, self.appeal, self.at, self.operator)
        self._tell(appeal_states.news(self.session, self.appeal))

    def _move(self, department: str) -> None:
        departments.check(self.session, self.desk.settings, department)
        if department == self.appeal.department:
            return
        appeals.move(self.session, self.appeal, department=department)
        words = appeals.sealed_words(self.session, self.desk, self.conversation, department)
        appeals.record(self.session, self.appeal, "moved", self.operator, words)
        self._note(f"department {department}")

    def _decide(self, kind: RequestKind, state: str, reason: str) -> None:
        is_confirmed = state == "confirmed"
        told = appeal_requests.decide(
            self.session, self.desk, self.appeal, kind, self.operator, self.at, confirmed=is_confirmed, reason=reason
        )
        if told is not None:
            self.workplace.send(self.session, conversations.find(self.session, told.conversation_id), told)
        self._note(f"{kind} {state}")

    def _tell(self, words: str) -> None:
        """In the conversation, and by letter where that is the citizen's way."""
        if self.conversation.data_key is None:
            return
        if self.workplace.writes(self.session, self.conversation):
            notices.tell(self.session, self.desk, self.conversation, words, letter=letters.STATUS)
        else:
            meta = {"kind": "notice"}
            conversations.append(self.session, self.desk.vault, self.conversation, Author.SYSTEM, words, meta=meta)

    def _note(self, change: str) -> None:
        """Into the audit log."""
        subject = f"{self.appeal.number} {change}"
        audit.append(self.session, self.desk.vault, self.operator, audit.APPEAL_CHANGED, subject, conversation=self.conversation)


def log_call(session: Session, desk: Desk, conversation: Conversation, appeal: Appeal, operator: Operator, note: str) -> None:
    """What was said on the telephone, into the appeal's history; operators read it. Problem 409 for an erased one."""
    if conversation.data_key is None:
        raise conflict("appeal_erased", number=appeal.number)
    appeals.record(session, appeal, "call_logged", operator, appeals.sealed_words(session, desk, conversation, note))
    audit.append(session, desk.vault, operator, audit.CALL, appeal.number, conversation=conversation)
    appeals.tell_operators(session, appeal)


def check_change(given: Change) -> None:
    """Problem 422 for words that go with nothing."""
    if given.question and given.status != AppealStatus.WAITING:
        raise invalid("question", "question_without_waiting")
