"""Articles from files of others: CSV, JSONL in BEIR's layout, Markdown, HTML, or a folder of the last two."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from knowledge_base.candidate import MOST_BYTES, ArticleError, Candidate, read_bytes, read_text
from knowledge_base.content import SLUG_CHARACTERS
from knowledge_base.front_matter import has_front_matter, parse
from knowledge_base.plain_text import PlainText, from_html, from_markdown
from knowledge_base.slugs import slug_of

Read = Iterator[Candidate | ArticleError]

_COLUMNS = ("slug", "title", "section", "text", "aliases", "related")
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w-]{1,40})", re.IGNORECASE)
_HEAD_BYTES = 4096


def read(path: Path) -> Read:
    """What the file or folder holds, in its order: an article, or why one is refused. Raises ArticleError if nothing can be read at all."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in _ONE_ARTICLE and file.is_file())
        if not files:
            raise ArticleError(path, 0, f"there is no file of an article in this folder: {', '.join(_ONE_ARTICLE)}")
        return (_one(file) for file in files)
    if not path.is_file():
        raise ArticleError(path, 0, "there is no such file or folder")
    if path.suffix.lower() in _ONE_ARTICLE:
        return iter([_one(path)])
    if path.suffix.lower() == ".csv":
        return _csv(path)
    if path.suffix.lower() == ".jsonl":
        return _jsonl(path)
    raise ArticleError(path, 0, f"files of this kind are not read; known are .csv, .jsonl, {', '.join(_ONE_ARTICLE)}")


def _one(file: Path) -> Candidate | ArticleError:
    try:
        return _ONE_ARTICLE[file.suffix.lower()](file)
    except ArticleError as error:
        return error


def _markdown(file: Path) -> Candidate:
    source = read_text(file)
    if has_front_matter(source):
        candidate = parse(file, source, required=("title",))
        return candidate if candidate.slug else _with_slug(candidate, file.stem)
    return _plain(file, from_markdown(source))


def _html(file: Path) -> Candidate:
    content = read_bytes(file)
    try:
        source = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        declared = _CHARSET.search(content[:_HEAD_BYTES])
        try:
            source = content.decode(declared[1].decode() if declared else "utf-8")
        except (UnicodeDecodeError, LookupError):
            raise ArticleError(file, 1, "the file is neither UTF-8 nor what it declares to be") from None
    return _plain(file, from_html(source))


def _plain(file: Path, found: PlainText) -> Candidate:
    if not found.title:
        raise ArticleError(file, 1, "the article has no title: a heading of the first level, or an HTML title")
    if not found.text:
        raise ArticleError(file, 1, "the article has no text")
    return _with_slug(Candidate(file, 1, "", found.title, found.text, lines={"text": found.lines}), file.stem)


_ONE_ARTICLE = {".md": _markdown, ".markdown": _markdown, ".html": _html, ".htm": _html}


def _csv(file: Path) -> Read:
    csv.field_size_limit(MOST_BYTES)
    source = io.StringIO(read_text(file, None), newline="")
    first = source.readline()
    source.seek(0)
    rows = csv.reader(source, delimiter=max(",;\t", key=first.count), strict=True)
    columns: list[str] = []
    line = 1
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:  # where the next row begins is not known
            yield ArticleError(file, line, f"bad CSV, the rest is not read: {error}")
            return
        if row is None:
            break
        if not columns:
            columns = _columns(file, row)
        elif any(row):
            yield _row(file, line, dict(zip(columns, row, strict=False)), extra=len(row) - len(columns))
        line = rows.line_num + 1
    if not columns:
        raise ArticleError(file, 1, "the file is empty")


def _columns(file: Path, row: list[str]) -> list[str]:
    columns = [name.strip().lower() for name in row]
    for name in columns:
        if name not in _COLUMNS or columns.count(name) > 1:
            raise ArticleError(file, 1, f"column {name!r} is unknown or there twice; known are {', '.join(_COLUMNS)}")
    for name in ("title", "text"):
        if name not in columns:
            raise ArticleError(file, 1, f"column {name!r} is missing")
    return columns


def _row(file: Path, line: int, row: dict[str, str], extra: int) -> Candidate | ArticleError:
    if extra:
        return ArticleError(file, line, f"{abs(extra)} cells {'more' if extra > 0 else 'fewer'} than the first line has")
    candidate = Candidate(
        file,
        line,
        slug=row.get("slug", "").strip(),
        title=row["title"],
        text=row["text"],
        section=row.get("section", "").strip() or None,
        aliases=tuple(row["aliases"].split("|")) if "aliases" in row else None,
        related=tuple(row["related"].split("|")) if "related" in row else None,
    )
    return candidate if candidate.slug else _with_slug(candidate, "")


def _jsonl(file: Path) -> Read:
    for line, source in enumerate(read_text(file, None).split("\n"), 1):
        if source.strip():
            try:
                yield _record(file, line, json.loads(source))
            except ValueError as error:
                yield ArticleError(file, line, f"bad JSON: {error}")
            except RecursionError:
                yield ArticleError(file, line, "bad JSON: too deeply nested")


def _record(file: Path, line: int, record: Any) -> Candidate | ArticleError:
    """BEIR's ``_id``, ``title`` and ``text``; ``section``, ``aliases`` and ``related`` beside them; what else there is does not count."""
    if not isinstance(record, dict):
        return ArticleError(file, line, "each line must be an object")
    for name in ("title", "text", *(name for name in ("section",) if name in record)):
        if not isinstance(record.get(name), str):
            return ArticleError(file, line, f"field {name!r} must be text")
    for name in ("aliases", "related"):
        values = record.get(name, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            return ArticleError(file, line, f"field {name!r} must be a list of texts")
    candidate = Candidate(
        file,
        line,
        slug="",
        title=record["title"],
        text=record["text"],
        section=record.get("section") or None,
        aliases=tuple(record["aliases"]) if "aliases" in record else None,
        related=tuple(record["related"]) if "related" in record else None,
    )
    return _with_slug(candidate, str(record.get("_id", "")))


def _with_slug(candidate: Candidate, name: str) -> Candidate:
    """The address is ``name`` in an address's letters; without one it follows from the title."""
    return replace(candidate, slug=slug_of(name, SLUG_CHARACTERS) or slug_of(candidate.title))
