"""The gateway: all wiring. Channels and workers are supervised tasks of one process; one that crashes restarts alone."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from bot.article_index import ArticleIndex
from bot.channels.mail import MailCourier, choose_transport
from bot.channels.mail_collector import MailCollector, choose_mailbox
from bot.channels.mail_intake import MailIntake
from bot.channels.telegram import Telegram
from bot.channels.telegram_updates import CHANNEL as TELEGRAM
from bot.channels.widget import WidgetDesk, widget_routes
from bot.channels.widget_socket import widget_socket_routes
from bot.deadlines import Deadlines
from bot.delivery import Deliveries
from bot.dialogue_engine import RasaEngine
from bot.erasures import Erasures
from bot.exports import Exports
from bot.feedback import SEND, feedback_routes
from bot.file_scanning import FileScanning
from bot.help_pages import help_routes
from bot.readiness import Readiness
from bot.screenshot_reading import ScreenshotReading
from bot.status_page import status_routes
from bot.turns import Turns
from core.database import Database
from core.desk import Desk
from core.events import Events
from core.files import Files
from core.finding import warm_up
from core.memory import keep_what_is_there
from core.presence import CitizenEvents, Presence
from core.web import install, place_of
from handoff import letters
from handoff.console.access import Access
from handoff.console.api import account_routes, work_routes
from handoff.console.appeal_desk import appeal_routes
from handoff.console.articles import article_routes
from handoff.console.citizen_rights import citizen_rights_routes
from handoff.console.journal import journal_routes
from handoff.console.letters import letter_routes
from handoff.console.pages import FOLDER as CONSOLE
from handoff.console.pages import console_pages
from handoff.console.questions import question_routes
from handoff.console.socket import console_socket_routes
from handoff.console.undelivered import undelivered_routes
from handoff.console.workplace import Workplace
from handoff.question_groups import QuestionGroups
from handoff.retention import Retention
from handoff.suggested_articles import SuggestedArticles
from knowledge_base.desk_search import DeskSearch

log = structlog.get_logger(__name__)

_FOLDER = Path(__file__).parent
# What the page says of the desk and of its limits.
_PAGE_FACTS = (
    "service_name",
    "portal_url",
    "hotline",
    "official_email",
    "message_characters",
    "message_attachments",
    "max_picture_bytes",
    "max_document_bytes",
    "max_message_bytes",
)
_CHANGE_POLL_SECONDS = 0.5
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_STEADY_SECONDS = 60.0  # a task that ran this long is started again without a growing pause


def create_app(desk: Desk) -> FastAPI:
    """The gateway over an open desk; closing the desk is the caller's."""
    settings = desk.settings
    engine = RasaEngine(settings)
    turns = Turns(desk, engine)
    files = Files(desk)
    citizens = Presence(desk.database)
    widget = WidgetDesk(replace(desk, events=CitizenEvents(desk.events, citizens)), turns, files)
    search = DeskSearch(settings.index_dir, settings.embedder_model)
    articles = SuggestedArticles(search)
    workplace = Workplace(desk, files, articles, citizens)
    question_groups = QuestionGroups(desk, search)
    access = Access(desk)
    telegram = Telegram(desk, turns, files) if settings.telegram_token.get_secret_value() else None
    deliveries = Deliveries(desk, {letters.CHANNEL: MailCourier(desk, choose_transport(settings))})
    erasures, exports, retention = Erasures(desk, engine), Exports(desk), Retention(desk)
    collector = MailCollector(desk, choose_mailbox(desk))
    readiness = Readiness(desk, engine, collector)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(warm_up, settings)
        keep_what_is_there()  # the index is opened when it is first asked
        workers = [
            asyncio.create_task(_supervise("turns", turns.run_forever)),
            asyncio.create_task(_supervise("deliveries", deliveries.run_forever)),
            asyncio.create_task(_supervise("mail_collector", collector.run_forever)),
            asyncio.create_task(_supervise("mail_intake", MailIntake(desk, files).run_forever)),
            asyncio.create_task(_supervise("presence", citizens.tell_forever)),
            asyncio.create_task(_supervise("unsent_files", files.sweep_forever)),
            asyncio.create_task(_supervise("screenshots", ScreenshotReading(desk, files).run_forever)),
            asyncio.create_task(_supervise("erasures", erasures.run_forever)),
            asyncio.create_task(_supervise("exports", exports.run_forever)),
            asyncio.create_task(_supervise("retention", retention.run_forever)),
            asyncio.create_task(_supervise("deadlines", Deadlines(desk).run_forever)),
            asyncio.create_task(_supervise("question_groups", question_groups.keep_fresh_forever)),
            asyncio.create_task(_supervise("article_index", ArticleIndex(desk).run_forever)),
            asyncio.create_task(_supervise("changes", lambda: _watch_changes(desk.database, desk.events))),
        ]
        if files.virus_scan.is_on:
            workers.append(asyncio.create_task(_supervise("file_scanning", FileScanning(desk, files).run_forever)))
        else:
            log.info("virus_scan_is_off")
        if telegram:
            pushing = Deliveries(desk, {TELEGRAM: telegram.courier})  # a worker of its own: a mail server that hangs holds up no chat
            workers.append(asyncio.create_task(_supervise("telegram", telegram.run_forever)))
            workers.append(asyncio.create_task(_supervise("telegram_deliveries", pushing.run_forever)))
        else:
            log.info("telegram_is_off")
        try:
            yield
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            if telegram:
                await telegram.close()
            await engine.close()

    app = FastAPI(title=settings.service_name, version="0.1.0", lifespan=lifespan, docs_url=None, redoc_url=None)
    install(app, max(settings.max_document_bytes, settings.max_message_bytes), page_forms=(SEND,))
    app.include_router(widget_routes(widget))
    app.include_router(widget_socket_routes(widget))
    app.include_router(feedback_routes(desk, files))  # before /appeals/{number}
    app.include_router(status_routes(desk))
    app.include_router(help_routes(desk, search))
    app.include_router(account_routes(workplace, access))
    app.include_router(work_routes(workplace, access))
    app.include_router(appeal_routes(workplace, access))
    app.include_router(citizen_rights_routes(workplace, access))
    app.include_router(undelivered_routes(workplace, access))
    app.include_router(console_socket_routes(workplace, access))
    app.include_router(console_pages(desk))
    app.include_router(journal_routes(desk, access))
    app.include_router(article_routes(desk))
    app.include_router(letter_routes(desk, files.virus_scan))
    app.include_router(question_routes(desk, question_groups, articles))
    app.mount("/static", StaticFiles(directory=_FOLDER / "static"))
    app.mount("/operator/static", StaticFiles(directory=CONSOLE / "static"))
    templates = Jinja2Templates(_FOLDER / "templates")

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def chat_page(request: Request) -> Response:
        return templates.TemplateResponse(request, "chat.html", {name: getattr(settings, name) for name in _PAGE_FACTS})

    @app.get("/healthz", tags=["service"])
    async def is_alive() -> dict[str, str]:
        """The process lives."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["service"])
    async def is_ready() -> Response:
        """Each dependency with its state; 503 until all answer that the desk has."""
        states = await readiness.states()
        ready = "down" not in states.values()
        return JSONResponse({"status": "ok" if ready else "waiting", "dependencies": states}, 200 if ready else 503)

    return app


async def _watch_changes(database: Database, events: Events) -> None:
    """Notices what other processes (the command line) wrote."""
    while True:
        if await database.changed_elsewhere():
            events.publish_everywhere()
        await asyncio.sleep(_CHANGE_POLL_SECONDS)


async def _supervise(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Runs ``work`` for ever; after a crash again, after a growing pause."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        begun = time.monotonic()
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - whatever it was, the task has to run again
            if time.monotonic() - begun >= _STEADY_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            log.error("task_crashed", task=name, error=type(error).__name__, at=place_of(error), pause_seconds=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
