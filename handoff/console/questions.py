"""The editors' page of questions without a good answer: groups, and one click for each. It works without JavaScript."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.desk import Desk
from core.errors import Problem, invalid
from core.models import LAST_SEQ, Article, Operator, now
from core.words import say
from handoff import question_deeds, rights
from handoff.console.access import current_operator, form_token, is_own_form
from handoff.console.articles import moment
from handoff.console.pages import FOLDER
from handoff.question_board import Shown, count_words, read_answered, read_groups, search_nearest, with_nearest
from handoff.question_groups import QuestionGroups
from handoff.rights import Right
from handoff.suggested_articles import SuggestedArticles
from knowledge_base import questions
from knowledge_base.clusters import MOST
from knowledge_base.content import ALIAS_CHARACTERS, likeness
from knowledge_base.editing import ContentRefused
from knowledge_base.sections import sections

_PAGE = "/operator/questions"
_SHOWN = 20  # groups on a page
_ANSWERED = 20  # questions that operators answered
_ONE_LOOK = timedelta(hours=1)
_SECTION = "support"  # of a draft that no article is near to
_MOST_FIELDS = 12
_LONGEST_NUMBER = 9  # digits

Number = Annotated[int, Query(ge=0, le=LAST_SEQ)]


@dataclass
class _Typed:
    """The form of one group as it was posted."""

    first: int = 0
    others: list[int] = field(default_factory=list)
    deed: str = ""
    article: str = ""
    other_article: str = ""
    words: str = ""
    token: str = ""
    page: str = ""

    @classmethod
    async def read(cls, request: Request) -> "_Typed":
        """Problem 400, 422."""
        async with request.form(max_files=0, max_fields=_MOST_FIELDS) as form:
            given = {name: value for name, value in form.items() if isinstance(value, str)}
        text = {name: given.get(name, "") for name in ("deed", "article", "other_article", "words", "token", "page")}
        return cls(_number(given.get("first", "")), [*map(_number, filter(None, given.get("others", "").split(",")))], **text)

    @property
    def tidy_words(self) -> str:
        return " ".join(self.words.split())


def question_routes(desk: Desk, groups: QuestionGroups, articles: SuggestedArticles) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    templates = Jinja2Templates(FOLDER / "templates")
    templates.env.filters |= {"moment": moment, "questions": count_words}

    def show(request: Request, template: str, words: Mapping[str, Any], status: int = 200) -> Response:
        common = {"service_name": desk.settings.service_name, "token": form_token(desk, request)}
        return templates.TemplateResponse(request, template, {**common, **words}, status, {"Cache-Control": "no-store"})

    async def show_page(
        request: Request, caller: Operator, number: int, status: int = 200, typed: _Typed | None = None, **more: Any
    ) -> Response:
        if not await desk.database.read_soon(_has_looked, caller):
            await desk.database.write_soon(_record_look, desk, caller)
        found = await groups.read()
        pages = max(1, -(-len(found) // _SHOWN))
        number = min(max(number, 1), pages)
        page = await desk.database.read_soon(_read_page, desk, found[(number - 1) * _SHOWN : number * _SHOWN])
        nearest = await asyncio.to_thread(lambda: [search_nearest(articles, shown.words) for shown in page.groups])
        shown = await desk.database.read_soon(lambda s: [with_nearest(s, *pair) for pair in zip(page.groups, nearest, strict=True)])
        words = {
            "groups": shown,
            "answered": page.answered,
            "titles": page.titles,
            "total": sum(len(group.members) for group in found),
            "group_count": len(found),
            "most": MOST,
            "alias_characters": ALIAS_CHARACTERS,
            "page": number,
            "pages": pages,
            "typed": typed or _Typed(),
            "has_place": typed and any(typed.first in one.members for one in (*shown, *page.answered)),  # for what is wrong with it
            **more,
        }
        return show(request, "questions.html", words, status)

    @routes.get(_PAGE, response_class=HTMLResponse)
    async def all_questions(request: Request, page: Number = 1, done: str = "", article: str = "", count: Number = 0) -> Response:
        caller = await current_operator(desk, request)
        if caller is None:
            return RedirectResponse("/operator", 303)
        if not rights.may(caller, Right.EDIT_ARTICLES):
            return show(request, "article_refusal.html", {"refusal": rights.refusal(Right.EDIT_ARTICLES).detail}, 403)
        return await show_page(request, caller, page, told=await desk.database.read_soon(_told, done, article, count))

    @routes.post(_PAGE, response_class=HTMLResponse)
    async def decide(request: Request) -> Response:
        """Does what a button says, and leads to what comes next; or shows the page with what is wrong."""
        typed = await _Typed.read(request)
        is_own = is_own_form(desk, request, typed.token)
        editor = await current_operator(desk, request)
        if editor is None:
            return show(request, "article_refusal.html", {"refusal": say("article_form_logged_out")}, 403)
        if not rights.may(editor, Right.EDIT_ARTICLES):
            return show(request, "article_refusal.html", {"refusal": rights.refusal(Right.EDIT_ARTICLES).detail}, 403)
        number = _number(typed.page or "1")
        if not is_own:
            return await show_page(request, editor, number, 403, typed, error=say("article_form_stale"))
        try:
            address = await deeds[typed.deed](editor, typed, number) if typed.deed in deeds else None
        except ContentRefused as refused:
            error = " ".join(dict.fromkeys(one.message for one in refused.faults))
            return await show_page(request, editor, number, refused.status, typed, error=error, wrong="words")
        except Problem as problem:
            return await show_page(request, editor, number, problem.status, typed, error=problem.detail, wrong=problem.field_name)
        return RedirectResponse(address, 303) if address else await show_page(request, editor, number, 422, error=say("question_malformed"))

    async def make_alias(editor: Operator, typed: _Typed, page: int) -> str:
        def write(session: Session) -> Article:
            slug = _find_article(session, typed)
            return question_deeds.make_alias(session, desk, editor, typed.first, typed.others, slug, typed.tidy_words, now())

        article = await desk.database.write_soon(write)
        return _address(page, done="alias", article=article.slug)

    async def begin_draft(editor: Operator, typed: _Typed, _page: int) -> str:
        nearest = await asyncio.to_thread(articles.nearest, typed.tidy_words)
        stored = articles.article(nearest[0].slug) if nearest else None
        section = stored.section if stored and stored.section in sections() else _SECTION

        def write(session: Session) -> str:
            return question_deeds.begin_draft(session, desk, editor, typed.first, typed.others, section, typed.tidy_words, now())

        return f"/operator/articles/{await desk.database.write_soon(write)}"

    async def dismiss(editor: Operator, typed: _Typed, page: int) -> str:
        count = await desk.database.write_soon(question_deeds.dismiss, desk, editor, typed.first, typed.others, now())
        return _address(page, done="dismissed", count=str(count))

    deeds: dict[str, Callable[..., Any]] = {"alias": make_alias, "draft": begin_draft, "dismiss": dismiss}
    return routes


@dataclass(frozen=True)
class _Page:
    groups: list[Shown]
    answered: list[Shown]
    titles: list[tuple[str, str]]  # of all articles, to choose from


def _read_page(session: Session, desk: Desk, found: list[Any]) -> _Page:
    answered = questions.answered_by_operators(session, now(), _ANSWERED)
    titles = session.execute(select(Article.slug, Article.title).order_by(Article.title))
    return _Page(read_groups(session, desk, found), read_answered(session, desk, answered), [(row.slug, row.title) for row in titles])


def _has_looked(session: Session, caller: Operator) -> bool:
    return audit.was_recorded(session, caller, audit.QUESTIONS_READ, None, now() - _ONE_LOOK)


def _record_look(session: Session, desk: Desk, caller: Operator) -> None:
    """In the audit log, once an hour: these are citizens' words."""
    if not _has_looked(session, caller):
        audit.append(session, desk.vault, caller, audit.QUESTIONS_READ)


