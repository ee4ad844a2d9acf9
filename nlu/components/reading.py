"""A citizen's text as the classifier reads it: what carries no intent is made alike, what was typed in Latin letters becomes Russian."""

import re
from typing import FrozenSet, Iterable

_TOKEN = re.compile(r"\b(pd[a-z]+)\d+\b")
_APPEAL_NUMBER = re.compile(r"(?:\b(?:об|ob)[\s–—-]*)?\b20\d\d[\s–—-]*\d{6}[\s–—-]*\d\b")
_IDENTIFIER = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")  # an intent's name typed as a command is nobody's words
_DIGIT = re.compile(r"\d")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")
_LATIN = re.compile(r"[a-z'`;\[\],.]*[a-z][a-z'`;\[\],.]*")
_CYRILLIC = re.compile(r"[а-я]+")

# The same keys on the two layouts: «ghbdtn» is «привет» with the wrong one.
_KEYBOARD = str.maketrans("qwertyuiop[]asdfghjkl;'zxcvbnm,.`", "йцукенгшщзхъфывапролджэячсмитьбюе")
# Longest first: «shch» is not «с», «х», «ц», «х».
_SOUNDS = sorted(
    {
        "shch": "щ",
        "sch": "щ",
        "zh": "ж",
        "kh": "х",
        "ts": "ц",
        "ch": "ч",
        "sh": "ш",
        "yu": "ю",
        "ju": "ю",
        "iu": "ю",
        "ya": "я",
        "ja": "я",
        "yo": "е",
        "jo": "е",
        "ye": "е",
        **dict(zip("abvgdeziklmnoprstufhcyjwxq'", "абвгдезиклмнопрстуфхцыйвхкь", strict=True)),
    }.items(),
    key=lambda pair: -len(pair[0]),
)
_SHORT_I = re.compile(r"(?<=[aeiouy])y(?![aeiou])")
_SOUND = re.compile("|".join(re.escape(latin) for latin, _ in _SOUNDS))
_RUSSIAN = dict(_SOUNDS)


def grams(word: str) -> FrozenSet[str]:
    """Its runs of three letters, with the edges: what a word of the language is made of."""
    padded = f" {word} "
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


class Reader:
    """Knows what words look like from texts it was shown; a Latin word is taken for the reading that looks most like one of them."""

    def __init__(self, known: Iterable[str]) -> None:
        """``known``: runs of three letters, see learn."""
        self.known = frozenset(known)

    @classmethod
    def learn(cls, texts: Iterable[str]) -> "Reader":
        """``texts``: as people wrote them."""
        return cls(gram for text in texts for word in _CYRILLIC.findall(_plain(text)) for gram in grams(word))

    def read(self, text: str) -> str:
        """Lower case; all tokens of one kind alike, all appeal numbers, all digits; a letter at most twice in a row."""
        text = _TOKEN.sub(lambda found: found[1], _plain(text))
        text = _IDENTIFIER.sub("", text)
        text = _APPEAL_NUMBER.sub(" номеробращения ", text)
        text = _LATIN.sub(lambda found: self._in_russian(found[0]), text)
        return _DRAWN_OUT.sub(r"\1\1", _DIGIT.sub("0", text)).strip()

    def _in_russian(self, word: str) -> str:
        if word.startswith("pd"):
            return word
        letters = word.rstrip(",.;")
        tail = word[len(letters) :]
        # The first of equals is taken: a comma is «б» only where that makes a better word.
        readings = (_by_sound(letters) + tail, letters.translate(_KEYBOARD) + tail, word.translate(_KEYBOARD))
        best = max(readings, key=self._likeness)
        return best if self._likeness(best) > 0.5 else word

    def _likeness(self, text: str) -> float:
        found = [gram for word in _CYRILLIC.findall(text) for gram in grams(word)]
        return sum(gram in self.known for gram in found) / len(found) if found else 0.0


def _plain(text: str) -> str:
    return text.lower().replace("ё", "е")


def _by_sound(word: str) -> str:
    return _SOUND.sub(lambda found: _RUSSIAN[found[0]], _SHORT_I.sub("й", word))
