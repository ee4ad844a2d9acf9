"""Keys: a data key is worth nothing without the master key, and the master key is made once."""

import base64
import stat
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.keys import Keyring, open_keyring, secret_file
from core.settings import ROOT, SettingsError
from tests.conftest import MakeSettings
from tests.scenes import in_threads

ONE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
KEYRING = Keyring(b"k" * 32)
WRAPPED = KEYRING.new_data_key(ONE)


@given(st.binary(max_size=500))
def test_opens_what_it_sealed(content: bytes) -> None:
    sealed = KEYRING.seal(ONE, WRAPPED, content)
    assert KEYRING.open(ONE, WRAPPED, sealed) == content
    assert len(content) < 8 or content not in sealed


@given(st.binary(min_size=1, max_size=50), st.data())
def test_a_changed_byte_is_noticed(content: bytes, data: st.DataObject) -> None:
    sealed = bytearray(KEYRING.seal(ONE, WRAPPED, content))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ValueError, match="sealed"):
        KEYRING.open(ONE, WRAPPED, bytes(sealed))


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + b"0" * 12, b"\x02" + b"0" * 40])
def test_what_was_never_sealed_is_refused(sealed: bytes) -> None:
    with pytest.raises(ValueError):
        KEYRING.open(ONE, WRAPPED, sealed)


def test_another_master_key_opens_nothing() -> None:
    sealed = KEYRING.seal(ONE, WRAPPED, b"content")
    with pytest.raises(ValueError, match="another key"):
        Keyring(b"x" * 32).open(ONE, WRAPPED, sealed)


def test_a_data_key_belongs_to_one_conversation() -> None:
    with pytest.raises(ValueError, match="another key"):
        Keyring(b"k" * 32).seal(OTHER, WRAPPED, b"content")


def test_fingerprints_are_equal_within_a_conversation_only() -> None:
    other = KEYRING.new_data_key(OTHER)
    assert KEYRING.fingerprint(ONE, WRAPPED, b"value") == KEYRING.fingerprint(ONE, WRAPPED, b"value")
    assert KEYRING.fingerprint(ONE, WRAPPED, b"value") != KEYRING.fingerprint(ONE, WRAPPED, b"other")
    assert KEYRING.fingerprint(ONE, WRAPPED, b"value") != KEYRING.fingerprint(OTHER, other, b"value")


@pytest.mark.parametrize("given_key", ["short", base64.b64encode(b"k" * 31).decode(), "ключ" * 20, "k" * 44])
def test_a_wrong_master_key_ends_in_one_line_without_it(make_settings: MakeSettings, given_key: str) -> None:
    with pytest.raises(SettingsError, match=r"^OTKLIK_MASTER_KEY: it wants 32 bytes in base64") as caught:
        open_keyring(make_settings(master_key=given_key))
    assert given_key not in str(caught.value)


def test_a_given_master_key_is_not_written_down(make_settings: MakeSettings) -> None:
    settings = make_settings(master_key=base64.b64encode(b"k" * 32).decode())
    open_keyring(settings)
    assert not (settings.data_dir / "master.key").exists()


def test_a_made_master_key_is_kept(make_settings: MakeSettings) -> None:
    settings = make_settings()
    wrapped = open_keyring(settings).new_data_key(ONE)
    sealed = open_keyring(settings).seal(ONE, wrapped, b"content")
    assert open_keyring(settings).open(ONE, wrapped, sealed) == b"content"
    assert stat.S_IMODE((settings.data_dir / "master.key").stat().st_mode) == 0o600


def test_a_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "secret"
    assert secret_file(path, lambda: "first") == "first"
    assert secret_file(path, lambda: "second") == "first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret"]  # no draft is left


def test_threads_agree_on_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    assert len(set(in_threads(16, lambda number: secret_file(path, lambda: f"secret {number}")))) == 1


def test_processes_agree_on_a_secret(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from core.keys import secret_file; sys.stdin.readline();"
        "print(secret_file(Path(sys.argv[1]), lambda: str(os.getpid())))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "secret")], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for process in processes:  # all have started: let them go together
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    answers = {process.communicate(timeout=60)[0] for process in processes}
    assert len(answers) == 1
    assert answers.pop().strip() == (tmp_path / "secret").read_text().strip()
