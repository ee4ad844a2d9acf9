"""What becomes of a letter (S6, and «Letters: the cases between the rules»): decided from what is known, without doing anything."""

import enum
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.settings import Settings
from handoff.mailbox.subject import Subject


class Route(enum.StrEnum):
    """What is done with a letter that a person wrote."""

    REGISTER = "registered"  # an appeal of its own
    JOIN = "joined"  # to an appeal that is open
    REOPEN = "reopened"  # an appeal that was closed not long ago
    REPEAT = "repeated"  # a new appeal that follows from one closed long ago, or is marked so
    RETURN = "returned"  # with what to correct
    INFECTED = "infected"  # sent back: there is a virus in it


@dataclass(frozen=True)
class Known:
    """The appeal that a letter threads to or names, and that is its sender's own."""

    finished_at: datetime | None  # answered, or closed


@dataclass(frozen=True)
class Verdict:
    """``faults``: what to correct in a letter that is returned, keys of messages.ru.yml."""

    route: Route
    faults: list[str] = field(default_factory=list)


def judge(subject: Subject, known: Known | None, received: datetime, settings: Settings, *, is_readable: bool = True) -> Verdict:
    """``known``: None for an appeal that is not there and for one that is another's: a stranger learns nothing."""
    if not is_readable:
        return Verdict(Route.RETURN, ["letter_overbuilt"])
    if known is not None:
        if known.finished_at is None:
            return Verdict(Route.JOIN)
        is_late = received > known.finished_at + timedelta(days=settings.reopen_days)
        return Verdict(Route.REPEAT if is_late or subject.repeat else Route.REOPEN)
    if subject.stands:
        return Verdict(Route.REGISTER)
    return Verdict(Route.RETURN, _faults(subject))


def _faults(subject: Subject) -> list[str]:
    faults = []
    if subject.has_wrong_appeal_number:
        faults.append("letter_appeal_number_mistyped")
    elif subject.appeal_number:
        faults.append("letter_appeal_number_unknown")
    if subject.has_wrong_inn:
        faults.append("letter_inn_mistyped")
    if subject.repeat:
        faults.append("letter_repeat_without_date")
    return faults or ["letter_without_number"]
