"""Surnames beside initials: «Иванов И. И.», «И. И. Иванов», «иванов и и», «ИвановИИ»."""

import re
from collections.abc import Iterator

from core.finding.name_parts import LIKELY, STREET_BEFORE, SURE, SURNAME_END, cyrillic, is_plain, words_of
from core.finding.name_words import LETTERS, NEVER, NOT_BESIDE, PERSONS
from core.finding.words import read

_INITIALS = r"[А-ЯЁA-Z]\.(?: ?[А-ЯЁA-Z][а-я]?\.?)?"
_LEADING_INITIALS = r"[А-ЯЁA-Z]\. ?(?:[А-ЯЁA-Z][а-я]?\.?)?"
_BEFORE_INITIALS = re.compile(
    rf"(?<![{LETTERS}.])([{LETTERS}][{LETTERS}'’-]+) ({_INITIALS})(?![{LETTERS}])"
    rf"|(?<![{LETTERS}.])([{LETTERS}][{LETTERS}'’-]+) ([а-яё]\. ?[а-яё]\.?)(?![{LETTERS}])"
)
_AFTER_INITIALS = re.compile(
    rf"(?<![{LETTERS}.])({_LEADING_INITIALS}) ?([А-ЯЁA-Z][{LETTERS}'’-]+)(?![{LETTERS}])|(?<![{LETTERS}.])([а-яё]\."
    rf" ?[а-яё]\.) ?([{LETTERS}][{LETTERS}'’-]+)(?![{LETTERS}])"
)
_BARE_INITIALS = re.compile(
    rf"(?<![{LETTERS}.])([А-ЯЁ][а-яё'-]+|[А-ЯЁ]{{3,}})[ _]([А-ЯЁ]{{2}}|[А-ЯЁ][ _][А-ЯЁ]|[А-ЯЁ](?= ?(?:[,;)\n]|$)))(?![{LETTERS}])"
)
_BARE_SMALL = re.compile(r"(?<![а-яё])([а-яё]{4,}) [а-яё] [а-яё](?![а-яё])")
_ABBREVIATIONS = frozenset(re.findall(r"\w+", "РФ РТ РБ РД МО ЛО ИП ЕС УК ГК НК СК ТК КС ТЦ ЖК ПК АО НН ЧС"))
_ABBREVIATION = re.compile(
    r"т\. ?[екдпнч]\.?|[иивп]\. ?о\.?|[дг]\. ?р\.?|н\. ?э\.?|б\. ?у\.?|р\. ?[фп]\.?|[гм]\. ?о\.?|с\. ?[гш]\.?|о\. ?б\.?"
)
_CAPITAL_AFTER = re.compile(r" ?([А-ЯЁ][а-яё-]{2,})")
_ROLES = PERSONS | NOT_BESIDE
_CAMEL = re.compile(rf"(?<![{LETTERS}])[А-ЯЁ][а-яё]{{2,}}(?:[А-ЯЁ][а-яё]*){{1,3}}(?![{LETTERS}])")  # ПетровИИ.pdf


def with_initials(text: str) -> Iterator[tuple[int, int]]:
    if "." in text:
        for pattern, surname in ((_BEFORE_INITIALS, (1, 3)), (_AFTER_INITIALS, (2, 4))):
            for match in pattern.finditer(text):
                word = match[surname[0]] or match[surname[1]]
                said = words_of(word)[0]
                reading = said.reading
                lower = match[surname[0]] is None
                if said.lower == word and not lower and not (said.last and SURNAME_END.search(cyrillic(word))):
                    continue  # «ипшник А. А. Козлов»
                following = _CAPITAL_AFTER.match(text, match.end()) if match[surname[0]] and surname == (1, 3) else None
                if following and not said.last and (word_after := words_of(following[1])[0]).last and not word_after.never:
                    continue  # «Справку А. А. Козлову»
                if lower and not said.surely_last and _ABBREVIATION.fullmatch(match[0].removeprefix(word).removesuffix(word).strip()):
                    continue
                if (
                    word.lower() in NEVER
                    or (is_plain(said) and word.lower() in _ROLES)
                    or (re.match(r"и\. ?о\.", match[0].lower()) and lower)
                ):
                    continue
                if (
                    reading.last >= LIKELY
                    or said.last
                    or (lower and reading.surname and SURNAME_END.search(word) is not None)
                    or (lower and ("Surn" in reading.parts or (reading.surname and {"anim", "nomn"} <= reading.parts)))
                    or not reading.known
                    or (word[0].isupper() and (reading.person >= 0.05 or match[0].count(".") > 1))
                ) and not STREET_BEFORE.search(text[max(0, match.start() - 14) : match.start()]):
                    yield match.span()
    for match in _BARE_SMALL.finditer(text):
        reading = read(match[1])
        if reading.last >= SURE and (reading.other < LIKELY or SURNAME_END.search(match[1])):
            yield match.span()
    for match in _CAMEL.finditer(text):
        readings = [read(part) for part in re.split(r"(?<=[а-яёa-z])(?=[А-ЯЁA-Z])", match[0])]
        if any(reading.known and reading.other < LIKELY and reading.person >= SURE for reading in readings):
            yield match.span()
    for match in _BARE_INITIALS.finditer(text):
        reading = read(match[1].lower())
        if reading.last >= SURE and (reading.other < LIKELY or SURNAME_END.search(match[1].lower())) and match[2] not in _ABBREVIATIONS:
            yield match.span()
