"""What a thing may be: the enumerations of the tables."""

import enum


class Mode(enum.StrEnum):
    """Who owns a conversation."""

    BOT = "bot"
    QUEUED = "queued"
    OPERATOR = "operator"
    CLOSED = "closed"


class Author(enum.StrEnum):
    CITIZEN = "citizen"
    BOT = "bot"
    OPERATOR = "operator"
    SYSTEM = "system"


class TurnState(enum.StrEnum):
    ACCEPTED = "accepted"  # stored, not begun
    RUNNING = "running"  # claimed under a lease
    DONE = "done"  # answered by the bot
    HANDED_OVER = "handed_over"  # the engine failed: a person was called
    DROPPED = "dropped"  # a person took over meanwhile: nothing of it was shown


class DeliveryState(enum.StrEnum):
    QUEUED = "queued"
    SENDING = "sending"  # claimed under a lease
    SENT = "sent"
    FAILED = "failed"  # refused for good, or given up


class LetterState(enum.StrEnum):
    NEW = "new"  # stored, nothing is made of it yet
    DONE = "done"
    QUARANTINED = "quarantined"  # taken for spam or a flood: not answered, waits for an operator's decision
    PARKED = "parked"  # nothing could be made of it: an administrator looks at it


class Scan(enum.StrEnum):
    CLEAN = "clean"
    UNSCANNED = "unscanned"
    REFUSED = "refused"  # a virus was found after it had been taken: its content is deleted


class Reading(enum.StrEnum):
    """How far the text of a citizen's picture is."""

    ASKED = "asked"
    DONE = "done"
    FAILED = "failed"  # it cannot be read, or takes too long: not tried again


class AppealKind(enum.StrEnum):
    """Which clock an appeal runs on (S14)."""

    SIMPLE = "simple"
    COMPLEX = "complex"
    URGENT = "urgent"
    COMPLAINT = "complaint"
    SUGGESTION = "suggestion"


class AppealStatus(enum.StrEnum):
    """How far an appeal is; which may follow which says handoff/appeal_states.py."""

    REGISTERED = "registered"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"  # for the citizen: the clock stands still
    ANSWERED = "answered"  # by an operator, for good; the citizen's next word reopens it
    CLOSED = "closed"
    REOPENED = "reopened"


class RequestKind(enum.StrEnum):
    """What a citizen may ask for about an appeal that is there (S15, S17)."""

    EXPEDITE = "expedite"
    HIGHER_INSTANCE = "higher_instance"


class RequestGround(enum.StrEnum):
    """Why it is asked for."""

    LIFE = "life"  # a threat to life or health
    RIGHTS = "rights"  # violated rights
    DOCUMENT = "document"  # a document is needed at once
    OVERDUE = "overdue"  # the deadline passed unanswered
    NO_REASON = "no_reason"  # a refusal gave no reason
    SYSTEMIC = "systemic"  # a systemic fault shows
    REVISION = "revision"  # a decision must be revised


class RequestState(enum.StrEnum):
    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


class QuestionOutcome(enum.StrEnum):
    """Why a citizen's question is kept for the editors."""

    NO_ANSWER = "no_answer"
    OFF_TOPIC = "off_topic"  # taken for something else than the desk's matters
    SUGGESTIONS = "suggestions"  # articles were suggested, and none has been chosen yet
    UNHELPFUL = "unhelpful"  # none was right, or the answer did not help
    OPERATOR = "operator"  # an operator answered it with an article


class QuestionState(enum.StrEnum):
    OPEN = "open"
    ALIAS = "alias"  # made one of an article
    DRAFT = "draft"  # a new article was begun
    DISMISSED = "dismissed"


class Role(enum.StrEnum):
    OPERATOR = "operator"
    SENIOR = "senior"
    EDITOR = "editor"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"


UNDER_WAY = (TurnState.ACCEPTED, TurnState.RUNNING)  # a turn that is not over
UNSENT = (DeliveryState.QUEUED, DeliveryState.SENDING)  # a delivery that is neither sent nor given up
ON_THE_CLOCK = (AppealStatus.REGISTERED, AppealStatus.IN_PROGRESS, AppealStatus.REOPENED)  # what becomes overdue
FINISHED = (AppealStatus.ANSWERED, AppealStatus.CLOSED)  # an appeal that the citizen is owed nothing of
