"""All tables. They are the domain model: there is no second set of classes.

Columns that hold what people wrote end in ``_sealed``: encrypted with the conversation's data key (core/personal_data.py). Times are UTC.
"""

from core.models.appeals import Appeal, AppealCounter, AppealEvent, AppealRequest, AppealWait, QueueEntry
from core.models.articles import Article, ArticleRevision
from core.models.base import LAST_SEQ, UNSTORABLE, Base, Instant, now
from core.models.conversations import Attachment, Conversation, Draft, Message, Note, Rating
from core.models.deliveries import Delivery, Lease, TelegramUpdate
from core.models.kinds import (
    FINISHED,
    ON_THE_CLOCK,
    UNDER_WAY,
    UNSENT,
    AppealKind,
    AppealStatus,
    Author,
    DeliveryState,
    LetterState,
    Mode,
    QuestionOutcome,
    QuestionState,
    Reading,
    RequestGround,
    RequestKind,
    RequestState,
    Role,
    Scan,
    TurnState,
)
from core.models.letters import IncomingLetter, MailFolder
from core.models.operators import AuditEntry, AuditHead, Operator, OperatorSession
from core.models.personal_data import Consent, Erasure, Export, IndexedValue, VaultEntry, WrappedKey
from core.models.questions import ArticleMark, OpenQuestion
from core.models.turns import Effect, Turn

__all__ = [
    "FINISHED",
    "ON_THE_CLOCK",
    "UNDER_WAY",
    "UNSENT",
    "UNSTORABLE",
    "LAST_SEQ",
    "Appeal",
    "AppealCounter",
    "AppealEvent",
    "AppealKind",
    "AppealRequest",
    "AppealStatus",
    "AppealWait",
    "Article",
    "ArticleMark",
    "ArticleRevision",
    "Attachment",
    "AuditEntry",
    "AuditHead",
    "Author",
    "Base",
    "Consent",
    "Conversation",
    "Delivery",
    "DeliveryState",
    "Draft",
    "Effect",
    "Erasure",
    "Export",
    "IncomingLetter",
    "IndexedValue",
    "Instant",
    "Lease",
    "LetterState",
    "MailFolder",
    "Message",
    "Mode",
    "Note",
    "OpenQuestion",
    "Operator",
    "OperatorSession",
    "QuestionOutcome",
    "QuestionState",
    "QueueEntry",
    "Rating",
    "Reading",
    "RequestGround",
    "RequestKind",
    "RequestState",
    "Role",
    "Scan",
    "TelegramUpdate",
    "Turn",
    "TurnState",
    "VaultEntry",
    "WrappedKey",
    "now",
]
