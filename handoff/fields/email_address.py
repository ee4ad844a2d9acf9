"""An e-mail address that a letter can reach, as far as its writing tells."""

import re

from email_validator import EmailNotValidError, validate_email

from core.settings import Settings
from handoff.fields.fault import FieldFault
from handoff.fields.writing import is_cyrillic, is_latin, plain

_QUOTES = "<>()[]«»\"'“”„`,;:!.…"
_COMMA = re.compile(r"@[\w\-]{1,63},\s?\w{2,63}(?![\w@])")
_SPACE = re.compile(r"[\w.+\-]\s@|@\s|@[\w\-]{1,63}\s\.|@[\w\-]{1,63}\.\s[a-z]{2,3}(?!\S)|[a-z0-9._]\s[\w.+\-]{1,64}@", re.IGNORECASE)
# Words that may stand before an address in Latin letters.
_LEAD_IN = re.compile(r"(?<![@.\w\-])(?:e-?mail|mail(?:to)?|my|is|address|[0-9]{1,2}[.)])(?:\s*[:\-]|\s)\s*(?=\S)", re.IGNORECASE)
_SLIPPED_ENDING = re.compile(r"\.(?:ry|rru|ruu|ri|r|con|cmo|comm|ocm|ccom)$|\.ru\.ru$")
_SLIPPED_NAME = re.compile(r"@(?:gmial|gamil|gmai|gmal|gnail|yadex|yndex|yanex|yandx|mali|maill|ramler|rambleer)\.")

# «anna собака mail точка ru»
_SPOKEN_AT = re.compile(r"(?<=[a-z0-9]) ?[\[(]?(?:собак[аи]|собачка)[\])]? ?(?=[a-z0-9-]{1,63}(?:\.| ?точка ?)[a-z])", re.IGNORECASE)
_SPOKEN_DOT = re.compile(r"(?<=[a-z0-9]) ?точка ?(?=[a-z0-9])", re.IGNORECASE)


def parse_email(text: str, settings: Settings) -> str:
    """The address with its domain in lower case.

    Faults: missing, at (no @), two_at, several, comma, spaces, cyrillic, domain, ending (a known slip), ours, wrong.
    """
    line = _LEAD_IN.sub("", _SPOKEN_DOT.sub(".", _SPOKEN_AT.sub("@", plain(text))))
    if _COMMA.search(line):
        raise FieldFault("email", "email_comma")
    if _SPACE.search(line):
        raise FieldFault("email", "email_spaces")
    candidates = dict.fromkeys(word.strip(_QUOTES) for word in re.split(r"[\s,;]+", line) if "@" in word)
    if not candidates:
        raise FieldFault("email", "email_at" if re.search(r"[\w\-]\.[a-z]{2,63}(?!\w)", line, re.IGNORECASE) else "email_missing")
    if len(candidates) > 1:
        raise FieldFault("email", "email_several")
    return _check(next(iter(candidates)), settings)


def _check(address: str, settings: Settings) -> str:
    name, _, domain = address.partition("@")
    if "@" in domain:
        raise FieldFault("email", "email_two_at")
    if _has_stray_cyrillic(name, domain):
        raise FieldFault("email", "email_cyrillic")
    if name and domain and "." not in domain:
        raise FieldFault("email", "email_domain")
    if _SLIPPED_ENDING.search(domain.lower()) or _SLIPPED_NAME.search(f"@{domain.lower()}"):
        raise FieldFault("email", "email_ending")
    try:
        value = validate_email(address, check_deliverability=False, strict=True, allow_smtputf8=False).normalized
    except EmailNotValidError:
        raise FieldFault("email", "email_wrong") from None
    if value.casefold() == settings.official_email.casefold():
        raise FieldFault("email", "email_ours")
    return value


def _has_stray_cyrillic(name: str, domain: str) -> bool:
    """Cyrillic letters are right in a Cyrillic domain («.рф») and in a Cyrillic name before one; mixed with Latin ones never."""
    for part in (name, *domain.split(".")):
        if any(map(is_cyrillic, part)) and any(map(is_latin, part)):
            return True
    ending = domain.rpartition(".")[2]
    cyrillic_domain = any(map(is_cyrillic, ending))
    if cyrillic_domain:
        return ending in ("ру", "ком", "нет", "сом") or any(map(is_latin, domain))
    return any(map(is_cyrillic, name + domain))
