"""An access code in what a citizen writes: it is a secret, and goes behind a token before anything is stored."""

import re

# Eight signs, perhaps in two groups; Russian letters that look like Latin ones; what an issued code lacks (O, 0, I, 1) may be a slip.
_SIGN = "[0-9A-ZАВЕКМНРСТУХ]"
_CODE = rf"(?<![\w-]){_SIGN}{{4}}[ -]?{_SIGN}{{4}}(?![\w-])"
_ALONE = re.compile(rf"\s*({_CODE})\s*[.!]?\s*", re.IGNORECASE)
_NAMED = re.compile(rf"\bкод\w*(?:\s+доступа)?\W{{0,3}}({_CODE})", re.IGNORECASE)
_WITH_DIGIT = re.compile(_CODE, re.IGNORECASE)


def find_access_code(text: str, *, asked: bool) -> str | None:
    """The part of ``text`` that is a code, right or wrong. ``asked``: whether one was asked for, so that it needs no name."""
    named = _NAMED.search(text) or (_ALONE.fullmatch(text) if asked else None)
    if named:
        return named[1]
    if not asked:
        return None
    return next((found[0] for found in _WITH_DIGIT.finditer(text) if re.search(r"\d", found[0]) and re.search(r"[^\W\d]", found[0])), None)
