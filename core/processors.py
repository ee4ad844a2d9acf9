"""On which of the machine's processors a process runs."""

import contextlib
import os

_OURS = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()  # macOS has none of it


def keep_to_one() -> None:
    """Keeps this process to one processor, for threads that take turns at Python's lock: each hand-over to another finds its cache cold.

    Measured on a gateway under load: a fifth more turns a second.
    """
    if _OURS:
        os.sched_setaffinity(0, {sorted(_OURS)[os.getpid() % len(_OURS)]})  # two desks of one machine are not to meet on the same


def let_go(pid: int) -> None:
    """Lets a process that was just started run wherever this one could before."""
    if _OURS:
        with contextlib.suppress(ProcessLookupError):  # it is over
            os.sched_setaffinity(pid, _OURS)
