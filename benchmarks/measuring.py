"""What every benchmark measures with: processes of their own, one thread, seconds and memory."""

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# Of a Rasa that is measured: it reports to nobody and keeps its warnings to itself.
RASA_ENVIRONMENT = {"RASA_TELEMETRY_ENABLED": "false", "SQLALCHEMY_SILENCE_UBER_WARNING": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
_THREADS = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"]


def in_child(script: str, *arguments: object, threads: int = 1) -> Any:
    """What ``python benchmarks/<script> arguments`` prints as JSON; its last argument tells when it was started."""
    command = [sys.executable, str(ROOT / "benchmarks" / script), *map(str, arguments), str(time.time())]
    environment = {**os.environ, **dict.fromkeys(_THREADS, str(threads))}
    return json.loads(subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout)


def memory() -> float:
    """Resident memory of this process, MB."""
    return _status("VmRSS")


def most_memory() -> float:
    """The most it had so far, MB."""
    return _status("VmHWM")


def _status(name: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines() if line.startswith(name))
    return round(int(line.split()[1]) / 1024, 1)


def quantile(values: list[float], share: float) -> float:
    """The value that ``share`` of the values do not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


class Clock:
    """Milliseconds of this process's processor time, and by the wall, one entry a piece of work."""

    def __init__(self) -> None:
        self.processor: list[float] = []
        self.wall: list[float] = []

    def __enter__(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.processor.append((time.process_time() - self._processor) * 1000)
        self.wall.append((time.perf_counter() - self._wall) * 1000)

    def summary(self) -> dict[str, float]:
        return {
            f"{name}_{which}": round(quantile(getattr(self, which), share), 2)
            for name, share in (("p50", 0.5), ("p95", 0.95))
            for which in ("processor", "wall")
        }
