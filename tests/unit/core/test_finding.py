"""What the finder sees in a text, and how well, on a set written by somebody else. Kinds are the vault's: name, birthdate."""

import json
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.finding import Expected, find
from core.settings import Settings

DATA = Path(__file__).parents[2] / "data"
BLIND = [json.loads(line) for line in (DATA / "blind" / "personal_data.jsonl").read_text(encoding="utf-8").splitlines()]
SHOWN = {"name": "full_name", "birthdate": "birth_date"}
NUMBERS = ("snils", "phone", "email", "passport", "inn", "card")
QUESTIONS = [entry["question"] for entry in yaml.safe_load((DATA / "blind" / "search.yml").read_text(encoding="utf-8"))]


def found(text: str, settings: Settings) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find(text, settings)]


def recall(settings: Settings, kinds: tuple[str, ...], *, strictly: bool = False) -> float:
    """The share of the blind set's pieces that are covered whole, or ``strictly``: to the letter, and by their kind. Nobody who made
    the finder has read the set."""
    hits: Counter[bool] = Counter()
    for row in BLIND:
        spans = [(SHOWN.get(span.kind, span.kind), span.start, span.end) for span in find(row["text"], settings)]
        for wanted in row["spans"]:
            if wanted["kind"] in kinds:
                start, end = wanted["start"], wanted["end"]
                same = [(a, b) for kind, a, b in spans if kind == wanted["kind"]]
                hits[(start, end) in same if strictly else any(a <= start and end <= b for a, b in same)] += 1
    return hits[True] / hits.total()


# Wanted are .98 of numbers and .95 of names, and both are reached (.996, .979). Of the rest what is reached less .01 holds: birth dates
# 1.0, addresses .944.
@pytest.mark.parametrize(
    ("kinds", "least"),
    [(NUMBERS, 0.98), (("full_name",), 0.95), (("birth_date",), 0.99), (("address",), 0.934)],
)
def test_recall_on_the_blind_set(shipped: Settings, kinds: tuple[str, ...], least: float) -> None:
    assert recall(shipped, kinds) >= least


# A mangled text keeps half a name or loses a preposition. Reached: .996, .979, 1.0, .917.
@pytest.mark.parametrize(
    ("kinds", "least"),
    [(NUMBERS, 0.98), (("full_name",), 0.95), (("birth_date",), 0.99), (("address",), 0.907)],
)
def test_bounds_on_the_blind_set(shipped: Settings, kinds: tuple[str, ...], least: float) -> None:
    assert recall(shipped, kinds, strictly=True) >= least


# Wanted is .01 on ordinary questions, which the next test holds; of these 150 texts 40 are traps, and 2 raise an alarm (.0133).
def test_false_alarms_on_the_blind_set(shipped: Settings) -> None:
    empty = [row["text"] for row in BLIND if not row["spans"]]
    assert sum(bool(find(text, shipped)) for text in empty) / len(empty) <= 0.0134


