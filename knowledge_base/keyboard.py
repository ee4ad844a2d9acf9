"""Russian typed with a Latin keyboard: in the wrong layout («rfr djqnb») or transliterated («kak vojti»)."""

import re
from collections.abc import Callable

# ЙЦУКЕН over QWERTY, key by key.
_LAYOUT = str.maketrans("qwertyuiop[]asdfghjkl;'zxcvbnm,.`", "йцукенгшщзхъфывапролджэячсмитьбюё")
_MARKS = "[];',.`"  # keys of Russian letters that are signs on a Latin keyboard
_LATIN = re.compile(r"[a-z\[\];',.`]+", re.IGNORECASE)
# The longest first: «sch» before «s». «y» after a vowel is «й» unless it begins «ya», «yu».
_SOUNDS = [
    ("shch", "щ"), ("sch", "щ"), ("sh", "ш"), ("ch", "ч"), ("zh", "ж"), ("kh", "х"), ("ts", "ц"), ("ya|ja", "я"), ("yu|ju", "ю"),
    ("yo|jo|ye", "е"), ("yj|yy", "ый"), ("(?<=[aeiou])y", "й"), ("c(?=[eiy])", "ц"), ("a", "а"), ("b", "б"), ("c|k|q", "к"), ("d", "д"),
    ("e", "е"), ("f", "ф"), ("g", "г"), ("h|x", "х"), ("i", "и"), ("j", "й"), ("l", "л"), ("m", "м"), ("n", "н"), ("o", "о"), ("p", "п"),
    ("r", "р"), ("s", "с"), ("t", "т"), ("u", "у"), ("v|w", "в"), ("y", "ы"), ("z", "з"), ("'", "ь"),
]  # fmt: skip
_SOUND = re.compile("|".join(f"({latin})" for latin, _ in _SOUNDS))
# Letters that look alike: a word that mixes both alphabets is meant in one.
_ALIKE = str.maketrans("aceopxykmthb", "асеорхукмтнв")
_WORD = re.compile(r"[а-яёa-z]+", re.IGNORECASE)
_OF_LATIN, _OF_RUSSIAN = re.compile("[a-z]", re.IGNORECASE), re.compile("[а-яё]", re.IGNORECASE)
_MOST_MEANT = 0.5  # the share of Latin words that have to make sense in Russian before any is taken for it


def in_russian(text: str, is_word: Callable[[str], bool]) -> str:
    """``text`` with Latin stretches that make sense as Russian rewritten; as it is when they do not («sms», «pdf», English).

    is_word: whether a normalised word is one that the search knows.
    """
    if not _OF_LATIN.search(text):
        return text
    text = _WORD.sub(_in_one_alphabet, text)
    stretches = [found[0] for found in _LATIN.finditer(text) if _OF_LATIN.search(found[0])]
    if not stretches:
        return text
    best = max((_by_layout, _by_sound), key=lambda read: _sense(stretches, read, is_word))
    if _sense(stretches, best, is_word) <= _MOST_MEANT:
        return text

    def rewrite(found: re.Match[str]) -> str:
        stretch = found[0].lower()
        return best(stretch) if _OF_LATIN.search(stretch) and _is_strange(stretch, is_word) else found[0]

    return _LATIN.sub(rewrite, text)


def _in_one_alphabet(found: re.Match[str]) -> str:
    word = found[0]
    return word.lower().translate(_ALIKE) if _OF_LATIN.search(word) and _OF_RUSSIAN.search(word) else word


def _is_strange(stretch: str, is_word: Callable[[str], bool]) -> bool:
    return not is_word(stretch.strip(_MARKS))


def _by_layout(stretch: str) -> str:
    return stretch.translate(_LAYOUT)


def _by_sound(stretch: str) -> str:
    return _SOUND.sub(lambda found: _SOUNDS[(found.lastindex or 1) - 1][1], stretch)


def _sense(stretches: list[str], read: Callable[[str], str], is_word: Callable[[str], bool]) -> float:
    """The share of letters in stretches that are words once read so."""
    strange = [stretch.lower() for stretch in stretches if _is_strange(stretch.lower(), is_word)]
    letters = sum(map(len, strange))
    meant = sum(len(stretch) for stretch in strange if all(map(is_word, re.findall(r"[а-яё]+", read(stretch)) or [""])))
    return meant / letters if letters else 0.0
