"""`python -m knowledge_base build` on standby."""

import os
import subprocess
import sys
from pathlib import Path

from core.settings import PREFIX, ROOT


def test_a_builder_on_standby_ends_with_who_started_it(tmp_path: Path) -> None:
    environment = {**os.environ, f"{PREFIX}DATA_DIR": str(tmp_path / "data")}
    command = [sys.executable, "-m", "knowledge_base", "build", "--standby"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    assert not (tmp_path / "data").exists()
