"""Names by what announces them, «меня зовут …», «ФИО: …», «сын … 2015 г.р.», and by what is said of their bearers."""

import re
from collections.abc import Iterator

from core.finding.name_parts import SURE, Word, beside, is_plain
from core.finding.name_words import CUE, FAMOUS, PARTICLES

MOST_WORDS = 5  # of one name
_CUE_BEHIND = re.compile(r"[ ,-]{1,3}(?:меня зовут|моя фамилия|мо[её] имя|на связи|(?:вас )?беспокоит)", re.IGNORECASE)
_HARDLY_APART = re.compile(r"[ ,:(—-]{1,3}")
_AGED = re.compile(r", \d{1,2} (?:лет|год)")
_ENDED = re.compile(r"[.!?]\s*$|\n$")
_ENDING = re.compile(r"\s*(?:[.\n]|$)")
_ENDS = re.compile(r" ?(?:[,.!;\n]|$| из )")
_NEAR = 25  # characters


def announced(text: str, words: list[Word], taken: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What follows «меня зовут», «ФИО:», «с уважением» and the like, and a first name after «я», «сын» …"""
    starts = {word.start: place for place, word in enumerate(words)}
    for cue in CUE.finditer(text):
        place = starts.get(cue.end())
        if place is None:
            continue
        strong, kin = cue.lastgroup == "sure", cue.lastgroup == "kin"
        run: list[Word] = []
        for word in words[place : place + MOST_WORDS]:
            if word.never or (run and not beside(text, run[-1], word)) or _is_a_town(word, strong):
                break
            plain_word = (
                is_plain(word) and word.lower not in PARTICLES and not (word.capital and word.reading.given) and not (strong and word.last)
            )
            if strong and not run and word.capital and plain_word and not {"VERB", "PREP", "CONJ", "INFN", "neut"} & word.reading.parts:
                run.append(word)
                continue
            if (plain_word and not (word.capital and run and run[0].capital and strong)) or (
                run and run[0].capital and not word.capital and word.lower not in PARTICLES
            ):
                break
            if not word.foreign and not word.perhaps and not word.capital:
                break
            run.append(word)
        # A first name alone is told of oneself only: «дочка Вера» is nobody in particular, unless her date or number follows.
        if cue.lastgroup == "farewell" and run and text[run[-1].end :].strip(" .!,\n"):
            continue
        alone = kin and len(run) == 1 and not run[0].last
        if alone and run[0].surely_first and any(0 <= start - run[0].end <= _NEAR for start, _ in taken):
            alone = False
        if run and _fits_cue(run, strong, text) and not alone:
            yield run[0].start, run[-1].end


def _is_a_town(word: Word, strong: bool) -> bool:
    """«Казбек» may be said to be a name."""
    named = strong and word.capital and (word.reading.given or word.reading.surname)
    return "Geox" in word.reading.parts and word.reading.person < SURE and not named


def _fits_cue(run: list[Word], strong: bool, text: str) -> bool:
    if strong:
        return any(word.capital or word.first or word.last or word.patronymic for word in run)
    if len(run) == 1:
        return run[0].surely_first or (
            run[0].capital
            and (
                run[0].first
                or (run[0].reading.given and _ENDS.match(text, run[0].end) is not None)
                or (run[0].surely_last and (run[0].reading.known or run[0].reading.listed))
            )
        )
    return any(word.first or word.patronymic for word in run) and (
        all(word.capital for word in run) or (run[0].first and all(word.last or word.patronymic for word in run[1:]))
    )


def introduces_itself(text: str, word: Word) -> bool:
    """«Агата меня зовут», «меня Ирой зовут», «Игнатова моя фамилия»."""
    if word.first and re.search(r"(?<![а-яё])меня $", text[max(0, word.start - 6) : word.start], re.IGNORECASE):
        return re.match(r" зовут", text[word.end : word.end + 6], re.IGNORECASE) is not None
    return word.capital and (word.first or word.last) and not is_plain(word) and _CUE_BEHIND.match(text, word.end) is not None


def has_data(text: str, word: Word, taken: list[tuple[int, int]]) -> bool:
    """«Соня (12.01.2019)», «тел. 8 903 … Марина», «Катя, 19 лет», «Здравствуйте. Оксана.»: a first name that says who, or is said alone."""
    if (
        not (word.first and not word.foreign)
        or not (word.capital or word.surely_first)
        or "Geox" in word.reading.parts
        or word.lower in FAMOUS
    ):
        return False
    opens = word.start == 0 and text[word.end : word.end + 2] == ", " and bool(taken)  # «Тагир, водитель автобуса, 8 928 …»
    if opens and word.capital and word.surely_first:
        return True
    if _AGED.match(text, word.end) or (
        word.capital and word.surely_first and _ENDED.search(text[max(0, word.start - 3) : word.start]) and _ENDING.match(text, word.end)
    ):
        return True
    return any(
        _HARDLY_APART.fullmatch(text, word.end, start) or _HARDLY_APART.fullmatch(text, end, word.start)
        for start, end in taken
        if text[end - 1].isdigit()
    )
