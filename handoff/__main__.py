"""`python -m handoff`: operators' accounts, master keys, the audit log, erasure and export, deadlines."""

import argparse
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core import audit
from core.desk import open_desk
from core.key_rotation import KeyInUse
from core.models import AppealKind, Role, now
from core.settings import Settings, SettingsError, settings_or_exit
from core.working_time import MOSCOW, due
from handoff import audit_commands, data_commands, key_commands, letter_commands, operators


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m handoff")
    commands = parser.add_subparsers(dest="command", required=True)

    accounts = commands.add_parser("operators", help="operators' accounts").add_subparsers(dest="account_command", required=True)
    add = accounts.add_parser("add", help="add an operator; the password comes on standard input")
    add.add_argument("login")
    add.add_argument("--name", required=True)
    add.add_argument("--role", required=True, choices=[role.value for role in Role])
    add.add_argument("--department", required=True, metavar="SLUG")
    accounts.add_parser("list", help="list the operators")
    accounts.add_parser("disable", help="lock an operator out").add_argument("login")
    accounts.add_parser("set-password", help="set a password, given on standard input").add_argument("login")

    deadline = commands.add_parser("due", help="the due date of an appeal")
    deadline.add_argument("kind", choices=[kind.value for kind in AppealKind])
    deadline.add_argument("received", help="RFC 3339; without an offset it is Moscow time")

    key_commands.add_commands(commands)
    audit_commands.add_commands(commands)
    data_commands.add_commands(commands)
    letter_commands.add_commands(commands)

    options = parser.parse_args(arguments)
    settings = settings_or_exit()
    if options.command == "due":
        return _print_due(options, settings)
    try:
        if options.command == "keys":
            return key_commands.run(options.key_command, settings, print)
        if options.command == "audit":
            return audit_commands.run(options, settings, print)
        if options.command == "letters":
            return letter_commands.run(options, settings, print)
        if options.command in data_commands.COMMANDS:
            return data_commands.run(options, settings, print)
        return _manage_accounts(options, settings)
    except (operators.AccountError, data_commands.NotDone, KeyInUse, SettingsError) as error:
        print(f"otklik: {error}", file=sys.stderr)
        return 2


def _print_due(options: argparse.Namespace, settings: Settings) -> int:
    try:
        received = datetime.fromisoformat(options.received)
    except ValueError:
        print(f"otklik: received: {options.received!r} is not a moment like 2026-11-23T10:00:00+03:00", file=sys.stderr)
        return 2
    moment = received if received.tzinfo else received.replace(tzinfo=MOSCOW)
    print(due(AppealKind(options.kind), moment, settings).isoformat())
    return 0


def _manage_accounts(options: argparse.Namespace, settings: Settings) -> int:
    desk = open_desk(settings)

    def change(action: str, work: Callable[..., Any], *arguments: Any) -> None:
        def run(session: Session) -> None:
            work(session, *arguments)
            audit.append(session, desk.vault, audit.COMMAND_LINE, action, options.login)

        desk.database.write(run)

    try:
        match options.account_command:
            case "add":
                password = operators.hash_password(_read_password())
                change(audit.ACCOUNT_ADDED, operators.add, options.login, options.name, Role(options.role), options.department, password)
            case "set-password":
                change(audit.PASSWORD_SET, operators.set_password, options.login, operators.hash_password(_read_password()))
            case "disable":
                change(audit.ACCOUNT_DISABLED, operators.disable, options.login, now())
            case "list":
                for operator in desk.database.read(operators.all_operators):
                    state = "disabled" if operator.disabled_at else "active"
                    print(f"{operator.login}\t{operator.name}\t{operator.role}\t{operator.department}\t{state}")
    finally:
        desk.close()
    return 0


def _read_password() -> str:
    return sys.stdin.readline().rstrip("\r\n")


if __name__ == "__main__":
    raise SystemExit(main())
