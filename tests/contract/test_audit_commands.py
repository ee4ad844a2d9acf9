"""`python -m handoff audit` over an open desk: its words and exit codes."""

import argparse
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from core import audit, conversations
from core.desk import Desk
from core.models import AuditEntry, AuditHead, now
from handoff import audit_commands, erasure
from tests.scenes import add_operator, start_conversation

Run = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def run(desk: Desk) -> Run:
    parser = argparse.ArgumentParser()
    audit_commands.add_commands(parser.add_subparsers())

    def run_audit(*arguments: str) -> tuple[int, list[str]]:
        said: list[str] = []
        return audit_commands.run(parser.parse_args(["audit", *arguments]), desk.settings, said.append), said

    return run_audit


def log_in(desk: Desk, times: int) -> None:
    for _ in range(times):
        desk.database.write(audit.append, desk.vault, audit.DESK, audit.LOGIN)


def test_a_forgotten_head_has_an_exit_code_of_its_own(desk: Desk, run: Run) -> None:
    log_in(desk, 3)
    newest = desk.database.read(audit.entries)[0]
    desk.database.write(audit.forget, desk.vault, newest.created_at)
    code, said = run("verify", "--head", "1:dead")
    assert code == 3
    assert said[1:] == ["the head 1:dead cannot be compared: that row was forgotten", "the chain is whole: 2 rows"]
    assert run("verify", "--head", said[0].removeprefix("head "))[0] == 0
    assert run("verify", "--head", "²:ab")[0] == 1


def test_a_chain_that_has_not_begun_is_no_fault(desk: Desk, run: Run) -> None:
    assert run("verify") == (0, ["head 0:", "the chain is whole: 0 rows"])
    operator, conversation_id = add_operator(desk), start_conversation(desk)
    row = AuditEntry(seq=1, actor="ivanova", operator_id=operator.id, conversation_id=conversation_id, action="reveal", subject="snils")
    row.reason_sealed = b"-"

    def write_as_before(session: Session) -> None:
        session.add(row)
        session.get_one(AuditHead, 1).last_seq = 1

    desk.database.write(write_as_before)
    code, said = run("verify")
    assert code == 0 and said[1:] == [
        "the chain has not begun: until its first row is written nothing is known of older ones (rows here: 1)"
    ]


def test_the_reason_of_an_erasure_is_listed_without_the_data(desk: Desk, run: Run) -> None:
    conversation_id = start_conversation(desk)

    def erase(session: Session) -> None:
        conversation = conversations.lock(session, conversation_id)
        erasure.erase(session, desk, conversation, erasure.COMMAND, now(), reason="по письму с anna@mail.ru")

    desk.database.write(erase)
    assert [line.split("\t")[3:] for line in run("list")[1]] == [["erase", "", str(conversation_id), "по письму с [данные удалены]"]]


def test_a_login_is_listed_with_its_failures(desk: Desk, run: Run) -> None:
    log_in(desk, 1)
    desk.database.write(audit.append, desk.vault, audit.STRANGER, audit.LOGIN_FAILED, audit.login_subject(desk.vault, "ivanova"))
    assert [line.split("\t")[3] for line in run("list", "--operator", "ivanova")[1]] == ["login_failed"]
    assert run("list", "--operator", "\udcff") == (0, [])
    assert len(run("list", "--since", "0001-01-01")[1]) == 2
