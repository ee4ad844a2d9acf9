"""An access code is recognised before anything is stored, asked for or named; ordinary words are none."""

import pytest

from core.personal_data import find
from core.settings import Settings
from handoff.fields import expected_answer
from tests.conftest import MakeSettings


@pytest.fixture
def shipped(make_settings: MakeSettings) -> Settings:
    return make_settings()


def hidden(text: str, asked: str | None, settings: Settings) -> list[str]:
    return [f"{span.kind} {text[span.start : span.end]}" for span in find(text, settings, expected_answer(asked, text))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("K7MPX2QA", "K7MPX2QA"),
        ("k7mp x2qa.", "k7mp x2qa"),
        ("ABCDEFGH", "ABCDEFGH"),
        ("КВ7МХ2РА", "КВ7МХ2РА"),
        ("вот код: k7mpx2qa", "k7mpx2qa"),
        ("код доступа K7MP-X2QA", "K7MP-X2QA"),
        ("держите K7MPX2QA спасибо", "K7MPX2QA"),
    ],
)
def test_a_code_that_was_asked_for(shipped: Settings, text: str, found: str) -> None:
    assert hidden(text, "access_code", shipped) == [f"code {found}"]


@pytest.mark.parametrize("text", ["помогите", "а что это такое?", "позовите оператора", "не знаю кода", "спасибо вам", "ОБ-2026-000417-9"])
def test_other_words_are_none(shipped: Settings, text: str) -> None:
    assert hidden(text, "access_code", shipped) == []


def test_unasked_it_wants_its_name(shipped: Settings) -> None:
    assert hidden("статус ОБ-2026-000417-9, код доступа K7MPX2QA", None, shipped) == ["code K7MPX2QA"]
    assert hidden("заявка K7MPX2QA зависла", None, shipped) == []


def test_a_snils_stays_one(shipped: Settings) -> None:
    assert hidden("112-233-445 95", "access_code", shipped) == ["snils 112-233-445 95"]
