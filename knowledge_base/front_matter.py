"""The seed's format, Markdown with front matter: read, and written so that reading it again gives the same."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from core.models import Article
from knowledge_base.candidate import ArticleError, Candidate

REQUIRED = ("slug", "title", "section", "updated")
FIELDS = (*REQUIRED, "aliases", "related", "draft")
_FENCE = "---"
_UNREADABLE = re.compile("[\x7f-\x9f\ufeff\ufffe\uffff]")  # to YAML, unless escaped


def has_front_matter(source: str) -> bool:
    return source.split("\n", 1)[0].strip() == _FENCE


def parse(file: Path, source: str, required: tuple[str, ...] = REQUIRED) -> Candidate:
    """``source``: what the file holds. A field may be missing unless it is ``required``; slug and title are empty then. ArticleError."""
    lines = source.split("\n")
    if not has_front_matter(source):
        raise ArticleError(file, 1, "front matter must begin with a line ---")
    end = next((number for number, line in enumerate(lines[1:], 1) if line.strip() == _FENCE), None)
    if end is None:
        raise ArticleError(file, len(lines), "front matter is not closed by a line ---")
    fields, at = _fields(file, "\n".join(lines[1:end]))
    for name in required:
        if fields.get(name) in (None, ""):
            raise ArticleError(file, at.get(name, [end + 1])[0], f"field {name!r} is missing")
    for name in ("slug", "title", "section"):
        if not isinstance(fields.get(name, ""), str):
            raise ArticleError(file, at[name][0], f"field {name!r} must be text")
    for name, of_what in (("aliases", "texts (quote one that holds ': ')"), ("related", "slugs")):
        values = fields.get(name, [])
        if not isinstance(values, list) or not all(isinstance(value, str) and value.strip() for value in values):
            raise ArticleError(file, at[name][0], f"field {name!r} must be a list of {of_what}")
    if "updated" in fields and type(fields["updated"]) is not date:
        raise ArticleError(file, at["updated"][0], "field 'updated' must be a date, YYYY-MM-DD")
    if not isinstance(fields.get("draft", False), bool):
        raise ArticleError(file, at["draft"][0], "field 'draft' must be true or false")
    first = next((number for number, line in enumerate(lines[end + 1 :], end + 1) if line.strip()), None)
    if first is None:
        raise ArticleError(file, len(lines), "the article has no text")
    return Candidate(
        file,
        1,
        slug=fields.get("slug", ""),
        title=fields.get("title", ""),
        text="\n".join(lines[first:]).strip(),
        section=fields.get("section"),
        aliases=tuple(fields["aliases"]) if "aliases" in fields else None,
        related=tuple(fields["related"]) if "related" in fields else None,
        published=not fields["draft"] if "draft" in fields else None,
        updated=fields.get("updated"),
        lines={**at, "text": range(first + 1, len(lines) + 1)},
    )


def format_article(article: Article) -> str:
    """The whole file."""
    lines = [
        _FENCE,
        f"slug: {_scalar(article.slug)}",
        f"title: {_scalar(article.title)}",
        f"section: {_scalar(article.section)}",
        "aliases:" if article.aliases else "aliases: []",
        *(f"  - {_scalar(alias)}" for alias in article.aliases),
    ]
    if article.related:
        lines.append(f"related: [{', '.join(map(_scalar, article.related))}]")
    if not article.published:
        lines.append("draft: true")
    return "\n".join([*lines, f"updated: {article.updated}", _FENCE, article.text, ""])


def _scalar(text: str) -> str:
    """Bare where YAML reads that as the same text, else in double quotes."""
    try:
        is_plain = yaml.safe_load(f"- {text}\n- a: {text}") == [text, {"a": text}]
    except (yaml.YAMLError, ValueError):
        is_plain = False
    if is_plain:
        return text
    return _UNREADABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _fields(file: Path, source: str) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """The fields, and the line of each, of a list its items, counted in the whole file from 1."""
    try:
        node = yaml.compose(source, Loader=yaml.SafeLoader)
        fields = yaml.safe_load(source)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 2
        raise ArticleError(file, line, f"bad YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:  # a control character, a date such as 2026-13-40
        raise ArticleError(file, 2, f"bad YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ArticleError(file, 2, "bad YAML: too deeply nested") from None
    if not isinstance(node, yaml.MappingNode) or not isinstance(fields, dict):
        raise ArticleError(file, 2, "front matter must be a list of 'field: value'")
    at: dict[str, list[int]] = {}
    for key, value in node.value:
        line, name = key.start_mark.line + 2, str(key.value)
        if name in at:
            raise ArticleError(file, line, f"field {name!r} is there twice")
        if name not in FIELDS:
            raise ArticleError(file, line, f"unknown field {name!r}; known are {', '.join(FIELDS)}")
        items = [item.start_mark.line + 2 for item in value.value] if isinstance(value, yaml.SequenceNode) else []
        at[name] = items or [line]
    return fields, at
