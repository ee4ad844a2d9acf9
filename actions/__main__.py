"""Starts the action server: ``python -m actions``. It binds to loopback, at the port of ``settings().action_url``.

The index is opened before the port, so ``GET /health`` answers only when questions can be answered.
"""

import sys
import warnings
from urllib.parse import urlsplit

import structlog
from rasa_sdk.endpoint import create_app
from rasa_sdk.executor import ActionExecutor
from sanic import Sanic

from actions.knowledge import knowledge
from core.log import configure_logging
from core.memory import keep_what_is_there
from core.settings import settings_or_exit
from knowledge_base.index import IndexRefused

HOST = "127.0.0.1"

log = structlog.get_logger(__name__)


def main() -> None:
    settings = settings_or_exit()
    configure_logging(settings)
    # rasa-sdk says so at each call; that 3.21 answers Rasa 3.6 is held by a test.
    warnings.filterwarnings("ignore", message="Your versions of rasa and rasa_sdk might not be compatible")
    executor = ActionExecutor()
    executor.register_package("actions")
    keep_what_is_there()  # not the index, which an edit replaces
    try:
        knowledge()
    except IndexRefused as error:
        print(f"otklik: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    port = urlsplit(settings.action_url).port or 5055
    app = create_app(executor, cors_origins=None)
    app.prepare(host=HOST, port=port, single_process=True, access_log=False, motd=False)
    log.info("action_server_started", port=port)
    Sanic.serve_single(app)


if __name__ == "__main__":
    main()
