"""The master key is changed while the desk writes: nothing becomes unreadable, nothing that was erased comes back."""

import base64
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from core import conversations, key_rotation, master_keys
from core.database import Database
from core.desk import Desk, open_desk
from core.key_rotation import KeyInUse, in_use, retire, wrap_anew
from core.keys import Keyring, open_keyring
from core.master_keys import MasterKeys, MasterKeysUnknown
from core.models import Conversation, WrappedKey
from core.settings import Settings, SettingsError
from handoff import key_commands
from handoff.appeal_status import Lookup
from tests.conftest import MakeSettings
from tests.scenes import change_mode, in_threads, messages, reload, start_conversation, text_of, write_message

OLD, NEW = (base64.b64encode(letter * 32).decode() for letter in (b"o", b"n"))


@pytest.fixture
def key_file(desk: Desk) -> Path:
    return desk.settings.data_dir / "master.key"


@pytest.fixture
def elsewhere(desk: Desk) -> Iterator[tuple[Database, Keyring]]:
    """As the command line has them: a process of its own."""
    database = Database(desk.settings.database)
    yield database, open_keyring(desk.settings)
    database.close()


def keys_used(desk: Desk) -> set[str]:
    return {key_id.hex() for key_id in desk.database.read(in_use)}


def newest(desk: Desk) -> str:
    return open_keyring(desk.settings).master.newest().id.hex()


def command(settings: Settings, name: str) -> list[str]:
    said: list[str] = []
    assert key_commands.run(name, settings, said.append) == 0
    return said


def test_nothing_is_lost_while_writers_write(desk: Desk, elsewhere: tuple[Database, Keyring], key_file: Path) -> None:
    before = [start_conversation(desk) for _ in range(30)]
    for each in before:
        write_message(desk, each, "до смены")
    first_round, rotated = threading.Barrier(4), threading.Event()

    def write(number: int) -> list[uuid.UUID]:
        """Writes from before the rotation until after it."""
        begun: list[uuid.UUID] = []
        first_round.wait(30)
        while True:
            last_round = rotated.is_set()
            begun.append(start_conversation(desk))
            write_message(desk, begun[-1], "во время смены")
            write_message(desk, before[(number + 3 * len(begun)) % len(before)], "и в прежний разговор")
            if last_round:
                return begun

    def rotate() -> int:
        database, keyring = elsewhere
        try:
            first_round.wait(30)
            master_keys.add_newest(key_file)
            return wrap_anew(database, keyring)
        finally:
            rotated.set()

    work: list[Callable[[], object]] = [lambda: write(0), lambda: write(1), lambda: write(2), rotate]
    *written, count = in_threads(4, lambda number: work[number]())
    begun = [conversation_id for each in written if isinstance(each, list) for conversation_id in each]
    assert isinstance(count, int)
    assert count >= len(before)
    assert keys_used(desk) == {newest(desk)}
    retired = elsewhere[0].write(retire, elsewhere[1])
    assert len(retired) == 1
    assert len(key_file.read_text().split()) == 1
    for running in (desk, again := open_desk(desk.settings)):
        for conversation_id in before:
            texts = [text_of(running, message) for message in messages(running, conversation_id)]
            assert texts[0] == "до смены"
            assert set(texts[1:]) <= {"и в прежний разговор"}
        for conversation_id in begun:
            assert [text_of(running, message) for message in messages(running, conversation_id)] == ["во время смены"]
    again.close()


def test_many_batches(desk: Desk, elsewhere: tuple[Database, Keyring], key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_rotation, "_BATCH", 3)
    ids = [start_conversation(desk) for _ in range(10)]
    master_keys.add_newest(key_file)
    assert wrap_anew(*elsewhere) == len(ids)
    assert wrap_anew(*elsewhere) == 0
    assert keys_used(desk) == {newest(desk)}


