"""The override of the production calendar: days that this desk has off, or works on, whatever the calendar says.

A TOML file with two lists of dates, each of which may be missing::

    days_off = [2026-12-30]
    working_days = [2027-02-20]
"""

import datetime
import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

_LISTS = ("days_off", "working_days")
_MOST_IN_A_ROW = 14  # days off: with the longest holidays around them there is still a working day within a month


@dataclass(frozen=True)
class Overrides:
    days_off: frozenset[datetime.date] = frozenset()
    working_days: frozenset[datetime.date] = frozenset()


@lru_cache(maxsize=16)
def read_overrides(path: Path | None) -> Overrides:
    """What the file says, read once per process; no file, nothing. ValueError in words that name the file and the line."""
    if path is None:
        return Overrides()
    try:
        text = path.read_text(encoding="utf-8")
        given = tomllib.loads(text + "\n")  # a fault on the last line has a number then
    except OSError:
        raise ValueError(f"it wants a file, and {path} cannot be read") from None
    except ValueError as error:  # of the encoding, or of TOML: that names the line
        raise ValueError(f"{path} cannot be read as TOML: {error}".replace("\n", " ")) from None
    for name in given:
        if name not in _LISTS:
            raise _fault(path, text, name, f"there is no list {name}; it wants {' or '.join(_LISTS)}")
    found = {name: _days(path, text, name, given.get(name, [])) for name in _LISTS}
    for day in sorted(found["days_off"] & found["working_days"]):
        raise _fault(path, text, day.isoformat(), f"{day} stands in both lists; leave it in one")
    _check_gaps(path, text, found["days_off"])
    return Overrides(**found)


def _days(path: Path, text: str, name: str, given: object) -> frozenset[datetime.date]:
    if not isinstance(given, list):
        raise _fault(path, text, name, f"{name} wants a list like [2026-12-30]")
    for day in given:
        if type(day) is not datetime.date:  # a moment is a date too
            raise _fault(path, text, str(day)[:10], f"{name} wants dates without quotes like 2026-12-30, not {day!r}")
        if given.count(day) > 1:
            raise _fault(path, text, day.isoformat(), f"{day} stands in {name} twice")
    return frozenset(given)


def _check_gaps(path: Path, text: str, days_off: frozenset[datetime.date]) -> None:
    count = 1
    for day, following in pairwise(sorted(days_off)):
        count = count + 1 if (following - day).days == 1 else 1
        if count > _MOST_IN_A_ROW:
            raise _fault(path, text, following.isoformat(), f"more than {_MOST_IN_A_ROW} days off in a row, the last of them {following}")


def _fault(path: Path, text: str, sought: str, words: str) -> ValueError:
    """Names the line where what is wrong stands last: the first time may have been right."""
    lines = [number for number, line in enumerate(text.splitlines(), 1) if re.search(rf"(?<![\w-]){re.escape(sought)}", line)]
    return ValueError(f"{path}, line {lines[-1] if lines else 1}: {words}")
