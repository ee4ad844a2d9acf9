"""Errors that have words for the person at the edge. Everything else is a bug or an outage: logged with ids, told as ``internal``."""

from dataclasses import dataclass, field
from typing import Any

from core.words import say


@dataclass
class Problem(Exception):
    """An RFC 9457 problem: ``key`` names the words in messages.ru.yml, ``values`` fill them."""

    status: int
    key: str
    values: dict[str, Any] = field(default_factory=dict)
    field_name: str | None = None
    retry_after: int | None = None  # seconds
    errors: dict[str, str] = field(default_factory=dict)  # of several wrong fields: name → words

    def __str__(self) -> str:
        return f"{self.status} {self.key}"

    @property
    def detail(self) -> str:
        return say(self.key, **self.values)

    def document(self) -> dict[str, Any]:
        """The body of ``application/problem+json``."""
        document: dict[str, Any] = {
            "type": f"urn:otklik:problem:{self.key}",
            "title": say(f"title_{self.status}"),
            "status": self.status,
            "detail": self.detail,
        }
        errors = {self.field_name: self.detail} if self.field_name else self.errors
        if errors:
            document["errors"] = [{"field": name, "message": words} for name, words in errors.items()]
        return document


class DatabaseDown(Exception):
    """The database does not answer. Nothing of the work is stored, unless the answer to a commit was lost: whoever repeats it is safe."""


def not_authenticated(key: str = "bad_token") -> Problem:
    return Problem(401, key)


def not_allowed(key: str) -> Problem:
    return Problem(403, key)


def not_found(key: str = "not_found") -> Problem:
    return Problem(404, key)


def conflict(key: str, **values: Any) -> Problem:
    return Problem(409, key, values)


def too_large(key: str, **values: Any) -> Problem:
    return Problem(413, key, values)


def wrong_type(key: str, **values: Any) -> Problem:
    return Problem(415, key, values)


def invalid(field_name: str, key: str, **values: Any) -> Problem:
    return Problem(422, key, values, field_name)


def too_many(retry_after: int) -> Problem:
    return Problem(429, "too_many", {"seconds": retry_after}, retry_after=retry_after)
