"""How long the finder of personal data takes: ``python benchmarks/finding.py``. One process, milliseconds of its processor time a text."""

import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.finding import find, warm_up
from core.settings import read_settings

_ROUNDS = 3
_TARGETS = {"with names": 15, "without names": 3}  # p95, ms


def main() -> None:
    rows = [json.loads(line) for line in (ROOT / "tests/data/blind/personal_data.jsonl").read_text(encoding="utf-8").splitlines()]
    settings = read_settings()
    warm_up(settings)
    times: dict[str, list[float]] = {name: [] for name in _TARGETS}
    for _ in range(_ROUNDS):
        for row in rows:
            named = any(span["kind"] == "full_name" for span in row["spans"])
            began = time.process_time()
            find(row["text"], settings)
            times["with names" if named else "without names"].append((time.process_time() - began) * 1000)
    for name, target in _TARGETS.items():
        measured = sorted(times[name])
        p50, p95 = (measured[int(len(measured) * share)] for share in (0.5, 0.95))
        print(f"{name:14} p50 {p50:5.2f} ms  p95 {p95:5.2f} ms (target {target})  of {len(measured)}")


if __name__ == "__main__":
    main()
