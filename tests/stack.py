"""The whole desk as `make run` starts it, once per test session, and the people who use it over HTTP.

Each test takes a conversation of its own. Tests that kill a process wait until the desk is ready again before they end.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from tests.bot_api import BotApi

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "correct horse battery"
_START_SECONDS = 240
_STOP_SECONDS = 40
_ANSWER_SECONDS = 60
_CHILDREN = {"rasa": "nlu.serve", "actions": "actions", "gateway": "bot"}

_GIVEN_PORTS: set[int] = set()

T = TypeVar("T")


def wait_for(what: str, look: Callable[[], T | None], seconds: float = _ANSWER_SECONDS, pause: float = 0.05) -> T:
    """What ``look`` returns once it is true; fails the test after ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(pause)
    pytest.fail(f"waited {seconds:.0f} s in vain for {what}")


def free_port() -> int:
    """A port that nobody has, and that was not given out before: the system hands the same one out again while nobody listens."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in _GIVEN_PORTS:
            _GIVEN_PORTS.add(port)
            return port


class Stack:
    """A running desk. ``telegram``: the Bot API server that it talks to."""

    telegram: BotApi

    def __init__(self, folder: Path, **settings: str) -> None:
        self.data_dir = folder / "data"
        self.output = folder / "output.txt"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("OTKLIK_")},
            "OTKLIK_PORT": str(self.port),
            "OTKLIK_DATA_DIR": str(self.data_dir),
            "OTKLIK_OPERATOR_PASSWORD": PASSWORD,
            "OTKLIK_LOG_LEVEL": "DEBUG",
            # The tests come from one address and in no time.
            "OTKLIK_MESSAGES_PER_MINUTE": "100000",
            "OTKLIK_CONVERSATIONS_PER_MINUTE": "100000",
            "OTKLIK_LOGINS_PER_MINUTE": "100000",
            "OTKLIK_STATUS_CHECKS_PER_MINUTE": "100000",
            "OTKLIK_APPEALS_PER_SNILS_PER_DAY": "100000",
            "OTKLIK_OPERATOR_READS_PER_MINUTE": "100000",
            "OTKLIK_REVEALS_PER_MINUTE": "100000",
            "OTKLIK_GUESSES_FREE": "100000",
            "OTKLIK_GUESSES_MOST": "100000",
            # Tests move due dates into the past: what is told of it comes when they ask for it.
            "OTKLIK_DEADLINE_CHECK_SECONDS": "600",
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def take_index(self, shipped: Path) -> None:
        """A copy of an index of the shipped articles, before the first start: making one takes a while."""
        shutil.copytree(shipped, self.data_dir / "index")

    def start(self) -> None:
        with self.output.open("wb") as output:  # a pipe that nobody reads would hang a child
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot", "run"], cwd=ROOT, env=self.environment, stdout=output, stderr=output
            )
        wait_for(f"the desk to start; its output is in {self.output}", self._has_started_or_ended, _START_SECONDS)
        if self._process.poll() is not None:
            pytest.fail(f"the desk did not start:\n{self.output.read_text()}")

    def stop(self) -> int:
        """As Ctrl-C does. Returns the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(_STOP_SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def kill(self) -> None:
        """kill -9, if it still lives."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_STOP_SECONDS)

    def _has_started_or_ended(self) -> bool:
        assert self._process is not None
        return "Ctrl-C stops everything." in self.output.read_text() or self._process.poll() is not None

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=3, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def wait_until_ready(self) -> None:
        wait_for("the desk to be ready", self.is_ready, _START_SECONDS)

    def pid(self, name: str) -> int:
        """Of "rasa", "actions" or "gateway", as it runs now."""
        assert self._process is not None
        module = _CHILDREN[name].encode()

        def look() -> int | None:
            assert self._process is not None
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
            for child in children:
                with contextlib.suppress(FileNotFoundError):
                    arguments = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                    if b"-m" in arguments and arguments[arguments.index(b"-m") + 1] == module:
                        return int(child)
            return None

        return wait_for(f"a process {name}", look)

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[int]:
        """The process stands still inside the ``with``: what is sent to it is under way until then."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def citizen(self) -> "Citizen":
        return Citizen(self)

    def operator(self, login: str = "operator", password: str = PASSWORD) -> "OperatorClient":
        return OperatorClient(self, login, password)

    def add_operator(self, login: str, name: str) -> None:
        self.manage("operators", "add", login, "--name", name, "--role", "operator", "--department", "support")

    def manage(self, *arguments: str) -> None:
        """`python -m handoff …`, with the tests' password on standard input."""
        self.run("handoff", *arguments)

    def run(self, module: str, *arguments: str) -> None:
        """`python -m …` as an administrator beside the running desk."""
        subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, env=self.environment, input=PASSWORD.encode(), check=True)


