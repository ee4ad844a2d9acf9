"""What an answer to a personal question is, before anybody has validated it: then it can be kept out of the dialogue engine."""

import re

from core.finding import digits_of
from core.personal_data import Expected
from handoff.fields.access_code import find_access_code
from handoff.fields.name_likeness import find_name, looks_like_a_name, without_lead_in
from handoff.fields.number_words import in_digits
from handoff.fields.writing import folded, plain

_FEWEST_DIGITS = 5
# «anna@mail,ru», «anna собака mail.ru», «anna.lebedeva mail.ru», «anna(at)mail.ru»
_LIKE_AN_ADDRESS = re.compile(r"\w\s?@\s?\w|\bсобак|\(at\)|\w\.[a-z]{2,}\b", re.IGNORECASE)
_LIKE_A_DATE = re.compile(r"[0-9].*[0-9]{2}")
_MOST_WORDS = 6  # around an address or a date; a longer text is a story


def expected_answer(asked: str | None, text: str) -> Expected | None:
    """The personal part of ``text`` as an answer to ``asked`` (api.md, "expects"); None for a question, a command or an ordinary word.

    Right or wrong does not matter here: a SNILS with a letter in it is somebody's too.
    """
    whole = text.strip()
    match asked:
        case "full_name":
            return _expected_name(text)
        case "snils" | "phone":
            return Expected(asked, whole) if len(digits_of(plain(text))) >= _FEWEST_DIGITS else None
        case "email":
            return Expected("email", whole) if _LIKE_AN_ADDRESS.search(text) and len(text.split()) <= _MOST_WORDS else None
        case "birth_date":
            return (
                Expected("birthdate", whole) if _LIKE_A_DATE.search(in_digits(folded(text))) and len(text.split()) <= _MOST_WORDS else None
            )
        case "access_code":
            code = find_access_code(text, asked=True)
            return Expected("code", code) if code else None
        case _:
            code = find_access_code(text, asked=False)
            return Expected("code", code) if code else None


def _expected_name(text: str) -> Expected | None:
    found = find_name(text)
    if found:
        return Expected("name", found)
    if not looks_like_a_name(text):
        return None
    name = without_lead_in(plain(text))[1]
    return Expected("name", name if name and name in text else text.strip())
