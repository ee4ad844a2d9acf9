"""The articles as a folder of files, in the seed's format: importing them again changes nothing."""

from pathlib import Path

from core.models import Article
from knowledge_base.front_matter import format_article


def write_folder(articles: list[Article], folder: Path) -> int:
    """Writes what differs from the files there. Files that are no article's stay. Returns how many were written. OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for article in articles:
        file, content = folder / f"{article.slug}.md", format_article(article).encode()
        if not file.is_file() or file.read_bytes() != content:
            fresh = folder / f".{article.slug}.md.new"
            fresh.write_bytes(content)
            fresh.replace(file)
            written += 1
    return written