class Citizen:
    """Somebody in the widget."""

    posted = 0  # messages so far

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.http = httpx.Client(base_url=stack.url, timeout=40, trust_env=False)
        answer = self.http.post("/api/conversations", json={})
        assert answer.status_code == 201, answer.text
        self.id: str = answer.json()["conversation_id"]
        self.token: str = answer.json()["token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"
        self.path = f"/api/conversations/{self.id}"

    def post(self, text: str = "", **fields: Any) -> httpx.Response:
        self.posted += 1
        return self.http.post(f"{self.path}/messages", json={"client_message_id": str(uuid.uuid4()), "text": text, **fields})

    def send(self, text: str = "", **fields: Any) -> dict[str, Any]:
        answer = self.post(text, **fields)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def say(self, text: str = "", **fields: Any) -> list[dict[str, Any]]:
        """Sends, waits until the turn is over, and returns what was said since."""
        sent = self.send(text, **fields)
        self.wait_until_answered()
        return self.messages(after=sent["seq"])

    def press(self, title: str) -> list[dict[str, Any]]:
        """The newest button of that title."""
        button = next(button for message in reversed(self.messages()) for button in message["buttons"] if button["title"] == title)
        return self.say(title, payload=button["payload"])

    def poll(self, after: int = 0, wait: float = 0) -> dict[str, Any]:
        answer = self.http.get(f"{self.path}/messages", params={"after": after, "wait": wait})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def messages(self, after: int = 0) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = self.poll(after)
            found += page["messages"]
            if not page["more"]:
                return found
            after = found[-1]["seq"]

    def is_answered(self) -> bool:
        """False also while the gateway is away."""
        try:
            return not self.poll()["answering"]
        except httpx.HTTPError:
            return False

    def wait_until_answered(self, seconds: float = _ANSWER_SECONDS) -> None:
        wait_for("the end of the turn", self.is_answered, seconds)

    @property
    def mode(self) -> str:
        return str(self.poll()["mode"])

    def upload(self, filename: str, content: bytes) -> httpx.Response:
        return self.http.post(f"{self.path}/attachments", files={"file": (filename, content)})


class OperatorClient:
    """An operator's program."""

    def __init__(self, stack: Stack, login: str, password: str) -> None:
        self.http = httpx.Client(base_url=stack.url, timeout=40, trust_env=False)
        answer = self.http.post("/api/operator/login", json={"login": login, "password": password})
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["token"]
        self.http.cookies.clear()
        self.http.headers["Authorization"] = f"Bearer {self.token}"

    def call(self, conversation_id: str, action: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return self.http.post(f"/api/operator/conversations/{conversation_id}/{action}", json=body)

    def claim(self, conversation_id: str) -> None:
        answer = self.call(conversation_id, "claim")
        assert answer.status_code == 200, answer.text

    def reply(self, conversation_id: str, text: str, **fields: Any) -> dict[str, Any]:
        answer = self.call(conversation_id, "messages", {"client_message_id": str(uuid.uuid4()), "text": text, **fields})
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def transcript(self, conversation_id: str) -> dict[str, Any]:
        answer = self.http.get(f"/api/operator/conversations/{conversation_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def queue(self) -> list[dict[str, Any]]:
        answer = self.http.get("/api/operator/queue")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])


@pytest.fixture(scope="session")
def running_stack(tmp_path_factory: pytest.TempPathFactory, shipped_index: Path) -> Iterator[Stack]:
    telegram = BotApi()
    stack = Stack(tmp_path_factory.mktemp("stack"), OTKLIK_TELEGRAM_TOKEN=telegram.token, OTKLIK_TELEGRAM_API_URL=telegram.url)
    stack.telegram = telegram
    stack.take_index(shipped_index)
    try:
        stack.start()
        yield stack
    finally:
        code = stack.stop()
        telegram.close()
    assert code == 0, stack.output.read_text()


@pytest.fixture
def stack(running_stack: Stack) -> Stack:
    running_stack.wait_until_ready()
    return running_stack


@pytest.fixture
def citizen(stack: Stack, record_property: Callable[[str, object], None]) -> Iterator[Citizen]:
    """``messages``, how many they posted, stands in pytest's report (benchmarks/report/flows.py)."""
    someone = stack.citizen()
    yield someone
    record_property("messages", someone.posted)
    someone.http.close()


@pytest.fixture
def operator(stack: Stack) -> Iterator[OperatorClient]:
    someone = stack.operator()
    yield someone
    someone.http.close()
