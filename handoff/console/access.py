"""Who is calling: an operator by session cookie (pages) or bearer token (programs)."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request, WebSocket
from sqlalchemy.orm import Session

from core.desk import Desk
from core.errors import Problem, not_allowed
from core.models import Operator, now
from core.web import bearer_token
from handoff import operators, rights
from handoff.rights import Right

COOKIE = "otklik_session"
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Access:
    """The dependency of every operator's call."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, request: Request) -> Operator:
        """The caller. Problem 401 without a session, 403 for another site's page riding on the cookie."""
        token = bearer_token(request)
        if not token:
            token = request.cookies.get(COOKIE, "")
            if request.method not in _SAFE_METHODS:
                check_origin(request)
        return await self.of_token(token)

    def holding(self, right: Right) -> Callable[[Request], Awaitable[Operator]]:
        """The dependency of a call that wants a right. Problem 403 in words for whose role does not hold it."""

        async def holder(request: Request) -> Operator:
            operator = await self(request)
            rights.check(operator, right)
            return operator

        return holder

    async def of_token(self, token: str) -> Operator:
        return await self._desk.database.read_soon(_of_session, token)


def check_origin(connection: Request | WebSocket) -> None:
    """SameSite keeps the cookie from other sites; this keeps it from other ports and names of this one."""
    origin: Any = connection.headers.get("origin")
    if origin and origin.partition("://")[2] != connection.headers.get("host"):
        raise not_allowed("foreign_origin")


def form_token(desk: Desk, request: Request) -> str:
    """What a form on this session's page carries, and nobody else's page can know.

    Our pages send no referrer, so that browsers say ``Origin: null`` of their forms: where a form comes from has to be proved in this way.
    """
    return desk.vault.keyed_hash(f"console form\n{request.cookies.get(COOKIE, '')}").hex()


def is_own_form(desk: Desk, request: Request, token: str) -> bool:
    """Whether a posted form is of a page of the same session. Problem 403 for what says to be of another site."""
    if request.headers.get("origin") != "null":
        check_origin(request)
    return hmac.compare_digest(token.encode(), form_token(desk, request).encode())


def _of_session(session: Session, token: str) -> Operator:
    return operators.of_session(session, token, now())


async def current_operator(desk: Desk, request: Request) -> Operator | None:
    """For pages: the operator whose cookie this is, or None."""
    try:
        return await desk.database.read_soon(_of_session, request.cookies.get(COOKIE, ""))
    except Problem:
        return None
