"""`make run`: starts Rasa, the action server and the gateway, keeps them running, and stops them together."""

import asyncio
import contextlib
import ctypes
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from core.settings import PREFIX, ROOT, Settings, SettingsError
from core.text_recognition import find_tesseract

_LOOPBACK = "127.0.0.1"
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_STEADY_SECONDS = 60.0  # a child that lived this long starts again without a growing pause
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.3
_PROGRESS_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1
_ARENAS = "2"  # of glibc's allocator, which else keeps one for each thread: 200 MB more for the gateway

Say = Callable[[str], None]


@dataclass
class Child:
    """A process that has to run. ``health_url`` answers 200 when it can work."""

    name: str
    command: list[str]
    environment: dict[str, str]
    health_url: str
    log: Path
    pause: float = _FIRST_PAUSE_SECONDS


class Supervisor:
    def __init__(self, settings: Settings, say: Say) -> None:
        self._settings = settings
        self._say = say
        self._stopping = asyncio.Event()
        self._children = _children(settings)

    async def run(self) -> int:
        """Until a signal comes. Exit code 0 after a clean stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:  # nohup
                loop.add_signal_handler(number, self._stopping.set)
        keepers = [asyncio.create_task(self._keep(child)) for child in self._children]
        login = asyncio.create_task(_ask_login())
        try:
            if await self._wait_until_ready():
                self._announce(await login)
                await self._stopping.wait()
        finally:
            login.cancel()
            self._say("Stopping …")
            self._stopping.set()
            await asyncio.gather(*keepers, return_exceptions=True)
            self._say("Stopped.")
        return 0

    async def _keep(self, child: Child) -> None:
        while not self._stopping.is_set():
            begun = time.monotonic()
            try:
                ending = await self._run_once(child)
            except OSError as error:
                ending = f"it could not be started: {error.strerror}"
            if self._stopping.is_set():
                return
            if time.monotonic() - begun >= _STEADY_SECONDS:
                child.pause = _FIRST_PAUSE_SECONDS
            self._say(f"{child.name} ended ({ending}), starting it again in {child.pause:g} s. Its log: {child.log}")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(child.pause):
                    await self._stopping.wait()
            child.pause = min(child.pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _run_once(self, child: Child) -> str:
        """From start to end, in words how it ended; a stop of the desk stops it."""
        with child.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *child.command,
                cwd=ROOT,
                env=child.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal reaches the supervisor only
                preexec_fn=_die_with_parent,
            )
        ended = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([ended, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not ended.done():
            await _stop(process, ended)
        return _ending(ended.result()) if ended.done() else "not ended"

    async def _wait_until_ready(self) -> bool:
        """True when all answer, False when it is to stop first."""
        begun = told = time.monotonic()
        waiting = list(self._children)
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            while waiting and not self._stopping.is_set():
                for child in list(waiting):
                    with contextlib.suppress(httpx.HTTPError):
                        if (await client.get(child.health_url)).status_code == httpx.codes.OK:
                            waiting.remove(child)
                            self._say(f"  {child.name} answers ({time.monotonic() - begun:.0f} s)")
                if waiting and time.monotonic() - told > _PROGRESS_SECONDS:
                    told = time.monotonic()
                    self._say(f"  waiting for {', '.join(child.name for child in waiting)} … ({told - begun:.0f} s)")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_SECONDS):
                        await self._stopping.wait()
        return not self._stopping.is_set()

    def _announce(self, login: str) -> None:
        settings = self._settings
        place = f"http://{settings.host}:{settings.port}"
        self._say("")
        self._say(f"  Chat page:  {place}/")
        self._say(f"  Console:    {place}/operator")
        self._say(login)
        self._say(f"  Telegram:   {'on' if settings.telegram_token.get_secret_value() else f'off, as {PREFIX}TELEGRAM_TOKEN is not set'}")
        version = find_tesseract(settings.tesseract)
        self._say(f"  Pictures:   {f'read by tesseract {version}' if version else 'not read, as there is no tesseract with rus and eng'}")
        self._say("")
        self._say("Ctrl-C stops everything.")


def supervise(settings: Settings, say: Say) -> int:
    """Prepares the desk and runs it until it is told to stop. Raises SettingsError."""
    _check(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with only_one(settings.data_dir / "supervisor.lock"):
        _check_port_is_free(settings)
        _prepare_apart()
        say("Starting Rasa, the action server and the gateway …")
        return asyncio.run(Supervisor(settings, say).run())


@contextlib.contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Held while the process lives. SettingsError if another one holds it."""
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(f"{PREFIX}DATA_DIR: a desk is running on {lock.parent} already; stop it or choose another folder") from None
        yield


