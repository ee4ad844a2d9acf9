"""Addresses for articles that come without one: the title in Latin letters."""

import re

from knowledge_base.content import SLUG_CHARACTERS

_LATIN = {
    **dict(zip("абвгдеёзийклмнопрстуфыэ", "abvgdeeziyklmnoprstufye", strict=True)),
    "ж": "zh",
    "х": "kh",
    "ц": "ts",
    "ч": "ch",
    "ш": "sh",
    "щ": "shch",
    "ъ": "",
    "ь": "",
    "ю": "yu",
    "я": "ya",
}
_ENOUGH = 60  # characters: an address is read, too


def slug_of(title: str, most_characters: int = _ENOUGH) -> str:
    """Always the same for the same title, whole words of it; empty if it has no letter and no digit."""
    latin = "".join(_LATIN.get(letter, letter) for letter in title.lower())
    words = re.findall(r"[a-z0-9]+", latin)
    slug = ""
    for word in words:
        longer = f"{slug}-{word}" if slug else word
        if len(longer) > most_characters and slug:
            break
        slug = longer
    return slug[:SLUG_CHARACTERS]
