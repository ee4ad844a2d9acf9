"""An article as some file gives it, before anybody has checked what it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from knowledge_base.content import Content, Fault

MOST_BYTES = 1024 * 1024  # of a file that holds one article


class ArticleError(Exception):
    """An article's file is broken; the text is one line, ``file:line: what is wrong``."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}:{line}: {problem}")
        self.path, self.line, self.problem = path, line, problem


@dataclass(frozen=True)
class Candidate:
    """None: the file does not tell.

    ``line``: where in the file the article begins. ``lines``: a field → the line of each of its lines, of a list its items.
    """

    file: Path
    line: int
    slug: str
    title: str
    text: str
    section: str | None = None
    aliases: tuple[str, ...] | None = None
    related: tuple[str, ...] | None = None
    published: bool | None = None
    updated: date | None = None
    lines: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def content(self, stored: Content | None = None, section: str = "", published: bool | None = None) -> Content:
        """Tidied. What the file does not tell is as ``stored``; a new article is in ``section`` then, and published.

        ``published``: whether a new article is, whatever the file tells.
        """
        base = stored or Content("", section, "")
        if published is None or stored is not None:
            published = base.published if self.published is None else self.published
        return Content(
            title=self.title,
            section=base.section if self.section is None else self.section,
            text=self.text,
            aliases=base.aliases if self.aliases is None else self.aliases,
            related=base.related if self.related is None else self.related,
            published=published,
        ).tidied()

    def error(self, fault: Fault) -> ArticleError:
        lines = self.lines.get(fault.field)
        return ArticleError(self.file, lines[min(fault.line, len(lines)) - 1] if lines else self.line, fault.message)


def read_text(file: Path, most_bytes: int | None = MOST_BYTES) -> str:
    """A text file, with lines that end in one way. Raises ArticleError, as for one that is larger than ``most_bytes``."""
    try:
        text = read_bytes(file, most_bytes).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ArticleError(file, error.object.count(b"\n", 0, error.start) + 1, "the file is not UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_bytes(file: Path, most_bytes: int | None = MOST_BYTES) -> bytes:
    """Raises ArticleError."""
    try:
        if most_bytes is not None and file.stat().st_size > most_bytes:
            raise ArticleError(file, 1, f"the file is larger than {most_bytes:,} bytes")
        return file.read_bytes()
    except OSError as error:
        raise ArticleError(file, 0, f"the file cannot be read: {error.strerror}") from None
