"""An appeal's number: written, and read back from any writing of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.settings import Settings
from handoff.appeal_numbers import format_number, luhn_digit, read_number
from handoff.fields.fault import FieldFault
from tests.conftest import MakeSettings

NUMBER = "ОБ-2026-000417-9"


def passes_luhn(digits: str) -> bool:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0


@pytest.mark.parametrize(("digits", "check"), [("2026000417", 9), ("7992739871", 3), ("0", 0), ("2026000001", 1), ("400000000000000", 2)])
def test_the_check_digit(digits: str, check: int) -> None:
    assert luhn_digit(digits) == check


@given(st.from_regex(r"[0-9]{1,30}", fullmatch=True))
def test_with_its_check_digit_a_number_passes(digits: str) -> None:
    assert passes_luhn(f"{digits}{luhn_digit(digits)}")


@given(st.integers(2024, 2100), st.integers(1, 999_999), st.integers(0, 9), st.integers(1, 9))
def test_one_mistyped_digit_is_noticed(year: int, ordinal: int, place: int, change: int) -> None:
    digits = f"{year}{ordinal:06}"
    mistyped = digits[:place] + str((int(digits[place]) + change) % 10) + digits[place + 1 :]
    assert luhn_digit(mistyped) != luhn_digit(digits)


@pytest.mark.parametrize(
    ("prefix", "year", "ordinal", "number"),
    [
        ("ОБ", 2026, 417, "ОБ-2026-000417-9"),
        ("ОБ", 2026, 1, "ОБ-2026-000001-1"),
        ("ЗГ", 2027, 999_999, "ЗГ-2027-999999-7"),
        ("ОБ", 2026, 1_000_000, "ОБ-2026-1000000-4"),
    ],
)
def test_how_a_number_is_written(prefix: str, year: int, ordinal: int, number: str) -> None:
    assert format_number(prefix, year, ordinal) == number
    assert passes_luhn("".join(filter(str.isdigit, number)))


@pytest.mark.parametrize(
    "text",
    [
        NUMBER,
        "об-2026-000417-9",
        "OB-2026-000417-9",
        "ob 2026 000417 9",
        "OБ-2026-000417-9",  # a Latin O, a Russian Б
        "2026-000417-9",
        "20260004179",
        "ОБ20260004179",
        "ОБ — 2026 – 000417 − 9",
        "ОБ-\u00ad2026\u2011000417\u20119",
        "№ОБ.2026.000417.9",
        "  ОБ-2026-000 417-9\n",
        "２０２６-０００４１７-９",
        "Здравствуйте! Что с обращением об-2026-000417-9? Жду с 12.11.2026.",
        "2026-000417-9 24.11.2026",
        "статус обращения № 20260004179",
        "обращение 2026 0004 17 9",
        "ОБ-2026-000417-8, нет, ОБ-2026-000417-9",
    ],
)
def test_how_people_write_a_number(shipped: Settings, text: str) -> None:
    assert read_number(text, shipped) == NUMBER


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "ОБ", "417", "ОБ-417", "ОБ-2026-417-9", "2026-00417-9", "ОБ-2026-000417", "ЗГ-2026-000417-9", "проб2026-000417-9"),
        *(
            "112-233-445 95",
            "8 921 555-01-42",
            "+7 (920) 260-00-41",
            "7707083893",
            "12026000417900000",
            "24.11.2026 10:00",
            "заявление № 20261234567",
            "ИНН 201401234567",
            "\x00",
            "²⁰²⁶",
        ),
    ],
)
def test_what_is_no_number(shipped: Settings, text: str) -> None:
    assert read_number(text, shipped) is None


_SIGNS = st.sampled_from(["", " ", "-", " - ", "–", "—", "\u2212", "\u2011", "\u00a0", ".", "_", "/"])
_PREFIXES = st.sampled_from(
    ["", "ОБ", "об", "Об", "OB", "ob", "Ob", "OБ", "oб", "ОB", "№", "№ ОБ", "№ об ", "Обращение ОБ ", "обращение №"]
)


@given(st.integers(2000, 2099), st.integers(1, 99_999_999), _PREFIXES, st.lists(_SIGNS, min_size=3, max_size=3), st.data())
def test_any_writing_of_a_number_is_read_back(
    shipped: Settings, year: int, ordinal: int, prefix: str, signs: list[str], data: st.DataObject
) -> None:
    number = format_number("ОБ", year, ordinal)
    _, *parts = number.split("-")
    if data.draw(st.booleans()):  # digits in twos and threes, as they are read aloud
        parts = [data.draw(_SIGNS).join([part[:2], part[2:]]) if len(part) > 2 else part for part in parts]
    before = prefix + signs[0] if prefix.isalpha() else prefix
    assert read_number(f"{before}{parts[0]}{signs[1]}{parts[1]}{signs[2]}{parts[2]}", shipped) == number


@given(st.integers(2000, 2099), st.integers(1, 99_999_999), st.integers(0, 20), st.integers(1, 9), st.sampled_from(["-", " ", ""]))
def test_one_changed_digit_is_told(shipped: Settings, year: int, ordinal: int, place: int, change: int, sign: str) -> None:
    digits = list(format_number("ОБ", year, ordinal))
    places = [index for index, character in enumerate(digits) if character.isdigit()]
    changed = places[place % len(places)]
    digits[changed] = str((int(digits[changed]) + change) % 10)
    with pytest.raises(FieldFault) as fault:
        read_number("".join(digits).replace("-", sign), shipped)
    assert (fault.value.field, fault.value.key) == ("appeal_number", "appeal_number_mistyped")
    assert "опечатка" in fault.value.words


@given(st.text(max_size=60))
def test_any_text_is_read_without_a_crash(shipped: Settings, text: str) -> None:
    try:
        found = read_number(text, shipped)
    except FieldFault:
        return
    assert found is None or read_number(found, shipped) == found


@pytest.mark.parametrize(
    ("prefix", "text"),
    [("ЗГ", "zg-2027-000001-0"), ("OB", "ОБ-2027-000001-0"), ("А.1", "а.1 2027 000001 0"), ("X-", "x--2027-000001-0")],
)
def test_the_prefix_is_a_setting(make_settings: MakeSettings, prefix: str, text: str) -> None:
    settings: Settings = make_settings(appeal_prefix=prefix)
    number = format_number(prefix, 2027, 1)
    assert read_number(text[:-1] + number[-1], settings) == number
    assert read_number(number, settings) == number
