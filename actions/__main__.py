"""Starts the action server: ``python -m actions``. It binds to loopback, at the port of ``settings().action_url``.

The index is opened before the port, so ``GET /health`` answers only when questions can be answered.
"""

import sys
from urllib.parse import urlsplit

import structlog
import uvicorn
from rasa_sdk.executor import ActionExecutor

from actions.endpoint import Endpoint
from actions.knowledge import knowledge
from core.log import configure_logging
from core.memory import keep_what_is_there
from core.settings import settings_or_exit
from core.words import all_words
from knowledge_base.index import IndexRefused

HOST = "127.0.0.1"
_KEPT_SECONDS = 120  # of a connection without a call: as by rasa-sdk's own server, since Rasa has one turn in vain when it is just closed
_STOP_SECONDS = 5

log = structlog.get_logger(__name__)


def main() -> None:
    settings = settings_or_exit()
    configure_logging(settings)
    executor = ActionExecutor()
    executor.register_package("actions")
    all_words()  # read here, not at the first fault of a form
    keep_what_is_there()  # not the index, which an edit replaces
    try:
        knowledge()
    except IndexRefused as error:
        print(f"otklik: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    port = urlsplit(settings.action_url).port or 5055
    log.info("action_server_started", port=port)
    uvicorn.run(
        Endpoint(executor),
        host=HOST,
        port=port,
        loop="uvloop",
        ws="none",
        proxy_headers=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_KEPT_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


if __name__ == "__main__":
    main()
