"""Articles: read from the seed folder, put into an empty database, taken out of it again."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.models import Article, ArticleRevision, now
from core.words import say
from knowledge_base.sections import sections

REQUIRED = ("slug", "title", "section", "aliases", "updated")
FIELDS = (*REQUIRED, "related")
SEED = "seed"  # the author of what came from the seed folder
_FENCE = "---"


class ArticleError(Exception):
    """An article's file is broken; the text is one line, ``file:line: what is wrong``."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}:{line}: {problem}")
        self.path, self.line, self.problem = path, line, problem


def read_folder(path: Path) -> list[Article]:
    """All ``*.md`` of one folder as transient rows, ordered by slug. Raises ArticleError at the first broken file."""
    if not path.is_dir():
        raise ArticleError(path, 0, "there is no such folder of articles")
    articles: dict[str, tuple[Article, Path]] = {}
    for file in sorted(path.glob("*.md")):
        article, slug_line = _read(file)
        if article.slug in articles:
            raise ArticleError(file, slug_line, f"slug {article.slug!r} is taken by {articles[article.slug][1].name}")
        if article.slug != file.stem:
            raise ArticleError(file, slug_line, f"slug {article.slug!r} differs from the file's name {file.stem!r}")
        articles[article.slug] = (article, file)
    return [article for article, _ in articles.values()]


def seed(session: Session, articles: list[Article]) -> int:
    """Puts the articles into the table if it is empty: edits are never overwritten. Returns how many; the caller commits."""
    if session.scalar(select(func.count()).select_from(Article)):
        return 0
    session.add_all(articles)
    session.flush()
    for article in articles:
        record(session, article, SEED, say("article_seeded"), now())
    return len(articles)


def record(session: Session, article: Article, author: str, reason: str, at: datetime) -> ArticleRevision:
    """Keeps what a stored article is now under its revision's number."""
    written = ArticleRevision(
        slug=article.slug,
        number=article.revision,
        title=article.title,
        section=article.section,
        aliases=list(article.aliases),
        related=list(article.related),
        text=article.text,
        published=article.published,
        author=author,
        reason=reason,
        created_at=at,
    )
    session.add(written)
    session.flush()
    return written


def stored(session: Session) -> list[Article]:
    """The desk's articles, drafts too, ordered by slug."""
    return list(session.scalars(select(Article).order_by(Article.slug)))


def published(session: Session) -> list[Article]:
    """What citizens may read, ordered by slug."""
    return list(session.scalars(select(Article).where(Article.published).order_by(Article.slug)))


def _read(file: Path) -> tuple[Article, int]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise ArticleError(file, 1, "the file is not UTF-8") from None
    if not lines or lines[0].strip() != _FENCE:
        raise ArticleError(file, 1, "front matter must begin with a line ---")
    end = next((number for number, line in enumerate(lines[1:], 1) if line.strip() == _FENCE), None)
    if end is None:
        raise ArticleError(file, len(lines), "front matter is not closed by a line ---")
    fields, at = _front_matter(file, "\n".join(lines[1:end]))
    for name in REQUIRED:
        if fields.get(name) in (None, "", []):
            raise ArticleError(file, at.get(name, end + 1), f"field {name!r} is missing")
    for name in ("slug", "title", "section"):
        if not isinstance(fields[name], str):
            raise ArticleError(file, at[name], f"field {name!r} must be text")
    if fields["section"] not in sections():
        raise ArticleError(file, at["section"], f"there is no section {fields['section']!r}; known are {', '.join(sections())}")
    aliases, related = fields["aliases"], fields.get("related", [])
    if not isinstance(aliases, list) or not all(isinstance(alias, str) and alias.strip() for alias in aliases):
        raise ArticleError(file, at["aliases"], "field 'aliases' must be a list of texts (quote one that holds ': ')")
    if not isinstance(related, list) or not all(isinstance(slug, str) for slug in related):
        raise ArticleError(file, at["related"], "field 'related' must be a list of slugs")
    if type(fields["updated"]) is not date:
        raise ArticleError(file, at["updated"], "field 'updated' must be a date, YYYY-MM-DD")
    text = "\n".join(lines[end + 1 :]).strip()
    if not text:
        raise ArticleError(file, len(lines), "the article has no text")
    return Article(**{name: fields[name] for name in REQUIRED}, related=related, text=text), at["slug"]


def _front_matter(file: Path, source: str) -> tuple[dict[str, Any], dict[str, int]]:
    """The fields and the line of each, counted in the whole file from 1."""
    try:
        node = yaml.compose(source, Loader=yaml.SafeLoader)
        fields = yaml.safe_load(source)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 2
        raise ArticleError(file, line, f"bad YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:  # a control character, a date such as 2026-13-40
        raise ArticleError(file, 2, f"bad YAML: {' '.join(str(error).split())}") from None
    if not isinstance(node, yaml.MappingNode) or not isinstance(fields, dict):
        raise ArticleError(file, 2, "front matter must be a list of 'field: value'")
    at = {str(key.value): key.start_mark.line + 2 for key, _ in node.value}
    for name in fields:
        if name not in FIELDS:
            raise ArticleError(file, at.get(str(name), 2), f"unknown field {str(name)!r}; known are {', '.join(FIELDS)}")
    return fields, at
