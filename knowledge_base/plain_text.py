"""HTML and Markdown as an article's plain text: paragraphs and lists, addresses of links in brackets."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser

# What is for browsers, or frames the page: left out with all that is in it.
_LEFT_OUT = frozenset(
    "script style noscript template svg math iframe object canvas audio video "  # noqa: SIM905 - else a word a line
    "form button select textarea nav footer aside".split()
)
_BLOCKS = frozenset(
    "p div section article main header h1 h2 h3 h4 h5 h6 ul ol dl dt dd li "  # noqa: SIM905 - else a word a line
    "table tr blockquote pre figure figcaption hr address".split()
)
_LONGEST_LINE = 2000  # of Markdown; a longer one is nobody's writing and stays as it is
_WEB = re.compile(r"https?:[/\\]{2}", re.IGNORECASE)

_HEADING = re.compile(r"\s{0,3}(#{1,6})\s+(.*?)[\s#]*$")
_RULE = re.compile(r"\s{0,3}([-*_=])(\s*\1){2,}\s*$")
_ITEM = re.compile(r"\s*(?:[-*+]|(\d{1,3})[.)])\s+(.*)$")
_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")
_MARKS = re.compile(r"(\*\*|__|~~|`+)(?=\S)(.+?)(?<=\S)\1|(?<!\w)([*_])(?=\S)(.+?)(?<=\S)\3(?!\w)")
_REFERENCE = re.compile(r"(!?)\[([^\]]*)\]\(\s*<?([^\s)>]*)>?[^)]*\)")
_AUTOLINK = re.compile(r"<(https?://[^>\s]+)>")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!~>])")
_PRIVATE = 0xE000  # a code point of nobody's: an escaped sign stands there while marks are taken away
_SIGNS = {_PRIVATE + ord(sign): sign for sign in "\\`*_{}[]()#+-.!~>"}


@dataclass
class PlainText:
    """``lines``: of the source, one for each line of ``text``."""

    title: str = ""
    text: str = ""
    lines: list[int] = field(default_factory=list)


@dataclass
class _Block:
    """A line of the text to be, from a line of the source. ``item``: the kind of its list, if it is of one."""

    line: int
    text: str
    item: str = ""


def from_html(source: str) -> PlainText:
    """The title is that of the first h1, else of the head. Scripts, styles, forms and what frames the page are left out."""
    reader = _HtmlReader()
    reader.feed(source)
    reader.close()
    reader.end_block()
    return _laid_out(_in_one_line(reader.heading) or _in_one_line(reader.title), reader.blocks)


def from_markdown(source: str) -> PlainText:
    """The title is the first heading of the first level. HTML in it stays as it is, for the checks to refuse."""
    title, blocks, is_open = "", [], False
    for number, line in enumerate(source.split("\n"), 1):
        line = line.lstrip("> ") if line.lstrip().startswith(">") else line
        if len(line) > _LONGEST_LINE:
            blocks.append(_Block(number, _in_one_line(line)))
            is_open = False
            continue
        heading, item = _HEADING.match(line), _ITEM.match(line)
        if not line.strip() or _FENCE.match(line) or _RULE.match(line):
            is_open = False
        elif heading and heading[1] == "#" and not title:
            title, is_open = _unmarked(heading[2]), False
        elif heading:
            blocks.append(_Block(number, _unmarked(heading[2])))
            is_open = False
        elif item:
            mark = f"{item[1]}. " if item[1] else "- "
            blocks.append(_Block(number, mark + _unmarked(item[2]), item="numbered" if item[1] else "plain"))
            is_open = True
        elif is_open:  # a line wrapped by the writer's editor
            blocks[-1].text += f" {_unmarked(line)}"
        else:
            blocks.append(_Block(number, _unmarked(line)))
            is_open = True
    return _laid_out(title, blocks)


def _unmarked(line: str) -> str:
    line = _ESCAPED.sub(lambda found: chr(_PRIVATE + ord(found[1])), line)
    line = _REFERENCE.sub(lambda found: found[2] if found[1] else _link(found[2], found[3]), line)
    line = _AUTOLINK.sub(r"\1", line)
    for _ in range(3):  # marks within marks
        line = _MARKS.sub(lambda found: found[2] or found[4], line)
    return _in_one_line(line.translate(_SIGNS))


def _link(text: str, address: str) -> str:
    """A link's address is told if it leads somewhere from outside of its page, too."""
    text = _in_one_line(text)
    if not _WEB.match(address) or address == text:
        return text
    return f"{text} ({address})" if text else address


def _laid_out(title: str, blocks: Iterable[_Block]) -> PlainText:
    lines: list[str] = []
    at: list[int] = []
    item = ""
    for block in blocks:
        if lines and not (block.item and block.item == item):
            lines.append("")
            at.append(block.line)
        lines.append(block.text)
        at.append(block.line)
        item = block.item
    return PlainText(title, "\n".join(lines), at)


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


class _HtmlReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = self.heading = ""
        self.blocks: list[_Block] = []
        self._text = ""
        self._line = 0
        self._left_out: list[str] = []  # open elements of which nothing is read
        self._lists: list[int | None] = []  # open lists: the next item's number
        self._mark = ""  # of the item that begins
        self._links: list[tuple[str, int]] = []  # open links: address, where in the text they began
        self._into = ""  # "title" or "h1" while one is open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._left_out:
            if tag == self._left_out[-1]:
                self._left_out.append(tag)
            return
        if tag in _LEFT_OUT:
            self._left_out.append(tag)
            return
        if tag in _BLOCKS or tag == "br":
            self.end_block()
        if tag == "title" or (tag == "h1" and not self.heading):
            self._into = tag
        elif tag in ("ul", "ol"):
            self._lists.append(1 if tag == "ol" else None)
        elif tag == "li":
            self._mark = self._next_mark()
        elif tag in ("td", "th") and self._text.strip():
            self._text += "; "
        elif tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self._text)))

    def handle_endtag(self, tag: str) -> None:
        if self._left_out:
            if tag == self._left_out[-1]:
                self._left_out.pop()
            return
        if tag == self._into:
            self._into = ""
        if tag == "a" and self._links:
            address, begun = self._links.pop()
            if begun <= len(self._text) and not self._into:
                self._text = self._text[:begun] + _spaced(self._text[begun:], address)
        if tag in _BLOCKS:
            self.end_block()
        if tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        if tag == "li":
            self._mark = ""

    def handle_data(self, data: str) -> None:
        if self._left_out:
            return
        if self._into == "title":
            self.title += data
        elif self._into == "h1":
            self.heading += data
        else:
            if not self._text.strip():
                before = data[: len(data) - len(data.lstrip())]
                self._line = self.getpos()[0] + before.count("\n")
            self._text += data

    def end_block(self) -> None:
        text = _in_one_line(self._text)
        if text:
            item = "plain" if self._mark == "- " else "numbered" if self._mark else ""
            self.blocks.append(_Block(self._line, self._mark + text, item))
            self._mark = ""
        self._text = ""
        self._links = [(address, 0) for address, _ in self._links]

    def _next_mark(self) -> str:
        if not self._lists or self._lists[-1] is None:
            return "- "
        number = self._lists[-1]
        self._lists[-1] = number + 1
        return f"{number}. "


def _spaced(text: str, address: str) -> str:
    """The link in place of its text, with the white space around it."""
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :] if text.strip() else ""
    return f"{before}{_link(text, address)}{after}"
