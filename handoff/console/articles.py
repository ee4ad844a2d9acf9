"""The editors' pages: the articles, the form of one, its revisions. They work without JavaScript."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.desk import Desk
from core.errors import Problem
from core.events import ARTICLES, Hint
from core.facts import NAMES, fill
from core.models import LAST_SEQ, Article, ArticleRevision, Operator
from core.words import plural, say
from core.working_time import MOSCOW
from handoff import rights
from handoff.article_diff import difference
from handoff.console.access import current_operator, form_token, is_own_form
from handoff.console.article_form import Typed
from handoff.console.pages import FOLDER
from handoff.rights import Right
from knowledge_base import editing, marks
from knowledge_base.content import Content, likeness
from knowledge_base.editing import ContentRefused
from knowledge_base.sections import section_name, sections

_PAGE = "/operator/articles"
_SHOWN = 50  # articles on a page of the list
_LONGEST = 200  # characters of what was searched for

Number = Annotated[int, Query(ge=0, le=LAST_SEQ)]
Revision = Annotated[int, Path(ge=1, le=LAST_SEQ)]


def article_routes(desk: Desk) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    templates = Jinja2Templates(FOLDER / "templates")
    templates.env.filters |= {"moment": moment, "section": section_name, "author": editing.author_name, "count": plural}

    def show(request: Request, template: str, words: Mapping[str, Any], status: int = 200) -> Response:
        common = {"service_name": desk.settings.service_name, "sections": sections().values(), "token": form_token(desk, request)}
        return templates.TemplateResponse(request, template, {**common, **words}, status, {"Cache-Control": "no-store"})

    def show_form(request: Request, typed: Typed, words: Mapping[str, Any], status: int = 200) -> Response:
        facts = [(f"[[{name}]]", fill(f"[[{name}]]", desk.settings)) for name in sorted(NAMES)]
        return show(
            request, "article.html", {"typed": typed, "facts": facts, "reason_characters": editing.REASON_CHARACTERS, **words}, status
        )

    async def turned_away(request: Request) -> Response | None:
        """For who may not see these pages: the way to the login, or words."""
        caller = await current_operator(desk, request)
        if caller is None:
            return RedirectResponse("/operator", 303)
        if not rights.may(caller, Right.EDIT_ARTICLES):
            return show(request, "article_refusal.html", {"refusal": rights.refusal(Right.EDIT_ARTICLES).detail}, 403)
        return None

    async def poster(request: Request, typed: Typed) -> Operator | None:
        """Who posted the form; None, with ``typed`` told why, for whom it is not and for a form of another session.

        Problem 403 for another site's.
        """
        is_own = is_own_form(desk, request, typed.token)
        caller = await current_operator(desk, request)
        if caller is None:
            typed.refuse_whole(say("article_form_logged_out"))
            return None
        if not rights.may(caller, Right.EDIT_ARTICLES):
            typed.refuse_whole(rights.refusal(Right.EDIT_ARTICLES))
            return None
        if not is_own:
            typed.refuse_whole(say("article_form_stale"))
            return None
        return caller

    @routes.get(_PAGE, response_class=HTMLResponse)
    async def all_articles(request: Request, q: str = "", section: str = "", page: Number = 1) -> Response:
        if away := await turned_away(request):
            return away
        found = await desk.database.read_soon(_found, q[:_LONGEST], section)
        pages = max(1, -(-len(found) // _SHOWN))
        page = min(max(page, 1), pages)
        words = {
            "q": q[:_LONGEST],
            "section": section,
            "marks": await desk.database.read_soon(marks.counts),
            "articles": found[(page - 1) * _SHOWN : page * _SHOWN],
            "total": plural(len(found), "статья", "статьи", "статей"),
            "page": page,
            "pages": pages,
            "earlier": _address(q, section, page - 1) if page > 1 else "",
            "later": _address(q, section, page + 1) if page < pages else "",
        }
        return show(request, "articles.html", words)

    def expect_edit() -> None:
        """Whoever takes edits into the index gets ready."""
        desk.events.publish(Hint(ARTICLES))

    @routes.get(f"{_PAGE}/new", response_class=HTMLResponse)
    async def new_article(request: Request) -> Response:
        if away := await turned_away(request):
            return away
        expect_edit()
        return show_form(request, Typed(), {})

    @routes.post(f"{_PAGE}/new", response_class=HTMLResponse)
    async def create(request: Request) -> Response:
        typed = await Typed.read(request)
        operator = await poster(request, typed)
        if operator is None:
            return show_form(request, typed, {}, 403)
        slug = typed.wanted_slug

        def write(session: Session) -> ArticleRevision:
            written = editing.create(session, desk.settings, slug, typed.content, operator.login, typed.reason)
            audit.append(session, desk.vault, operator, audit.ARTICLE_CREATED, audit.article_subject(written))
            return written

        try:
            written = await desk.database.write_soon(write)
        except ContentRefused as refused:
            typed.slug = slug
            typed.refuse(refused.faults)
            return show_form(request, typed, {}, 422)
        return RedirectResponse(f"{_PAGE}/{slug}?saved={written.number}", 303)

    @routes.get(f"{_PAGE}/{{slug}}", response_class=HTMLResponse)
    async def one_article(request: Request, slug: str, saved: Number | None = None) -> Response:
        if away := await turned_away(request):
            return away
        try:
            article, revisions = await desk.database.read_soon(_with_revisions, slug)
        except Problem as problem:
            return show(request, "article_refusal.html", {"refusal": problem.detail}, problem.status)
        expect_edit()
        given = await desk.database.read_soon(marks.of_article, slug)
        words = {"article": article, "revisions": revisions, "told": _saved(article, saved), "marks": given}
        return show_form(request, Typed.of(article), words)

    @routes.post(f"{_PAGE}/{{slug}}", response_class=HTMLResponse)
    async def change(request: Request, slug: str) -> Response:
        typed = await Typed.read(request)
        typed.slug = slug
        operator = await poster(request, typed)
        if operator is None:
            return show_form(request, typed, {"article": Article(slug=slug, title=typed.title), "revisions": []}, 403)

        def write(session: Session) -> ArticleRevision | None:
            written = editing.change(session, desk.settings, slug, typed.content, operator.login, typed.reason, typed.based_on)
            if written:
                audit.append(session, desk.vault, operator, audit.ARTICLE_CHANGED, audit.article_subject(written))
            return written

        try:
            written = await desk.database.write_soon(write)
        except ContentRefused as refused:
            typed.refuse(refused.faults)
            status, changed_since = refused.status, 0
        except Problem as problem:
            if problem.status != 409:
                return show(request, "article_refusal.html", {"refusal": problem.detail}, problem.status)
            typed.refuse_whole(problem)
            status, changed_since = problem.status, typed.based_on
        else:
            return RedirectResponse(f"{_PAGE}/{slug}?saved={written.number if written else 0}", 303)
        article, revisions = await desk.database.read_soon(_with_revisions, slug)
        if status == 409:
            typed.based_on = article.revision  # who was told what others changed may save again
        words = {"article": article, "revisions": revisions, "changed_since": changed_since}
        return show_form(request, typed, words, status)

    @routes.get(f"{_PAGE}/{{slug}}/revisions/{{number}}", response_class=HTMLResponse)
    async def one_revision(request: Request, slug: str, number: Revision, against: Number | None = None) -> Response:
        return await turned_away(request) or await show_revision(request, slug, number, against, Typed())

    async def show_revision(request: Request, slug: str, number: int, against: int | None, typed: Typed, status: int = 200) -> Response:
        try:
            article, revisions = await desk.database.read_soon(_with_revisions, slug)
            known = {revision.number: revision for revision in revisions}
            if number not in known or (against and against not in known):
                raise Problem(404, "article_revision_not_found")
        except Problem as problem:
            return show(request, "article_refusal.html", {"refusal": problem.detail}, problem.status)
        other = known.get(number - 1 if against is None else against)
        before = Content.of(other) if other else Content("", "", "")
        words = {
            "article": article,
            "revision": known[number],
            "other": other,
            "revisions": revisions,
            "changes": await asyncio.to_thread(difference, before, Content.of(known[number])) if other else [],
            "content": Content.of(known[number]),
            "typed": typed,
            "based_on": typed.based_on or article.revision,
            "reason_characters": editing.REASON_CHARACTERS,
        }
        return show(request, "article_revision.html", words, status)

    @routes.post(f"{_PAGE}/{{slug}}/revisions/{{number}}", response_class=HTMLResponse)
    async def restore(request: Request, slug: str, number: Revision) -> Response:
        typed = await Typed.read(request)
        operator = await poster(request, typed)
        if operator is None:
            words = {"refusal": typed.errors[""][0]}
            return show(request, "article_refusal.html", words, 403)

        def write(session: Session) -> ArticleRevision | None:
            written = editing.restore(session, desk.settings, slug, number, operator.login, typed.reason, typed.based_on)
            if written:
                audit.append(session, desk.vault, operator, audit.ARTICLE_RESTORED, audit.article_subject(written))
            return written

        try:
            written = await desk.database.write_soon(write)
        except ContentRefused as refused:
            typed.refuse(refused.faults)
            return await show_revision(request, slug, number, None, typed, refused.status)
        except Problem as problem:
            if problem.status != 409:
                return show(request, "article_refusal.html", {"refusal": problem.detail}, problem.status)
            typed.refuse_whole(problem)
            typed.based_on = 0  # the page shows the newest one: who was told of it may go on
            return await show_revision(request, slug, number, None, typed, problem.status)
        return RedirectResponse(f"{_PAGE}/{slug}?saved={written.number if written else 0}", 303)

    return routes


def _found(session: Session, wanted: str, section: str) -> list[Article]:
    """Of a section, or of all; those that hold all the words, by title."""
    query = select(Article).where(Article.section == section) if section in sections() else select(Article)
    words = likeness(wanted).split() if wanted.strip() else []
    found = [article for article in session.scalars(query) if not words or all(map(_searched(article).__contains__, words))]
    return sorted(found, key=lambda article: article.title.casefold())


def _searched(article: Article) -> str:
    return likeness(" ".join((article.slug.replace("-", " "), article.slug, article.title, *article.aliases, article.text)))


def _with_revisions(session: Session, slug: str) -> tuple[Article, list[ArticleRevision]]:
    return editing.find(session, slug), editing.revisions(session, slug)


def _address(q: str, section: str, page: int) -> str:
    given = {"q": q, "section": section, "page": page if page > 1 else ""}
    query = urlencode({name: value for name, value in given.items() if value})
    return f"{_PAGE}?{query}" if query else _PAGE


def _saved(article: Article, number: int | None) -> str:
    """What to tell after a save, and from when it holds."""
    if number is None:
        return ""
    if number == 0:
        return say("article_saved_same")
    if not article.published:
        return say("article_saved_draft", number=number)
    return say("article_saved", number=number)


def moment(at: datetime) -> str:
    return f"{at.astimezone(MOSCOW):%d.%m.%Y %H:%M}"
