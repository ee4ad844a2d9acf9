"""The audit log: append-only on each database, and a chain that shows what was done to it behind the desk's back."""

import re
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core import audit, conversations
from core.desk import Desk
from core.models import AuditEntry, AuditHead, Conversation, Operator, now
from tests.scenes import add_operator, in_threads, start_conversation

_TRIGGERS = ("audit_no_update", "audit_no_delete", "audit_head_no_delete", "audit_head_no_return")


@pytest.fixture
def operator(desk: Desk) -> Operator:
    return add_operator(desk)


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    return start_conversation(desk)


def reveal(desk: Desk, operator: Operator, conversation_id: uuid.UUID, reason: str = "звонок на +79215550142") -> None:
    def write(session: Session) -> None:
        conversation = conversations.lock(session, conversation_id)
        audit.append(session, desk.vault, operator, audit.REVEAL, "phone1", reason, conversation=conversation)

    desk.database.write(write)


def log_in(desk: Desk, operator: Operator, times: int = 1) -> None:
    for _ in range(times):
        desk.database.write(audit.append, desk.vault, operator, audit.LOGIN)


def tamper(desk: Desk, *statements: str) -> None:
    """What somebody who owns the database can do: take the triggers away first."""

    def run(session: Session) -> None:
        for trigger in _TRIGGERS:
            table = "audit_head" if "head" in trigger else "audit"
            session.execute(text(f"DROP TRIGGER {trigger}" + ("" if desk.database.is_sqlite else f" ON {table}")))
        for statement in statements:
            session.execute(text(statement))

    desk.database.write(run)


def verdict(desk: Desk, known_head: str = "") -> audit.Verdict:
    return desk.database.read(audit.verify, desk.vault, known_head)


def faults(desk: Desk, known_head: str = "") -> list[str]:
    return verdict(desk, known_head).faults


def rows(desk: Desk) -> list[AuditEntry]:
    return list(reversed(desk.database.read(audit.entries)))


def test_an_empty_log_is_whole(desk: Desk) -> None:
    assert verdict(desk) == verdict(desk, "0:") == audit.Verdict(1, 0, "0:", [])


def test_rows_are_numbered_and_hold_who_what_on_what_when_and_why(desk: Desk, operator: Operator, conversation_id: uuid.UUID) -> None:
    log_in(desk, operator)
    reveal(desk, operator, conversation_id)
    login, revealed = rows(desk)
    assert (login.seq, login.actor, login.action, login.conversation_id, login.reason_sealed) == (1, "ivanova", "login", None, None)
    assert (revealed.seq, revealed.operator_id, revealed.conversation_id) == (2, operator.id, conversation_id)
    assert (revealed.action, revealed.subject) == ("reveal", "phone1")
    assert abs(revealed.created_at - now()) < timedelta(minutes=1)
    why = desk.database.read(audit.reason_of, desk.vault, revealed)
    assert re.fullmatch(r"звонок на pdphone\d", why)
    assert "звонок".encode() not in (revealed.reason_sealed or b"")
    found = verdict(desk)
    assert (found.faults, found.last_seq) == ([], 2) and re.fullmatch(r"2:[0-9a-f]{64}", found.head)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'petrova'",
        "UPDATE audit SET seq = 9 WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 1",
        "DELETE FROM audit",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET last_seq = 1",
        "UPDATE audit_head SET first_seq = 0",
    ],
)
def test_the_database_refuses_to_change_what_is_written(desk: Desk, operator: Operator, statement: str) -> None:
    log_in(desk, operator, 2)
    with pytest.raises(DBAPIError, match="append-only"):
        desk.database.write(lambda session: session.execute(text(statement)))
    assert [row.actor for row in rows(desk)] == ["ivanova", "ivanova"]
    assert faults(desk) == []


def test_postgresql_refuses_to_truncate(desk: Desk, operator: Operator) -> None:
    if desk.database.is_sqlite:
        pytest.skip("SQLite has no TRUNCATE")
    log_in(desk, operator)
    for statement in ("TRUNCATE audit", "TRUNCATE audit_head"):
        with pytest.raises(DBAPIError, match="append-only"):
            desk.database.write(Session.execute, text(statement))


