"""HTML and Markdown as plain text."""

import pytest

from knowledge_base.plain_text import from_html, from_markdown
from knowledge_base.slugs import slug_of

PAGE = """<!doctype html>
<html><head><title>Пароль — портал</title><style>p {color: red}</style>
<script>if (1 < 2) alert("</p>")</script></head>
<body><nav><a href="/">Главная</a></nav>
<header><h1>Как сменить
  пароль</h1></header>
<p>Откройте  <b>профиль</b>&nbsp;и <a href="https://portal.example.ru/p">настройки</a>, потом <a href="/x">сюда</a>.<br>Новая строка
<ol><li>Раз &lt;&amp;&gt; два<li><p>Три</p></ol>
<ul>
  <li>а</li>
  <li onclick="x()">б <a href="javascript:alert(1)">ссылка</a></li>
</ul>
<table><tr><th>Срок</th><td>5 дней</td></tr></table>
<iframe src="https://evil.ru">кадр</iframe><form>Поле<button>Кнопка</button></form>
конец<script>bad()</script>.
<footer>Подвал</footer></body></html>"""


def test_html() -> None:
    found = from_html(PAGE)
    assert found.title == "Как сменить пароль"
    assert found.text.split("\n") == [
        "Откройте профиль и настройки (https://portal.example.ru/p), потом сюда.",
        "",
        "Новая строка",
        "",
        "1. Раз <&> два",
        "2. Три",
        "",
        "- а",
        "- б ссылка",
        "",
        "Срок; 5 дней",
        "",
        "конец.",
    ]
    assert [found.lines[at] for at in (0, 2, 4, 5, 7, 8, 10, 12)] == [7, 7, 8, 8, 10, 11, 13, 15]
    assert len(found.lines) == len(found.text.split("\n"))


@pytest.mark.parametrize(
    ("source", "title", "text"),
    [
        ("<title>Пароль</title><p>Раз", "Пароль", "Раз"),
        ("<h1>Один</h1><h1>Два</h1>", "Один", "Два"),
        ("<p>Раз<script>всё остальное", "", "Раз"),
        ("просто текст < 5", "", "просто текст < 5"),
        ("<ul><li>а<ul><li>б</ul><li>в</ul>", "", "- а\n- б\n- в"),
        ("<a href='https://a.ru'><p>раз</p>два</a>", "", "раз\n\nдва (https://a.ru)"),
        ("<svg><svg></svg>x</svg>y", "", "y"),
        ("<nav>x</nav></nav></ul></li>y<a href=https://a.ru>", "", "y"),
        ("", "", ""),
    ],
)
def test_html_that_is_not_as_it_should_be(source: str, title: str, text: str) -> None:
    found = from_html(source)
    assert (found.title, found.text) == (title, text)


def test_markdown() -> None:
    found = from_markdown(
        "# Как **сменить** `пароль`\n\nОткройте *профиль*\nи __нажмите__ ~~раз~~. См. [сайт](https://portal.example.ru 'x'), [сюда](x.md)\n"
        "и ![кадр](a.png).\n\n## Дальше ##\n\n* раз\n  продолжение\n+ два_с_чертой_тут\n1) три\n\n---\n> цитата \\*не курсив\\*\n\n"
        "```\nкод\n```\n<https://portal.example.ru> 2 * 3 * 4"
    )
    assert found.title == "Как сменить пароль"
    assert found.text.split("\n") == [
        "Откройте профиль и нажмите раз. См. сайт (https://portal.example.ru), сюда и кадр.",
        "",
        "Дальше",
        "",
        "- раз продолжение",
        "- два_с_чертой_тут",
        "",
        "1. три",
        "",
        "цитата *не курсив*",
        "",
        "код",
        "",
        "https://portal.example.ru 2 * 3 * 4",
    ]
    assert found.lines == [3, 7, 7, 9, 9, 11, 12, 12, 15, 15, 18, 18, 20, 20]


def test_markup_in_markdown_stays_for_the_checks_to_refuse() -> None:
    assert from_markdown("# Раз\n\n<script>alert(1)</script>").text == "<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Как сменить пароль?", "kak-smenit-parol"),
        ("Щёлочь, объём и 2-НДФЛ", "shcheloch-obem-i-2-ndfl"),
        ("«…»", ""),
        ("слово " * 30, "-".join(["slovo"] * 10)),
        ("a" * 300, "a" * 100),
    ],
)
def test_addresses_of_titles(title: str, slug: str) -> None:
    assert slug_of(title) == slug
