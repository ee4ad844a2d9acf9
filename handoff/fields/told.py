"""What a message tells about its writer, whatever was asked: several fields at once, in any order.

It reads a text with the vault's tokens (core/personal_data.py). A token that may be somebody else's, or one of several, is left alone:
then the field is asked for.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from core.personal_data import TOKEN
from core.settings import Settings
from handoff.fields.application_number import find_application_number
from handoff.fields.birth_date import parse_birth_date
from handoff.fields.email_address import parse_email
from handoff.fields.fault import FieldFault
from handoff.fields.full_name import parse_full_name
from handoff.fields.occurred_at import find_occurred_at
from handoff.fields.phone import parse_phone
from handoff.fields.snils import parse_snils
from handoff.fields.writing import LETTER, folded

# A kind of token → the field that it may be, and what checks it.
_PERSONAL: dict[str, tuple[str, Callable[[str, Settings], Any]]] = {
    "name": ("full_name", parse_full_name),
    "snils": ("snils", parse_snils),
    "birthdate": ("birth_date", parse_birth_date),
    "email": ("email", parse_email),
    "phone": ("phone", parse_phone),
}
_SOMEBODY = (
    r"(?<![а-я])(?:сын|доч|реб[её]?н|дет[иея]|мам[аыуе]|матер|мать|пап[аыуе]|отец|отц|муж|жен[аыуе]|супруг|брат|сестр|бабуш|дедуш|внук|внуч|племян"
    r"|сосед|друг(?:а|у|ом|е|га|ги|ге)?(?![а-я])|опекун|подопечн|доверител|сотрудник|работник|оператор|инспектор|специалист|консультант|начальник|директор|врач|гражданин|чуж)"
)
_ANOTHERS_BEFORE = re.compile(rf"(?:{_SOMEBODY}\w*|(?<![а-я])(?:на имя|за)(?![а-я]))[^.;!?\n]{{0,25}}$")
_ANOTHERS_AFTER = re.compile(rf"^\s*[(,]?\s*(?:это )?{_SOMEBODY}")
_NAMING = re.compile(r"(?<![а-я])(?:зовут|фио|ф\.? ?и\.? ?о\.?|имя|я|заявител\w*|с уважением|от|пишет|беспокоит|это)$")
_LABEL = re.compile(
    r"^(?:снилс|тел|моб|сот|e-?mail|емейл|имейл|мейл|почт|мыло|д\.? ?р|г\.? ?р"
    r"|дата|дату|род|рожд|паспорт|номер|№|заявлени|заявк|инн|адрес|мо[йяи](?![а-я])|и(?![а-я])|спасибо)"
)
_FEWEST_WORDS = 4  # of a story
_CALLS = re.compile(r"звон|набер|набир")


def find_told(text: str, values: dict[str, str], settings: Settings, *, now: datetime | None = None) -> dict[str, str]:
    """Field (api.md, "expects") → token, or for application_number and occurred_at the words to keep. ``values``: token → value."""
    found: dict[str, set[str]] = {}
    for token in TOKEN.finditer(text):
        if token[1] not in _PERSONAL or not _is_the_writers(text, token):
            continue
        field, parse = _PERSONAL[token[1]]
        try:
            parse(values.get(token[0], ""), settings)
        except FieldFault:
            continue
        found.setdefault(field, set()).add(token[0])
    told = {field: tokens.pop() for field, tokens in found.items() if len(tokens) == 1}
    number = find_application_number(text, settings)
    if number:
        told["application_number"] = number
    story = TOKEN.sub(" ", text)
    if len(re.findall(rf"{LETTER}{{2,}}", story)) >= _FEWEST_WORDS and not _CALLS.search(folded(story)):
        occurrence = find_occurred_at(story, settings, now=now)
        if occurrence:
            told["occurred_at"] = occurrence.in_words()
    return told


def _is_the_writers(text: str, token: re.Match[str]) -> bool:
    previous = [one.end() for one in TOKEN.finditer(text) if one.end() <= token.start()]
    before = text[previous[-1] if previous else 0 : token.start()].lower()
    after = text[token.end() :].lower()
    if _ANOTHERS_BEFORE.search(before) or _ANOTHERS_AFTER.match(after):
        return False
    if token[1] != "name":
        return True
    clause = re.split(r"[.,;:!?\n—]|- ", before)[-1].strip()
    if _NAMING.search(before.strip(" ,.:;—-\n")):
        return True
    following = after.lstrip(" ")
    is_apart = not following or not following[0].isalpha() or bool(TOKEN.match(following) or _LABEL.match(following))
    return not clause and is_apart
