"""The sections of the help: their order, their names, their slugs."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

FILE = Path(__file__).with_name("sections.yml")


@dataclass(frozen=True)
class Section:
    slug: str
    name: str


@lru_cache(maxsize=1)
def sections() -> dict[str, Section]:
    """By slug, in the order of the help."""
    found = [Section(**entry) for entry in yaml.safe_load(FILE.read_text(encoding="utf-8"))]
    return {section.slug: section for section in found}


def section_name(slug: str) -> str:
    """What citizens read; the slug itself for a section that is not there any more."""
    return sections()[slug].name if slug in sections() else slug
