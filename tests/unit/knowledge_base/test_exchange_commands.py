"""`python -m knowledge_base export | import` as an administrator runs them."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core import audit
from core.desk import open_desk
from core.models import Role
from core.settings import PREFIX, ROOT
from handoff import operators
from knowledge_base import editing
from tests.conftest import MakeSettings

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment[f"{PREFIX}DATA_DIR"] = str(tmp_path / "data")

    def run_command(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "knowledge_base", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)

    return run_command


def test_a_report_an_author_and_the_audit_log(run: Run, tmp_path: Path, make_settings: MakeSettings) -> None:
    file = tmp_path / "a.csv"
    file.write_text("slug,title,section,text\npassword,Пароль,account,Текст.\ncode,Код,account,<b>Код</b>\n", encoding="utf-8")
    nothing = run("export", str(tmp_path / "export"))
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert "there is no desk in" in nothing.stderr

    tried = run("import", str(file), "--dry-run")
    assert (tried.returncode, tried.stdout.splitlines()[-1]) == (
        1,
        "1 new, 0 changed, 0 unchanged, 0 changed here since, 1 refused; nothing was stored: a dry run",
    )
    stranger = run("import", str(file), "--author", "ivanova")
    assert (stranger.returncode, stranger.stderr) == (2, "knowledge_base: --author: there is no operator 'ivanova'\n")

    settings = make_settings()
    desk = open_desk(settings)
    desk.database.write(operators.add, "ivanova", "Мария Иванова", Role.EDITOR, "support", "")
    desk.close()
    taken = run("import", str(file), "--author", "ivanova")
    lines = taken.stdout.splitlines()
    assert (taken.returncode, taken.stderr, lines[0]) == (1, "", "new           password")
    assert lines[1].startswith(f"refused       {file}:3: ")
    assert lines[2:] == ["1 new, 0 changed, 0 unchanged, 0 changed here since, 1 refused"]

    desk = open_desk(settings)
    try:
        (revision,) = desk.database.read(editing.revisions, "password")
        assert (revision.author, revision.reason) == ("ivanova", "Импорт: a.csv")
        assert [(row.actor, row.action, row.subject) for row in desk.database.read(audit.entries)] == [
            ("command line", "article_created", "1 password")
        ]
    finally:
        desk.close()
    exported = run("export", str(tmp_path / "export"))
    assert (exported.returncode, exported.stdout) == (0, "1 articles, 1 files written\n")
    again = run("import", str(tmp_path / "export"))
    assert (again.returncode, again.stdout) == (0, "0 new, 0 changed, 1 unchanged, 0 changed here since, 0 refused\n")


def test_what_is_not_there(run: Run, tmp_path: Path) -> None:
    ended = run("import", str(tmp_path / "nothing"))
    assert (ended.returncode, ended.stderr) == (2, f"knowledge_base: {tmp_path}/nothing:0: there is no such file or folder\n")
    assert not (tmp_path / "data").exists()
