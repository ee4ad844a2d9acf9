"""What an article may hold."""

import time
from dataclasses import replace
from typing import Any

import pytest

from core.settings import Settings
from knowledge_base.content import Content, faults, likeness, slug_faults
from knowledge_base.shelf import Shelf

GOOD = Content(
    title="Как сменить пароль",
    section="account",
    text="Нужен JavaScript: включите его. Откройте https://portal.example.ru/profile или http://www.portal.example.ru.\n\n"
    "1. Если 2 < 3, **обязательно** и ***срочно*** напишите на [[official_email]].",
    aliases=("забыл пароль",),
    related=("access-code",),
)


def test_a_good_one_has_no_faults(shipped: Settings) -> None:
    assert faults(GOOD, shipped) == []


@pytest.mark.parametrize(
    ("change", "field", "line", "words"),
    [
        ({"title": ""}, "title", 1, "Напишите название"),
        ({"title": "я" * 201}, "title", 1, "201 знаков"),
        ({"section": "вход"}, "section", 1, "Раздела «вход» нет. Есть такие: «Вход и учётная запись» (account)"),
        ({"title": "Почта [[official_email]]"}, "title", 1, "[[official_email]] работает только в тексте"),
        ({"aliases": ("раз", "где [[hotline]]")}, "aliases", 2, "[[hotline]] работает только в тексте"),
        ({"title": "Пишите ivanov@mail.ru"}, "title", 1, "личные данные: «ivanov@mail.ru»"),
        ({"aliases": ("раз", "мой снилс 112-233-445 95")}, "aliases", 2, "личные данные"),
        ({"aliases": ("где pdsnils1",)}, "aliases", 1, "метки"),
        ({"aliases": ("пишу с и***@mail.ru",)}, "aliases", 1, "звёздочки"),
        ({"text": "Раз\nЗвоните: +7 921 555-01-42"}, "text", 2, "личные данные: «+7 921 555-01-42»"),
        ({"text": "Раз\nЗвоните: +* *** ***-01-42"}, "text", 2, "звёздочки"),
        ({"text": "снилс ***-***-445 95"}, "text", 1, "звёздочки"),
        ({"section": ""}, "section", 1, "Выберите раздел"),
        ({"text": ""}, "text", 1, "Напишите текст"),
        ({"text": "я" * 20_001}, "text", 1, "не больше 20000"),
        ({"text": "Раз\nдва <SCRIPT src=x>три"}, "text", 2, "уберите «<SCRIPT src=x>»"),
        ({"text": "< script"}, "text", 1, "Разметка"),
        ({"text": "a<!-- тайное"}, "text", 1, "Разметка"),
        ({"text": "Раз\n\nhttps://evil.ru/a."}, "text", 3, "«https://evil.ru/a» ведёт не на"),
        ({"text": "https://portal.example.ru@evil"}, "text", 1, "ведёт не на"),
        ({"text": "https://evil.ru\\@portal.example.ru/"}, "text", 1, "ведёт не на"),
        ({"text": "https://evilportal.example.ru"}, "text", 1, "ведёт не на"),
        ({"text": "https:\\\\evil.ru"}, "text", 1, "ведёт не на"),
        ({"text": "https://[evil"}, "text", 1, "ведёт не на"),
        ({"text": "ftp://portal.example.ru/a"}, "text", 1, "ведёт не на"),
        ({"text": "www.evil.ru"}, "text", 1, "ведёт не на"),
        ({"text": "javascript:alert(1)"}, "text", 1, "ведёт не на"),
        ({"text": "[[hotlline]] и [[hotline]]"}, "text", 1, "[[hotlline]]"),
        ({"text": "раз\nдва\x00"}, "text", 2, "знаки, которые нельзя сохранить"),
        ({"text": "\udc00"}, "text", 1, "знаки, которые нельзя сохранить"),
        ({"aliases": ("раз", "я" * 201)}, "aliases", 2, "длиннее 200"),
        ({"aliases": ("раз", "<b>")}, "aliases", 2, "Разметка"),
        ({"aliases": tuple(map(str, range(101)))}, "aliases", 1, "Формулировок 101"),
        ({"related": tuple(map(str, range(21)))}, "related", 1, "не больше 20"),
    ],
)
def test_a_fault_is_told_with_its_field_and_line(shipped: Settings, change: dict[str, Any], field: str, line: int, words: str) -> None:
    (fault,) = faults(replace(GOOD, **change), shipped)
    assert (fault.field, fault.line) == (field, line)
    assert words in fault.message


@pytest.mark.parametrize("slug", ["password", "2-ndfl", "a", "a" * 100])
def test_addresses(slug: str) -> None:
    assert slug_faults(slug) == []


@pytest.mark.parametrize(
    "slug", ["new", "search", "sections", "", "Password", "пароль", "a b", "a--b", "-a", "a-", "a/../b", "a" * 101, "a\n"]
)
def test_what_is_no_address(slug: str) -> None:
    assert [fault.field for fault in slug_faults(slug)] == ["slug"]


def test_likeness() -> None:
    assert likeness("Всё ли  готово?") == likeness("все ли готово")
    assert likeness("готово") != likeness("не готово")
    assert likeness("?") != likeness("!")


def test_a_huge_text_is_refused_at_once(shipped: Settings) -> None:
    assert [fault.field for fault in faults(replace(GOOD, text="<a" * 500_000), shipped)] == ["text"]
    assert [fault.field for fault in faults(replace(GOOD, text="<a" * 9_000 + "a.a." * 500), shipped)] == []


def test_what_is_related_beyond_the_limit_is_told_once(shipped: Settings) -> None:
    related = tuple(f"other-{number}" for number in range(100_000))
    assert len(Shelf([]).check("password", replace(GOOD, related=related), shipped)) == 21


def test_many_brackets_are_read_at_once(shipped: Settings) -> None:
    started = time.perf_counter()
    assert faults(replace(GOOD, text="[" * 20_000), shipped) == []
    assert time.perf_counter() - started < 1
