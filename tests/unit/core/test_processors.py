"""A process that keeps to one processor, and what it starts: in a process of its own, since it cannot be taken back for all its threads."""

import os
import subprocess
import sys

import pytest

SAYS = """
import os, subprocess, sys, threading
from core.processors import keep_to_one, let_go

keep_to_one()
mine, theirs = [os.sched_getaffinity(0)], []
thread = threading.Thread(target=lambda: mine.append(os.sched_getaffinity(0)))
thread.start()
thread.join()
child = subprocess.Popen([sys.executable, "-c", "import os; input(); print(*os.sched_getaffinity(0))"], stdin=-1, stdout=-1, text=True)
let_go(child.pid)
print(*map(len, mine))
print(child.communicate("go\\n")[0])
let_go(child.pid)
"""


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux only")
def test_it_keeps_to_one_and_what_it_starts_does_not() -> None:
    run = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, text=True, check=True)
    mine, theirs = run.stdout.splitlines()[:2]
    assert mine == "1 1"
    assert {int(number) for number in theirs.split()} == os.sched_getaffinity(0)
