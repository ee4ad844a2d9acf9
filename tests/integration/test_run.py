"""`make run` as a stranger meets it: a desk of its own, started twice, asked one question, killed."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack import ROOT, OperatorClient, Stack, wait_for


def run_bot(stack: Stack, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**stack.environment, **settings}
    return subprocess.run(
        [sys.executable, "-m", "bot", "run"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_first_and_the_second_start(tmp_path: Path) -> None:
    stack = Stack(tmp_path, OTKLIK_OPERATOR_PASSWORD="")
    stack.start()
    try:
        output = stack.output.read_text()
        assert f"Chat page:  {stack.url}/" in output and f"Console:    {stack.url}/operator" in output
        file = stack.data_dir / "operator-password"
        password = file.read_text().strip()
        assert f"Password:   {password} " in output
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE((stack.data_dir / "otklik.db").stat().st_mode) == 0o600
        assert stat.S_IMODE(stack.data_dir.stat().st_mode) == 0o700
        OperatorClient(stack, "operator", password)

        answers = stack.citizen().say("не приходит смс с кодом")
        assert [message["meta"]["kind"] for message in answers] == ["answer"]

        assert not any(answers_on(port, address) for port in inner_ports(stack) for address in outer_addresses())

        another = run_bot(stack)
        assert another.returncode == 2
        assert another.stderr.startswith("otklik: OTKLIK_DATA_DIR: ") and len(another.stderr.splitlines()) == 1
    finally:
        assert stack.stop() == 0
    assert stack.output.read_text().endswith("Stopped.\n")

    stack.start()
    try:
        assert "nothing to build" in stack.output.read_text()
        assert f"Password:   {password} " in stack.output.read_text()
        children = [stack.pid(name) for name in ("rasa", "actions", "gateway")]
        stack.kill()  # kill -9: nobody is left to stop the children
        wait_for("the children to end with their parent", lambda: not any(is_alive(pid) for pid in children), 20)
    finally:
        stack.kill()


def outer_addresses() -> list[str]:
    """The machine's own addresses besides loopback."""
    found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    return sorted({str(entry[4][0]) for entry in found if not str(entry[4][0]).startswith("127.")})


def answers_on(port: int, address: str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((address, port)) == 0


def inner_ports(stack: Stack) -> list[int]:
    environment = Path(f"/proc/{stack.pid('gateway')}/environ").read_text().split("\0")
    urls = [line.split("=", 1)[1] for line in environment if line.startswith(("OTKLIK_RASA_URL=", "OTKLIK_ACTION_URL="))]
    assert len(urls) == 2
    return [int(url.rpartition(":")[2]) for url in urls]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTKLIK_PORT", "http"),
        ("OTKLIK_PORT", "70000"),
        ("OTKLIK_WORK_STARTS", "9 утра"),
        ("OTKLIK_DUE_SIMPLE_HOURS", "0"),
        ("OTKLIK_MASTER_KEY", "short"),
        ("OTKLIK_OPERATOR_PASSWORD", "short"),
        ("OTKLIK_SETTINGS_FILE", "/nowhere/settings.toml"),
        ("OTKLIK_RASA_MODEL", "/nowhere/model.tar.gz"),
        ("OTKLIK_ARTICLES_DIR", "/nowhere/articles"),
    ],
)
def test_a_wrong_setting_ends_the_start_with_one_line(tmp_path: Path, name: str, value: str) -> None:
    ended = run_bot(Stack(tmp_path), **{name: value})
    assert ended.returncode == 2
    line = ended.stderr.strip()
    assert len(line.splitlines()) == 1, line
    assert (name in line or "articles" in line) and "Traceback" not in line
    if "KEY" in name or "PASSWORD" in name:
        assert "short" not in line


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", stack.port))
        taken.listen()
        ended = run_bot(stack)
    assert ended.returncode == 2
    assert ended.stderr.startswith("otklik: OTKLIK_PORT: ") and len(ended.stderr.splitlines()) == 1
