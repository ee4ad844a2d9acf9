"""`python -m bot run | prepare | serve | login`. The supervisor keeps in memory what it has imported: each command imports its own."""

import argparse
import contextlib
import sys

from bot.supervisor import only_one, supervise
from core.settings import PREFIX, Settings, SettingsError, settings_or_exit

_STOP_SECONDS = 5
_WEBSOCKET_BYTES = 256 * 1024


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bot")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="the whole desk: prepare it, start Rasa, the action server and the gateway, keep them running")
    commands.add_parser("prepare", help="database, first operator, articles, index; no more")
    commands.add_parser("serve", help="the gateway alone")
    commands.add_parser("login", help="the first operator's login and password, while they still open the console")
    command = parser.parse_args(arguments).command
    settings = settings_or_exit()
    try:
        if command == "run":
            return supervise(settings, _say)
        if command == "prepare":
            return prepare(settings)
        if command == "login":
            return tell_login(settings)
        return serve(settings)
    except SettingsError as error:
        return _refuse(error)


def _say(line: str) -> None:
    print(line, flush=True)


def _refuse(error: Exception) -> int:
    print(f"otklik: {error}", file=sys.stderr)
    return 2


def prepare(settings: Settings) -> int:
    from bot import preparation
    from knowledge_base.articles import ArticleError
    from knowledge_base.index import IndexRefused

    try:
        preparation.prepare(settings, _say)
    except (ArticleError, IndexRefused) as error:
        return _refuse(error)
    return 0


def tell_login(settings: Settings) -> int:
    from bot.preparation import PASSWORD_FILE, first_login

    login = first_login(settings)
    if login:
        kept = f"{PREFIX}OPERATOR_PASSWORD" if settings.operator_password.get_secret_value() else settings.data_dir / PASSWORD_FILE
        _say(f"  Login:      {login[0]}")
        _say(f"  Password:   {login[1]}   (from {kept})")
    else:
        _say("  Login:      as set with 'python -m handoff operators'")
    return 0


def serve(settings: Settings) -> int:
    """The gateway until SIGTERM; open WebSockets are closed with 1012, so that clients come back."""
    import uvicorn
    from sqlalchemy import make_url

    from bot.app import create_app
    from core.desk import open_desk
    from core.log import configure_logging
    from core.processors import keep_to_one

    configure_logging(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        # SQLite has one owner, and without Redis gateways would not hear each other.
        if not (settings.redis_url and make_url(settings.database).get_backend_name() == "postgresql"):
            held.enter_context(only_one(settings.data_dir / "gateway.lock"))
            keep_to_one()
        desk = open_desk(settings)
        try:
            uvicorn.run(
                create_app(desk),
                host=settings.host,
                port=settings.port,
                loop="uvloop",
                ws="websockets-sansio",
                ws_max_size=_WEBSOCKET_BYTES,
                ws_per_message_deflate=False,  # frames are short, and each connection's compressor holds some 300 KB
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(settings.trusted_proxies),
                forwarded_allow_ips=settings.trusted_proxies,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        finally:
            desk.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
