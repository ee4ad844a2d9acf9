"""The help section: public pages of the published articles, their search, and what crawlers ask for."""

from collections.abc import Callable, Coroutine
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute
from fastapi.templating import Jinja2Templates

from bot.help_catalog import Catalog, article_url, most_useful, section_url
from bot.help_search import LONGEST, Findings, HelpSearch
from bot.help_text import ArticleTexts, first_sentence
from core.desk import Desk
from core.errors import DatabaseDown, Problem, not_found
from core.limits import Counters, SharedRateLimit
from core.models import Article
from core.web import client_address
from core.working_time import day_in_words
from knowledge_base.desk_search import DeskSearch
from knowledge_base.sections import section_name

_PAGE_FACTS = ("service_name", "portal_url", "hotline", "official_email")
_SHOWN_OF_SECTION = 5
_DESCRIPTION = 160  # characters that search engines show
# An edit is seen within so many seconds, whatever stands between; a crowd behind one proxy costs one page in that time.
_CACHE = "public, max-age=5"

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def help_routes(desk: Desk, search: DeskSearch) -> APIRouter:
    settings, database = desk.settings, desk.database
    catalog, texts = Catalog(), ArticleTexts(settings)
    help_search = HelpSearch(database, search, catalog, texts)
    limit = SharedRateLimit(Counters(desk.vault, desk.settings), "help search of address", settings.help_searches_per_minute)
    templates = Jinja2Templates(Path(__file__).parent / "templates")
    templates.env.filters |= {"day_in_words": day_in_words, "article_url": article_url, "section_url": section_url, "chat_url": _chat_url}
    site = settings.public_url.rstrip("/")
    desk_facts = {name: getattr(settings, name) for name in _PAGE_FACTS} | {"site": site, "longest": LONGEST}

    def page(request: Request, template: str, media_type: str = "text/html", **facts: Any) -> Response:
        """A page that anybody may keep for a moment, and need not fetch again while it is the same."""
        answer = templates.TemplateResponse(request, template, {**desk_facts, "query": "", **facts}, media_type=media_type)
        tag = f'"{sha256(answer.body).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": _CACHE}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        answer.headers.update(headers)
        return answer

    def unkept_page(request: Request, template: str, code: int = 200, **facts: Any) -> Response:
        return templates.TemplateResponse(request, template, {**desk_facts, "query": "", **facts}, code, {"Cache-Control": "no-store"})

    class Page(APIRoute):
        """What goes wrong on a page is told as a page."""

        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()

            async def handle_or_tell(request: Request) -> Response:
                try:
                    return await handle(request)
                except DatabaseDown:
                    problem = Problem(503, "database_down")
                except Problem as told:
                    problem = told
                answer = unkept_page(request, "help_problem.html", problem.status, problem=problem.document())
                if problem.retry_after:
                    answer.headers["Retry-After"] = str(problem.retry_after)
                return answer

            return handle_or_tell

    async def find(request: Request, text: str) -> Findings:
        await limit.check(client_address(request))
        return await help_search.find(text)

    calls = APIRouter()
    pages = APIRouter(route_class=Page, include_in_schema=False)

    @calls.get("/api/help/search", tags=["citizen"])
    async def search_articles(request: Request, q: str) -> Findings:
        """Articles of the help section that fit a question, best first: at most five. Of `q` the first 300 characters count."""
        return await find(request, q)

    @pages.get("/help")
    async def show_sections(request: Request) -> Response:
        found = await database.read_soon(catalog.chapters)
        return page(request, "help.html", chapters=found, useful=most_useful(found, _SHOWN_OF_SECTION))

    @pages.get("/help/search")
    async def show_findings(request: Request, q: str = "") -> Response:
        if not q.strip():
            return RedirectResponse("/help", 303)
        return unkept_page(request, "help_search.html", query=q[:LONGEST].strip(), found=await find(request, q))

    @pages.get("/help/sections/{slug}")
    async def show_section(request: Request, slug: str) -> Response:
        found = await database.read_soon(catalog.chapter, _slug(slug))
        if found is None:
            raise not_found("help_page_not_found")
        return page(request, "help_section.html", chapter=found)

    @pages.get("/help/{slug:path}")
    async def show_article(request: Request, slug: str) -> Response:
        found = await database.read_soon(catalog.article, _slug(slug))
        if found is None:
            raise not_found("help_page_not_found")
        article, see_also = found
        return page(request, "help_article.html", **describe(article), see_also=see_also)

    def describe(article: Article) -> dict[str, Any]:
        return {
            "article": article,
            "section_name": section_name(article.section),
            "text": texts.html(article.text),
            "description": first_sentence(texts.lead(article.text), _DESCRIPTION),
        }

    @pages.get("/sitemap.xml")
    async def show_sitemap(request: Request) -> Response:
        return page(request, "sitemap.xml", "application/xml", chapters=await database.read_soon(catalog.chapters))

    @pages.get("/robots.txt")
    async def show_robots(request: Request) -> Response:
        return page(request, "robots.txt", "text/plain")

    routes = APIRouter()
    routes.include_router(calls)
    routes.include_router(pages)
    return routes


def _slug(text: str) -> str:
    """Refuses what no article is called, such as a NUL, which PostgreSQL would not even look for."""
    if not text.isprintable() or "/" in text:
        raise not_found("help_page_not_found")
    return text


def _chat_url(question: str) -> str:
    """The chat with ``question`` in its field. After the # it is sent to nobody."""
    return f"/#question={quote(question, safe='')}"
