"""Operators' accounts and sessions."""

from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.errors import invalid, not_authenticated
from core.ids import new_token, token_hash
from core.models import Operator, OperatorSession, Role
from handoff import rights
from handoff.rights import Right

_hasher = PasswordHasher()
# Checked against when there is no such login, so that the answer takes as long.
_NOBODY = _hasher.hash(new_token())


class AccountError(Exception):
    """The text says what to do, for the command line."""


MIN_PASSWORD = 8
MAX_LOGIN = 60


def hash_password(password: str) -> str:
    """Argon2id. Takes tens of milliseconds: outside of a transaction."""
    if len(password) < MIN_PASSWORD:
        raise AccountError(f"the password wants at least {MIN_PASSWORD} characters")
    return _hasher.hash(password)


def add(session: Session, login: str, name: str, role: Role, department: str, password_hash: str) -> Operator:
    """AccountError if the login is taken, or longer than its column."""
    if not 0 < len(login) <= MAX_LOGIN:
        raise AccountError(f"a login has 1 to {MAX_LOGIN} characters")
    if session.scalar(select(Operator.id).where(Operator.login == login)):
        raise AccountError(f"there is an operator {login!r} already")
    operator = Operator(login=login, name=name, role=role, department=department, password_hash=password_hash)
    session.add(operator)
    session.flush()
    return operator


def set_password(session: Session, login: str, password_hash: str) -> None:
    """Ends the operator's sessions too."""
    operator = _by_login(session, login)
    operator.password_hash = password_hash
    session.execute(delete(OperatorSession).where(OperatorSession.operator_id == operator.id))


def disable(session: Session, login: str, at: datetime) -> None:
    operator = _by_login(session, login)
    operator.disabled_at = at
    session.execute(delete(OperatorSession).where(OperatorSession.operator_id == operator.id))


def all_operators(session: Session) -> list[Operator]:
    return list(session.scalars(select(Operator).order_by(Operator.login)))


def find_by_login(session: Session, login: str) -> Operator | None:
    if "\x00" in login:  # PostgreSQL takes no such text, not even to look for it
        return None
    return session.scalar(select(Operator).where(Operator.login == login))


def colleague(session: Session, login: str) -> Operator:
    """Who can be given a conversation. Problem 422, with who can, for another login, a disabled account, a role that does not work."""
    found = find_by_login(session, login)
    if found is None or found.disabled_at is not None or not rights.may(found, Right.WORK):
        logins = [one.login for one in workers(session)]
        raise invalid("operator", "transfer_operator_unknown", login=login, known=", ".join(logins))
    return found


def workers(session: Session) -> list[Operator]:
    """All who take conversations, by login."""
    return [one for one in all_operators(session) if one.disabled_at is None and rights.may(one, Right.WORK)]


def password_matches(operator: Operator | None, password: str) -> bool:
    """Slow on purpose; the same for an unknown login."""
    try:
        _hasher.verify(operator.password_hash if operator else _NOBODY, password)
    except VerificationError:
        return False
    return operator is not None and operator.disabled_at is None


def begin_session(session: Session, operator: Operator, at: datetime, hours: int) -> str:
    """The bearer token of a new session; expired ones are swept out."""
    token = new_token()
    session.execute(delete(OperatorSession).where(OperatorSession.expires_at < at))
    session.add(OperatorSession(token_hash=token_hash(token), operator_id=operator.id, expires_at=at + timedelta(hours=hours)))
    return token


def end_session(session: Session, token: str) -> None:
    session.execute(delete(OperatorSession).where(OperatorSession.token_hash == token_hash(token)))


def of_session(session: Session, token: str, at: datetime) -> Operator:
    """Whose token it is. Problem 401 for an unknown or expired one, or a disabled operator."""
    found = session.get(OperatorSession, token_hash(token))
    operator = session.get(Operator, found.operator_id) if found and found.expires_at > at else None
    if operator is None or operator.disabled_at is not None:
        raise not_authenticated("login_needed")
    return operator


def _by_login(session: Session, login: str) -> Operator:
    operator = find_by_login(session, login)
    if operator is None:
        raise AccountError(f"there is no operator {login!r}")
    return operator
