"""Latin spellings of Russian names, back in Cyrillic letters: near enough for the dictionary."""

import re

_PAIRS = (
    "shch щ|sch щ|zh ж|kh х|ts ц|ch ч|sh ш|yu ю|iu ю|ju ю|ya я|ia я|ja я|yo ё|jo ё|ck к|ph ф|th т|ks кс|"
    "a а|b б|c к|d д|e е|f ф|g г|h х|i и|j й|k к|l л|m м|n н|o о|p п|q к|r р|s с|t т|u у|v в|w в|x кс|z з"
)
_LETTERS = dict(pair.split(" ") for pair in _PAIRS.split("|"))
_PART = re.compile("|".join([r"(?:iy|ii|yi|y)(?![a-z])", r"(?<=[aeiou])y", "y", *_LETTERS]))
_SOFT = {
    "игор": "игорь",
    "олга": "ольга",
    "татяна": "татьяна",
    "наталя": "наталья",
    "лубов": "любовь",
    "даря": "дарья",
    "илйа": "илья",
    "алексеи": "алексей",
    "сергеи": "сергей",
    "андреи": "андрей",
    "алехандр": "александр",
    "юлиа": "юлия",
    "мариа": "мария",
    "викториа": "виктория",
    "анастасиа": "анастасия",
    "ксениа": "ксения",
    "евгениа": "евгения",
    "лидиа": "лидия",
    "ёхн": "джон",
    "йамес": "джеймс",
    "михаел": "михаэль",
    "джосепх": "джозеф",
    "чарлес": "чарльз",
    "георге": "джордж",
}


def in_cyrillic(word: str) -> str:
    """«shcherbakov» → «щербаков»; ``word`` in lower case."""

    def letter(match: re.Match[str]) -> str:
        part = match[0]
        if part.startswith("y") or part in ("iy", "ii"):
            before = word[match.start() - 1] if match.start() else ""
            if match.end() == len(word):
                return "й" if before in "aeiou" and part == "y" else "ий"
            return "й" if before and before in "aeiou" else "ы"
        return _LETTERS[part]

    cyrillic = _PART.sub(letter, word)
    return _SOFT.get(cyrillic, cyrillic)
