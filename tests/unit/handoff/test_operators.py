"""Operators' accounts and sessions."""

from datetime import timedelta

import pytest

from core.desk import Desk
from core.errors import Problem
from core.models import Operator, OperatorSession, Role
from handoff import operators
from handoff.operators import AccountError
from tests.scenes import MONDAY, add_operator

PASSWORD = "верный пароль"


def sign_in(desk: Desk, operator: Operator, hours: int = 12) -> str:
    return desk.database.write(operators.begin_session, operator, MONDAY, hours)


def sessions(desk: Desk) -> int:
    return desk.database.read(lambda session: session.query(OperatorSession).count())


def test_the_right_password_opens_an_account() -> None:
    operator = Operator(login="a", name="A", role=Role.OPERATOR, department="support", password_hash=operators.hash_password(PASSWORD))
    assert operators.password_matches(operator, PASSWORD)
    assert not operators.password_matches(operator, PASSWORD + " ")
    assert not operators.password_matches(operator, "")
    assert not operators.password_matches(None, PASSWORD)
    operator.disabled_at = MONDAY
    assert not operators.password_matches(operator, PASSWORD)


def test_a_hash_shows_nothing_and_is_never_the_same() -> None:
    one, other = operators.hash_password(PASSWORD), operators.hash_password(PASSWORD)
    assert one != other
    assert one.startswith("$argon2id$")
    assert PASSWORD not in one


@pytest.mark.parametrize(("password", "taken"), [("", False), ("1234567", False), ("12345678", True), ("пароль78", True)])
def test_a_password_has_a_length(password: str, taken: bool) -> None:
    if taken:
        assert operators.hash_password(password)
    else:
        with pytest.raises(AccountError, match="at least 8 characters"):
            operators.hash_password(password)


def test_a_session_lasts_its_hours(desk: Desk) -> None:
    operator = add_operator(desk)
    token = sign_in(desk, operator)
    until = MONDAY + timedelta(hours=12)
    assert desk.database.read(operators.of_session, token, until - timedelta(seconds=1)).id == operator.id
    with pytest.raises(Problem, match="401 login_needed"):
        desk.database.read(operators.of_session, token, until)


@pytest.mark.parametrize("token", ["", "unknown", "\x00", "ключ"])
def test_an_unknown_token_opens_nothing(desk: Desk, token: str) -> None:
    sign_in(desk, add_operator(desk))
    with pytest.raises(Problem, match="401 login_needed"):
        desk.database.read(operators.of_session, token, MONDAY)


def test_a_token_is_not_stored(desk: Desk) -> None:
    token = sign_in(desk, add_operator(desk))
    stored = desk.database.read(lambda session: session.query(OperatorSession).one())
    assert token.encode() not in stored.token_hash


def test_ending_a_session_ends_that_one(desk: Desk) -> None:
    operator = add_operator(desk)
    one, other = sign_in(desk, operator), sign_in(desk, operator)
    desk.database.write(operators.end_session, one)
    desk.database.write(operators.end_session, "unknown")
    with pytest.raises(Problem):
        desk.database.read(operators.of_session, one, MONDAY)
    assert desk.database.read(operators.of_session, other, MONDAY).id == operator.id


def test_expired_sessions_are_swept_out(desk: Desk) -> None:
    operator = add_operator(desk)
    sign_in(desk, operator, hours=1)
    desk.database.write(operators.begin_session, operator, MONDAY + timedelta(hours=2), 1)
    assert sessions(desk) == 1


def test_a_disabled_operator_is_out_at_once(desk: Desk) -> None:
    operator, other = add_operator(desk), add_operator(desk, "petrov")
    token, others = sign_in(desk, operator), sign_in(desk, other)
    desk.database.write(operators.disable, operator.login, MONDAY)
    with pytest.raises(Problem, match="401"):
        desk.database.read(operators.of_session, token, MONDAY)
    late = sign_in(desk, operator)  # a login that was under way
    with pytest.raises(Problem, match="401"):
        desk.database.read(operators.of_session, late, MONDAY)
    assert desk.database.read(operators.of_session, others, MONDAY).id == other.id


def test_a_new_password_ends_the_sessions(desk: Desk) -> None:
    operator = add_operator(desk)
    sign_in(desk, operator)
    desk.database.write(operators.set_password, operator.login, "new hash")
    assert sessions(desk) == 0
    found = desk.database.read(operators.find_by_login, operator.login)
    assert found
    assert found.password_hash == "new hash"


def test_a_login_is_taken_once(desk: Desk) -> None:
    add_operator(desk)
    with pytest.raises(AccountError, match="there is an operator 'ivanova' already"):
        add_operator(desk, name="Другая Иванова")
    assert [operator.name for operator in desk.database.read(operators.all_operators)] == ["Мария Иванова"]


def test_an_unknown_login_is_an_error(desk: Desk) -> None:
    for work in (lambda s: operators.disable(s, "nobody", MONDAY), lambda s: operators.set_password(s, "nobody", "")):
        with pytest.raises(AccountError, match="there is no operator 'nobody'"):
            desk.database.write(work)
    assert desk.database.read(operators.find_by_login, "nobody") is None
