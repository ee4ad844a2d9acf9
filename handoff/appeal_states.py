"""An appeal's states: which may follow which, and what moves it from one to the next — a citizen's word, an operator, the desk.

Each function is part of a transaction in which the conversation of the appeal is locked. What is to be told of a change say ``news`` and
``hear``; telling it is the caller's, who knows whether the citizen is there.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from core.desk import Desk
from core.errors import conflict
from core.models import FINISHED, Appeal, AppealEvent, AppealStatus, Conversation, Operator
from core.words import say
from core.working_time import due, in_words, length_in_words
from handoff import appeals, waits

REGISTERED, IN_PROGRESS, WAITING = AppealStatus.REGISTERED, AppealStatus.IN_PROGRESS, AppealStatus.WAITING
ANSWERED, CLOSED, REOPENED = AppealStatus.ANSWERED, AppealStatus.CLOSED, AppealStatus.REOPENED
# All that may follow. What waits for its citizen goes back to where it was by the citizen's word, whatever that was.
NEXT: Mapping[AppealStatus, tuple[AppealStatus, ...]] = {
    REGISTERED: (IN_PROGRESS, WAITING, ANSWERED, CLOSED),
    IN_PROGRESS: (WAITING, ANSWERED, CLOSED),
    WAITING: (IN_PROGRESS, ANSWERED, CLOSED),
    ANSWERED: (CLOSED, REOPENED),
    CLOSED: (REOPENED,),
    REOPENED: (IN_PROGRESS, WAITING, ANSWERED, CLOSED),
}
# What citizens read of a state, and operators of a step that cannot be taken: keys of messages.ru.yml.
STATUS_WORDS = {
    REGISTERED: "status_registered",
    IN_PROGRESS: "status_in_progress",
    WAITING: "status_waiting",
    ANSWERED: "status_answered",
    CLOSED: "status_closed",
    REOPENED: "status_reopened",
}
_STEP_WORDS = {
    IN_PROGRESS: "step_in_progress",
    WAITING: "step_waiting",
    ANSWERED: "step_answered",
    CLOSED: "step_closed",
    REOPENED: "step_reopened",
}

# What its citizen is told when an operator has brought it there.
_NEWS = {
    IN_PROGRESS: "news_in_progress",
    WAITING: "news_waiting",
    ANSWERED: "news_answered",
    CLOSED: "news_closed",
    REOPENED: "news_reopened",
}
_AWAITED = select(Appeal.id).where(Appeal.conversation_id == bindparam("id"), Appeal.status == WAITING).limit(1)


def check(appeal: Appeal, status: AppealStatus) -> None:
    """Problem 409, with what is possible, unless ``status`` may follow."""
    if status not in NEXT[appeal.status]:
        possible = ", ".join(say(_STEP_WORDS[step]) for step in NEXT[appeal.status])
        raise conflict("appeal_step", number=appeal.number, status=say(STATUS_WORDS[appeal.status]).lower(), possible=possible)


def begin_work(session: Session, appeal: Appeal, operator: Operator) -> bool:
    """An operator takes it with its conversation. Whether that is news to the citizen: the first one does."""
    before = appeal.status
    if before in (REGISTERED, REOPENED):
        appeal.status = IN_PROGRESS
    wait = waits.open_one(session, appeal)
    if wait is not None:  # what was asked for is asked for still
        wait.returns_to = IN_PROGRESS
    appeals.record(session, appeal, "claimed", operator)
    return before == REGISTERED


def start(session: Session, appeal: Appeal, operator: Operator, at: datetime) -> None:
    """An operator says that it is worked on, or that what was waited for has come, by telephone perhaps."""
    check(appeal, IN_PROGRESS)
    is_over = waits.end(session, appeal, at) is not None
    appeal.status = IN_PROGRESS
    appeals.record(session, appeal, "resumed" if is_over else "started", operator)
    appeals.tell_operators(session, appeal)


def ask(session: Session, appeal: Appeal, at: datetime, operator: Operator | None = None) -> None:
    """The citizen was asked for something, by an operator or by the desk itself: the clock stands still."""
    check(appeal, WAITING)
    waits.begin(session, appeal, IN_PROGRESS if operator else appeal.status, at)
    appeal.status = WAITING
    appeals.record(session, appeal, "asked", operator)
    appeals.tell_operators(session, appeal)


def answer(session: Session, appeal: Appeal, operator: Operator, at: datetime) -> None:
    """An operator has answered for good."""
    check(appeal, ANSWERED)
    waits.end(session, appeal, at)
    appeal.status, appeal.answered_at = ANSWERED, at
    appeals.record(session, appeal, "answered", operator)
    appeals.tell_operators(session, appeal)


def close(
    session: Session, desk: Desk, conversation: Conversation, appeal: Appeal, operator: Operator, resolution: str, at: datetime
) -> None:
    """Ends an appeal; ``resolution`` says how, in the operator's words, if there are any."""
    check(appeal, CLOSED)
    waits.end(session, appeal, at)
    appeal.status, appeal.closed_at = CLOSED, at
    appeals.record(session, appeal, "closed", operator, appeals.sealed_words(session, desk, conversation, resolution))
    appeals.tell_operators(session, appeal)