def test_ordinary_questions_hold_nothing_personal(shipped: Settings) -> None:
    alarms = [text for text in QUESTIONS if find(text, shipped)]
    assert len(alarms) / len(QUESTIONS) <= 0.01, alarms


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("паспорт 4510 123456", [("passport", "4510 123456")]),
        ("серия 45 10 номер 123456, паспорт мой", [("passport", "45 10 номер 123456")]),
        ("инн 500100732258", [("inn", "500100732258")]),  # wrong, but called by name
        ("500100732259", [("inn", "500100732259")]),
        ("500100732258", []),
        ("карта 2202 2012 3456 7891", [("card", "2202 2012 3456 7891")]),
        ("телефон и СНИЛС: 89215550142, 112-233-445 95", [("phone", "89215550142"), ("snils", "112-233-445 95")]),
        ("родился 14.03.1987", [("birthdate", "14.03.1987")]),
        ("сын 05.06.2019 г.р.", [("birthdate", "05.06.2019")]),
        ("паспорт выдан 14.03.2007", []),
        ("подал заявление 14.03.2026", []),
        ("г. Казань, ул. Баумана, д. 5, кв. 12", [("address", "г. Казань, ул. Баумана, д. 5, кв. 12")]),
        ("живу казань баумана 5 кв 3", [("address", "казань баумана 5 кв 3")]),
        ("МФЦ на Баумана 12 открыт?", []),
        ("живу в Казани 20 лет", []),
        ("я, Иванов Иван, не могу войти", [("name", "Иванов Иван")]),
        ("иванов иван иванович", [("name", "иванов иван иванович")]),
        ("ответьте Иванову Ивану Ивановичу", [("name", "Иванову Ивану Ивановичу")]),
        ("меня зовут Айсылу Гарифуллина", [("name", "Айсылу Гарифуллина")]),
        ("ГУСЕЙНОВ ЭЛЬЧИН РАФИК ОГЛЫ", [("name", "ГУСЕЙНОВ ЭЛЬЧИН РАФИК ОГЛЫ")]),
        ("С уважением,\nЛукина А. П.", [("name", "Лукина А. П.")]),
        ("Kuznetsova Olga", [("name", "Kuznetsova Olga")]),
        ("Иванов_паспорт.jpg", [("name", "Иванов")]),
        ("ivanov_scan.pdf", [("name", "ivanov")]),
        ("Скан_паспорта_Петрова.pdf", [("name", "Петрова")]),
        ("кому: Петровой М.А.", [("name", "Петровой М.А.")]),
        ("я ипшник Кузнецов, налог считают дважды", [("name", "Кузнецов")]),
        ("сын Ваня 2015 г.р. не записан", [("name", "Ваня"), ("birthdate", "2015")]),
        ("двое детей: Соня (12.01.2019) и Миша", [("name", "Соня"), ("birthdate", "12.01.2019")]),
        ("ОТВЕТЬТЕ З.Ф. БЕЛОВОЙ НА ПОЧТУ", [("name", "З.Ф. БЕЛОВОЙ")]),
        ("ПОЧЕМУ ТОКАРЕВОЙ ОЛЬГЕ ОТКАЗАЛИ В ВЫПЛАТЕ", [("name", "ТОКАРЕВОЙ ОЛЬГЕ")]),
        ("Ветврач Гульнара Фаритовна Сабитова", [("name", "Гульнара Фаритовна Сабитова")]),
        ("зовут Казбек, фамилия Эльбрусов", [("name", "Казбек"), ("name", "Эльбрусов")]),
        ("хасанов... вернее, хасанов булат ринатович", [("name", "хасанов"), ("name", "хасанов булат ринатович")]),
        ("Пермь, ул. Мира 8, 19. Жду", [("address", "Пермь, ул. Мира 8, 19")]),
        ("адрес доставки 119234, Москва, ул. Лесная, д. 27", [("address", "119234, Москва, ул. Лесная, д. 27")]),
        ("дочка Вера пошла в школу", []),
        ("опера «Евгений Онегин», билеты", []),
        ("госпиталь им. Н. Н. Бурденко", []),
        ("штраф на улице Ленина, 5", []),
        ("УСКОРЬТИ РАСМОТРЕНИЕ", []),
        ("01.01.1970 показывает вместо даты", []),
        ("что делать, если потерял паспорт в Москве", []),
        ("роман Толстого «Война и мир»", []),
        ("[[official_email]]", []),
    ],
)
def test_finds_by_words_around_and_forms(shipped: Settings, text: str, spans: list[tuple[str, str]]) -> None:
    assert found(text, shipped) == spans


@pytest.mark.parametrize(
    ("kind", "text", "spans"),
    [
        ("name", "Зыыврр Анна", [("name", "Зыыврр Анна")]),
        ("snils", "89215550142", [("snils", "89215550142")]),
        ("birthdate", "14.03", [("birthdate", "14.03")]),
        ("birthdate", "14.03.1987", [("birthdate", "14.03.1987")]),
    ],
)
def test_an_answer_is_what_was_asked_for(shipped: Settings, kind: str, text: str, spans: list[tuple[str, str]]) -> None:
    assert [(span.kind, text[span.start : span.end]) for span in find(text, shipped, Expected(kind, text))] == spans


PIECES = st.sampled_from(
    [
        "Иванов",
        "И.",
        " ",
        "\n",
        ",",
        "ул. ",
        "д. ",
        "кв. ",
        "8",
        "921",
        "-",
        "паспорт ",
        "14.03.1987",
        "_",
        "@",
        "mail.ru",
        "оглы",
        "Ли",
        "«",
        "№ ",
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=14).map("".join)))
def test_spans_are_apart_and_never_touch(shipped: Settings, text: str) -> None:
    edges = [edge for span in find(text, shipped) for edge in (span.start, span.end)]
    assert edges == sorted(set(edges))
    assert all(0 <= edge <= len(text) for edge in edges)


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1 ",
        "12-",
        "Иванов ",
        "и ",
        "ул. ",
        "а.",
        "8 ",
        "паспорт ",
        "д. 5, ",
        "14.03.1987 ",
        "a@",
        "И. ",
        "Казань, ",
        "иванова ",
        "4510 123456 ",
        "420111, ",
        "ИВАНОВ ",
        "А.Б. ",
        "«Иван ",
    ],
)
def test_time_does_not_grow_with_the_square(shipped: Settings, piece: str) -> None:
    text = (piece * 4000)[:4000]
    find(text[:100], shipped)  # dictionaries are loaded
    began = time.process_time()
    find(text, shipped)
    assert time.process_time() - began < 1
