"""The help section over an open desk with the articles as shipped, without a running one."""

import html
import re
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI
from sqlalchemy.orm import Session

from bot.help_pages import help_routes
from core.database import Database
from core.desk import Desk, open_desk
from core.errors import DatabaseDown
from core.models import Article
from core.web import install
from knowledge_base import articles
from knowledge_base.desk_search import DeskSearch
from knowledge_base.sections import section_name, sections
from tests.conftest import MakeSettings

SITE = "https://help.example.ru"
QUESTION = "не приходит код подтверждения"
ANSWER = "login-code-not-coming"


@pytest.fixture
def index_dir(shipped_index: Path) -> Path:
    return shipped_index


class Scene:
    """A desk with articles, and somebody who reads them."""

    def __init__(self, desk: Desk, index_dir: Path) -> None:
        self.desk = desk
        self.articles = {article.slug: article for article in articles.read_folder(desk.settings.articles_dir)}
        desk.database.write(articles.seed, list(self.articles.values()))
        self.app = FastAPI()
        install(self.app, max_file_bytes=1024)
        self.app.include_router(help_routes(desk, DeskSearch(index_dir)))

    async def get(self, path: str, address: str = "10.0.0.1", headers: dict[str, str] | None = None, **query: str) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
            return await client.get(path, params=query or None, headers=headers)

    async def find(self, text: str, address: str = "10.0.0.1") -> dict[str, Any]:
        answer = await self.get("/api/help/search", address, q=text)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def edit(self, slug: str, **values: Any) -> None:
        def change(session: Session) -> None:
            article = session.get_one(Article, slug)
            article.revision += 1
            for name, value in values.items():
                setattr(article, name, value)

        self.desk.database.write(change)


@pytest.fixture
async def scene(make_settings: MakeSettings, index_dir: Path) -> AsyncIterator[Scene]:
    desk = open_desk(make_settings(public_url=SITE, help_searches_per_minute=20))
    yield Scene(desk, index_dir)
    desk.close()


def links(page: httpx.Response, within: str = "main") -> list[str]:
    found = re.search(rf"<{within}.*?</{within.split()[0]}>", page.text, re.DOTALL)
    assert found, page.text
    return [html.unescape(address) for address in re.findall(r'<a [^>]*?href="([^"]+)"', found[0])]


