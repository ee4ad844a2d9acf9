"""What a citizen typed, repaired before it is searched for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.query import Reader
from knowledge_base.spelling import Speller, sound
from knowledge_base.synonyms import Synonyms

OWN = [
    "код",
    "подтверждения",
    "приходит",
    "смс",
    "госуслуги",
    "заявление",
    "отправить",
    "войти",
    "кабинет",
    "пароль",
    "портал",
    "телефон",
    "восстановить",
    "доступ",
    "ошибка",
    "файл",
    "загружается",
    "номер",
    "приставы",
    "симка",
]
COMMON = ["точка", "след", "водка", "прошла", "кот", "время", "когда"]


@pytest.fixture(scope="module")
def reader() -> Reader:
    synonyms = Synonyms([["сим-карта", "симка", "симку"], ["мобильное приложение", "прила", "прилу"], ["учётная запись", "акк", "аккаунт"]])
    return Reader(Speller.of(OWN, COMMON), synonyms)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("потверждения", "подтверждения"),
        ("пороль", "пароль"),
        ("вастановить", "восстановить"),
        ("загружаетца", "загружается"),
        ("паролль", "пароль"),
        ("парлоь", "пароль"),
        ("пристовы", "приставы"),
        ("непреходит код", "не приходит код"),
        ("гос услуги", "госуслуги"),
        ("ошибкаприставы", "ошибка приставы"),
    ],
)
def test_slips_are_mended(reader: Reader, typed: str, meant: str) -> None:
    assert reader.read(typed).text == meant


@pytest.mark.parametrize("text", ["прила", "симку", "акк", "водка", "кот", "след", "2026", "pdf", "код", "снегопад", "на", "с номером"])
def test_what_is_right_stays(reader: Reader, text: str) -> None:
    """Slang, words of the language, short words and numbers, though a word of the articles is near."""
    assert reader.read(text).text == text
    assert reader.read(text).changes == ()


def test_what_was_changed_is_told(reader: Reader) -> None:
    assert reader.read("Забыл пороль, помогите").changes == (("пороль", "пароль"),)


def test_the_wrong_layout_is_read(reader: Reader) -> None:
    assert reader.read("gfhjkm").text == "пароль"


def test_a_long_text_is_cut(reader: Reader) -> None:
    assert len(reader.read("пароль " * 5000).words) <= 600


def test_words_that_sound_alike_have_one_key() -> None:
    assert sound("подтвердится") == sound("потвердиться")
    assert sound("агенство") != sound("огонь")


@pytest.mark.parametrize("text", ["ﬃ" * 4000, "…" * 4000, "a" * 4000, "[" * 4000, "я" * 4000, "q[" * 2000, "\ud83d пароль", "pф" * 2000])
def test_hostile_text_is_read(reader: Reader, text: str) -> None:
    """Each took from a third of a second to seconds once."""
    assert len(reader.read(text).text) <= 4000


@given(st.text(alphabet=st.characters(), max_size=300))
def test_no_text_makes_it_raise(reader: Reader, text: str) -> None:
    query = reader.read(text)
    assert len(query.words) == len(query.lemmas)
