"""Configured facts in texts."""

import pytest

from core import facts
from core.settings import Settings
from core.words import plural


def test_every_fact_is_filled_in(shipped: Settings) -> None:
    text = "; ".join(f"[[{name}]]" for name in sorted(facts.NAMES))
    filled = facts.fill(text, shipped)
    assert facts.PLACEHOLDER.search(filled) is None
    assert all(filled.split("; "))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("service_name", "Отклик"),
        ("official_email", "support@portal.example.ru"),
        ("help_url", "http://127.0.0.1:8080/help"),
        ("hotline", "8 800 000-00-00"),
        ("working_hours", "09:00–18:00"),
        ("due_simple", "24 часа"),
        ("due_complex", "3 рабочих дня"),
        ("due_urgent", "12 часов"),
        ("due_urgent_confirmed", "4 часа"),
        ("due_complaint", "5 рабочих дней"),
        ("due_expedited_check", "1 рабочий день"),
        ("due_expedited", "24 часа"),
        ("reopen_days", "30 дней"),
        ("keep_conversation", "180 дней"),
        ("keep_appeal", "1095 дней"),
        ("keep_attachment", "365 дней"),
        ("keep_withdrawn", "30 дней"),
        ("keep_export", "24 часа"),
        ("max_picture", "5 МБ"),
        ("max_document", "10 МБ"),
        ("max_letter", "10 МБ"),
    ],
)
def test_a_fact_in_words(shipped: Settings, name: str, words: str) -> None:
    assert facts.fill(f"до [[{name}]].", shipped) == f"до {words}."


def test_what_is_no_fact_stays(shipped: Settings) -> None:
    for text in ("[[nothing_such]]", "[hotline]", "[[Hotline]]", "{hotline}", "[[hot line]]", ""):
        assert facts.fill(text, shipped) == text


@pytest.mark.parametrize(("size", "words"), [(5_242_880, "5 МБ"), (1_572_864, "1,5 МБ"), (10_485_760, "10 МБ")])
def test_a_size_in_words(size: int, words: str) -> None:
    assert facts.size_words(size) == words


@pytest.mark.parametrize(
    ("noun", "counts"),
    [
        ("час", [1, 21, 101, 1001]),
        ("часа", [2, 3, 4, 22, 34, 104]),
        ("часов", [0, 5, 6, 10, 11, 12, 13, 14, 15, 19, 20, 25, 100, 111, 112, 114]),
    ],
)
def test_a_number_with_its_noun(noun: str, counts: list[int]) -> None:
    assert [plural(count, "час", "часа", "часов") for count in counts] == [f"{count} {noun}" for count in counts]
