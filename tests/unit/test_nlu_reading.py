"""How the dialogue engine reads a text before it is classified (nlu/components/reading.py)."""

import re

import pytest

from nlu.components.reading import Reader
from tests.unit.test_nlu_data import EXAMPLES

READER = Reader.learn(text for _, text in EXAMPLES)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Ещё раз: ЗДРАВСТВУЙТЕ", "еще раз: здравствуйте"),
        ("ghbdtn", "привет"),
        ("rfr gjlfnm j,hfotybt", "как подать обращение"),
        ("spasibo za otvet", "спасибо за ответ"),
        ("net, ne nado", "нет, не надо"),
        ("hochu podat' obrashchenie", "хочу подать обращение"),
        ("moy pasport", "мой паспорт"),
    ],
)
def test_russian_in_latin_letters_is_read(written: str, read: str) -> None:
    assert READER.read(written) == read


@pytest.mark.parametrize("first, second", [("снилс pdsnils1", "снилс pdsnils12"), ("в 15:40", "в 18:05"), ("нееееет", "неет")])
def test_what_carries_no_intent_is_alike(first: str, second: str) -> None:
    assert READER.read(first) == READER.read(second)


@pytest.mark.parametrize("number", ["ОБ-2026-000417-9", "ob-2026-000417-9", "об 2026 000417 9", "2026 000417 9"])
def test_an_appeal_number_is_read_in_any_spelling(number: str) -> None:
    assert READER.read(f"что с {number}?") == READER.read("что с ОБ-2025-123456-7?")


@pytest.mark.parametrize("word", ["qr", "pdf", "pdname"])
def test_a_word_that_is_no_russian_stays(word: str) -> None:
    assert word in READER.read(f"где найти {word} на портале")


@pytest.mark.parametrize("typed", ["/request_operator", " /file_appeal", "／erase_personal_data{}"])
def test_an_intents_name_is_nobodys_words(typed: str) -> None:
    assert not re.search("[a-zа-я]", READER.read(typed))


def test_nothing_learnt_changes_no_letters() -> None:
    assert Reader(()).read("ghbdtn") == "ghbdtn"