_SWAP = (
    "UPDATE audit SET seq = 100 WHERE seq = 2",
    "UPDATE audit SET seq = 2 WHERE seq = 3",
    "UPDATE audit SET seq = 3 WHERE seq = 100",
)
_LOST = "row {} has lost its hash"
_HEAD_CHANGED = "the head was changed"
_CHANGED = "row {} was changed, or does not follow the row before it"
_LOGINS_LOST = [_LOST.format(seq) for seq in (1, 2, 3)]


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (["UPDATE audit SET actor = 'petrova' WHERE seq = 2"], [_CHANGED.format(2)]),
        (["UPDATE audit SET action = 'claim' WHERE seq = 1"], [_CHANGED.format(1)]),
        (["UPDATE audit SET subject = 'x' WHERE seq = 5"], [_CHANGED.format(5)]),
        (["UPDATE audit SET created_at = '2026-01-01 00:00:00.000000' WHERE seq = 3"], [_CHANGED.format(3)]),
        (["UPDATE audit SET reason_sealed = NULL WHERE seq = 4"], [_CHANGED.format(4)]),
        (["UPDATE audit SET conversation_id = NULL, reason_sealed = NULL WHERE seq = 4"], [_CHANGED.format(4)]),
        (["DELETE FROM audit WHERE seq = 2"], ["row 2 is missing"]),
        (["DELETE FROM audit WHERE seq IN (1, 2)"], ["rows 1-2 are missing"]),
        (["DELETE FROM audit WHERE seq >= 4"], ["rows 4-5 are missing at the end"]),
        (["DELETE FROM audit"], ["rows 1-5 are missing at the end"]),
        ([*_SWAP], [_CHANGED.format(2), _CHANGED.format(3), _CHANGED.format(4)]),
        (["UPDATE audit SET hash = NULL WHERE seq = 3"], ["row 3 has lost its hash"]),
        (
            ["DELETE FROM audit WHERE seq = 5", "UPDATE audit_head SET last_seq = 4"],
            ["the head was changed", "row 4 is not the one that the head names"],
        ),
        (
            ["DELETE FROM audit WHERE seq = 5", "UPDATE audit_head SET last_seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4)"],
            ["the head was changed"],
        ),
        (
            [
                "UPDATE audit_head SET first_seq = 3, before_hash = (SELECT hash FROM audit WHERE seq = 2)",
                "DELETE FROM audit WHERE seq < 3",
            ],
            ["the head was changed"],
        ),
        (["UPDATE audit_head SET seal = NULL"], [_HEAD_CHANGED]),
        (["UPDATE audit_head SET seal = NULL, hash = NULL"], [_HEAD_CHANGED]),
        (["UPDATE audit_head SET seal = NULL, hash = NULL", "UPDATE audit SET hash = NULL WHERE seq < 5"], [_HEAD_CHANGED, *_LOGINS_LOST]),
        # As after the migration, but what stands there was not recorded before it.
        (["UPDATE audit_head SET seal = NULL, hash = NULL", "UPDATE audit SET hash = NULL"], [*_LOGINS_LOST, _LOST.format(5)]),
        (["UPDATE audit SET hash = NULL", "UPDATE audit_head SET seal = NULL"], [_HEAD_CHANGED, *_LOGINS_LOST, _LOST.format(5)]),
        (
            [
                "INSERT INTO audit (seq, actor, action, subject, created_at, hash) "
                "SELECT 6, actor, action, subject, created_at, hash FROM audit WHERE seq = 5"
            ],
            ["row 6 was added past the head", _CHANGED.format(6)],
        ),
    ],
)
def test_verifying_names_what_was_done(
    desk: Desk, operator: Operator, conversation_id: uuid.UUID, statements: list[str], found: list[str]
) -> None:
    log_in(desk, operator, 3)
    reveal(desk, operator, conversation_id)
    log_in(desk, operator)
    assert faults(desk) == []
    tamper(desk, *statements)
    assert faults(desk) == found
    log_in(desk, operator)  # the desk goes on, and does not seal what was done
    assert rows(desk)[-1].actor == operator.login
    assert faults(desk) != []


def test_a_known_head_shows_a_log_that_was_put_back(desk: Desk, operator: Operator) -> None:
    log_in(desk, operator, 2)
    early = verdict(desk).head
    old = desk.database.read(lambda session: session.get_one(AuditHead, 1))
    log_in(desk, operator)
    late = verdict(desk).head
    assert faults(desk, early) == faults(desk, late) == []

    def put_back(session: Session) -> None:
        session.execute(text("DELETE FROM audit WHERE seq = 3"))
        head = session.get_one(AuditHead, 1)
        head.last_seq, head.hash, head.seal = old.last_seq, old.hash, old.seal

    tamper(desk)
    desk.database.write(put_back)
    assert faults(desk) == faults(desk, early) == []
    assert faults(desk, late) == [f"the chain does not hold the head {late}"]


