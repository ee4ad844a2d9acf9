"""`python -m handoff keys …`: the master keys of a running desk."""

import argparse
from collections.abc import Callable
from typing import Any

from core import audit, key_rotation, master_keys, vault_reindex
from core.database import Database, open_database
from core.desk import open_vault
from core.keys import Keyring, open_keyring
from core.settings import PREFIX, Settings, SettingsError

_ROTATED = "key_rotated"
_RETIRED = "key_retired"
Say = Callable[[str], None]


def add_commands(commands: "argparse._SubParsersAction[Any]") -> None:
    keys = commands.add_parser("keys", help="master keys").add_subparsers(dest="key_command", required=True)
    keys.add_parser("list", help="the master keys, and how many data keys each has wrapped")
    keys.add_parser("rotate", help="add a new master key and wrap every data key by it; the desk may run")
    keys.add_parser("retire", help="take the older master keys out of the key file, if nothing is wrapped by them")
    keys.add_parser("index", help="enter what was stored before there was a blind index")


def run(command: str, settings: Settings, say: Say) -> int:
    """Raises SettingsError, key_rotation.KeyInUse."""
    database = open_database(settings)
    try:
        keyring = open_keyring(settings)
        if command != "list":
            key_rotation.check(database, keyring)
        match command:
            case "list":
                used = database.read(key_rotation.in_use)
                for place, key in enumerate(keyring.master.all()):
                    say(f"{key.id.hex()}\t{'older' if place else 'newest'}\twraps {used.pop(key.id, 0)}")
                for key_id, count in used.items():
                    say(f"{key_id.hex() or 'without an id'}\t{'missing' if key_id else 'older'}\twraps {count}")
            case "rotate":
                _bring_newest(database, keyring)
                count = key_rotation.wrap_anew(database, keyring)
                newest = keyring.master.newest().id.hex()
                database.write(audit.append, open_vault(settings, database), audit.COMMAND_LINE, _ROTATED, newest)
                say(f"{count} data keys are wrapped by the master key {newest} now. Back it up, then 'keys retire'.")
            case "retire":
                retired = database.write(key_rotation.retire, keyring)
                vault = open_vault(settings, database)
                for key_id in retired:
                    database.write(audit.append, vault, audit.COMMAND_LINE, _RETIRED, key_id.hex())
                where = "are no longer in the key file" if keyring.master.path else "may be taken out of the environment"
                say(f"{', '.join(key_id.hex() for key_id in retired)} {where}." if retired else "There is no older master key.")
            case "index":
                say(f"{vault_reindex.enter_all(database, keyring)} conversations were gone through.")
    finally:
        database.close()
    return 0


def _bring_newest(database: Database, keyring: Keyring) -> None:
    """Sees to it that the newest master key is a new one. A rotation that was interrupted is finished before another one begins."""
    only_one = len(keyring.master.all()) == 1
    if keyring.master.path is None:
        if only_one:
            raise SettingsError(
                f"{PREFIX}MASTER_KEY: it holds one key; put a new one ('openssl rand -base64 32') and a comma before it, "
                "in the order of docs/deployment.md, Keys"
            )
        return
    used = database.read(key_rotation.in_use)
    if only_one or used.total() == used[keyring.master.newest().id]:
        master_keys.add_newest(keyring.master.path)
