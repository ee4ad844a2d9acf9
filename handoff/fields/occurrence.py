"""When something happened, as vaguely as it was told; Moscow time."""

from dataclasses import dataclass
from datetime import date, datetime, time

from core.working_time import MOSCOW, day_in_words, days_in_words

MIDNIGHT = time(23, 59)


@dataclass(frozen=True)
class Occurrence:
    """From ``first`` to ``last`` (the same day as a rule), there from ``start`` to ``end``: the same where the moment is told, None where
    only the day is. ``about``: the moment is told roughly. ``part``: «вечером». ``lasting``: since then, and still."""

    first: date
    last: date
    start: time | None = None
    end: time | None = None
    about: bool = False
    part: str = ""
    lasting: bool = False

    @property
    def earliest(self) -> datetime:
        return datetime.combine(self.first, self.start or time(0), MOSCOW)

    def in_words(self) -> str:
        """«14 ноября 2026 года, около 15:00», «с 16 ноября 2026 года», «с 9 по 15 ноября 2026 года»."""
        days = day_in_words(self.first) if self.first == self.last else days_in_words(self.first, self.last)
        if self.start is None or self.end is None:
            return f"с {days}" if self.lasting and self.first == self.last else days
        still = ", и до сих пор" if self.lasting else ""
        if self.part:
            return f"{days}, {self.part}{still}"
        if self.start == self.end:
            return f"{days}, {'около ' if self.about else ''}{self.start:%H:%M}{still}"
        return f"{days}, с {self.start:%H:%M} до {self.end:%H:%M}{still}"