# What follows needs modules that would stay in the supervisor's memory for good; each has a process of its own.


def _prepare_apart() -> None:
    prepared = subprocess.run([sys.executable, "-m", "bot", "prepare"], cwd=ROOT, check=False)
    if prepared.returncode:
        raise SystemExit(prepared.returncode)  # it has said why


async def _ask_login() -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "login"), cwd=ROOT, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    lines, _ = await process.communicate()
    return lines.decode().rstrip("\n")


def _check(settings: Settings) -> None:
    if not settings.rasa_model.is_file():
        raise SettingsError(f"{PREFIX}RASA_MODEL: there is no file {settings.rasa_model}; 'make train' makes it")
    if not settings.rasa_python.exists():
        raise SettingsError(f"{PREFIX}RASA_PYTHON: there is no file {settings.rasa_python}; 'make setup' makes it")


def _check_port_is_free(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            wants = "choose a free port" if isinstance(error, PermissionError) or error.errno else str(error)
            raise SettingsError(f"{PREFIX}PORT: {settings.host}:{settings.port} cannot be used ({error.strerror}); {wants}") from None


def _children(settings: Settings) -> list[Child]:
    logs = settings.data_dir / "logs"
    logs.mkdir(exist_ok=True, mode=0o700)
    rasa_data = settings.data_dir / "rasa"
    rasa_data.mkdir(exist_ok=True, mode=0o700)
    rasa_port, action_port = _free_ports(2)
    rasa_url, action_url = f"http://{_LOOPBACK}:{rasa_port}", f"http://{_LOOPBACK}:{action_port}"
    token = secrets.token_urlsafe(24)
    inner = {
        **os.environ,
        f"{PREFIX}RASA_URL": rasa_url,
        f"{PREFIX}ACTION_URL": action_url,
        f"{PREFIX}RASA_TOKEN": token,
        "PYTHONPATH": str(ROOT),
        "MALLOC_ARENA_MAX": _ARENAS,
    }
    # Not Rasa's to see.
    secrets_of_ours = tuple(
        f"{PREFIX}{name}"
        for name in ("MASTER_KEY", "OPERATOR_PASSWORD", "DATABASE_URL", "REDIS_URL", "IMAP_PASSWORD", "SMTP_PASSWORD", "TELEGRAM_TOKEN")
    )
    rasa = {
        **{name: value for name, value in inner.items() if name not in secrets_of_ours},
        f"{PREFIX}RASA_TRACKER": str(rasa_data / "tracker.db"),
        "RASA_TELEMETRY_ENABLED": "false",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "HOME": str(rasa_data),  # Rasa writes a configuration of its own there
    }
    rasa_command = [str(settings.rasa_python), "-m", "nlu.serve", f"--port={rasa_port}", f"--model={settings.rasa_model}"]
    return [
        Child("Rasa", rasa_command, rasa, f"{rasa_url}/status?token={token}", _log(logs, "rasa")),
        Child("The action server", [sys.executable, "-m", "actions"], inner, f"{action_url}/health", _log(logs, "actions")),
        Child(
            "The gateway",
            [sys.executable, "-m", "bot", "serve"],
            inner,
            f"http://{settings.host}:{settings.port}/readyz",
            _log(logs, "gateway"),
        ),
    ]


def _log(folder: Path, name: str) -> Path:
    """This run's log; the last run's is kept beside it."""
    path = folder / f"{name}.log"
    if path.exists():
        path.replace(folder / f"{name}.previous.log")
    return path


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((_LOOPBACK, 0))
        return [probe.getsockname()[1] for probe in probes]


async def _stop(process: asyncio.subprocess.Process, ended: "asyncio.Task[int]") -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        done, _ = await asyncio.wait([ended], timeout=_STOP_SECONDS)
        if done:
            return


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _die_with_parent() -> None:
    """A supervisor that is killed outright leaves no orphans behind (Linux; elsewhere they have to be ended by hand)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
