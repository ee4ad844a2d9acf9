"""A letter's two bodies: they say the same, and nothing that is filled in can be more than words."""

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from html.parser import HTMLParser
from typing import Any

import pytest

from core.settings import Settings
from handoff.letters.layouts import Written, fill
from tests.conftest import MakeSettings

NUMBER, STATUS = "ОБ-2026-000417-9", "https://help.example.ru/appeals/2026-000417-9"
SHARED = {"number": NUMBER, "status_url": STATUS, "chat_url": "https://help.example.ru/", "by_letter": False}
LETTERS: dict[str, dict[str, Any]] = {
    "receipt": {"kind": "жалоба", "by_phone": False, "telegram_url": None, "due": "24 ноября 2026 года, 15:00", "access_code": "ABCD2345"},
    "answer": {"text": "Готово.", "attached": 2},
    "notice": {"kind": "overdue", "text": "Мы не успели ответить в срок.", "may_go_higher": True},
    "missing": {"missing": ["СНИЛС (11 цифр)", "дата рождения"]},
    "returned": {"faults": ["В теме нет номера."], "refused": [{"name": "a.exe", "reason": "Другого вида."}], "example": NUMBER},
    "unsafe_file": {"refused": [{"name": "a.exe", "reason": "Другого вида."}]},
    "erasure": {"numbers": NUMBER},
    "transcript": {"left_out": 3, "messages": [{"at": "24 ноября 2026 года, 10:00", "author": "Вы", "text": "Вопрос", "files": ["а.png"]}]},
}
HOSTILE = "<script>alert(1)</script>\"'&{{ 7*7 }}{% raw %}\n\nЗАГОЛОВОК\n\n- пункт\r\nBcc: all@example.com\u202e\u2028\x00"


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    return make_settings(public_url="https://help.example.ru")


class Page(HTMLParser):
    """The words of a page, and what it has to do with the outside."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "background")]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def words(self) -> list[str]:
        return " ".join(self.texts).split()


def letter(settings: Settings, name: str, **changed: Any) -> Written:
    return fill(f"{name}.txt", settings, automatic=name != "answer", **SHARED | LETTERS[name] | changed)


@pytest.mark.parametrize("kind", LETTERS)
def test_both_bodies_say_the_same(settings: Settings, kind: str) -> None:
    written = letter(settings, kind)
    page = Page(written.html)

    def told(words: list[str]) -> str:  # headings in capitals, marks of lists and of names are the layout's
        return re.sub(r"[^\w]", "", "".join(words)).casefold()

    style = ":root { color-scheme: light dark; }"
    in_html = told(" ".join(page.texts).replace(style, "").split())
    assert in_html == told([written.subject, settings.service_name, written.subject, written.text])
    assert NUMBER in written.subject + written.text or kind in ("returned", "unsafe_file", "erasure")


@pytest.mark.parametrize("kind", LETTERS)
def test_a_page_needs_nothing_from_outside(settings: Settings, kind: str) -> None:
    page = Page(letter(settings, kind).html)
    assert not {"img", "script", "link", "iframe", "form", "table"} & set(page.tags)
    assert all(link.startswith(("https://help.example.ru/", "https://portal.example.ru")) for link in page.links)
    html = letter(settings, kind).html
    assert "url(" not in html
    assert '<html lang="ru">' in html
    assert "light dark" in html


@pytest.mark.parametrize("kind", LETTERS)
def test_what_is_filled_in_stays_words(settings: Settings, kind: str) -> None:
    def spoil(value: Any) -> Any:
        if isinstance(value, str):
            return HOSTILE if value != "overdue" else value
        if isinstance(value, list):
            return [spoil(one) for one in value]
        return {name: spoil(one) for name, one in value.items()} if isinstance(value, dict) else value

    plain, written = letter(settings, kind), letter(settings, kind, **spoil(SHARED | LETTERS[kind]))
    assert Page(written.html).tags.count("script") == 0
    assert "\n" not in written.subject
    assert "\r" not in written.text
    assert not re.search("[\u202e\u2028\x00\ue000]", written.text + written.html)
    # No heading and no list of its own; people's own words are one block, whatever is in them.
    for tag in ("h2", "li", "dt"):
        assert Page(written.html).tags.count(tag) == Page(plain.html).tags.count(tag)


def test_peoples_words_are_one_block_line_by_line(settings: Settings) -> None:
    text = "Добрый день.\n\nВНИМАНИЕ\n- раз;\n\n\nСрок: завтра\nЧто: всё"
    written = letter(settings, "answer", text=text)
    assert text in written.text
    page = Page(written.html)
    assert (page.tags.count("h2"), page.tags.count("li"), page.tags.count("dl")) == (0, 0, 0)


def test_only_the_desks_own_addresses_can_be_pressed(settings: Settings) -> None:
    text = "https://portal.example.ru/help, https://evil.example.com/?u=https://portal.example.ru http://[bad https://portal.example.ru.evil.com"
    page = Page(letter(settings, "answer", text=text).html)
    assert page.links == ["https://portal.example.ru/help", "https://help.example.ru/", STATUS, "https://portal.example.ru"]


@pytest.mark.parametrize("text", ["ы" * 5000, "שלום עולם\u200f ‫עברית", "a" * 998 + "\n" + "https://portal.example.ru/" + "b" * 3000])
def test_any_text_survives_the_mail(settings: Settings, text: str) -> None:
    written = letter(settings, "answer", text=text)
    message = EmailMessage(policy=SMTP)
    message["Subject"], message["Date"] = "ы" * 300, datetime(2026, 11, 23, tzinfo=UTC)
    message.set_content(written.text, cte="base64")
    message.add_alternative(written.html, subtype="html", cte="base64")
    content = message.as_bytes()
    assert max(map(len, content.split(b"\r\n"))) <= 78
    parsed = message_from_bytes(content, policy=default)
    assert parsed["Subject"] == "ы" * 300
    body = parsed.get_body(("plain",))
    assert body
    assert text.splitlines()[-1].replace("\u202b", "") in body.get_content()


def test_an_appeals_number_stays_in_one_line(settings: Settings) -> None:
    assert f'<span style="white-space: nowrap">{NUMBER}</span> зарегистрировано</h1>' in letter(settings, "receipt").html
