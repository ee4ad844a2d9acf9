"""What differs between two revisions of an article, for people: fields, in them lines, in a changed line its words."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Literal

from knowledge_base.content import Content
from knowledge_base.sections import section_name

_AROUND = 2  # unchanged lines that are shown before and after a change
_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
_MOST_TOKENS = 300  # of a line that is compared by words
_MOST_PAIRS = 400_000  # of lines or words, old × new, that are compared for one page: repeated ones take more steps than that
_LEAST_SHARED = 0.4  # of the characters; lines that share less are told as one removed and one added

Kind = Literal["same", "removed", "added", "skipped"]
Opcode = tuple[str, int, int, int, int]  # as difflib gives them


@dataclass(frozen=True)
class Part:
    """A stretch of a line. ``marked``: it is what changed in a line that otherwise stayed."""

    text: str
    marked: bool = False


@dataclass(frozen=True)
class Line:
    """skipped: unchanged lines that are not shown."""

    kind: Kind
    parts: list[Part] = field(default_factory=list)


@dataclass(frozen=True)
class Change:
    """A field that differs, by its name on the page."""

    name: str
    lines: list[Line]


def difference(before: Content, after: Content) -> list[Change]:
    """Only what differs; empty for equal contents. Texts made to be slow are told as replaced whole."""
    comparison = _Comparison()
    fields = [
        ("Название", [before.title], [after.title]),
        ("Раздел", [section_name(before.section)], [section_name(after.section)]),
        ("Публикация", [_state(before)], [_state(after)]),
        ("Как об этом спрашивают", before.aliases, after.aliases),
        ("Связанные статьи", before.related, after.related),
        ("Текст", before.text.split("\n"), after.text.split("\n")),
    ]
    return [Change(name, _shortened(list(_lines(comparison, old, new)))) for name, old, new in fields if list(old) != list(new)]


def _state(content: Content) -> str:
    return "опубликована" if content.published else "черновик"


class _Comparison:
    """Compares lines and words, until that has taken as long as a page may take."""

    def __init__(self) -> None:
        self._left = _MOST_PAIRS

    def opcodes(self, old: Sequence[str], new: Sequence[str]) -> list[Opcode]:
        """What stayed at both ends costs nothing; what is too much to compare is replaced."""
        head = _same(old, new)
        tail = _same(reversed(old[head:]), reversed(new[head:]))
        a, b, c, d = head, len(old) - tail, head, len(new) - tail
        pairs = (b - a) * (d - c)
        told: list[Opcode] = [("equal", 0, head, 0, head)] if head else []
        if pairs <= self._left:
            self._left -= pairs
            found = SequenceMatcher(None, old[a:b], new[c:d], autojunk=False).get_opcodes()
            told += [(what, a + i, a + j, c + k, c + m) for what, i, j, k, m in found]
        else:
            told.append(("replace", a, b, c, d))
        return [*told, ("equal", b, len(old), d, len(new))] if tail else told


def _same(old: Iterable[str], new: Iterable[str]) -> int:
    """How many are equal from the start on."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))


def _lines(comparison: _Comparison, old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    for what, a, b, c, d in comparison.opcodes(old, new):
        if what == "equal":
            yield from (Line("same", [Part(text)]) for text in old[a:b])
        else:
            pairs = min(b - a, d - c) if what == "replace" else 0
            for one, other in zip(old[a : a + pairs], new[c : c + pairs], strict=True):
                yield from _changed(comparison, one, other)
            yield from (Line("removed", [Part(text)]) for text in old[a + pairs : b])
            yield from (Line("added", [Part(text)]) for text in new[c + pairs : d])


def _changed(comparison: _Comparison, one: str, other: str) -> Iterator[Line]:
    old, new = _TOKEN.findall(one), _TOKEN.findall(other)
    if max(len(old), len(new)) <= _MOST_TOKENS:
        opcodes = comparison.opcodes(old, new)
        shared = sum(len(token) for what, a, b, _, _ in opcodes if what == "equal" for token in old[a:b] if token.strip())
        if shared >= _LEAST_SHARED * max(len(one), len(other)):
            yield Line("removed", [part for what, a, b, _, _ in opcodes for part in _parts("".join(old[a:b]), what != "equal")])
            yield Line("added", [part for what, _, _, c, d in opcodes for part in _parts("".join(new[c:d]), what != "equal")])
            return
    yield Line("removed", [Part(one)])
    yield Line("added", [Part(other)])


def _parts(text: str, marked: bool) -> Iterator[Part]:
    """White space at the ends is not marked: a line under it looks like a word."""
    words = text.strip() if marked else text
    before, _, after = text.partition(words) if words else (text, "", "")
    yield from (part for part in (Part(before), Part(words, marked), Part(after)) if part.text)


def _shortened(lines: list[Line]) -> list[Line]:
    """Without the unchanged lines far from any change."""
    near = [any(other.kind != "same" for other in lines[max(0, at - _AROUND) : at + _AROUND + 1]) for at in range(len(lines))]
    shown: list[Line] = []
    for line, is_near in zip(lines, near, strict=True):
        if is_near:
            shown.append(line)
        elif not shown or shown[-1].kind != "skipped":
            shown.append(Line("skipped"))
    return shown
