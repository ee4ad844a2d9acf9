"""Master keys: several, newest first; a running process notices when the file has changed."""

import base64
import os
import stat
import uuid
from pathlib import Path

import pytest

from core import master_keys
from core.keys import Keyring, open_keyring
from core.master_keys import MasterKey, MasterKeys, MasterKeysUnknown
from core.settings import SettingsError
from tests.conftest import MakeSettings
from tests.scenes import in_threads

ONE = uuid.UUID(int=1)
OLD, NEW = b"o" * 32, b"n" * 32


def written(*keys: bytes) -> str:
    return "\n".join(base64.b64encode(key).decode() for key in keys) + "\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "master.key"
    path.write_text(written(OLD))
    path.chmod(0o600)
    return path


def test_the_newest_wraps_and_every_one_unwraps() -> None:
    old, new, both = Keyring(OLD), Keyring(NEW), Keyring(MasterKeys([NEW, OLD]))
    wrapped_before, wrapped_now = old.new_data_key(ONE), both.new_data_key(ONE)
    assert both.open(ONE, wrapped_before, old.seal(ONE, wrapped_before, b"content")) == b"content"
    assert new.open(ONE, wrapped_now, both.seal(ONE, wrapped_now, b"content")) == b"content"
    with pytest.raises(ValueError, match="a master key is missing"):
        old.seal(ONE, wrapped_now, b"content")


def test_wrapping_anew_keeps_what_was_sealed() -> None:
    old, new, both = Keyring(OLD), Keyring(NEW), Keyring(MasterKeys([NEW, OLD]))
    wrapped = old.new_data_key(ONE)
    sealed = old.seal(ONE, wrapped, b"content")
    assert new.open(ONE, both.rewrapped(ONE, wrapped), sealed) == b"content"
    with pytest.raises(ValueError, match="another key"):
        both.rewrapped(uuid.UUID(int=2), wrapped)


@pytest.mark.parametrize("known", [[OLD], [NEW, OLD], [NEW, b"m" * 32, OLD]], ids=len)
def test_a_key_wrapped_before_there_were_ids_is_unwrapped(known: list[bytes]) -> None:
    keyring = Keyring(OLD)
    wrapped = keyring.new_data_key(ONE)[9:]  # as it was: without mark and id
    assert wrapped[:1] == b"\x01"
    sealed = keyring.seal(ONE, wrapped, b"content")
    assert Keyring(MasterKeys(known)).open(ONE, wrapped, sealed) == b"content"


def test_an_unknown_master_key_is_refused_for_it_too() -> None:
    with pytest.raises(ValueError, match="another key"):
        Keyring(MasterKeys([NEW, b"m" * 32])).seal(ONE, Keyring(OLD).new_data_key(ONE)[9:], b"content")


def test_an_id_tells_nothing_of_its_key() -> None:
    key = MasterKey(OLD)
    assert key.id != MasterKey(NEW).id
    assert key.id not in OLD
    assert "ooo" not in repr(key)


@pytest.mark.parametrize("given", [f"{written(NEW).strip()},{written(OLD).strip()}", f" {written(NEW).strip()} , {written(OLD).strip()}, "])
def test_several_are_given_by_the_environment(make_settings: MakeSettings, given: str) -> None:
    keyring = open_keyring(make_settings(master_key=given))
    assert [key.secret for key in keyring.master.all()] == [NEW, OLD]
    assert keyring.master.path is None


def test_a_file_may_hold_remarks(path: Path) -> None:
    path.write_text(f"# 2026\n{written(NEW)}\n\n  # 2025\n{written(OLD, OLD)}")
    assert [key.secret for key in MasterKeys.in_file(path).all()] == [NEW, OLD]


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "short\n", written(OLD) + "short\n", written(b"x" * 31)])
def test_a_file_that_holds_no_keys_is_told_in_one_line(make_settings: MakeSettings, path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"^OTKLIK_MASTER_KEY: it wants 32 bytes in base64") as caught:
        open_keyring(make_settings(data_dir=path.parent))
    assert "\n" not in str(caught.value)


def test_a_running_process_notices_a_new_key(path: Path) -> None:
    running = Keyring(MasterKeys.in_file(path))
    before = running.new_data_key(ONE)
    added = master_keys.add_newest(path)
    elsewhere = Keyring(MasterKeys.in_file(path))
    wrapped = elsewhere.new_data_key(ONE)
    sealed = elsewhere.seal(ONE, wrapped, b"content")
    assert running.open(ONE, wrapped, sealed) == b"content"  # an id it had not heard of
    assert running.new_data_key(ONE).startswith(b"\x02" + added.id)
    assert before.startswith(b"\x02" + MasterKey(OLD).id)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_new_key_is_used_at_once_by_who_has_not_met_it(path: Path) -> None:
    running = Keyring(MasterKeys.in_file(path))
    added = master_keys.add_newest(path)
    assert running.new_data_key(ONE).startswith(b"\x02" + added.id)


def test_a_key_that_was_taken_out_is_forgotten(path: Path) -> None:
    running = Keyring(MasterKeys.in_file(path))
    wrapped = running.new_data_key(ONE)
    master_keys.add_newest(path)
    assert running.rewrapped(ONE, wrapped)
    master_keys.remove(path, [MasterKey(OLD).id])
    assert [key.secret for key in running.master.all()] != []
    with pytest.raises(ValueError, match="a master key is missing"):
        running.rewrapped(ONE, wrapped)


@pytest.mark.parametrize("text", [None, "", "half a k"], ids=["gone", "empty", "broken"])
def test_while_the_file_cannot_be_read_what_is_known_opens_and_nothing_is_wrapped(path: Path, text: str | None) -> None:
    running = Keyring(MasterKeys.in_file(path))
    wrapped = running.new_data_key(ONE)
    if text is None:
        path.unlink()
    else:
        path.write_text(text)
    assert running.open(ONE, wrapped, running.seal(ONE, wrapped, b"content")) == b"content"
    for _ in range(2):
        with pytest.raises(MasterKeysUnknown, match="cannot be read"):
            running.new_data_key(ONE)  # the key may be retired: what it wrapped would be lost at the next start
    assert Keyring(running.master).open(ONE, wrapped, running.seal(ONE, wrapped, b"content")) == b"content"
    path.write_text(written(NEW, OLD))
    assert running.new_data_key(ONE).startswith(b"\x02" + MasterKey(NEW).id)


def test_two_that_add_keys_at_once_lose_none(path: Path) -> None:
    added = in_threads(8, lambda _: master_keys.add_newest(path).id)
    assert {key.id for key in MasterKeys.in_file(path).all()} == {*added, MasterKey(OLD).id}
    assert not [name for name in os.listdir(path.parent) if name not in ("master.key", ".master.key.lock")]  # noqa: PTH208 - names


def test_the_index_key_outlives_the_master_key() -> None:
    old, both, new = Keyring(OLD), Keyring(MasterKeys([NEW, OLD])), Keyring(NEW)
    wrapped = old.new_index_key(of_master_key=False)
    old.use_index_key(wrapped)
    with pytest.raises(ValueError, match="a master key is missing"):
        new.use_index_key(wrapped)
    new.use_index_key(both.rewrapped_index_key(wrapped))
    assert new.keyed_hash("content") == old.keyed_hash("content")
    assert new.derived_key("a") == old.derived_key("a") != old.derived_key("b")


def test_without_an_index_key_nothing_is_hashed() -> None:
    with pytest.raises(RuntimeError, match="index key"):
        Keyring(OLD).keyed_hash("content")
