"""Russian typed with a Latin keyboard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.keyboard import in_russian

WORDS = frozenset(
    [
        "как",
        "войти",
        "в",
        "личный",
        "кабинет",
        "не",
        "приходит",
        "код",
        "сбросить",
        "пароль",
        "от",
        "госуслуг",
        "запись",
        "к",
        "врачу",
        "поменять",
        "телефон",
        "снилс",
        "sms",
        "pdf",
        "погасить",
        "за",
    ]
)


def is_word(word: str) -> bool:
    return word in WORDS


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("rfr djqnb", "как войти"),
        ("rfr djqnb d kbxysq rf,bytn", "как войти в личный кабинет"),
        ("gjvtyznm ntktajy", "поменять телефон"),
        ("kak sbrosit' parol' ot gosuslug", "как сбросить пароль от госуслуг"),
        ("zapis' k vrachu", "запись к врачу"),
        ("не приходит sms", "не приходит sms"),
        ("CHИЛC", "снилс"),  # Latin letters that look alike
        ("how do I reset my password", "how do I reset my password"),
        ("pdf", "pdf"),
        ("rfr djqnb pdf.", "как войти pdf."),
        ("", ""),
    ],
)
def test_what_makes_sense_in_russian_is_rewritten(typed: str, meant: str) -> None:
    assert in_russian(typed, is_word) == meant


@given(st.text(max_size=200))
def test_no_text_makes_it_raise(text: str) -> None:
    in_russian(text, is_word)
