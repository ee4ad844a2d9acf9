"""Servers that a benchmark starts: our desk as `make run` does, or any other; and what all of a server's processes hold in memory."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from benchmarks.measuring import ROOT

_START_SECONDS = 600  # the first time the index is made, too
_STOP_SECONDS = 40
_NO_LIMIT = "1000000"  # the benchmark is one client
_UNLIMITED = ("MESSAGES_PER_MINUTE", "CONVERSATIONS_PER_MINUTE", "LOGINS_PER_MINUTE", "OPERATOR_READS_PER_MINUTE")


class NotStarted(Exception):
    """The server ended, or did not answer in time; the text names its log."""


@dataclass(frozen=True)
class Memory:
    """Of a server's processes together, MB. ``resident`` counts a page that several share once for each, ``own`` (PSS) once."""

    resident: float
    own: float
    processes: dict[str, float]  # resident, by what they are


class Server:
    """A process with its children, from ``__enter__`` to ``__exit__``; ``wait_until_ready`` until ``url`` answers 200."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str], url: str, log: Path) -> None:
        self._command, self._folder, self._environment, self._url, self._log = command, folder, environment, url, log

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()

    def wait_until_ready(self) -> None:
        """Raises NotStarted."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise NotStarted(f"it ended with code {self._process.returncode}; see {self._log}")
            try:
                if httpx.get(self._url, timeout=5, trust_env=False).status_code == httpx.codes.OK:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.3)
        raise NotStarted(f"it did not answer within {_START_SECONDS} s; see {self._log}")

    def _stop(self) -> None:
        """As Ctrl-C does; what does not end by it is killed."""
        try:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(_STOP_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()

    def memory(self) -> Memory:
        pids = _with_children(self._process.pid)
        resident = {pid: _kilobytes(pid, "Rss") / 1024 for pid in pids}
        return Memory(
            resident=round(sum(resident.values()), 1),
            own=round(sum(_kilobytes(pid, "Pss") for pid in pids) / 1024, 1),
            processes={f"{_name(pid)} ({pid})": round(size, 1) for pid, size in resident.items()},
        )


class Desk(Server):
    """Ours, embedded: supervisor, Rasa, action server and gateway. Of ``data_dir`` only the index is taken over, others are made anew."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("OTKLIK_")},
            "OTKLIK_PORT": str(port),
            "OTKLIK_DATA_DIR": str(data_dir),
            **{f"OTKLIK_{name}": _NO_LIMIT for name in _UNLIMITED},
            **settings,
        }
        super().__init__(
            [sys.executable, "-m", "bot", "run"], ROOT, environment, f"http://{self.address}/readyz", data_dir.parent / "desk.log"
        )


class StockRasa(Server):
    """A project with a trained model, served as `rasa run` does: tracker and locks in memory."""

    def __init__(self, project: Path, environment: dict[str, str]) -> None:
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        command = [str(ROOT / ".venv-rasa/bin/rasa"), "run", "--interface=127.0.0.1", f"--port={port}", "--enable-api"]
        super().__init__(command, project, {**os.environ, **environment}, f"http://{self.address}/status", project / "server.log")


def emptied(folder: Path) -> Path:
    """A data folder in ``folder`` without anything but an index, which takes a while to make and is brought up to date at the start."""
    data = folder / "data"
    for path in data.glob("*"):
        if path.is_dir() and path.name != "index":
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()
    data.mkdir(parents=True, exist_ok=True)
    return data


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _with_children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(each for child in children for each in _with_children(int(child)))]


def _kilobytes(pid: int, name: str) -> int:
    """A sum of /proc/PID/smaps_rollup; 0 for one that has ended meanwhile."""
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii"), re.MULTILINE)
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(found[1]) if found else 0


def _name(pid: int) -> str:
    """Its module or script, with the first word after it."""
    words = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
    at = words.index("-m") + 1 if "-m" in words else min(1, len(words) - 1)
    return " ".join([Path(words[at]).name, *(word for word in words[at + 1 : at + 2] if word and not word.startswith("-"))])
