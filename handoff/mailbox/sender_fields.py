"""What a letter tells of its sender (S6), found in prose, a signature or a table by the parsers of the chat's form."""

import re
from collections.abc import Iterator

from core.personal_data import find
from core.settings import Settings
from handoff.fields import PARSERS, FieldFault
from handoff.fields.writing import folded
from handoff.mailbox.letter import Letter
from handoff.mailbox.subject import called_inn

# What is asked for, in the order in which it is named. An organisation gives its name and INN instead of SNILS and birth date.
OF_A_PERSON = ("full_name", "birth_date", "snils", "phone")
OF_AN_ORGANISATION = ("organisation", "phone")
# How a letter names what it asks for: keys of messages.ru.yml.
WORDS = {
    "full_name": "letter_field_full_name",
    "birth_date": "letter_field_birth_date",
    "snils": "letter_field_snils",
    "phone": "letter_field_phone",
    "organisation": "letter_field_organisation",
}
_DIGITS_OF_AN_ORGANISATION = 10  # of its INN

_KINDS = {"snils": "snils", "phone": "phone", "birthdate": "birth_date", "name": "full_name"}  # of what is found in texts
_ORGANISATION = re.compile(
    r"(?<![^\W\d_])(?:ООО|АО|ПАО|ЗАО|ОАО|НКО|АНО|ГБУ|МБУ|МБОУ|ГБОУ|ФГБУ|ФГБОУ|ГКУ|МКУ|ТСЖ|ТСН|СНТ|ГУП|МУП|ФГУП)"
    r"\s{0,3}(?:[«\"“„][^»\"”“\n]{2,80}[»\"”“]|[А-ЯЁ][\w-]{1,40}(?: [А-ЯЁ][\w-]{1,40}){0,3})"
)
_LABELLED_NAME = re.compile(
    r"(?:^|\n|\| ?|; ?)\s*(?:ф\.? ?и\.? ?о\.?|фамилия,? имя,? отчество|заявитель(?:ница)?|меня зовут|я,)\s*[:—–-]?\s*([^\n|;,.0-9]{5,100})",
    re.IGNORECASE,
)
_PARTED_NAME = re.compile(r"фамилия\s*[:|—–-]\s*(\S+)\s+имя\s*[:|—–-]\s*(\S+)(?:\s+отчество\s*[:|—–-]\s*(\S+))?", re.IGNORECASE)
_FAREWELL = re.compile(r"^(?:с уважением|с наилучшими пожеланиями|заранее благодар\w+|всего доброго|спасибо|подпись)", re.IGNORECASE)
_LOOKED_AT = 5_000  # characters
_LAST_LINES = 6  # where a signature without a mark stands
_BORN = re.compile(r"(?:дата рождения|д\.? ?р\.?|родил(?:ся|ась)|г\. ?р\.)\s*[:|—–-]?\s*([^\n|;]{6,40})", re.IGNORECASE)


def sender_fields(letter: Letter, settings: Settings) -> dict[str, str]:
    """Field → value in normal form, of what ``letter`` says itself and of its signature; what is not there is not in it.

    The birth date is in ISO format. An «inn» of ten digits tells that an organisation writes.
    """
    own = letter.parts.own
    if len(own) > 2 * _LOOKED_AT:  # who writes is told where a letter begins or where it ends
        own = f"{own[:_LOOKED_AT]}\n{own[-_LOOKED_AT:]}"
    text = f"{own}\n{letter.parts.signature[:_LOOKED_AT]}".strip()
    found: dict[str, str] = {}
    spans = [(span.kind, text[span.start : span.end]) for span in find(text, settings)]
    for kind in ("snils", "phone", "birthdate"):
        found |= _first_right(_KINDS[kind], [words for of, words in spans if of == kind], settings)
    if "birth_date" not in found:
        found |= _first_right("birth_date", _BORN.findall(text), settings)
    found |= _first_right("full_name", _names(letter, text, [words for of, words in spans if of == "name"]), settings)
    inn = called_inn(f"{letter.subject}\n{text}")[0]
    if inn:
        found["inn"] = inn
    organisation = _ORGANISATION.search(f"{text}\n{letter.sender_name}")
    if organisation and inn and len(inn) == _DIGITS_OF_AN_ORGANISATION:
        found["organisation"] = " ".join(organisation[0].split())
    return found


def missing_fields(fields: dict[str, str]) -> list[str]:
    """What is asked for of all that is not there."""
    wanted = OF_AN_ORGANISATION if len(fields.get("inn", "")) == _DIGITS_OF_AN_ORGANISATION else OF_A_PERSON
    return [name for name in wanted if name not in fields]


def _first_right(field: str, candidates: Iterator[str] | list[str], settings: Settings) -> dict[str, str]:
    for written in candidates:
        try:
            return {field: str(PARSERS[field](written, settings))}
        except FieldFault:
            continue
    return {}


def _names(letter: Letter, text: str, found: list[str]) -> Iterator[str]:
    """What may be the sender's name, the surest first: many a letter names others."""
    for parts in _PARTED_NAME.findall(text):
        yield " ".join(filter(None, parts))
    for labelled in _LABELLED_NAME.findall(text):
        yield labelled
        yield from (name for name in found if name in labelled)
    last = [line for line in text.split("\n") if line.strip()][-_LAST_LINES:]
    farewell = next((place for place, line in enumerate(last) if _FAREWELL.match(line.strip())), None)
    below = [] if farewell is None else [re.sub(_FAREWELL, "", line.strip()).strip(" ,.!") for line in last[farewell:]]
    yield from (name for line in below for name in found if name in line)
    yield from filter(_is_a_name_alone, below)
    yield from filter(_is_a_name_alone, letter.parts.signature.split("\n"))
    if len({folded(name) for name in found}) == 1:
        yield found[0]
    yield letter.sender_name


def _is_a_name_alone(line: str) -> bool:
    words = line.split()
    return 2 <= len(words) <= 4 and all(word[:1].isupper() and word.strip(",.").isalpha() for word in words)
