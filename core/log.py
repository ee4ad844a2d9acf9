"""Logging: JSON lines on standard error. Event names are constants in the past tense, ids are fields; what people wrote never is."""

import contextlib
import logging
import sys

import structlog
from structlog.stdlib import ProcessorFormatter

from core.settings import Settings


def configure_logging(settings: Settings) -> None:
    """Sends structlog's events and the standard library's records through one renderer. Call once, at a process's start."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendered: list[structlog.typing.Processor] = [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
    ]
    structlog.configure(
        processors=[*shared, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level]),
        logger_factory=_Lines,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ProcessorFormatter(foreign_pre_chain=shared, processors=[ProcessorFormatter.remove_processors_meta, *rendered]))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    # These write requests, frames and bodies at DEBUG: tokens and a citizen's words, which belong in no log.
    for name in (
        "httpcore",
        "httpx",
        "multipart",
        "python_multipart",
        "websockets",
        "asyncio",
        "sqlalchemy",
        "PIL",
        "urllib3",
        "aiosqlite",
        "aiohttp",
    ):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("telegram").setLevel(logging.CRITICAL)  # at ERROR too it writes what it could not read, whole


class _Lines:
    """What writes structlog's events, under the name that it was asked for by.

    The standard library would make a record of each, and take as long again. As there, what cannot be written (a full disk) is lost.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def write(self, line: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(f"{line}\n")

    debug = info = warning = error = critical = write


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
