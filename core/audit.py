"""The audit log: who did what to what, when and why, as a chain.

Each row holds a keyed hash of itself and of the row before it (HMAC-SHA-256), so that who can write the table cannot forge a row. The head,
in a table of its own and sealed likewise, says where the chain ends. The hash covers a reason as it is sealed: the chain stays whole
when the conversation is erased and the reason with it.
"""

import hmac
import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.orm import Session

from core.models import ArticleRevision, AuditEntry, AuditHead, Conversation, Erasure, Operator, now
from core.personal_data import Vault

log = structlog.get_logger(__name__)

# Actors that are no operator.
CITIZEN = "citizen"
COMMAND_LINE = "command line"
DESK = "desk"  # by itself: retention, the first start
STRANGER = "stranger"  # somebody at the login form

LOGIN = "login"
LOGIN_FAILED = "login_failed"
LOGIN_LOCKED = "login_locked"
OPEN = "open"
DOWNLOAD = "download"
CLAIM = "claim"
RETURN = "return"
CLOSE = "close"
REVEAL = "reveal"
RELEASE = "release"
APPEAL_CHANGED = "appeal_changed"
CALL = "call"
TRANSFER = "transfer"
ERASE = "erase"
EXPORT = "export"
LETTER_SHOWN = "letter_shown"
LETTER_RETRIED = "letter_retried"
LETTER_SENT_AGAIN = "letter_sent_again"
LETTER_RELEASED = "letter_released"
LETTER_DISCARDED = "letter_discarded"
LETTERS_READ = "letters_read"
ACCOUNT_ADDED = "account_added"
ACCOUNT_DISABLED = "account_disabled"
PASSWORD_SET = "password_set"  # noqa: S105 - an action's name
FORGET = "forget"
ARTICLE_CREATED = "article_created"
ARTICLE_CHANGED = "article_changed"
ARTICLE_RESTORED = "article_restored"
QUESTIONS_READ = "questions_read"
QUESTION_ALIAS = "question_alias"
QUESTION_DRAFT = "question_draft"
QUESTION_DISMISSED = "question_dismissed"

_HEAD = 1
SUBJECT_CHARACTERS = 100
_BROKEN = b""  # no head has such a seal
_BATCH = 1000
_BEFORE_THE_CHAIN = (REVEAL, RELEASE)  # all that was recorded then, each for a reason
_LONGEST_NUMBER = 9  # digits of a row's
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def append(
    session: Session,
    vault: Vault,
    actor: Operator | str,
    action: str,
    subject: str = "",
    reason: str = "",
    *,
    conversation: Conversation | None = None,
    sealed_reason: bytes | None = None,
) -> AuditEntry:
    """Writes a row in ``session``'s transaction; others that write rows wait until it ends, so that it comes last in it.

    ``subject``: at most 100 characters and never a value: a field's name, an id, a login. ``reason`` is sealed with the conversation's key
    and wants a ``conversation`` (held, as its personal data becomes tokens); written before an erasure it becomes unreadable with it.
    ``sealed_reason``: that of an erasure, under the erasure's own key.
    """
    sealed = sealed_reason
    if reason:
        if conversation is None:
            raise ValueError("a reason is sealed with a conversation's key")
        sealed = vault.seal(conversation, vault.tokenise(session, conversation, reason, indexed=False))
    head, is_sound = _held_head(session, vault)
    operator = actor if isinstance(actor, Operator) else None
    entry = AuditEntry(
        seq=max(head.last_seq, session.scalar(select(func.max(AuditEntry.seq))) or 0) + 1,
        actor=actor if isinstance(actor, str) else actor.login,
        operator_id=operator.id if operator else None,
        conversation_id=conversation.id if conversation else None,
        action=action,
        subject=subject,
        reason_sealed=sealed,
        created_at=now(),
    )
    entry.hash = _row_hash(vault, head.hash or head.before_hash, entry)
    session.add(entry)
    head.last_seq, head.hash = entry.seq, entry.hash
    head.seal = _head_seal(vault, head) if is_sound else _BROKEN
    session.flush()
    return entry


def was_recorded(
    session: Session, operator: Operator, action: str, conversation_id: uuid.UUID | None, since: datetime, subject: str = ""
) -> bool:
    """Whether ``operator`` did that to the conversation, or to none (to ``subject`` in it), at ``since`` or later."""
    found = select(AuditEntry.seq).where(
        AuditEntry.conversation_id == conversation_id,
        AuditEntry.operator_id == operator.id,
        AuditEntry.action == action,
        AuditEntry.subject == subject,
        AuditEntry.created_at >= since,
    )
    return session.scalar(found.limit(1)) is not None


