"""What stands in a log, in a process of its own: logging is set up once in each."""

import json
import subprocess
import sys
from typing import Any

SAYS = """
import logging
import structlog
from core.log import configure_logging
from core.settings import read_settings

configure_logging(read_settings(log_level="INFO"))
ours, others = structlog.get_logger("bot.turns"), logging.getLogger("a.library")
{said}
"""


def lines(said: str) -> list[dict[str, Any]]:
    run = subprocess.run([sys.executable, "-c", SAYS.format(said=said)], capture_output=True, text=True, check=True)
    assert run.stdout == ""
    return [json.loads(line) for line in run.stderr.splitlines()]


def test_our_events_and_other_records_look_the_same() -> None:
    ours, others = lines('ours.info("turn_answered", kind="ответ", id=object)\nothers.warning("Slow: %s", "да")')
    assert (ours["event"], ours["level"], ours["logger"], ours["kind"]) == ("turn_answered", "info", "bot.turns", "ответ")
    assert ours["id"] == "<class 'object'>"
    assert (others["event"], others["level"], others["logger"]) == ("Slow: да", "warning", "a.library")
    assert ours["timestamp"] <= others["timestamp"]
    assert ours["timestamp"].endswith("Z")


def test_an_error_is_told_with_its_place() -> None:
    raised = 'try:\n    1 / 0\nexcept ZeroDivisionError:\n    ours.exception("failed")\n    others.exception("Failed")'
    for told in lines(raised):
        assert told["level"] == "error"
        assert "ZeroDivisionError" in told["exception"]
        assert "exc_info" not in told


def test_what_is_below_the_level_is_not_written() -> None:
    assert lines('ours.debug("detail")\nothers.debug("Detail")\nlogging.getLogger("httpx").info("GET")') == []
