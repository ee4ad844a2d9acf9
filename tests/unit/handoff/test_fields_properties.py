"""What holds of every text: a SNILS survives any writing, one changed digit is noticed, and no text breaks a parser."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.personal_data import snils_is_valid
from core.settings import Settings
from handoff.fields import PARSERS, FieldFault, find_application_number, looks_like_a_name, parse_full_name, parse_snils

BEFORE = ("", "снилс ", "мой СНИЛС: ", "СНИЛС №", "номер страхового свидетельства — ", "вот, держите: ")
AFTER = ("", ".", " спасибо", ", проверьте пожалуйста", " (мой)", "\n")
SEPARATORS = ("", " ", "-", "–", "—", "\u00a0", ".", " - ", "  ")
PIECES = st.sampled_from(
    [
        *("0", "1", "12", "2026", "14.03.1985", "+7", "8", "921", "555", "４", "٣", "²", "Ⅳ"),
        *("(", ")", "-", "—", ".", ",", ";", ":", "@", "@@", "/", "№", "#", "?", "!", "'", "’", "😀"),
        *("\u00ad", "\u200b", "\u0301", "\u00a0", "\n", "\t", "\x00", "\ud800"),
        *("да", "нет", "не", "я", "меня", "зовут", "анна", "Анна", "Сергеевна", "оглы", "марта", "O", "О", "З", "ё", "ß", "İ", "ǆ", "𗀀"),
        *("mail", "mail.ru", "gmail.com", "рф", "почта", "телефон", "заявление", "снилс", "ИНН", "ОБ-"),
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=12).map("".join), st.lists(PIECES, max_size=12).map(" ".join))


@st.composite
def snils(draw: st.DrawFn) -> str:
    body = f"{draw(st.integers(1_001_999, 999_999_999)):09}"
    return next(body + f"{control:02}" for control in range(100) if snils_is_valid(body + f"{control:02}"))


@given(snils(), st.lists(st.sampled_from(SEPARATORS), min_size=11, max_size=11), st.sampled_from(BEFORE), st.sampled_from(AFTER))
def test_a_snils_is_read_in_any_writing(shipped: Settings, digits: str, separators: list[str], before: str, after: str) -> None:
    text = before + "".join(map("".join, zip(digits, [*separators[:10], ""], strict=True))) + after
    assert parse_snils(text, shipped) == f"{digits[:3]}-{digits[3:6]}-{digits[6:9]} {digits[9:]}"


@given(snils(), st.integers(0, 10), st.integers(1, 9))
def test_one_changed_digit_of_a_snils_is_a_checksum_fault(shipped: Settings, digits: str, place: int, change: int) -> None:
    assume(not digits.endswith("00"))  # 100 and 0 share the control number 00
    wrong = digits[:place] + str((int(digits[place]) + change) % 10) + digits[place + 1 :]
    assume(not wrong.endswith("00"))
    with pytest.raises(FieldFault) as caught:
        parse_snils(wrong, shipped)
    assert caught.value.key == "snils_checksum"


@given(snils(), st.integers(0, 10))
def test_a_snils_with_a_digit_too_few_is_told_so(shipped: Settings, digits: str, place: int) -> None:
    with pytest.raises(FieldFault) as caught:
        parse_snils(digits[:place] + digits[place + 1 :], shipped)
    assert (caught.value.key, caught.value.values) == ("snils_length", {"count": 10})


@pytest.mark.parametrize("field", PARSERS)
@given(text=TEXTS)
def test_no_text_raises_anything_but_a_fault_of_its_field(shipped: Settings, field: str, text: str) -> None:
    try:
        value = PARSERS[field](text, shipped)
    except FieldFault as fault:
        assert fault.field == field
        assert fault.words
    else:
        assert value is not None


@pytest.mark.parametrize("field", ["full_name", "snils", "email", "phone", "problem"])
@given(text=TEXTS)
def test_a_normal_form_is_read_as_itself(shipped: Settings, field: str, text: str) -> None:
    try:
        value = PARSERS[field](text, shipped)
    except FieldFault:
        return
    assert PARSERS[field](value, shipped) == value


@given(TEXTS)
def test_no_text_breaks_a_recogniser(shipped: Settings, text: str) -> None:
    looks_like_a_name(text)
    find_application_number(text, shipped)


NAMES = st.lists(st.text("абвгдеёжзийклмнопрстуфхцчшщъыьэюя", min_size=4, max_size=12), min_size=2, max_size=4)


@given(NAMES)
def test_a_name_keeps_its_letters_in_any_case(shipped: Settings, words: list[str]) -> None:
    try:
        name = parse_full_name(" ".join(words), shipped)
    except FieldFault as fault:
        assert fault.key in ("full_name_unlike", "full_name_one_word")  # of letters come words, «имя» is a label
        return
    # The surname goes first where a word reads as a patronymic.
    assert sorted(name.lower().split()) == sorted(word for word in words if word not in ("имя", "фамилия", "отчество"))
    assert parse_full_name(name.upper(), shipped) == name