def entries(
    session: Session,
    vault: Vault | None = None,
    *,
    login: str = "",
    conversation_id: uuid.UUID | None = None,
    since: datetime | None = None,
    before: int | None = None,
    limit: int = 1000,
) -> Sequence[AuditEntry]:
    """The newest ``limit`` rows that fit, newest first.

    ``login``: who did it, and with a ``vault`` also whose login was tried in vain. ``before``: a row's number.
    """
    if not login.isprintable():  # nobody's; databases refuse some of such texts
        return []
    wanted = select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(limit)
    if login:
        theirs = [AuditEntry.actor == login]
        if vault:
            failed = AuditEntry.action.in_((LOGIN_FAILED, LOGIN_LOCKED))
            theirs.append(and_(failed, AuditEntry.subject == login_subject(vault, login)))
        wanted = wanted.where(or_(*theirs))
    if conversation_id:
        wanted = wanted.where(AuditEntry.conversation_id == conversation_id)
    if since:
        wanted = wanted.where(AuditEntry.created_at >= min(max(since, _EARLIEST), _LATEST))
    if before is not None:
        wanted = wanted.where(AuditEntry.seq < before)
    return session.scalars(wanted).all()


def conversation_of(session: Session, entry: AuditEntry) -> Conversation | None:
    return session.get(Conversation, entry.conversation_id) if entry.conversation_id else None


def reason_of(session: Session, vault: Vault, entry: AuditEntry) -> str:
    """Why, with tokens for personal data; «данные удалены» once the conversation is erased; empty where no reason was asked for."""
    if entry.conversation_id is None or entry.reason_sealed is None:
        return ""
    if entry.action == ERASE:
        key = session.get_one(Erasure, entry.conversation_id).data_key
    else:
        key = session.get_one(Conversation, entry.conversation_id).data_key
    return vault.open(Conversation(id=entry.conversation_id, data_key=key), entry.reason_sealed)


def login_subject(vault: Vault, login: str) -> str:
    """How a failed login names the login that was tried: what people type there by mistake may be a password."""
    return vault.keyed_hash(f"audit login\n{login}").hex()[:16]


def article_subject(revision: ArticleRevision) -> str:
    """How a change of an article names its revision, which holds the reason."""
    return f"{revision.number} {revision.slug}"[:SUBJECT_CHARACTERS]


def forget(session: Session, vault: Vault, before: datetime) -> int:
    """Deletes the rows older than ``before``, from the beginning on, and writes a row about it. Returns how many."""
    head, is_sound = _held_head(session, vault)
    kept = session.scalar(select(func.min(AuditEntry.seq)).where(AuditEntry.created_at >= before))
    first = head.last_seq + 1 if kept is None else kept
    count = first - head.first_seq
    if count <= 0:
        return 0
    span = f"{head.first_seq}-{first - 1}"
    head.before_hash = _hash_at(session, vault, head, first - 1)
    head.first_seq = first
    head.seal = _head_seal(vault, head) if is_sound else _BROKEN
    session.flush()
    session.execute(delete(AuditEntry).where(AuditEntry.seq < first))
    append(session, vault, DESK, FORGET, span)
    return count


@dataclass(frozen=True)
class Verdict:
    """What a walk along the chain found. ``head``: "<last row's number>:<its hash in hexadecimal>", to be kept elsewhere."""

    first_seq: int
    last_seq: int
    head: str
    faults: list[str]
    has_begun: bool = True  # False: all rows are older than the chain, and nothing is known of them until the next one is written
    is_comparable: bool = True  # False: the known head names a row that was forgotten


def verify(session: Session, vault: Vault, known_head: str = "") -> Verdict:
    """Walks the whole chain. ``known_head``: one printed earlier, that has to stand in the chain still."""
    head = session.get_one(AuditHead, _HEAD)
    faults = []
    has_begun = head.seal is not None
    if not _is_sound(session, vault, head):
        faults.append("the head was changed")
    faults += _walk(session, vault, head)
    is_held = _holds(session, head, known_head) if known_head else True
    if is_held is False:
        faults.append(f"the chain does not hold the head {known_head}")
    is_empty = head.last_seq == 0
    return Verdict(
        head.first_seq, head.last_seq, f"{head.last_seq}:{(head.hash or b'').hex()}", faults, has_begun or is_empty, is_held is not None
    )


def _is_sound(session: Session, vault: Vault, head: AuditHead) -> bool:
    return hmac.compare_digest(head.seal, _head_seal(vault, head)) if head.seal is not None else _is_as_migrated(session, head)