def _find_article(session: Session, typed: _Typed) -> str:
    """The slug of what was written in, by slug or title, else of what was chosen. Problem 422."""
    written = " ".join(typed.other_article.split())
    if not written and not typed.article:
        raise invalid("article", "question_article_missing")
    given = written or typed.article
    known = session.execute(select(Article.slug, Article.title).order_by(Article.slug)).all()
    named = [row.slug for row in known if row.slug == given] or [row.slug for row in known if likeness(row.title) == likeness(given)]
    if not named:
        raise invalid("article", "question_article_unknown", given=given[:ALIAS_CHARACTERS])
    return str(named[0])


def _told(session: Session, done: str, slug: str, count: int) -> str:
    """What the last deed did, in words made here: an address may come from anybody."""
    if done == "dismissed" and count:
        return say("questions_dismissed", count=count_words(count))
    article = session.get(Article, slug) if done == "alias" and slug.isprintable() else None
    if article is None:
        return ""
    return say("questions_aliased" if article.published else "questions_aliased_draft", title=article.title)


def _address(page: int, **told: str) -> str:
    return f"{_PAGE}?{urlencode({**({'page': str(page)} if page > 1 else {}), **told})}"


def _number(text: str) -> int:
    """Problem 422 for what no form of ours holds."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER):
        raise invalid("first", "question_malformed")
    return int(text)
