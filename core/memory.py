"""What a process keeps for as long as it lives."""

import gc


def keep_what_is_there() -> None:
    """The garbage collector looks no more at what is in memory now: modules, tables, dictionaries. Call it once, before the first citizen.

    They are most of a process's objects, and each full collection went through all of them while every conversation stood still: .1 s with
    nothing else running. What is let go of later must not be among them: of it what refers to itself stays in memory for ever.
    """
    gc.collect()
    gc.freeze()