def _is_as_migrated(session: Session, head: AuditHead) -> bool:
    """Whether a head without a seal is one that never had it: then no row has a hash, and none was forgotten."""
    chained = session.scalar(select(AuditEntry.seq).where(AuditEntry.hash.is_not(None)).limit(1))
    return chained is None and head.first_seq == 1 and not head.before_hash and head.hash is None


def _walk(session: Session, vault: Vault, head: AuditHead) -> Iterator[str]:
    before: bytes | None = head.before_hash  # None after a gap: what the next row was written after is not known
    expected, has_begun = head.first_seq, False
    for row in session.scalars(select(AuditEntry).order_by(AuditEntry.seq).execution_options(yield_per=_BATCH)):
        if row.seq < head.first_seq:
            yield f"row {row.seq} stands before the beginning of the chain"
            continue
        if row.seq > expected:
            yield _missing(expected, row.seq - 1)
            before = None
        if row.seq > head.last_seq:
            yield f"row {row.seq} was added past the head"
        if row.hash is None:
            if has_begun or (head.seal is None and row.seq > head.last_seq) or not _can_be_older(row):
                yield f"row {row.seq} has lost its hash"
            before = _row_hash(vault, before or b"", row)
        else:
            if before is not None and not hmac.compare_digest(row.hash, _row_hash(vault, before, row)):
                yield f"row {row.seq} was changed, or does not follow the row before it"
            before, has_begun = row.hash, True
        expected = row.seq + 1
    if expected <= head.last_seq:
        yield f"{_missing(expected, head.last_seq)} at the end"
    elif expected == head.last_seq + 1 and head.hash is not None and before != head.hash:
        yield f"row {head.last_seq} is not the one that the head names"


def _can_be_older(row: AuditEntry) -> bool:
    """Whether a row may be from before the chain, so that it never had a hash."""
    return row.action in _BEFORE_THE_CHAIN and None not in (row.operator_id, row.conversation_id, row.reason_sealed)


def _missing(first: int, last: int) -> str:
    return f"row {first} is missing" if first == last else f"rows {first}-{last} are missing"


def _holds(session: Session, head: AuditHead, known: str) -> bool | None:
    """Whether the chain holds a head printed earlier; None where that row was forgotten, so that nobody can tell."""
    written, _, digest = known.strip().lower().partition(":")
    if not (written.isascii() and written.isdecimal()) or len(written) > _LONGEST_NUMBER:
        return False
    number = int(written)
    if number < head.first_seq - 1:
        return None if number else digest == ""  # "0:" was printed for an empty log
    if number == head.first_seq - 1:  # the last one forgotten is known by its hash
        return None if number and not digest else head.before_hash.hex() == digest
    row = session.get(AuditEntry, number)
    return row is not None and (row.hash or b"").hex() == digest


def _held_head(session: Session, vault: Vault) -> tuple[AuditHead, bool]:
    """The head, held until the transaction ends, and whether it is as the desk left it. At the first call rows older than the chain are
    bound to it.
    """
    head = session.scalars(select(AuditHead).where(AuditHead.id == _HEAD).with_for_update().execution_options(populate_existing=True)).one()
    is_sound = _is_sound(session, vault, head)
    if not is_sound:  # what happens is written down all the same, and the head stays unsound: "verify" says so from now on
        log.error("audit_head_was_changed")
    elif head.seal is None and head.last_seq:
        head.hash = _hash_at(session, vault, head, head.last_seq)
    return head, is_sound


def _hash_at(session: Session, vault: Vault, head: AuditHead, seq: int) -> bytes:
    """The hash of row ``seq``; for one older than the chain it is reckoned from the first."""
    row = session.get_one(AuditEntry, seq)
    if row.hash is not None:
        return row.hash
    before = head.before_hash
    older = select(AuditEntry).where(AuditEntry.seq <= seq).order_by(AuditEntry.seq)
    for entry in session.scalars(older):
        before = _row_hash(vault, before, entry)
    return before


def _row_hash(vault: Vault, before: bytes, row: AuditEntry) -> bytes:
    fields = [
        before.hex(),
        row.seq,
        row.actor,
        str(row.operator_id or ""),
        str(row.conversation_id or ""),
        row.action,
        row.subject,
        None if row.reason_sealed is None else row.reason_sealed.hex(),
        row.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
    ]
    return vault.keyed_hash("audit row\n" + json.dumps(fields))


def _head_seal(vault: Vault, head: AuditHead) -> bytes:
    fields = [head.first_seq, head.before_hash.hex(), head.last_seq, (head.hash or b"").hex()]
    return vault.keyed_hash("audit head\n" + json.dumps(fields))