def test_what_is_erased_meanwhile_stays_erased(
    desk: Desk, elsewhere: tuple[Database, Keyring], key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation_id, other_id = start_conversation(desk), start_conversation(desk)
    master_keys.add_newest(key_file)
    database, keyring = elsewhere
    rewrapped = keyring.rewrapped

    def erased_just_now(session: Session, at: uuid.UUID) -> None:
        session.execute(update(Conversation).where(Conversation.id == at).values(data_key=None))

    def after_an_erasure(found: uuid.UUID, wrapped: bytes) -> bytes:
        if found == conversation_id and not database.is_sqlite:  # there writers go one after another
            desk.database.write(erased_just_now, found)
        return rewrapped(found, wrapped)

    monkeypatch.setattr(keyring, "rewrapped", after_an_erasure)
    if database.is_sqlite:
        desk.database.write(erased_just_now, conversation_id)
    assert wrap_anew(database, keyring) == 1
    assert reload(desk, conversation_id).data_key is None
    assert reload(desk, other_id).data_key is not None


def test_an_unknown_appeal_reads_the_same_after_a_rotation(desk: Desk, elsewhere: tuple[Database, Keyring]) -> None:
    lookup = Lookup(desk.vault)
    assert desk.database.read(lookup.find, "ОБ-2026-000417-9", "ABCD2345") is None
    command(desk.settings, "rotate")
    elsewhere[0].write(retire, elsewhere[1])
    desk.vault._keyring._unwrap.cache_clear()
    assert desk.database.read(lookup.find, "ОБ-2026-000417-9", "ABCD2345") is None


def test_a_key_in_use_is_not_retired(desk: Desk, elsewhere: tuple[Database, Keyring], key_file: Path) -> None:
    start_conversation(desk)
    master_keys.add_newest(key_file)
    before = key_file.read_text()
    with pytest.raises(KeyInUse, match=r"^2 data keys are wrapped by another master key"):  # the index key is the second
        elsewhere[0].write(retire, elsewhere[1])
    assert key_file.read_text() == before


def test_a_writer_is_waited_for_before_a_key_is_retired(desk: Desk, elsewhere: tuple[Database, Keyring], key_file: Path) -> None:
    """It took the old key before there was another one, and commits after everything else was wrapped anew."""
    wrapped, go_on = threading.Event(), threading.Event()
    if desk.database.is_sqlite:
        pytest.skip("there writers go one after another")

    def begin(session: Session) -> uuid.UUID:
        conversation = conversations.start(session, desk.vault, "widget")[0]
        session.flush()
        wrapped.set()
        assert go_on.wait(30)
        return conversation.id

    def rotate() -> str:
        assert wrapped.wait(30)
        master_keys.add_newest(key_file)
        wrap_anew(*elsewhere)
        threading.Timer(0.3, go_on.set).start()  # the retiring waits by then, or it would have been too early
        with pytest.raises(KeyInUse, match=r"^1 data key"):
            elsewhere[0].write(retire, elsewhere[1])
        return "refused"

    work: list[Callable[[], object]] = [lambda: desk.database.write(begin), rotate]
    in_threads(2, lambda number: work[number]())
    assert wrap_anew(*elsewhere) == 1
    assert len(elsewhere[0].write(retire, elsewhere[1])) == 1


def test_who_cannot_read_the_key_file_wraps_nothing_by_a_retired_key(
    desk: Desk, elsewhere: tuple[Database, Keyring], key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = start_conversation(desk)
    master_keys.add_newest(key_file)
    wrap_anew(*elsewhere)
    elsewhere[0].write(retire, elsewhere[1])

    def refuse(_path: Path) -> list[bytes]:
        raise PermissionError

    with monkeypatch.context() as patched:
        patched.setattr(master_keys, "_read", refuse)
        with pytest.raises(MasterKeysUnknown):
            start_conversation(desk)
    later = start_conversation(desk)
    again = open_desk(desk.settings)
    assert [text_of(again, write_message(again, one, "привет")) for one in (before, later)] == ["привет", "привет"]
    again.close()


def test_an_old_backup_is_readable_until_its_key_is_retired(desk: Desk, elsewhere: tuple[Database, Keyring], key_file: Path) -> None:
    conversation_id = start_conversation(desk)
    message = write_message(desk, conversation_id, "из копии")
    backup = reload(desk, conversation_id)
    master_keys.add_newest(key_file)
    wrap_anew(*elsewhere)
    restored = Keyring(MasterKeys.in_file(key_file))
    assert restored.open(conversation_id, backup.data_key, message.text_sealed).decode() == "из копии"
    elsewhere[0].write(retire, elsewhere[1])
    with pytest.raises(ValueError, match="a master key is missing"):
        Keyring(MasterKeys.in_file(key_file)).open(conversation_id, backup.data_key, message.text_sealed)


def test_an_address_is_found_after_the_key_has_changed(desk: Desk, elsewhere: tuple[Database, Keyring], key_file: Path) -> None:
    started = desk.database.write(conversations.start_for_address, desk.vault, "telegram", "4711")
    master_keys.add_newest(key_file)
    wrap_anew(*elsewhere)
    elsewhere[0].write(retire, elsewhere[1])
    again = open_desk(desk.settings)
    found = again.database.write(conversations.find_by_address, again.vault, "telegram", "4711")
    again.close()
    assert found is not None
    assert found.id == started.id


def test_a_desk_from_before_the_index_key_finds_its_addresses(desk: Desk) -> None:
    """Then they were hashed with a key derived from the only master key; data keys did not name it."""
    master = open_keyring(desk.settings)
    master.use_index_key(master.new_index_key(of_master_key=True))

    def make_old(session: Session) -> uuid.UUID:
        conversation = conversations.start_for_address(session, desk.vault, "telegram", "4711")
        conversation.address_hash = master.keyed_hash("telegram:4711")
        assert conversation.data_key
        conversation.data_key = conversation.data_key[9:]
        session.delete(session.get_one(WrappedKey, "index"))
        return conversation.id

    conversation_id = desk.database.write(make_old)
    again = open_desk(desk.settings)
    found = again.database.write(conversations.find_by_address, again.vault, "telegram", "4711")
    assert found is not None
    assert found.id == conversation_id
    again.close()
    command(desk.settings, "rotate")
    command(desk.settings, "retire")
    assert keys_used(desk) == {newest(desk)}


@pytest.mark.parametrize("mark", [True, False], ids=["with an id", "without"])
def test_a_missing_master_key_ends_the_start_with_one_line(make_settings: MakeSettings, database_url: str, mark: bool) -> None:
    first = open_desk(make_settings(database_url=database_url, master_key=OLD))
    conversation_id = start_conversation(first)

    def unmark(session: Session) -> None:
        conversation = session.get_one(Conversation, conversation_id)
        assert conversation.data_key
        conversation.data_key = conversation.data_key[9:]

    if not mark:
        first.database.write(unmark)
        first.database.write(lambda session: session.delete(session.get_one(WrappedKey, "index")))
    first.close()
    with pytest.raises(SettingsError) as caught:
        open_desk(make_settings(database_url=database_url, master_key=NEW))
    line = str(caught.value)
    assert line.startswith("OTKLIK_MASTER_KEY: the database was written with a master key (")
    assert "\n" not in line
    assert OLD not in line
    assert NEW not in line
    open_desk(make_settings(database_url=database_url, master_key=f"{NEW},{OLD}")).close()


def test_an_empty_desk_wants_its_key_too(make_settings: MakeSettings, database_url: str) -> None:
    open_desk(make_settings(database_url=database_url, master_key=OLD)).close()
    with pytest.raises(SettingsError, match="OTKLIK_MASTER_KEY"):
        open_desk(make_settings(database_url=database_url, master_key=NEW))


def test_the_commands_from_the_file(desk: Desk, key_file: Path) -> None:
    conversation_id = start_conversation(desk)
    message = write_message(desk, conversation_id, "привет")
    old = newest(desk)
    assert command(desk.settings, "list") == [f"{old}\tnewest\twraps 2"]
    assert command(desk.settings, "retire") == ["There is no older master key."]
    command(desk.settings, "rotate")
    new = newest(desk)
    assert new != old
    assert command(desk.settings, "list") == [f"{new}\tnewest\twraps 2", f"{old}\tolder\twraps 0"]
    assert command(desk.settings, "retire") == [f"{old} are no longer in the key file."]
    assert command(desk.settings, "list") == [f"{new}\tnewest\twraps 2"]
    assert text_of(desk, message) == "привет"
    change_mode(desk, conversation_id, reload(desk, conversation_id).mode)
    key_file.write_text(f"{NEW}\n")
    assert command(desk.settings, "list")[1] == f"{new}\tmissing\twraps 2"


def test_an_interrupted_rotation_is_finished_first(desk: Desk, key_file: Path) -> None:
    start_conversation(desk)
    added = master_keys.add_newest(key_file)
    command(desk.settings, "rotate")
    assert newest(desk) == added.id.hex()
    assert keys_used(desk) == {newest(desk)}


def test_the_commands_from_the_environment(make_settings: MakeSettings, database_url: str) -> None:
    only_old = make_settings(database_url=database_url, master_key=OLD)
    open_desk(only_old).close()
    with pytest.raises(SettingsError, match="it holds one key; put a new one"):
        command(only_old, "rotate")
    both = make_settings(database_url=database_url, master_key=f"{NEW},{OLD}")
    with pytest.raises(KeyInUse):
        command(both, "retire")
    command(both, "rotate")
    (said,) = command(both, "retire")
    assert said.endswith("may be taken out of the environment.")
    open_desk(make_settings(database_url=database_url, master_key=NEW)).close()