def test_the_chain_outlives_an_erasure(desk: Desk, operator: Operator, conversation_id: uuid.UUID) -> None:
    reveal(desk, operator, conversation_id)

    def erase(session: Session) -> None:
        session.get_one(Conversation, conversation_id).data_key = None

    desk.database.write(erase)
    assert faults(desk) == []
    assert desk.database.read(audit.reason_of, desk.vault, rows(desk)[0]) == "данные удалены"


def test_writers_at_once_leave_no_gap(desk: Desk, operator: Operator) -> None:
    in_threads(8, lambda _: log_in(desk, operator, 5))
    assert [row.seq for row in rows(desk)] == list(range(1, 41))
    assert faults(desk) == []


def test_a_transaction_that_fails_leaves_no_gap(desk: Desk, operator: Operator) -> None:
    def fail(session: Session) -> None:
        audit.append(session, desk.vault, operator, audit.LOGIN)
        audit.append(session, desk.vault, operator, audit.LOGIN)
        raise RuntimeError("after the rows")

    log_in(desk, operator)
    with pytest.raises(RuntimeError):
        desk.database.write(fail)
    log_in(desk, operator)
    assert [row.seq for row in rows(desk)] == [1, 2]
    assert faults(desk) == []


def test_rows_older_than_the_chain_are_bound_by_the_first_one_after_them(
    desk: Desk, operator: Operator, conversation_id: uuid.UUID
) -> None:
    """As the migration leaves them: numbered, without hashes."""
    old = {"actor": "ivanova", "operator_id": operator.id, "conversation_id": conversation_id, "action": "reveal", "reason_sealed": b"-"}

    def write_as_before(session: Session) -> None:
        for seq in (1, 2, 3):
            session.add(AuditEntry(seq=seq, subject="snils1", **old))
        session.flush()
        session.get_one(AuditHead, 1).last_seq = 3

    desk.database.write(write_as_before)
    assert verdict(desk) == audit.Verdict(1, 3, "3:", [], has_begun=False)
    log_in(desk, operator)
    assert (faults(desk), verdict(desk).has_begun) == ([], True)
    tamper(desk, "UPDATE audit SET subject = 'x' WHERE seq = 2")
    assert faults(desk) == [_CHANGED.format(4)]


def test_what_has_served_its_time_is_forgotten_and_the_rest_stays_whole(desk: Desk, operator: Operator) -> None:
    log_in(desk, operator, 3)
    head = verdict(desk).head
    middle = rows(desk)[2].created_at
    assert desk.database.write(audit.forget, desk.vault, middle) == 2
    assert [(row.seq, row.action, row.subject) for row in rows(desk)] == [(3, "login", ""), (4, "forget", "1-2")]
    assert faults(desk, head) == []
    assert faults(desk, f"3:{'0' * 64}") == [f"the chain does not hold the head 3:{'0' * 64}"]
    assert desk.database.write(audit.forget, desk.vault, middle) == 0
    assert desk.database.write(audit.forget, desk.vault, now() + timedelta(days=1)) == 2
    assert [row.seq for row in rows(desk)] == [5]
    assert faults(desk) == []
    log_in(desk, operator)
    assert faults(desk) == []


def test_a_head_that_was_forgotten_cannot_be_compared(desk: Desk, operator: Operator) -> None:
    log_in(desk, operator)
    oldest = verdict(desk).head
    log_in(desk, operator)
    last_forgotten = verdict(desk).head
    log_in(desk, operator)
    desk.database.write(audit.forget, desk.vault, rows(desk)[2].created_at)
    for head, is_held, is_comparable in [
        (oldest, True, False),
        ("1:dead", True, False),
        (last_forgotten, True, True),  # the row after it holds its hash
        (last_forgotten.upper(), True, True),
        ("2:dead", False, True),
        ("0:", True, True),  # of the empty log
        ("0:dead", False, True),
        ("9:dead", False, True),
    ]:
        found = verdict(desk, head)
        assert (found.faults == [], found.is_comparable) == (is_held, is_comparable), head


@pytest.mark.parametrize("head", ["²:ab", "١:ab", "-1:ab", ":ab", "abc", "9" * 5000 + ":ab", "1"])
def test_what_is_no_head_is_not_held(desk: Desk, operator: Operator, head: str) -> None:
    log_in(desk, operator)
    assert faults(desk, head) == [f"the chain does not hold the head {head}"]


def test_a_reason_wants_a_conversation(desk: Desk, operator: Operator) -> None:
    with pytest.raises(ValueError, match="conversation's key"):
        desk.database.write(audit.append, desk.vault, operator, audit.LOGIN, "", "почему")
