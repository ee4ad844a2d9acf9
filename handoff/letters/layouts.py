"""From a template to the two bodies of a letter. Each letter is written once, as a text; its HTML is laid out from that.

In a template an empty line parts blocks: a line in capitals is a heading, lines that begin with «- » are a list, several lines
«Name: value» are facts, the rest is a paragraph. What is filled in stays on one line and so is none of these but by the template's will;
what is written at length goes through a filter (``words`` of people, ``plain`` of the desk) and is a block of its own.
"""

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from core.settings import Settings

_FOLDER = Path(__file__).parent / "templates"
# Before each line of what people wrote, and of the desk's own words; taken out of what is filled in.
_WORDS, _PLAIN = "\ue000", "\ue001"
# What would part lines, hide or turn round what stands beside it.
_UNSEEN = re.compile("[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ue000\ue001\ufeff]")
_HEADING = re.compile(r"[^a-zа-яё]*[А-ЯЁ]{2}[^a-zа-яё]*")
_FACT = re.compile(r"[А-ЯЁ][^:.]{0,40}: \S.*")
LINK = re.compile(r"https?://[^\s<>«»\"]+")
_NUMBER = re.compile(r"(?:\w+-)?[0-9]{4}-[0-9]{6,}-[0-9]\b")
_AFTER_LINK = ".,;:!?)"
_MESSENGER = "t.me"


class Written(NamedTuple):
    """A letter's contents; ``html`` says the same as ``text``."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Block:
    """A stretch of a letter. ``lines``: without the marks that told its kind."""

    kind: Literal["heading", "list", "facts", "words", "paragraph"]
    lines: list[str]


class _Words(str):
    """What stays on several lines."""

    __slots__ = ()


def fill(template: str, settings: Settings, *, automatic: bool, **facts: Any) -> Written:
    """The letter of a template. ``automatic``: no person wrote it."""
    filled = _TEXTS.get_template(template).render(facts, settings=settings, automatic=automatic)
    subject, _, body = filled.partition("\n\n")
    body = re.sub(r"\n{3,}", "\n\n", body).strip() + "\n"
    blocks = [_block(part) for part in re.split(r"\n\n", body.strip())]
    linked = partial(_linked, settings)
    page = _PAGES.get_template("letter.html").render(subject=subject, blocks=blocks, settings=settings, linked=linked, whole=_whole)
    return Written(subject, body.replace(_WORDS, "").replace(_PLAIN, ""), page)


def _marked(mark: str, text: str) -> str:
    """``text`` kept as it is, line by line."""
    lines = (_UNSEEN.sub("", line.expandtabs(4)) for line in re.split(r"\r\n|\r|\n", text.strip()))
    return _Words("\n".join(f"{mark}{line}".rstrip() for line in lines))


def one_line(value: object) -> object:
    """What a template shows of a value."""
    if isinstance(value, str) and not isinstance(value, _Words):
        return " ".join(_UNSEEN.sub(" ", value).split())
    return value


def _block(part: str) -> Block:
    lines = part.split("\n")
    if part.startswith((_WORDS, _PLAIN)):
        return Block("words" if part.startswith(_WORDS) else "paragraph", [line[1:] for line in lines])
    if all(line.startswith("- ") for line in lines):
        return Block("list", [line.removeprefix("- ") for line in lines])
    if len(lines) == 1 and _HEADING.fullmatch(part):
        return Block("heading", [part.capitalize()])
    if len(lines) > 1 and all(map(_FACT.fullmatch, lines)):
        return Block("facts", lines)
    return Block("paragraph", lines)


def _linked(settings: Settings, line: str) -> Markup:
    """``line`` with the desk's own addresses as links. Others' stay words: a letter vouches for what can be pressed in it."""
    parts, end = [], 0
    for found in LINK.finditer(line):
        parts += [_whole(line[end : found.start()]), _link(settings, found[0])]
        end = found.end()
    return Markup("").join([*parts, _whole(line[end:])])


def _link(settings: Settings, written: str) -> Markup:
    address = written.rstrip(_AFTER_LINK)
    if not is_own(settings, address):
        return escape(written)
    return Markup('<a href="{0}">{0}</a>{1}').format(address, written[len(address) :])


def is_own(settings: Settings, address: str) -> bool:
    """Whether a link leads to the desk, its bot or an official domain."""
    try:
        host = urlsplit(address.rstrip(_AFTER_LINK)).hostname or ""
    except ValueError:
        return False
    return host in (urlsplit(settings.public_url).hostname, _MESSENGER) or settings.is_official(host)


def _whole(text: str) -> Markup:
    """``text`` with numbers that no line's end parts."""
    return Markup(_NUMBER.sub(r'<span style="white-space: nowrap">\g<0></span>', str(escape(text))))  # noqa: S704 - it is escaped


_TEXTS = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=False,  # noqa: S701 - plain text, not HTML
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=one_line,
)
_TEXTS.filters |= {"words": partial(_marked, _WORDS), "plain": partial(_marked, _PLAIN)}
_PAGES = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
