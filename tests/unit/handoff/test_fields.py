"""Each field as people write it: what is read, what is refused, and that the refusal says how to correct it."""

from datetime import UTC, date, datetime, tzinfo
from typing import Any, Self

import pytest

from core.settings import Settings, SettingsError
from core.words import all_words
from core.working_time import MOSCOW
from handoff.fields import PARSERS, FieldFault, find_application_number, parse_birth_date, parse_occurred_at
from handoff.fields.application_number import inn_is_valid
from tests.conftest import MakeSettings
from tests.data.personas import PERSONAS, Persona
from tests.unit.handoff.field_cases import FAULTS, READ

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 14, 30, tzinfo=MOSCOW)


def read(field: str, text: str, settings: Settings) -> Any:
    if field == "birth_date":
        return parse_birth_date(text, settings, today=TODAY)
    if field == "occurred_at":
        told = parse_occurred_at(text, settings, now=NOW)
        return told.first, told.last, told.start, told.end
    return PARSERS[field](text, settings)


@pytest.mark.parametrize(("field", "text", "value"), [(field, *case) for field, cases in READ.items() for case in cases])
def test_reads(shipped: Settings, field: str, text: str, value: Any) -> None:
    assert read(field, text, shipped) == value


@pytest.mark.parametrize(("field", "text", "key"), [(field, *case) for field, cases in FAULTS.items() for case in cases])
def test_refuses_with_words(shipped: Settings, field: str, text: str, key: str) -> None:
    with pytest.raises(FieldFault) as caught:
        read(field, text, shipped)
    assert (caught.value.field, caught.value.key) == (field, key)
    document = caught.value.problem().document()
    assert document["errors"] == [{"field": field, "message": caught.value.words}]


def test_the_tables_hold_every_field_and_every_fault() -> None:
    assert set(READ) == set(FAULTS) == set(PARSERS)
    assert all(len(READ[field]) + len(FAULTS[field]) >= 30 for field in PARSERS)
    keys = {key for key in all_words() if any(key.startswith(f"{field}_") for field in PARSERS)}
    assert keys - {key for cases in FAULTS.values() for _, key in cases} == {
        "email_noted",  # a notice, not a fault
        "consent_missing",  # of the feedback form's box: handoff/feedback_form.py
        "full_name_insist",
    }


def test_a_snils_of_a_wrong_length_is_told_how_many_digits_it_has(shipped: Settings) -> None:
    for text, count in (("1122334459", 10), ("112-233-445 955", 12)):
        with pytest.raises(FieldFault) as caught:
            PARSERS["snils"](text, shipped)
        assert f"здесь — {count}." in caught.value.words


def test_a_fault_says_nothing_of_what_was_written(shipped: Settings) -> None:
    with pytest.raises(FieldFault) as caught:
        PARSERS["email"]("anna@@mail.ru", shipped)
    assert "anna" not in f"{caught.value!s} {caught.value!r} {caught.value.words}"


def test_today_is_moscows(shipped: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    class LateInLondon(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls(2026, 11, 22, 22, 30, tzinfo=UTC).astimezone(tz)

    monkeypatch.setattr("handoff.fields.birth_date.datetime", LateInLondon)
    assert parse_birth_date("23.11.2026", shipped) == TODAY


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.last_name)
def test_reads_the_personas(shipped: Settings, persona: Persona) -> None:
    assert PARSERS["full_name"](persona.full_name, shipped) == persona.full_name
    assert PARSERS["snils"](persona.snils, shipped) == persona.snils
    assert PARSERS["email"](persona.email, shipped) == persona.email
    assert PARSERS["phone"](persona.phone, shipped) == f"+7{persona.phone_digits[1:]}"
    assert PARSERS["birth_date"](persona.birth_date, shipped).strftime("%d.%m.%Y") == persona.birth_date


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Вопрос по заявлению № 1234567890", "1234567890"),
        ("Заявка 1234 5678 9012 34, нет ответа", "12345678901234"),
        ("ИНН 7707083893 и № 1234567890", "1234567890"),
        ("№ 7707083893", None),  # an INN
        ("1234567890", None),  # nobody says what it is
        ("заявление 123456789", None),
        ("заявление 123456789012345", None),
        ("заявление от первого ноября, справка о составе семьи 1234567890", None),  # too far away
        ("", None),
    ],
)
def test_finds_an_application_number_in_a_letter(shipped: Settings, text: str, number: str | None) -> None:
    assert find_application_number(text, shipped) == number


def test_what_an_application_number_looks_like_is_a_setting(make_settings: MakeSettings) -> None:
    settings = make_settings(application_number_pattern=r"(?:дело|№)\s*([А-Я]{2}-?[0-9]{4})")
    assert find_application_number("по делу: дело АБ-1234", settings) == "АБ-1234"
    assert PARSERS["application_number"]("дело АБ-1234", settings) == "АБ-1234"


@pytest.mark.parametrize("pattern", ["№ [0-9]{10}", "(№) ([0-9]+)", "([0-9]{10}", ""])
def test_a_pattern_without_its_one_group_is_refused(make_settings: MakeSettings, pattern: str) -> None:
    with pytest.raises(SettingsError, match="OTKLIK_APPLICATION_NUMBER_PATTERN: it wants a regular expression with one group"):
        make_settings(application_number_pattern=pattern)


@pytest.mark.parametrize(
    ("digits", "valid"),
    [("7707083893", True), ("7707083894", False), ("500100732259", True), ("500100732258", False), ("500100732249", False), ("", False)],
)
def test_the_check_digits_of_an_inn(digits: str, valid: bool) -> None:
    assert inn_is_valid(digits) is valid
