"""One list of spans out of what the finders of numbers, dates, addresses and names say."""

import re
from collections.abc import Iterable

from core.finding.addresses import find_addresses
from core.finding.dates import find_birth_dates
from core.finding.names import find_names
from core.finding.ner import people
from core.finding.numbers import find_numbers
from core.finding.span import LETTER, Expected, Span, digits_of, plain
from core.settings import Settings

KINDS = ("snils", "phone", "email", "passport", "inn", "card", "birthdate", "address", "name")
TOKEN = re.compile(rf"(?<!{LETTER})pd({'|'.join(KINDS)}|code|text)([1-9][0-9]*)(?!{LETTER})")
_NUMBERS = frozenset({"snils", "phone", "passport", "inn", "card"})  # digits that only the question tells apart when some are missing
_TYPED = "text"
_FEWEST_DIGITS = 5  # of a number that may be somebody's
_IS_LETTER = re.compile(LETTER).fullmatch


def find(text: str, settings: Settings, expected: Expected | None = None, known_names: Iterable[str] = ()) -> list[Span]:
    """Personal data in ``text``, by position, without overlaps, of ``KINDS``; and typed look-alikes of tokens, as ``text``.

    The desk's own contacts are not personal. A span is whole words («тел+79215550142»): a token glued to a letter would not be told
    from the word. ``expected``: what the text is as an answer. Numbers are of that kind then; if nothing is, the expected part is.
    ``known_names``: given before; they are found again, however unlikely they are.
    """
    seen, places = plain(text)
    found: list[Span] = []
    _add(found, seen, find_numbers(seen, settings))
    _add(found, seen, find_birth_dates(seen, in_company=bool(found)), yielding=True)
    _add(found, seen, find_addresses(seen), trimmed=True)
    taken = sorted((span.start, span.end) for span in found)
    _add(found, seen, find_names(seen, taken), yielding=True)
    names = [span.end for span in found if span.kind == "name"]
    if found:
        _add(found, seen, find_birth_dates(seen, names), yielding=True)
    _add(found, seen, _look_alikes(seen))
    spans = [Span(span.kind, places[span.start], places[span.end - 1] + 1) for span in found]
    return _united(text, [*_as_expected(text, spans, expected), *_again(text, known_names), *_look_alikes(text)])


def find_by_form(text: str, settings: Settings) -> list[Span]:
    """Numbers and e-mail addresses that are a person's, as ``find`` knows them; no names, dates or addresses. Quick on long texts."""
    seen, places = plain(text)
    return [Span(span.kind, places[span.start], places[span.end - 1] + 1) for span in find_numbers(seen, settings)]


def warm_up(settings: Settings) -> None:
    """Loads dictionaries and natasha's model, which the first message would otherwise wait for."""
    find("Здравствуйте, я Иванов Пётр из Бобруйска", settings)
    people("Пётр")


def _add(found: list[Span], text: str, spans: Iterable[Span], *, yielding: bool = False, trimmed: bool = False) -> None:
    """Adds each span as whole words. What it overlaps swallows it and gives the kind; ``yielding``: it is left out instead,
    ``trimmed``: it is cut to what is between them."""
    for span in spans:
        start, end = span.start, span.end
        overlapping = [other for other in found if start < other.end and other.start < end]
        if yielding and overlapping:
            continue
        if trimmed and overlapping:
            start = max([start, *(other.end for other in overlapping if other.start <= start)])
            start += len(text[start:end]) - len(text[start:end].lstrip(" ,.;:\n\t"))
            end = min([end, *(other.start for other in overlapping if other.start >= start)])
            end = start + len(text[start:end].rstrip(" ,.;:\n\t"))
            if end <= start or not re.search(r"[0-9]", text[start:end]):
                continue
        start, end = _to_whole_words(text, start, end)
        overlapping = [other for other in found if start < other.end and other.start < end]
        kind = overlapping[0].kind if overlapping else span.kind
        for other in overlapping:
            found.remove(other)
            start, end = min(start, other.start), max(end, other.end)
        found.append(Span(kind, start, end))


def _to_whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    while start > 0 and _IS_LETTER(text[start - 1]):
        start -= 1
    while end < len(text) and _IS_LETTER(text[end]):
        end += 1
    return start, end


def _look_alikes(text: str) -> Iterable[Span]:
    """Typed look-alikes of tokens: kept as texts of their own, so that they cannot name another's data. They are looked for as the reader
    sees the text and as tokens are resolved in it."""
    return (Span(_TYPED, *match.span()) for match in TOKEN.finditer(text))


def _again(text: str, known_names: Iterable[str]) -> Iterable[Span]:
    for name in known_names:
        words = re.findall(r"\w+", name)
        if len(words) > 1:
            for match in re.finditer(r"\b" + r"\W{1,3}".join(map(re.escape, words)) + r"\b", text, re.IGNORECASE):
                yield Span("name", *match.span())


def _united(text: str, spans: list[Span]) -> list[Span]:
    """By position, as whole words; those that overlap or touch are one, or their tokens would be glued."""
    united: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        start, end = _to_whole_words(text, span.start, span.end)
        kind = span.kind
        while united and start <= united[-1].end:
            last = united.pop()
            start, end, kind = min(start, last.start), max(end, last.end), kind if last.kind == _TYPED else last.kind
        united.append(Span(kind, start, end))
    return united


def _is_the_only_number(text: str, span: Span) -> bool:
    return span.kind in _NUMBERS and len(digits_of(text[: span.start] + text[span.end :])) < _FEWEST_DIGITS


def _as_expected(text: str, spans: list[Span], expected: Expected | None) -> list[Span]:
    if expected is None:
        return spans
    start = text.index(expected.part)
    end = start + len(expected.part)
    if expected.kind in _NUMBERS:
        spans = [Span(expected.kind, span.start, span.end) if _is_the_only_number(text, span) else span for span in spans]
    if expected.kind != "name" and any(span.kind == expected.kind for span in spans):
        return spans
    if any(span.start <= start and end <= span.end and (span.start, span.end) != (start, end) for span in spans):
        return spans  # a part of something larger: «ул. Ивана Фёдорова, дом 5» is no name
    apart = [span for span in spans if span.end <= start or end <= span.start]
    across = [Span(expected.kind, span.start, span.end) for span in spans if span.start < start < span.end or span.start < end < span.end]
    return [*apart, *across, Span(expected.kind, start, end)]
