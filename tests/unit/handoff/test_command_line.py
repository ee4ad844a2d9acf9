"""`python -m handoff`, as a person runs it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.settings import ROOT
from handoff.__main__ import main

Run = Callable[..., "subprocess.CompletedProcess[str]"]
ADD = ("operators", "add", "ivanova", "--name", "Мария Иванова", "--role", "senior", "--department", "support")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTKLIK_")}
    environment["OTKLIK_DATA_DIR"] = str(tmp_path / "data")

    def run_handoff(*arguments: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "handoff", *arguments],
            cwd=ROOT,
            env=environment,
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run_handoff


def check_refusal(ended: "subprocess.CompletedProcess[str]", line: str) -> None:
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", f"otklik: {line}\n")


def test_accounts_from_adding_to_disabling(run: Run) -> None:
    added = run(*ADD, typed="верный пароль\n")
    assert (added.returncode, added.stderr) == (0, "")
    check_refusal(run(*ADD, typed="другой пароль\n"), "there is an operator 'ivanova' already")
    assert run("operators", "set-password", "ivanova", typed="новый пароль\n").returncode == 0
    assert run("operators", "list").stdout == "ivanova\tМария Иванова\tsenior\tsupport\tactive\n"
    assert run("operators", "disable", "ivanova").returncode == 0
    assert run("operators", "list").stdout == "ivanova\tМария Иванова\tsenior\tsupport\tdisabled\n"


def test_the_audit_log_tells_of_accounts_and_is_whole(run: Run) -> None:
    assert run(*ADD, typed="верный пароль\n").returncode == 0
    assert run("operators", "disable", "ivanova").returncode == 0
    assert run("operators", "disable", "nobody").returncode == 2
    listed = [line.split("\t") for line in run("audit", "list").stdout.splitlines()]
    assert [[line[0], *line[2:5]] for line in listed] == [
        ["1", "command line", "account_added", "ivanova"],
        ["2", "command line", "account_disabled", "ivanova"],
    ]
    assert run("audit", "list", "--operator", "petrova").stdout == ""
    checked = run("audit", "verify")
    head = checked.stdout.splitlines()[0].removeprefix("head ")
    assert (checked.returncode, checked.stdout) == (0, f"head {head}\nthe chain is whole: 2 rows\n")
    assert run("audit", "verify", "--head", head).returncode == 0
    broken = run("audit", "verify", "--head", "2:00")
    assert (broken.returncode, broken.stdout.splitlines()[0]) == (1, "the chain does not hold the head 2:00")


def test_a_short_password_is_refused_and_not_shown(run: Run) -> None:
    check_refusal(run(*ADD, typed="1234567\n"), "the password wants at least 8 characters")
    assert run("operators", "list").stdout == ""


def test_an_unknown_login_is_refused(run: Run) -> None:
    check_refusal(run("operators", "disable", "nobody"), "there is no operator 'nobody'")


@pytest.mark.parametrize(
    ("kind", "received", "due"),
    [
        ("simple", "2026-11-27T15:00", "2026-11-30T15:00:00+03:00"),
        ("urgent", "2026-11-28T17:00:00Z", "2026-11-29T08:00:00+03:00"),
    ],
)
def test_tells_when_an_appeal_is_due(run: Run, kind: str, received: str, due: str) -> None:
    ended = run("due", kind, received)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{due}\n", "")


def test_a_wrong_moment_is_refused(run: Run) -> None:
    check_refusal(run("due", "simple", "tomorrow"), "received: 'tomorrow' is not a moment like 2026-11-23T10:00:00+03:00")


@pytest.mark.parametrize("arguments", [("due", "slow", "2026-11-27"), ("operators",), (), (*ADD[:5], "--role", "king")])
def test_a_wrong_command_ends_with_its_usage(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out) == (2, "")
    assert printed.err.startswith("usage: python -m handoff")
