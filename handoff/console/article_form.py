"""The form of an article: what was typed in it, kept as it was typed."""

from dataclasses import dataclass, field

from fastapi import Request

from core.errors import Problem
from core.models import Article
from knowledge_base.content import Content, Fault
from knowledge_base.slugs import slug_of

_MOST_FIELDS = 20
_SHOWN_FAULTS = 5  # of a field


@dataclass
class Typed:
    """One string for each field. ``based_on``: the revision that the page showed."""

    slug: str = ""
    title: str = ""
    section: str = ""
    text: str = ""
    aliases: str = ""
    related: str = ""
    published: bool = True
    reason: str = ""
    based_on: int = 0
    token: str = ""
    errors: dict[str, list[str]] = field(default_factory=dict)  # a field's name → what is wrong with it

    @classmethod
    def of(cls, article: Article) -> "Typed":
        return cls(
            slug=article.slug,
            title=article.title,
            section=article.section,
            text=article.text,
            aliases="\n".join(article.aliases),
            related="\n".join(article.related),
            published=article.published,
            based_on=article.revision,
        )

    @classmethod
    async def read(cls, request: Request) -> "Typed":
        """What the posted form holds; a field that is missing is empty. Problem 400."""
        async with request.form(max_files=0, max_fields=_MOST_FIELDS) as form:
            given = {name: value for name, value in form.items() if isinstance(value, str)}
        based_on = given.get("based_on", "")
        return cls(
            slug=given.get("slug", ""),
            title=given.get("title", ""),
            section=given.get("section", ""),
            text=given.get("text", ""),
            aliases=given.get("aliases", ""),
            related=given.get("related", ""),
            reason=given.get("reason", ""),
            token=given.get("token", ""),
            published="published" in given,
            based_on=int(based_on) if based_on.isascii() and based_on.isdecimal() and len(based_on) < 10 else 0,
        )

    @property
    def content(self) -> Content:
        return Content(
            title=self.title,
            section=self.section,
            text=self.text,
            aliases=tuple(self.aliases.splitlines()),
            related=tuple(self.related.split()),
            published=self.published,
        )

    @property
    def wanted_slug(self) -> str:
        """What was typed, or what follows from the title."""
        return self.slug.strip() or slug_of(self.title)

    def refuse(self, faults: list[Fault]) -> None:
        for fault in faults:
            messages = self.errors.setdefault(fault.field, [])
            if fault.message not in messages and len(messages) < _SHOWN_FAULTS:
                messages.append(fault.message)

    def refuse_whole(self, problem: Problem | str) -> None:
        """For what is wrong with no single field."""
        self.errors.setdefault("", []).append(problem if isinstance(problem, str) else problem.detail)
