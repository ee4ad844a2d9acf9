"""Who may do what: checked at the edge, where the caller is known."""

import enum
from collections.abc import Mapping

from core.errors import Problem, not_allowed
from core.models import Operator, Role


class Right(enum.StrEnum):
    READ = "read"  # the queue and conversations, personal data masked
    WORK = "work"  # take a conversation, answer, note, pass on, return, close; open its files; an appeal's state and department, calls
    REVEAL = "reveal"  # a field in full, for a reason
    DECIDE = "decide"  # on an expedited review, on urgency; an appeal's kind and priority
    DECIDE_HIGHER = "decide_higher"  # on what was asked of the higher instance
    RELEASE = "release"  # a file that was not scanned, for a reason
    READ_AUDIT = "read_audit"
    ERASE = "erase"  # a citizen's data, for a reason
    EXPORT = "export"
    EDIT_ARTICLES = "edit_articles"
    REVIEW_LETTERS = "review_letters"  # in quarantine and parked, personal data masked
    OPEN_LETTERS = "open_letters"  # as they came


_SUPERVISORS = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})
_SENIORS = _SUPERVISORS | {Role.SENIOR}
_OPERATORS = _SENIORS | {Role.OPERATOR}

# Accounts are the command line's: whoever runs it has the data folder anyway.
RIGHTS: Mapping[Right, frozenset[Role]] = {
    Right.READ: _OPERATORS | {Role.EDITOR},
    Right.WORK: _OPERATORS,
    Right.REVEAL: _OPERATORS,
    Right.DECIDE: _OPERATORS,
    Right.DECIDE_HIGHER: _SENIORS,
    Right.RELEASE: _SENIORS,
    Right.READ_AUDIT: _SUPERVISORS,
    Right.ERASE: _SUPERVISORS,
    Right.EXPORT: _SUPERVISORS,
    Right.EDIT_ARTICLES: _SUPERVISORS | {Role.EDITOR},
    Right.REVIEW_LETTERS: _SENIORS,
    Right.OPEN_LETTERS: _SUPERVISORS,
}
_REFUSALS = {
    Right.READ: "not_by_role_read",
    Right.WORK: "not_by_role_work",
    Right.REVEAL: "not_by_role_reveal",
    Right.DECIDE: "not_by_role_decide",
    Right.DECIDE_HIGHER: "not_by_role_decide_higher",
    Right.RELEASE: "not_by_role_release",
    Right.READ_AUDIT: "not_by_role_read_audit",
    Right.ERASE: "not_by_role_erase",
    Right.EXPORT: "not_by_role_export",
    Right.EDIT_ARTICLES: "not_by_role_edit_articles",
    Right.REVIEW_LETTERS: "not_by_role_review_letters",
    Right.OPEN_LETTERS: "not_by_role_open_letters",
}


def may(operator: Operator, right: Right) -> bool:
    return operator.role in RIGHTS[right]


def held(operator: Operator) -> list[Right]:
    """All that the operator's role may do."""
    return [right for right in RIGHTS if may(operator, right)]


def check(operator: Operator, right: Right) -> None:
    """Problem 403 in words for whose role does not hold the right."""
    if not may(operator, right):
        raise refusal(right)


def refusal(right: Right) -> Problem:
    return not_allowed(_REFUSALS[right])