def withdraw(session: Session, appeal: Appeal, at: datetime, operator: Operator | None = None) -> bool:
    """Ends an appeal whose citizen takes back their data. False for one that is answered: nothing of it is withdrawn."""
    is_withdrawn = appeal.status not in FINISHED
    waits.end(session, appeal, at)
    appeal.status, appeal.closed_at = CLOSED, at
    appeals.record(session, appeal, "withdrawn" if is_withdrawn else "closed", operator)
    appeals.tell_operators(session, appeal)
    return is_withdrawn


def reopen(session: Session, desk: Desk, appeal: Appeal, at: datetime, operator: Operator | None = None) -> None:
    """A finished one is answered anew, under its number, with a date counted from ``at`` by its kind. Problem 409 for a withdrawn one."""
    check(appeal, REOPENED)
    if was_withdrawn(session, appeal):
        raise conflict("appeal_withdrawn", number=appeal.number)
    appeal.status, appeal.answered_at, appeal.closed_at = REOPENED, None, None
    appeal.reopened_at, appeal.due_at = at, due(appeal.kind, at, desk.settings)
    appeal.urgent_confirmed_at = None
    appeals.record(session, appeal, "reopened", operator)
    appeals.tell_operators(session, appeal)


def was_withdrawn(session: Session, appeal: Appeal) -> bool:
    withdrawn = select(AppealEvent.id).where(AppealEvent.appeal_id == appeal.id, AppealEvent.kind == "withdrawn")
    return session.scalar(withdrawn.limit(1)) is not None


def are_awaited(session: Session, conversation: Conversation) -> bool:
    """Whether the desk waits for the conversation's citizen."""
    return session.scalar(_AWAITED, {"id": conversation.id}) is not None


def hear(session: Session, desk: Desk, conversation: Conversation, at: datetime) -> str | None:
    """A citizen's word has come to people, by whatever channel: what waited for it goes on, what was answered is open again.

    Returns what to tell them of it.
    """
    waiting = select(Appeal).where(Appeal.conversation_id == conversation.id, Appeal.status == WAITING).order_by(Appeal.ordinal)
    words = []
    # Held: an appeal may be asked about in another conversation at the same time.
    for appeal in session.scalars(waiting.with_for_update().execution_options(populate_existing=True)).all():
        wait = waits.end(session, appeal, at)
        appeal.status = wait.returns_to if wait else IN_PROGRESS
        appeals.record(session, appeal, "resumed")
        appeals.tell_operators(session, appeal)
        words.append(_resumed(session, appeal))
    if words:
        return "\n".join(words)
    again = reopen_answered(session, desk, conversation, at)
    return news(session, again) if again else None


def reopen_answered(session: Session, desk: Desk, conversation: Conversation, at: datetime) -> Appeal | None:
    """Opens the conversation's answered appeal again, if there is no open one and the answer is not older than ``reopen_days``."""
    appeal = appeals.newest_open(session, conversation.id)
    if appeal is None or appeal.answered_at is None or at > appeal.answered_at + timedelta(days=desk.settings.reopen_days):
        return None
    reopen(session, desk, appeal, at)
    return appeal


def news(session: Session, appeal: Appeal, question: str = "") -> str:
    """What a citizen is told of the state that an operator has brought it to. ``question``: what is asked, for who has not read it."""
    number, until = appeal.number, in_words(appeal.due_at)
    match appeal.status:
        case AppealStatus.WAITING if question:
            return say("news_question", number=number, question=question)
        case AppealStatus.IN_PROGRESS if waits.length(waits.of(session, appeal)):
            return _resumed(session, appeal)
        case _:
            return say(_NEWS[appeal.status], number=number, due=until)


def _resumed(session: Session, appeal: Appeal) -> str:
    length = length_in_words(waits.length(waits.of(session, appeal)))
    return say("news_resumed", number=appeal.number, length=length, due=in_words(appeal.due_at))
