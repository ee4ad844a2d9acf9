"""What is taken for personal data, how it is shown, and that what was written comes back as it was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.personal_data import TOKEN, find, mask, resolve, snils_is_valid
from core.settings import Settings
from tests.data.personas import PERSONAS, Persona


def found(text: str, settings: Settings) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find(text, settings)]


@pytest.mark.parametrize(
    ("digits", "valid"),
    [
        ("11223344595", True),
        ("11223344596", False),
        ("08765430300", True),  # the sum is 202: control 00
        ("16072231835", True),
        ("00000000000", True),
        ("1122334459", False),
        ("112233445955", False),
        ("112-233-445 95", False),  # digits are wanted
        ("", False),
    ],
)
def test_the_control_number_of_a_snils(digits: str, valid: bool) -> None:
    assert snils_is_valid(digits) is valid


@given(st.integers(0, 999_999_999), st.integers(0, 8), st.integers(1, 9))
def test_a_snils_with_one_wrong_digit_is_not_valid(number: int, place: int, change: int) -> None:
    body = f"{number:09}"
    valid = next(body + f"{control:02}" for control in range(100) if snils_is_valid(body + f"{control:02}"))
    wrong = valid[:place] + str((int(valid[place]) + change) % 10) + valid[place + 1 :]
    # 101 is prime and a weight times a difference is below it, except for what 100 and 0 share: control 00
    assert not snils_is_valid(wrong) or valid.endswith("00")


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("мой снилс 112-233-445 95, проверьте", "snils", "112-233-445 95"),
        ("112-233-445-95", "snils", "112-233-445-95"),
        ("11223344595", "snils", "11223344595"),
        ("112 233 445 95.", "snils", "112 233 445 95"),
        ("112–233–445 95", "snils", "112–233–445 95"),
        ("112\u00a0233\u00a0445\u00a095", "snils", "112\u00a0233\u00a0445\u00a095"),
        ("СНИЛС: 112-233-445 96", "snils", "112-233-445 96"),  # a wrong one is somebody's too
        ("112-233-445 96", "snils", "112-233-445 96"),
        ("снилс 1122334459", "snils", "1122334459"),  # a digit short
        ("снилса 112233445955", "snils", "112233445955"),  # a digit long
        ("снилс: 87654321012", "snils", "87654321012"),  # looks like a phone
        ("+79215550142", "phone", "+79215550142"),
        ("+7 921 555-01-42", "phone", "+7 921 555-01-42"),
        ("+7 (921) 555 01 42", "phone", "+7 (921) 555 01 42"),
        ("звоните 8 (921) 555-01-42 днём", "phone", "8 (921) 555-01-42"),
        ("89215550142", "phone", "89215550142"),
        ("8-921-555-01-42", "phone", "8-921-555-01-42"),
        ("8.921.555.01.42", "phone", "8.921.555.01.42"),
        ("79215550142", "phone", "79215550142"),
        ("9215550142", "phone", "9215550142"),
        ("(921) 555-01-42", "phone", "(921) 555-01-42"),
        ("8 495 555-01-42", "phone", "8 495 555-01-42"),
        ("+375 29 555-01-42", "phone", "+375 29 555-01-42"),
        ("anna.lebedeva@example.com", "email", "anna.lebedeva@example.com"),
        ("пишите на a+b_c-d@mail.example.co.uk.", "email", "a+b_c-d@mail.example.co.uk"),
        ("<A@EXAMPLE.RU>", "email", "A@EXAMPLE.RU"),
        ("анна@почта.рф", "email", "анна@почта.рф"),
        ("снилс11223344595", "snils", "снилс11223344595"),  # whole words
        ("89215550142это мой", "phone", "89215550142это"),
        ("тел+79215550142", "phone", "тел+79215550142"),
        ("anna@example.com+79215550142", "email", "anna@example.com+79215550142"),
        ("pdsnils1+79215550142", "phone", "pdsnils1+79215550142"),
        ("pdsnils1", "text", "pdsnils1"),
        ("а вот pdemail12 и всё", "text", "pdemail12"),
    ],
)
def test_finds(shipped: Settings, text: str, kind: str, value: str) -> None:
    assert found(text, shipped) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "ОБ-2026-000417-9",
        "об 2026 000417 9",
        "OB-2026-000417-9",
        "обращение 2026-000417-9",
        "обращение № 2026000417-9",
        "заявление № 12345678901",
        "заявление 1234567890",
        "заявка №4012345678901",
        "№ 89215550142",
        "№ 11223344595",
        "с 01.02.2026 по 14.03.2026",
        "2026-11-23T10:00:00",
        "23.11.2026 18:00",
        "госпошлина 3 500 рублей",
        "1 250 000,00 руб.",
        "12345678",
        "паспорт 4012",
        "код 123456",
        "ошибка 502, строка 12345",
        "8 800 000-00-00",
        "8 (800) 000-00-00",
        "+7 800 000 00 00",
        "support@portal.example.ru",
        "Support@Portal.Example.RU",
        "user@localhost",
        "собака @ не адрес",
        "pdsnils0",
        "pdsnils",
        "pdnames1",
        "xpdsnils1",
        "pdsnils1x",
        "",
    ],
)
def test_leaves_alone(shipped: Settings, text: str) -> None:
    assert found(text, shipped) == []


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.last_name)
def test_finds_all_of_a_letter(shipped: Settings, persona: Persona) -> None:
    text = f"{persona.full_name}, СНИЛС {persona.snils}\nтел. {persona.phone}, {persona.email}; по ОБ-2026-000417-9 от 23.11.2026"
    named = ("name", persona.full_name)
    assert found(text, shipped) == [named, ("snils", persona.snils), ("phone", persona.phone), ("email", persona.email)]


ALPHABET = st.sampled_from(list("0123456789 -–()+.@,№\n\u00a0abpdsnilsОБобснилзявк"))


@given(st.one_of(st.text(), st.text(ALPHABET)))
def test_spans_are_in_order_within_the_text_and_apart(shipped: Settings, text: str) -> None:
    spans = find(text, shipped)
    edges = [edge for span in spans for edge in (span.start, span.end)]
    assert edges == sorted(edges)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("email", "anna.lebedeva@example.com", "a***@example.com"),
        ("snils", "112-233-445 95", "***-***-445 95"),
        ("snils", "1122334459", "***"),
        ("phone", "+7 921 555-01-42", "+* *** ***-01-42"),
        ("phone", "89215550142", "+* *** ***-01-42"),
        ("phone", "8 (495) 123-45-67 доб. 123", "+* *** ***-45-67"),
        ("text", "pdsnils1", "pdsnils1"),
        ("name", "Иванов Иван Иванович", "Иванов И. И."),
        ("name", "Иванов И.И.", "Иванов И. И."),
        ("name", "И.И. Иванов", "И. И. Иванов"),
        ("name", "ivanov_ivan", "ivanov I."),
        ("passport", "4510 123456", "** ** ***456"),
        ("card", "2202 2012 3456 7891", "**** 7891"),
        ("inn", "500100732259", "**********59"),
        ("birthdate", "14.03.1985", "**.**.1985"),
        ("birthdate", "14 марта 85 г.", "***"),
        ("address", "г. Казань, ул. Баумана, д. 5", "г. Казань, ***"),
        ("address", "Баумана 5 кв 3", "***"),
    ],
)
def test_masks(kind: str, value: str, shown: str) -> None:
    assert mask(kind, value) == shown


def test_resolves_known_tokens_only() -> None:
    values = {"pdsnils1": "112-233-445 95", "pdtext1": "pdsnils2"}
    text = "pdsnils1, pdsnils11, pdtext1, pdemail1, xpdsnils1"
    assert resolve(text, values, masked=False) == "112-233-445 95, pdsnils11, pdsnils2, pdemail1, xpdsnils1"
    assert resolve(text, values, masked=True) == "***-***-445 95, pdsnils11, pdsnils2, pdemail1, xpdsnils1"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("+7 (903) 777\u201111\u201188", "phone", "+7 (903) 777\u201111\u201188"),
        ("8921\u200b5550142", "phone", "8921\u200b5550142"),
        ("8/921/555/01/42", "phone", "8/921/555/01/42"),
        ("8 9 2 1 5 5 5 0 1 4 2", "phone", "8 9 2 1 5 5 5 0 1 4 2"),
        ("+７９０３７７７１１９９", "phone", "+７９０３７７７１１９９"),
        ("СНИЛС №112.233.445.95", "snils", "112.233.445.95"),
        ("заявление 112-233-445 95", "snils", "112-233-445 95"),
        ("pdsn\u200bils1", "text", "pdsn\u200bils1"),
        ("пишите rz.cc @ example.org", "email", "rz.cc @ example.org"),
    ],
)
def test_disguises_do_not_help(shipped: Settings, text: str, kind: str, value: str) -> None:
    assert [(span.kind, text[span.start : span.end]) for span in find(text, shipped)] == [(kind, value)]


@pytest.mark.parametrize("value", ["ivan@mail.ru+79215550142", "ivan@mail.ru(921)5550142"])
def test_what_is_glued_to_an_address_is_masked_with_it(shipped: Settings, value: str) -> None:
    span = find(value, shipped)[0]
    assert "5550142" not in mask(span.kind, value[span.start : span.end]) + value[span.end :]


@pytest.mark.parametrize("text", ["pdsnils1", "«pdsnils1»", "-pdsnils1,"])
def test_a_token_may_stand_among_signs(text: str) -> None:
    assert TOKEN.search(text)
