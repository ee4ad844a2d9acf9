"""The command line: ``python -m core find-personal-data``."""

import argparse
import json
import sys
from collections.abc import Iterable
from typing import Any

from core.finding import find
from core.settings import Settings, settings_or_exit

# What the vault's tokens are called by, where it differs from what the rest of the world says.
_SHOWN = {"name": "full_name", "birthdate": "birth_date"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m core", description="The ground floor's commands.")
    commands = parser.add_subparsers(required=True, metavar="find-personal-data")
    finding = commands.add_parser(
        "find-personal-data", help='reads JSON lines {"id", "text"}, prints {"id", "spans": [{"kind", "start", "end"}]}'
    )
    finding.set_defaults(command=find_personal_data)
    command = parser.parse_args().command
    return int(command())


def find_personal_data() -> int:
    """One line out for each line in, in order and at once. A line that cannot be read is passed over: its number is told, not its text, and
    the exit code is 2.
    """
    settings = settings_or_exit()
    code = 0
    for number, line in enumerate(_lines(), 1):
        if not line.strip():
            continue
        try:
            asked = json.loads(line)
            answer = {"id": asked["id"], "spans": spans_of(asked["text"], settings)}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            print(f'core: line {number}: it wants a JSON object {{"id": ..., "text": "..."}}', file=sys.stderr)
            code = 2
            continue
        print(json.dumps(answer), flush=True)
    return code


def spans_of(text: str, settings: Settings) -> list[dict[str, Any]]:
    """Offsets in code points. Typed look-alikes of tokens concern the vault only."""
    return [
        {"kind": _SHOWN.get(span.kind, span.kind), "start": span.start, "end": span.end}
        for span in find(text, settings)
        if span.kind != "text"
    ]


def _lines() -> Iterable[str]:
    for line in sys.stdin.buffer:
        yield line.decode("utf-8-sig", errors="replace")


if __name__ == "__main__":
    sys.exit(main())
