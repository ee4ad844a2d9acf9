"""What a letter says itself, apart from what it quotes of earlier ones and from its signature.

Programs mark a quotation by ``>``, by a line that says who wrote when, or by a block of headers; each in its own Russian. A text is
never cut down to nothing: where all of it would be a quotation (a letter that is forwarded without a word), all of it is its own.
"""

import re
from dataclasses import dataclass

_DAY = r"(?:пн|вт|ср|чт|пт|сб|вс|понедельник|вторник|среда|четверг|пятница|суббота|воскресенье|mon|tue|wed|thu|fri|sat|sun)\w{0,6}"
_MONTH = r"(?:янв|фев|мар|апр|ма[яй]|июн|июл|авг|сен|окт|ноя|дек|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[а-яa-z]{0,6}\.?"
_DATE = rf"(?:[0-3]?\d[./-][01]?\d[./-]\d{{2,4}}|\d{{4}}-\d\d-\d\d|[0-3]?\d {_MONTH},? \d{{4}}|{_MONTH} [0-3]?\d,? \d{{4}})"
_TIME = r"[0-2]?\d:[0-5]\d"
_ADDRESS = r"[^\s<>@]{1,80}@[^\s<>@]{1,80}"
_WROTE = r"(?:пишет|пишут|написал(?:\(а\)|а|и)?|написано|сообщает|wrote|writes)"
# «пт, 14 нояб. 2025 г. в 12:00, Служба поддержки <support@…>:», «14.11.2025, 12:00, "…" <…>:», «Пятница, 14 ноября … от …:»,
# «14 нояб. 2025 г., в 12:00, … написал(а):», «14.11.2025 12:00, … пишет:», «On Fri, Nov 14, 2025 at 12:00 PM … wrote:»
_BEGINS_WITH_A_DATE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"^(?:on |в )?(?:{_DAY},? )?(?:{_DATE}).{{0,20}}{_TIME}.{{0,160}}(?:{_WROTE}|<?{_ADDRESS}>?) ?:$",
        rf"^{_TIME}.{{0,20}}{_DATE}.{{0,160}}(?:{_WROTE}|<?{_ADDRESS}>?) ?:$",
    )
)
_IN_ONE_LINE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"^.{{1,120}}(?:{_DATE}|{_ADDRESS}).{{0,60}}{_WROTE} ?:$",
        rf"^(?:вы писали|you wrote)(?: {_DATE}.{{0,40}})? ?:$",
        rf"^[^<>]{{1,80}}<{_ADDRESS}> ?{_WROTE}(?: .{{1,60}})? ?:$",
    )
)
_LONGEST_ATTRIBUTION = 3  # lines: programs break them at 72 characters
_MOST_CHARACTERS = 400
_RULE = re.compile(
    r"^[-—=_* ]{2,}\s*(?:исходное сообщение|исходное письмо|первоначальное сообщение|пересылаемое (?:сообщение|письмо)"
    r"|пересланное (?:сообщение|письмо)|перенаправленное (?:сообщение|письмо)|начало (?:пересылаемого|пересланного) сообщения"
    r"|original message|original appointment|forwarded message|reply message)\s*[-—=_* ]*:?$"
    r"|^(?:начало (?:пересылаемого|пересланного|переадресованного) сообщения|begin forwarded message):$",
    re.IGNORECASE,
)
_UNDERSCORES = re.compile(r"^_{10,}$")
_HEADER = re.compile(
    r"^\*{0,2}(?P<name>от кого|от|отправитель|from|отправлено|дата|sent|date|кому|to|копия|cc|тема|subject)\*{0,2}\s?:\*{0,2}",
    re.IGNORECASE,
)
_FIRST_HEADERS = frozenset({"от", "от кого", "отправитель", "from"})
_WHEN_OR_WHOM = frozenset({"отправлено", "дата", "sent", "date", "кому", "to"})
_HEADERS_WITHIN = 4  # lines after «От:»
_QUOTED = re.compile(r"^[ \t]?(?:[|>]|&gt;)")
_SIGNATURE = re.compile(r"^(?:--|—|––) ?$")
_SENT_FROM = re.compile(
    r"^(?:отправлено (?:с|из|через) .{1,60}|получите outlook для .{1,40}|скачать outlook .{0,40}"
    r"|sent from .{1,60}|get outlook for .{1,40})$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Parts:
    """``own``: what was written now. ``signature``: what stands under it. ``quoted``: the rest. All without empty lines around."""

    own: str
    signature: str = ""
    quoted: str = ""


def split(text: str) -> Parts:
    """The parts of a letter's plain text; ``own`` is empty only if ``text`` is."""
    lines = text.split("\n")
    end = _beginning_of_the_rest(lines)
    kept, quoted = _without_marked(lines[:end])
    quoted += lines[end:]
    own, signature = _without_signature(kept)
    if not _joined(own):
        # A quotation is all there is, or a signature: then it is what was meant.
        return Parts(_joined(kept) or text.strip())
    return Parts(_joined(own), _joined(signature), _joined(quoted))


def _beginning_of_the_rest(lines: list[str]) -> int:
    """The first line of what is quoted without a mark on each line, up to the end of the letter."""
    for place, line in enumerate(lines):
        stripped = line.strip(" \t\xa0")
        if len(stripped) > _MOST_CHARACTERS:
            continue
        if _RULE.match(stripped):
            return place
        if _UNDERSCORES.match(stripped) and _begins_headers(lines, place + 1):
            return place
        if _begins_headers(lines, place):
            return place
        length = _attribution(lines, place)
        if length and not _is_marked_below(lines, place + length):
            return place
    return len(lines)


def _begins_headers(lines: list[str], place: int) -> bool:
    """«От: … / Отправлено: … / Кому: …», as Outlook sets it before what it quotes."""
    first = _HEADER.match(lines[place].strip()) if place < len(lines) else None
    if not first or first["name"].lower() not in _FIRST_HEADERS:
        return False
    following = [_HEADER.match(line.strip()) for line in lines[place + 1 : place + 1 + _HEADERS_WITHIN]]
    return any(found and found["name"].lower() in _WHEN_OR_WHOM for found in following)


def _attribution(lines: list[str], place: int) -> int:
    """How many lines, from ``place``, say who wrote when; 0 if they do not."""
    for length in range(1, _LONGEST_ATTRIBUTION + 1):
        some = [line.strip(" \t\xa0>") for line in lines[place : place + length]]
        if not some[-1] or len(some) < length:
            return 0
        joined = " ".join(some).replace("\xa0", " ").replace("\u202f", " ")
        if len(joined) > _MOST_CHARACTERS:
            return 0
        if joined.endswith(":"):
            patterns = (*_BEGINS_WITH_A_DATE, *_IN_ONE_LINE) if length == 1 else _BEGINS_WITH_A_DATE
            return length if any(pattern.match(joined) for pattern in patterns) else 0
    return 0


def _is_marked_below(lines: list[str], place: int) -> bool:
    """Whether what follows is marked line by line: then an answer may stand below it."""
    following = next((line for line in lines[place:] if line.strip()), "")
    return _QUOTED.match(following) is not None


def _without_marked(lines: list[str]) -> tuple[list[str], list[str]]:
    """The lines without those that ``>`` marks and the line that says whose they are."""
    kept: list[str] = []
    quoted: list[str] = []
    place = 0
    while place < len(lines):
        length = _attribution(lines, place)
        if length:
            quoted += lines[place : place + length]
            place += length
        elif _QUOTED.match(lines[place]):
            quoted.append(lines[place])
            place += 1
        else:
            kept.append(lines[place])
            place += 1
    return kept, quoted


def _without_signature(lines: list[str]) -> tuple[list[str], list[str]]:
    own = list(lines)
    signature: list[str] = []
    mark = next((place for place, line in enumerate(own) if _SIGNATURE.match(line)), None)
    if mark is not None:
        own, signature = own[:mark], own[mark + 1 :]
    own, signature = ([line for line in lines if not _SENT_FROM.match(line.strip())] for lines in (own, signature))
    return own, signature


def _joined(lines: list[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines)).strip()
