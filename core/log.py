"""Logging: JSON lines on standard error. Event names are constants in the past tense, ids are fields; what people wrote never is."""

import logging
import sys

import structlog
from structlog.stdlib import ProcessorFormatter

from core.settings import Settings


def configure_logging(settings: Settings) -> None:
    """Sends structlog's events and the standard library's records through one formatter. Call once, at a process's start."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
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


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
