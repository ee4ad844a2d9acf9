"""The login: a session for the right password, and for guesses a pause that grows, then a lock; every outcome is in the audit log.

A login that does not exist is treated like one that does, in words, work and pauses.
"""

from sqlalchemy.orm import Session

from core import audit
from core.desk import Desk
from core.errors import not_authenticated
from core.limits import SHARED_ADDRESS, Counters, Familiar, Guesses, SharedRateLimit
from core.models import Operator, now
from handoff import operators
from handoff.console.workplace import Workplace

_FAMILIAR_DAYS = 30


class LoginDesk:
    """The one way to a session, with its limits."""

    def __init__(self, desk: Desk, workplace: Workplace) -> None:
        self._desk = desk
        self._workplace = workplace
        settings = desk.settings
        counters = Counters(desk.vault, desk.settings)
        free, most, lock = settings.guesses_free, settings.guesses_most, settings.guess_lock_seconds
        self._address_limit = SharedRateLimit(counters, "logins of address", settings.logins_per_minute)
        self._login_limit = SharedRateLimit(counters, "logins of login", settings.logins_per_minute)
        self._pair_guesses = Guesses(counters, "guesses at login", free, most, lock)
        self._address_guesses = Guesses(counters, "guesses of address", free * SHARED_ADDRESS, most * SHARED_ADDRESS, lock)
        self._familiar = Familiar(counters, "logged in from", _FAMILIAR_DAYS)

    async def begin_session(self, login: str, password: str, address: str) -> str:
        """The token of a new session. Problem 401, 429.

        Guesses count for login and address together: a stranger cannot lock an operator out. Many addresses guessing at one login are held
        up by a limit of the login's own, which does not hold where its operator has logged in from before.
        """
        pair = f"{login}\n{address}"
        await self._address_limit.check(address)
        await self._address_guesses.check(address)
        await self._pair_guesses.check(pair)
        if not await self._familiar.knows(pair):
            await self._login_limit.check(login)
        locks = await self._pair_guesses.count(pair)
        operator = await self._desk.database.read_soon(operators.find_by_login, login)
        if not await self._workplace.password_matches(operator, password) or operator is None:
            await self._desk.database.write_soon(self._record_failure, login, locks)
            await self._address_guesses.count(address)
            raise not_authenticated("login_wrong")
        token = await self._desk.database.write_soon(self._begin, operator)
        await self._pair_guesses.forgive(pair)
        await self._familiar.remember(pair)
        return token

    def _begin(self, session: Session, operator: Operator) -> str:
        token = operators.begin_session(session, operator, now(), self._desk.settings.operator_session_hours)
        audit.append(session, self._desk.vault, operator, audit.LOGIN)
        return token

    def _record_failure(self, session: Session, login: str, locks: bool) -> None:
        action = audit.LOGIN_LOCKED if locks else audit.LOGIN_FAILED
        audit.append(session, self._desk.vault, audit.STRANGER, action, audit.login_subject(self._desk.vault, login))
