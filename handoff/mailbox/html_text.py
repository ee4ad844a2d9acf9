"""A letter that has HTML only, as plain text: blocks are lines, quotations are marked as programs mark them in plain text."""

import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    {"address", "article", "div", "dd", "dl", "dt", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"}
) | frozenset({"hr", "li", "ol", "p", "pre", "section", "table", "tr", "ul"})
_SILENT = frozenset({"script", "style", "head", "title", "template", "noscript", "select", "svg", "math"})
_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_DECLARATION = re.compile(r"<[!?][^<>]{0,500}>?")
_NO_TAG = re.compile(r"<(?![^<>]*>)")
_DEEPEST = 50  # of quotations in each other
_MOST_CHARACTERS = 300_000  # the parser's time may grow with the square


def html_to_text(html: str) -> str:
    """What a reader would see. Never raises; empty only where there is no text."""
    reader = _Reader()
    markup = _DECLARATION.sub("", _without_comments(html[:_MOST_CHARACTERS]))
    reader.feed(_NO_TAG.sub("&lt;", markup))
    reader.close()
    return reader.text()


def _without_comments(html: str) -> str:
    """What Outlook hides from other programs, among others. The parser breaks on comments and declarations that never end."""
    parts: list[str] = []
    end = 0
    while (start := html.find("<!--", end)) >= 0 and (close := html.find("-->", start)) >= 0:
        parts.append(html[end:start])
        end = close + len("-->")
    return "".join([*parts, html[end:]])


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        self._quoted = 0
        self._silent: list[str] = []  # elements that are open and whose text nobody sees

    def text(self) -> str:
        self._end_line()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self._lines)).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._silent:
            if tag == self._silent[-1]:
                self._silent.append(tag)
            return
        given = dict(attrs)
        hidden = _HIDDEN.search(given.get("style") or "") is not None
        if (tag in _SILENT or hidden) and tag not in _VOID:
            self._silent.append(tag)
            return
        if tag == "br" or tag in _BLOCKS:
            self._end_line()
        if tag == "p":
            self._end_paragraph()
        if tag in ("td", "th") and self._line:
            self._line.append(" ")
        if tag == "li":
            self._line.append("- ")
        if tag == "blockquote":
            self._end_line()
            self._quoted = min(self._quoted + 1, _DEEPEST)

    def handle_endtag(self, tag: str) -> None:
        if self._silent:
            # What was never closed ends with the head at the latest: a letter without an end tag is not a silent one.
            if tag == self._silent[-1]:
                self._silent.pop()
            elif tag in ("head", "body", "html"):
                self._silent.clear()
            return
        if tag in _BLOCKS:
            self._end_line()
        if tag == "p":
            self._end_paragraph()
        if tag == "blockquote":
            self._end_line()
            self._quoted = max(self._quoted - 1, 0)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._line.append(data)

    def _end_line(self) -> None:
        line = " ".join("".join(self._line).split())
        self._line.clear()
        if line:
            self._lines.append(f"{'>' * self._quoted} {line}" if self._quoted else line)

    def _end_paragraph(self) -> None:
        if self._lines and self._lines[-1].strip("> "):
            self._lines.append(">" * self._quoted)
