"""The conversations of tests/dialogue, held with the real servers: which of them went as they should, and how long they were."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree

from benchmarks.measuring import ROOT

FOLDER = "tests/dialogue"


def run() -> dict[str, Any]:
    """Runs them; pytest's own progress goes to standard error."""
    with TemporaryDirectory(prefix="otklik-flows-") as place:
        results = Path(place) / "results.xml"
        command = [sys.executable, "-m", "pytest", "-q", FOLDER, f"--junitxml={results}", "-o", "junit_family=xunit1"]
        subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False)
        if not results.exists():
            raise SystemExit(f"pytest wrote no results; see what it says of {FOLDER}")
        return read(results)


def read(results: Path) -> dict[str, Any]:
    """``conversations``: name, group, result (passed, failed, skipped), seconds, the citizen's messages, and what failed."""
    # Our own file, which pytest has just written.
    conversations = [_read_one(case) for case in ElementTree.parse(results).iter("testcase")]  # noqa: S314
    return {
        "conversations": conversations,
        "count": len(conversations),
        "passed": sum(each["result"] == "passed" for each in conversations),
        "messages": sum(each["messages"] or 0 for each in conversations),
    }


def _read_one(case: ElementTree.Element) -> dict[str, Any]:
    fault = next((found for found in (case.find(name) for name in ("failure", "error")) if found is not None), None)
    sent = case.find("properties/property[@name='messages']")
    return {
        "group": case.get("classname", "").rpartition(".")[2].removeprefix("test_").replace("_", " "),
        "name": case.get("name", "").removeprefix("test_").replace("_", " "),
        "result": "failed" if fault is not None else "skipped" if case.find("skipped") is not None else "passed",
        "seconds": round(float(case.get("time", "0")), 1),
        "messages": int(sent.get("value", "0")) if sent is not None else None,
        "fault": (fault.get("message") or "").splitlines()[0][:300] if fault is not None and fault.get("message") else "",
    }