def heading(page: httpx.Response) -> str:
    (found,) = re.findall(r"<h1[^>]*>(.*?)</h1>", page.text, re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", "", found)).strip()


async def test_sections_stand_in_their_order_with_articles(scene: Scene) -> None:
    page = await scene.get("/help")
    assert (page.status_code, heading(page)) == (200, "Помощь")
    shown = [address.rpartition("/")[2] for address in dict.fromkeys(links(page)) if address.startswith("/help/sections/")]
    filled = {article.section for article in scene.articles.values()}
    assert shown == [slug for slug in sections() if slug in filled]
    assert {"/appeals", "/", "mailto:support@portal.example.ru"} <= set(links(page))
    account = [article for article in scene.articles.values() if article.section == "account"]
    assert len(account) > 5 and len(set(links(page, 'section class="chapter" aria-labelledby="account"'))) == 5 + 1
    assert f"</span>: {len(account)}</a>" in page.text


async def test_of_a_section_those_come_first_that_others_send_to(scene: Scene) -> None:
    useful = max((article for article in scene.articles.values() if article.section == "account"), key=lambda article: article.title).slug
    for slug in [article.slug for article in scene.articles.values() if article.section != "account"][:30]:
        scene.edit(slug, related=[useful])
    assert links(await scene.get("/help"), 'section class="chapter" aria-labelledby="account"')[1] == f"/help/{useful}"


async def test_a_section_shows_all_its_articles(scene: Scene) -> None:
    page = await scene.get("/help/sections/account")
    assert heading(page) == "Вход и учётная запись"
    assert f'<link rel="canonical" href="{SITE}/help/sections/account" />' in page.text
    titles = re.findall(r'<li><a href="/help/[\w-]+">([^<]+)</a>', page.text)
    assert sorted(titles) == titles and len(titles) == sum(article.section == "account" for article in scene.articles.values())


async def test_articles_of_a_section_that_is_gone_are_still_found(scene: Scene) -> None:
    scene.edit("complaint", section="bygone")
    assert links(await scene.get("/help"), 'section class="chapter" aria-labelledby="bygone"')[1] == "/help/complaint"
    assert heading(await scene.get("/help/sections/bygone")) == "bygone"


async def test_an_article_with_what_stands_around_it(scene: Scene) -> None:
    scene.edit("complaint", related=["fraud-calls", "nothing-such", "change-email"], updated=date(2026, 3, 1))
    page = await scene.get("/help/complaint")
    article = scene.articles["complaint"]
    assert (page.status_code, heading(page)) == (200, article.title)
    assert f"<title>{article.title} — Отклик</title>" in page.text
    assert f'<link rel="canonical" href="{SITE}/help/complaint" />' in page.text
    description = re.search(r'<meta name="description" content="([^"]+)" />', page.text)
    assert description and article.text.startswith(html.unescape(description[1]))
    assert f'<meta property="og:url" content="{SITE}/help/complaint" />' in page.text
    assert links(page, 'nav class="crumbs"') == ["/help", f"/help/sections/{article.section}"]
    assert '<time datetime="2026-03-01">1 марта 2026 года</time>' in page.text
    near = links(page, 'nav class="see-also"')
    assert near[:2] == ["/help/fraud-calls", "/help/change-email"] and len(near) == 5
    assert {scene.articles[address.rpartition("/")[2]].section for address in near[2:]} == {article.section}
    assert "/#question=" + "%D0" in "".join(links(page)) and "[[" not in page.text


async def test_a_hostile_article_is_harmless(scene: Scene) -> None:
    hostile = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    scene.edit("complaint", title=hostile, text=f"{hostile}\n\n- {hostile}", section=hostile[:100])
    for path in ("/help", "/help/complaint", "/help/search?q=жалоба", "/sitemap.xml"):
        page = await scene.get(path)
        assert page.status_code == 200
        assert "<script>" not in page.text and "<img src=x" not in page.text


async def test_an_edit_is_seen_at_once_and_an_unchanged_page_is_not_sent_again(scene: Scene) -> None:
    page = await scene.get("/help/complaint")
    assert page.headers["cache-control"] == "public, max-age=5" and "set-cookie" not in page.headers
    known = {"If-None-Match": f"W/{page.headers['etag']}"}
    unchanged = await scene.get("/help/complaint", headers=known)
    assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", page.headers["etag"])
    scene.edit("complaint", text="Новые слова о жалобе.")
    changed = await scene.get("/help/complaint", headers=known)
    assert changed.status_code == 200 and "<p>Новые слова о жалобе.</p>" in changed.text


@pytest.mark.parametrize(
    "path",
    ["/help/nothing-such", "/help/complaint/more", "/help/%00", "/help/" + "x" * 5000, "/help/sections/nothing-such", "/help/sections/%00"],
)
async def test_an_unknown_page_is_told_as_a_page(scene: Scene, path: str) -> None:
    page = await scene.get(path)
    assert (page.status_code, heading(page), page.headers["cache-control"]) == (404, "Не найдено", "no-store")
    assert 'action="/help/search"' in page.text and "Такой страницы в разделе помощи нет" in page.text
    assert '<meta name="robots" content="noindex" />' in page.text


async def test_a_draft_is_nowhere(scene: Scene) -> None:
    scene.edit(ANSWER, published=False)
    scene.edit("complaint", related=[ANSWER])
    assert (await scene.get(f"/help/{ANSWER}")).status_code == 404
    for path in ("/help", "/help/sections/account", "/help/complaint", f"/help/search?q={QUESTION}", "/sitemap.xml"):
        page = await scene.get(path)
        assert page.status_code == 200 and f"/help/{ANSWER}" not in page.text
    found = await scene.find(QUESTION)  # the index knows it still
    assert found["outcome"] == "suggestions" and ANSWER not in [result["slug"] for result in found["results"]]


async def test_a_clear_answer_stands_before_the_others(scene: Scene) -> None:
    page = await scene.get("/help/search", q=QUESTION)
    article = scene.articles[ANSWER]
    assert page.headers["cache-control"] == "no-store" and '<meta name="robots" content="noindex" />' in page.text
    assert links(page, 'section class="best"') == [f"/help/{ANSWER}"]
    assert article.text.split("\n")[0][:60] in html.unescape(page.text) and f'value="{QUESTION}"' in page.text
    others = links(page, 'section aria-labelledby="others-title"')
    assert 0 < len(others) <= 4 and f"/help/{ANSWER}" not in others


async def test_an_unsure_search_only_suggests(scene: Scene) -> None:
    page = await scene.get("/help/search", q="паспорт")
    assert 'class="best"' not in page.text and "/help/passport-change" in links(page, 'section aria-labelledby="near-title"')


async def test_a_search_in_vain_says_so_and_leads_to_the_chat(scene: Scene) -> None:
    page = await scene.get("/help/search", q="щшзщх <b>ыфв</b>")
    assert page.status_code == 200 and ">Ничего не нашли</h2>" in page.text
    assert "«щшзщх &lt;b&gt;ыфв&lt;/b&gt;»" in page.text
    assert "/#question=%D1%89%D1%88%D0%B7%D1%89%D1%85%20%3Cb%3E" in "".join(links(page))
    assert await scene.find("щшзщх ыфв") == {"outcome": "none", "results": []}


async def test_the_call_describes_what_it_finds(scene: Scene) -> None:
    answer = await scene.get("/api/help/search", q=QUESTION)
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert found["outcome"] == "answer" and 1 < len(found["results"]) <= 5
    article, best = scene.articles[ANSWER], found["results"][0]
    snippet = best.pop("snippet")
    assert best == {"slug": ANSWER, "title": article.title, "section": section_name(article.section), "url": f"/help/{ANSWER}"}
    assert snippet and article.text.startswith(snippet.rstrip("…")) and len(snippet) <= 220


async def test_words_that_are_not_typed_to_their_end_find_titles(scene: Scene) -> None:
    found = await scene.find("как опла")
    assert "pay-fine" in {result["slug"] for result in found["results"]} and found["outcome"] == "suggestions"
    scene.edit("pay-fine", title="Зачётный ящик")  # the index does not know of it
    assert "pay-fine" in [result["slug"] for result in (await scene.find("зачет"))["results"]]
    assert "pay-fine" not in [result["slug"] for result in (await scene.find("ящ"))["results"]]


async def test_any_text_may_be_searched_for(scene: Scene) -> None:
    for at, text in enumerate(["?!", "\x00", "я" * 5000, f"{QUESTION} " * 200, "%", "'; drop table articles --", "🙂", "rfr djqnb", "  "]):
        found = await scene.find(text, f"10.0.1.{at}")
        assert found["outcome"] in ("answer", "suggestions", "none") and len(found["results"]) <= 5, text
        page = await scene.get("/help/search", f"10.0.1.{at}", q=text)
        assert page.status_code == (200 if text.strip() else 303), text
        assert "я" * 301 not in page.text


async def test_nothing_asked_leads_to_the_sections(scene: Scene) -> None:
    for path in ("/help/search", "/help/search?q="):
        page = await scene.get(path)
        assert (page.status_code, page.headers["location"]) == (303, "/help")
    assert (await scene.get("/api/help/search")).status_code == 422


async def test_who_searches_too_often_waits(scene: Scene) -> None:
    for _ in range(20):
        await scene.find("пароль")
    refused = await scene.get("/api/help/search", q="пароль")
    assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
    page = await scene.get("/help/search", q="пароль")
    assert (page.status_code, heading(page)) == (429, "Слишком часто") and int(page.headers["retry-after"]) > 0
    assert (await scene.get("/help/search", "10.0.0.2", q="пароль")).status_code == 200
    assert (await scene.get("/help")).status_code == 200


async def test_without_an_index_the_pages_serve_and_the_search_says_so(
    make_settings: MakeSettings, tmp_path: Path, index_dir: Path
) -> None:
    desk = open_desk(make_settings())
    pointed = tmp_path / "index"
    scene = Scene(desk, pointed)
    page = await scene.get("/help/search", q="пароль")
    assert (page.status_code, heading(page)) == (503, "Служба пока не отвечает") and "Поиск по статьям сейчас не работает" in page.text
    assert (await scene.get("/api/help/search", q="пароль")).json()["status"] == 503
    assert (await scene.get("/help/complaint")).status_code == 200
    pointed.symlink_to(index_dir)
    assert (await scene.get("/help/search", q="пароль")).status_code == 200
    desk.close()


async def test_a_database_that_is_down_is_told_as_a_page(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise DatabaseDown("OperationalError")

    monkeypatch.setattr(Database, "read_soon", fail)
    page = await scene.get("/help/complaint")
    assert (page.status_code, heading(page)) == (503, "Служба пока не отвечает") and "через несколько секунд" in page.text


async def test_what_is_searched_for_is_not_logged(scene: Scene) -> None:
    with structlog.testing.capture_logs() as logged:
        await scene.find("паспорт 4510 123456 Иванова")
        await scene.get("/help/search", q="паспорт 4510 123456 Иванова")
    assert not re.search("4510|Иванов|паспорт", repr(logged))


async def test_crawlers_are_told_what_there_is(scene: Scene) -> None:
    scene.edit("complaint", updated=date(2031, 2, 3))
    answer = await scene.get("/sitemap.xml")
    assert answer.headers["content-type"].startswith("application/xml")
    name = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    entries = {url.findtext(f"{name}loc"): url.findtext(f"{name}lastmod") for url in ET.fromstring(answer.text)}  # noqa: S314 - our own
    assert {f"{SITE}/help/{slug}" for slug in scene.articles} < entries.keys()
    section = scene.articles["complaint"].section
    assert {entries[f"{SITE}/help{path}"] for path in ("", "/complaint", f"/sections/{section}")} == {"2031-02-03"}
    robots = await scene.get("/robots.txt")
    assert robots.headers["content-type"].startswith("text/plain")
    assert {"Allow: /help", "Disallow: /api/", "Disallow: /operator", "Disallow: /appeals", f"Sitemap: {SITE}/sitemap.xml"} <= set(
        robots.text.splitlines()
    )


async def test_the_call_is_documented_and_the_pages_are_none(scene: Scene) -> None:
    document: Callable[[], dict[str, Any]] = scene.app.openapi
    assert list(document()["paths"]) == ["/api/help/search"]
    assert document()["components"]["schemas"]["Found"]["required"] == ["slug", "title", "section", "snippet", "url"]


def test_no_article_is_hidden_behind_a_page_of_another_kind(scene: Scene) -> None:
    assert not {"search", "sections"} & scene.articles.keys()
