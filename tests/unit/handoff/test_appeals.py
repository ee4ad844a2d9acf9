"""An appeal's number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.appeals import format_number, luhn_digit


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
