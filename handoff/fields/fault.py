"""What is wrong with a field, in words that say how to correct it."""

import dataclasses
from typing import Any

from core.errors import Problem
from core.words import say


@dataclasses.dataclass
class FieldFault(Exception):
    """``key`` names the words in messages.ru.yml, ``values`` fill them. Neither holds what was written: it may be personal."""

    field: str
    key: str
    values: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.field}: {self.key}"

    @property
    def words(self) -> str:
        return say(self.key, **self.values)

    def problem(self) -> Problem:
        """The same for the API: 422 with the field's name."""
        return Problem(422, self.key, self.values, self.field)
