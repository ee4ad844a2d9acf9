"""Questions one after another, timed."""

import time
from collections.abc import Callable

from benchmarks.citizens import Citizen

_CONVERSATION = 10

Begin = Callable[[], Citizen]


class Asking:
    """Somebody who asks one question after another; after ten of them, and when a person took over, it is somebody else."""

    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._citizen: Citizen | None = None
        self._asked = 0

    async def ask(self, text: str) -> tuple[str, float]:
        """The kind of the answer, and the milliseconds to it."""
        if self._citizen is None:
            self._citizen = await self._begin().__aenter__()
        begun = time.perf_counter()
        kind = await self._citizen.ask(text)
        passed = (time.perf_counter() - begun) * 1000
        self._asked += 1
        if self._asked % _CONVERSATION == 0 or kind == "handoff":
            await self.leave()
        return kind, passed

    async def leave(self) -> None:
        if self._citizen is not None:
            await self._citizen.__aexit__(None, None, None)
            self._citizen = None
