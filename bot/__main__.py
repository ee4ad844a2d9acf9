"""`python -m bot run | prepare | serve`."""

import argparse
import contextlib
import sys

import uvicorn
from sqlalchemy import make_url

from bot.app import create_app
from bot.preparation import prepare
from bot.supervisor import only_one, supervise
from core.desk import open_desk
from core.log import configure_logging
from core.settings import Settings, SettingsError, settings_or_exit
from knowledge_base.articles import ArticleError
from knowledge_base.index import IndexRefused

_STOP_SECONDS = 5
_WEBSOCKET_BYTES = 256 * 1024


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bot")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="the whole desk: prepare it, start Rasa, the action server and the gateway, keep them running")
    commands.add_parser("prepare", help="database, first operator, articles, index; no more")
    commands.add_parser("serve", help="the gateway alone")
    command = parser.parse_args(arguments).command
    settings = settings_or_exit()
    try:
        if command == "run":
            return supervise(settings, _say)
        if command == "prepare":
            prepare(settings, _say)
            return 0
        return serve(settings)
    except (SettingsError, ArticleError, IndexRefused) as error:
        print(f"otklik: {error}", file=sys.stderr)
        return 2


def _say(line: str) -> None:
    print(line, flush=True)


def serve(settings: Settings) -> int:
    """The gateway until SIGTERM; open WebSockets are closed with 1012, so that clients come back."""
    configure_logging(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        # SQLite has one owner, and without Redis gateways would not hear each other.
        if not (settings.redis_url and make_url(settings.database).get_backend_name() == "postgresql"):
            held.enter_context(only_one(settings.data_dir / "gateway.lock"))
        desk = open_desk(settings)
        try:
            uvicorn.run(
                create_app(desk),
                host=settings.host,
                port=settings.port,
                loop="uvloop",
                ws="websockets-sansio",
                ws_max_size=_WEBSOCKET_BYTES,
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
