"""The audit log's rows, found by who, what and when, on each database."""

from datetime import datetime, timedelta, timezone
from typing import Any

from core import audit
from core.desk import Desk
from core.models import now
from core.working_time import MOSCOW
from tests.contract.test_audit import log_in, reveal
from tests.scenes import add_operator, start_conversation


def test_rows_are_found_by_operator_conversation_and_moment(desk: Desk) -> None:
    operator, conversation_id = add_operator(desk), start_conversation(desk)
    log_in(desk, operator)
    reveal(desk, operator, conversation_id)
    log_in(desk, add_operator(desk, "petrova", "Анна Петрова"))

    def seqs(**wanted: Any) -> list[int]:
        return [row.seq for row in desk.database.read(audit.entries, **wanted)]

    assert seqs(login="ivanova") == [2, 1]
    assert seqs(conversation_id=conversation_id) == [2]
    assert seqs(since=now() + timedelta(hours=1)) == []
    assert seqs(since=datetime(1, 1, 1, tzinfo=MOSCOW)) == [3, 2, 1]
    assert seqs(since=datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=3)))) == []
    assert seqs(limit=1) == [3]
    assert seqs(before=3, limit=1) == [2]
    assert seqs(login="\x00") == seqs(login="\udcff") == []


def test_failed_logins_are_found_by_the_login_that_was_tried(desk: Desk) -> None:
    log_in(desk, add_operator(desk))
    for login, action in (("ivanova", audit.LOGIN_FAILED), ("petrova", audit.LOGIN_FAILED), ("ivanova", audit.LOGIN_LOCKED)):
        desk.database.write(audit.append, desk.vault, audit.STRANGER, action, audit.login_subject(desk.vault, login))
    found = desk.database.read(audit.entries, desk.vault, login="ivanova")
    assert [(row.seq, row.action) for row in found] == [(4, "login_locked"), (2, "login_failed"), (1, "login")]
