"""What editors write in an article, and what is wrong with it, in words for them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from core.facts import NAMES
from core.finding import TOKEN, find_by_form
from core.models import UNSTORABLE, Article, ArticleRevision
from core.settings import Settings
from core.words import say
from knowledge_base.sections import sections

SLUG_CHARACTERS = 100
RESERVED_SLUGS = ("new", "search", "sections")  # pages of the console and of the help section
TITLE_CHARACTERS = 200
TEXT_CHARACTERS = 20_000
MOST_ALIASES = 100
ALIAS_CHARACTERS = 200
MOST_RELATED = 20

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_TAG = re.compile(r"</?[a-z][^<>]*>|<!--|<\s*(?:script|style|iframe)\b", re.IGNORECASE)
_LINK = re.compile(r"\b[a-z][a-z0-9+.-]{0,15}:[/\\]{2}[^\s<>\"«»]+|\bwww\.[^\s<>\"«»]+|\bjavascript:\S+", re.IGNORECASE)
_LINK_TAIL = ".,;:!?)]…"
_PLACEHOLDER = re.compile(r"\[\[([^\[\]\n]{0,60})\]\]")
_MASK = re.compile(r"\*{2,}")
_MASK_IN_TEXT = re.compile(r"\*{4,}|\*{2,3}[-.@][\w*]|\*\*\* \*\*\*")  # two or three stars alone are emphasis
_WORD = re.compile(r"\w+")
_QUOTED = 80  # characters of what is wrong that a message quotes


@dataclass(frozen=True)
class Content:
    """An article's content. ``section`` is a section's slug, ``related`` other articles' slugs; text is plain: paragraphs and lists."""

    title: str
    section: str
    text: str
    aliases: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    published: bool = True

    @classmethod
    def of(cls, row: Article | ArticleRevision) -> "Content":
        return cls(row.title, row.section, row.text, tuple(row.aliases), tuple(row.related), row.published)

    def tidied(self) -> "Content":
        """As it is stored: without needless white space, empty lines of a list and aliases that only repeat another."""
        aliases: dict[str, str] = {}
        for alias in filter(None, map(_in_one_line, self.aliases)):
            aliases.setdefault(likeness(alias), alias)
        lines = [line.rstrip() for line in re.split(r"\r\n|\r|\n", self.text)]
        return replace(
            self,
            title=_in_one_line(self.title),
            section=self.section.strip(),
            text="\n".join(lines).strip(),
            aliases=tuple(aliases.values()),
            related=tuple(dict.fromkeys(filter(None, (slug.strip() for slug in self.related)))),
        )


@dataclass(frozen=True)
class Fault:
    """What is wrong with a field, in words. ``line``: where in the field, from 1; of a list its item."""

    field: str
    message: str
    line: int = 1


def likeness(alias: str) -> str:
    """Equal for aliases that differ in case, ё and punctuation only."""
    return " ".join(_WORD.findall(alias.lower().replace("ё", "е"))) or alias


def slug_faults(slug: str) -> list[Fault]:
    if slug in RESERVED_SLUGS:
        return [Fault("slug", say("article_slug_reserved", slug=slug))]
    good = len(slug) <= SLUG_CHARACTERS and _SLUG.fullmatch(slug)
    return [] if good else [Fault("slug", say("article_slug_wrong", limit=SLUG_CHARACTERS))]


def faults(content: Content, settings: Settings) -> list[Fault]:
    """All that is wrong with a tidied content by itself; editing.py knows what it must not share with other articles."""
    return [
        *_title_faults(content.title, settings),
        *_section_faults(content.section),
        *_text_faults(content.text, settings),
        *alias_faults(content.aliases, settings),
        *_related_faults(content.related),
    ]


