"""What people's keyboards do to a text, undone before it is read."""

import re
import unicodedata

LETTER = r"[^\W\d_]"
_DASHES = re.compile("[\u00ad\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_LOOK_ALIKE = str.maketrans("aceopxyABCEHKMOPTXYë", "асеорхуАВСЕНКМОРТХУё")


def plain(text: str) -> str:
    """One line with single spaces, plain hyphens and composed letters; without what cannot be seen."""
    text = _DASHES.sub(lambda dash: "" if dash[0] == "\u00ad" else "-", unicodedata.normalize("NFC", text))
    seen = "".join(" " if sign.isspace() else sign for sign in text if sign.isspace() or unicodedata.category(sign)[0] != "C")
    return " ".join(seen.split())


def folded(text: str) -> str:
    """Plain, in lower case and without «ё»: for comparing with lists of words."""
    return plain(text).lower().replace("ё", "е")


def words_of(text: str) -> list[str]:
    """The folded words of a text; a hyphen is part of its word."""
    return re.findall(rf"{LETTER}+(?:-{LETTER}+)*|\d+", folded(text))


def is_cyrillic(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("CYRILLIC")


def is_latin(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("LATIN")


def in_one_alphabet(word: str) -> str:
    """A Cyrillic word with Latin letters that look like Cyrillic ones gets the Cyrillic ones; any other word stays."""
    if any(map(is_latin, word)) and any(map(is_cyrillic, word)):
        whole = word.translate(_LOOK_ALIKE)
        if not any(map(is_latin, whole)):
            return whole
    return word
