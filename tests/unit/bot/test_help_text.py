"""Articles' texts as HTML: what may become a tag and where a link may lead."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.help_text import ArticleTexts, first_sentence, shorten
from core.settings import Settings, read_settings
from knowledge_base.articles import read_folder

TAGS = {"p", "br", "ol", "ul", "li", "h2", "h3", "em", "strong", "a"}
PORTAL = "https://portal.example.ru"
MAIL = "support@portal.example.ru"

# What texts are made of in the properties: marks that mean something to Markdown, to HTML or to a browser, among words.
PIECES = [
    *"\n \t-*_#>`~[]()!<&\"'\\|:/@.1",
    *(
        "\n\n",
        "- ",
        "1. ",
        "**",
        "](",
        "![",
        "<script>",
        "</script>",
        "<img src=x onerror=alert(1)>",
        "<!--",
        "&lt;",
        "&#60;",
        "\x00",
        "слово",
    ),
    *(
        "javascript:",
        "data:text/html,",
        "https://evil.com",
        "//evil.com",
        PORTAL,
        MAIL,
        "[[portal_url]]",
        "[[nothing]]",
        "/appeals",
        "/help/x",
    ),
]
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=30).map("".join))


class Reader(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")


@pytest.fixture(scope="session")
def texts(shipped: Settings) -> ArticleTexts:
    return ArticleTexts(shipped)


def hrefs(html: str) -> list[str | None]:
    return [attributes["href"] for tag, attributes in Reader(html).tags if tag == "a"]


@given(text=TEXTS)
@example(text="[x](https://evil.com\\@portal.example.ru)")
@example(text="<a href='https://evil.com'>x</a>")
@example(text=f"[x]({PORTAL}/&quot; onclick=alert(1))")
def test_only_tags_of_ours_come_out_and_links_stay_at_home(texts: ArticleTexts, text: str) -> None:
    for tag, attributes in Reader(texts.html(text)).tags:
        assert tag in TAGS, text
        assert attributes.keys() <= ({"href", "rel"} if tag == "a" else {"start"} if tag == "ol" else set()), text
        if tag == "a":
            address = attributes["href"] or ""
            assert re.match(rf"({re.escape(PORTAL)}|http://127\.0\.0\.1:8080)([/?#]|$)|mailto:{re.escape(MAIL)}$|/(?![/\\])", address), text
            assert address.startswith(("/", "mailto:")) or attributes["rel"] == "noopener", text


@given(text=st.text(alphabet=st.characters(categories=["L", "N", "Z", "Po", "Sm"], exclude_characters="*_\\#")))
def test_words_are_not_lost(texts: ArticleTexts, text: str) -> None:
    assert "".join(re.findall(r"\w", Reader(texts.html(f"x{text}")).words)) == "".join(re.findall(r"\w", f"x{text}"))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Раз.\n\nДва\nтри.", "<p>Раз.</p>\n<p>Два<br>\nтри.</p>"),
        ("Шаги:\n\n1. Раз.\n2. Два.", "<p>Шаги:</p>\n<ol>\n<li>Раз.</li>\n<li>Два.</li>\n</ol>"),
        ("- раз;\n- два.", "<ul>\n<li>раз;</li>\n<li>два.</li>\n</ul>"),
        ("3. Три.", '<ol start="3">\n<li>Три.</li>\n</ol>'),
        ("# Так\n\n### И так", "<h2>Так</h2>\n<h3>И так</h3>"),
        ("**Важно:** *нет*", "<p><strong>Важно:</strong> <em>нет</em></p>"),
        ("5 < 6 & \"7\"", "<p>5 &lt; 6 &amp; &quot;7&quot;</p>"),
        ("Срок — [[due_simple]].", "<p>Срок — 24 часа.</p>"),
        ("    не код", "<p>не код</p>"),
        ("", ""),
    ],
)  # fmt: skip
def test_what_a_text_becomes(texts: ArticleTexts, text: str, html: str) -> None:
    assert texts.html(text).strip() == html


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("Портал: [[portal_url]].", [PORTAL]),
        (f"({PORTAL}/lk?a=1&b=2), далее", [f"{PORTAL}/lk?a=1&b=2"]),
        (f"[кабинет]({PORTAL}/lk) и [статус](/appeals)", [f"{PORTAL}/lk", "/appeals"]),
        ("https://lk.portal.example.ru/вход", ["https://lk.portal.example.ru/%D0%B2%D1%85%D0%BE%D0%B4"]),
        ("Откройте /appeals, а потом /help/sections/account.", ["/appeals", "/help/sections/account"]),
        ("Раздел помощи: [[help_url]]", ["http://127.0.0.1:8080/help"]),
        ("Пишите на [[official_email]], не на support@portal.example.com", [f"mailto:{MAIL}"]),
        ("и/или, 24/7, a/appeals, //appeals, /appealsx", []),
        (f"http://portal.example.ru {PORTAL}.evil.com {PORTAL}@evil.com {PORTAL}:x@evil.com", []),
        ("https://evil.com https://evil.com#.portal.example.ru https://evilportal.example.ru.com https://xportal.example.ru", []),
        ("[x](javascript:alert) [x](data:text/html,x) [x](//evil.com) [x](/\\evil.com) [x](https://evil.com) [x](mailto:a@b.ru)", []),
        ("![снимок](https://evil.com/x.png)", []),
        ("[a]: https://evil.com\n\n[a]", []),
    ],
)
def test_where_links_lead(texts: ArticleTexts, text: str, addresses: list[str]) -> None:
    assert hrefs(texts.html(text)) == addresses


def test_a_domain_in_russian_letters() -> None:
    texts = ArticleTexts(read_settings(official_domains=["госпортал.рф"], portal_url="https://госпортал.рф"))
    host = "госпортал.рф".encode("idna").decode()
    text = "https://госпортал.рф/a https://lk.госпортал.рф https://госпортал.рф.com https://госпортал.com"
    assert hrefs(texts.html(text)) == [f"https://{host}/a", f"https://lk.{host}"]


@pytest.mark.parametrize(
    ("text", "lead", "sentence"),
    [
        (
            "Код **не** приходит из-за\n[сети](/help/x). Потом.\n\nДалее.",
            "Код не приходит из-за сети. Потом.",
            "Код не приходит из-за сети.",
        ),
        ("# Заголовок\n\nПервые слова.", "Первые слова.", "Первые слова."),
        ("- пункт\n- ещё", "пункт", "пункт"),
        ("", "", ""),
        ("Срок [[due_simple]], т. е. недолго", "Срок 24 часа, т. е. недолго", "Срок 24 часа, т. е. недолго"),
    ],
)
def test_how_a_text_begins(texts: ArticleTexts, text: str, lead: str, sentence: str) -> None:
    assert (texts.lead(text), first_sentence(texts.lead(text), 160)) == (lead, sentence)


@given(words=st.text(max_size=60))
def test_a_shortened_text_is_short(words: str) -> None:
    assert len(shorten(words, 20)) <= 20
    assert len(words) > 20 or shorten(words, 20) == words


def test_a_shortened_text_ends_between_words() -> None:
    assert shorten("Код задерживается в сети связи", 25) == "Код задерживается в сети…"


def test_every_article_of_ours_reads_as_its_author_meant(texts: ArticleTexts, shipped: Settings) -> None:
    """In the chat a list ends with its last item; in Markdown a line right after it would belong to the item, and one right before a
    numbered list would swallow it."""
    for article in read_folder(shipped.articles_dir):
        lists = [line for line in article.text.splitlines() if re.match(r"\s*(- |\d+\. )", line)]
        found = Reader(texts.html(article.text))
        assert sum(tag == "li" for tag, _ in found.tags) == len(lists), article.slug
        assert not re.search(r"^(?:- |\d+\. ).*\n(?!- |\d+\. |\n|$)", article.text, re.MULTILINE), article.slug
        assert "[[" not in found.words and "**" not in found.words, article.slug
        assert 0 < len(first_sentence(texts.lead(article.text), 160)) <= 160


def test_a_long_word_is_read_at_once() -> None:
    started = time.perf_counter()
    ArticleTexts(read_settings()).html("a" * 20_000)
    assert time.perf_counter() - started < 1