def alias_faults(aliases: tuple[str, ...], settings: Settings) -> Iterator[Fault]:
    if len(aliases) > MOST_ALIASES:
        yield Fault("aliases", say("article_aliases_many", limit=MOST_ALIASES, count=len(aliases)))
        return
    for number, alias in enumerate(aliases, 1):
        if len(alias) > ALIAS_CHARACTERS:
            yield Fault("aliases", say("article_alias_long", alias=_short(alias), limit=ALIAS_CHARACTERS), number)
        else:
            yield from (replace(fault, line=number) for fault in _wording_faults("aliases", alias, settings))


def _title_faults(title: str, settings: Settings) -> Iterator[Fault]:
    if not title:
        yield Fault("title", say("article_title_missing"))
    elif len(title) > TITLE_CHARACTERS:
        yield Fault("title", say("article_title_long", limit=TITLE_CHARACTERS, count=len(title)))
    else:
        yield from _wording_faults("title", title, settings)


def _section_faults(section: str) -> Iterator[Fault]:
    known = ", ".join(f"«{one.name}» ({one.slug})" for one in sections().values())  # a form shows names, a file holds slugs
    if not section:
        yield Fault("section", say("article_section_missing", known=known))
    elif section not in sections():
        yield Fault("section", say("article_section_unknown", section=_short(section), known=known))


def _text_faults(text: str, settings: Settings) -> Iterator[Fault]:
    if not text:
        yield Fault("text", say("article_text_missing"))
    elif len(text) > TEXT_CHARACTERS:
        yield Fault("text", say("article_text_long", limit=TEXT_CHARACTERS, count=len(text)))
    else:
        yield from _wording_faults("text", text, settings)


def _related_faults(related: tuple[str, ...]) -> Iterator[Fault]:
    if len(related) > MOST_RELATED:
        yield Fault("related", say("article_related_many", limit=MOST_RELATED, count=len(related)))


def _wording_faults(field: str, text: str, settings: Settings) -> Iterator[Fault]:
    """What no field may hold: markup, links to elsewhere, placeholders that nothing fills, characters that no database keeps."""

    def line(found: re.Match[str]) -> int:
        return text.count("\n", 0, found.start()) + 1

    if broken := UNSTORABLE.search(text):
        yield Fault(field, say("article_characters"), line(broken))
        return
    if tag := _TAG.search(text):  # the first one is enough: it says what all of them are
        yield Fault(field, say("article_markup", tag=_short(tag[0])), line(tag))
    for found in _LINK.finditer(text):
        link = found[0].rstrip(_LINK_TAIL)
        if not _is_official(link, settings):
            domains = ", ".join(settings.official_domains)
            yield Fault(field, say("article_link_foreign", link=_short(link), domains=domains), line(found))
    for found in _PLACEHOLDER.finditer(text):
        if field != "text":  # they are filled in there only
            yield Fault(field, say("article_placeholder_misplaced", name=_short(found[1])), line(found))
        elif found[1] not in NAMES:
            known = ", ".join(sorted(NAMES))
            yield Fault(field, say("article_placeholder_unknown", name=_short(found[1]), known=known), line(found))
    yield from personal_faults(field, text, settings)


def personal_faults(field: str, text: str, settings: Settings) -> Iterator[Fault]:
    """Somebody's numbers and e-mail address, and what the console shows in their place. At most one of each."""
    masked = TOKEN.search(text) or (_MASK_IN_TEXT if field == "text" else _MASK).search(text)
    if masked:
        yield Fault(field, say("article_masked"), text.count("\n", 0, masked.start()) + 1)
    for span in find_by_form(text, settings)[:1]:
        found = _short(text[span.start : span.end])
        yield Fault(field, say("article_personal", found=found), text.count("\n", 0, span.start) + 1)


def _is_official(link: str, settings: Settings) -> bool:
    address = link.replace("\\", "/")  # as browsers read it
    try:
        parts = urlsplit(address if "//" in address else f"https://{address}")
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and settings.is_official(host)


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _short(text: str) -> str:
    line = _in_one_line(UNSTORABLE.sub("", text))
    return line if len(line) <= _QUOTED else f"{line[:_QUOTED]}…"
