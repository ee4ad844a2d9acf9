"""An article's text as HTML: paragraphs, lists, headings, emphasis and links of CommonMark, and no more.

Nothing that is written is read as HTML, and a link leads to an official domain, to our own pages or nowhere.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from core.facts import fill
from core.settings import Settings

_RULES = ("heading", "list", "newline", "escape", "emphasis", "link")
_KEPT = 2048  # texts that need not be rendered again
# Addresses as they stand in a text. Of punctuation at the end nothing belongs to them.
_ADDRESS = re.compile(
    r"""https?://[^\s<>"'«»()\[\]]*[^\s<>"'«»()\[\].,;:!?…’]"""
    r"|(?<![\w/.@:-])/(?:appeals|help)(?:/[\w-]+)*(?![\w/-])"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"
)
_OWN_PATH = re.compile(r"/(?:[\w-]+(?:/[\w-]+)*)?(?:#[\w-]+)?", re.ASCII)
_WEB_ADDRESS = re.compile(r"(https?)://([a-z0-9.-]+)(:[0-9]+)?(?:[/?#][!-~]*)?", re.IGNORECASE)
_SENTENCE = re.compile(r".{20,}?[.!?…](?=\s)")


class ArticleTexts:
    """Texts of articles as citizens read them, with the desk's facts filled in."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._markdown = _Markdown(settings)
        self.html = lru_cache(_KEPT)(self._html)
        self.lead = lru_cache(_KEPT)(self._lead)

    def _html(self, text: str) -> str:
        """Tags of our own around escaped text: safe in a page."""
        return str(self._markdown.render(fill(text, self._settings)))

    def _lead(self, text: str) -> str:
        """The first paragraph in plain words; empty if there is none."""
        tokens = self._markdown.parse(fill(text, self._settings))
        for opening, token in pairwise(tokens):
            if opening.type == "paragraph_open" and token.children:
                return "".join(child.content or " " * child.type.endswith("break") for child in token.children).strip()
        return ""


def first_sentence(lead: str, longest: int) -> str:
    found = _SENTENCE.match(f"{lead} ")
    return shorten(found[0] if found else lead, longest)


def shorten(words: str, longest: int) -> str:
    """``words`` up to ``longest`` characters, cut between two of them."""
    if len(words) <= longest:
        return words
    return words[:longest].rsplit(" ", 1)[0][: longest - 1].rstrip(" ,;:—–-") + "…"


class _Markdown(MarkdownIt):
    def __init__(self, settings: Settings) -> None:
        super().__init__("zero", {"html": False, "breaks": True})
        self.enable(list(_RULES))
        self.core.ruler.push("finish", self._finish)
        self._domains = [self.normalizeLink(f"https://{domain.lower()}").removeprefix("https://") for domain in settings.official_domains]
        self._origins = [_origin(self.normalizeLink(address)) for address in (settings.portal_url, settings.public_url)]
        self._email = settings.official_email

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        """Whether a link may lead there; a link that may not stays as it was typed."""
        if _OWN_PATH.fullmatch(url) or url == f"mailto:{self._email}":
            return True
        found = _WEB_ADDRESS.fullmatch(url)
        if not found:
            return False
        scheme, host = found[1].lower(), found[2].lower()
        is_official = any(host == domain or host.endswith(f".{domain}") for domain in self._domains)
        return (scheme == "https" and is_official) or f"{scheme}://{host}{found[3] or ''}" in self._origins

    def _finish(self, state: StateCore) -> None:
        """Links typed addresses; headings begin below the page's own."""
        for token in state.tokens:
            if token.type in ("heading_open", "heading_close"):
                token.tag = "h2" if token.tag == "h1" else "h3"
            if token.children:
                token.children = list(self._linked(token.children))
                for child in token.children:
                    if child.type == "link_open" and str(child.attrs["href"]).startswith("http"):
                        child.attrs["rel"] = "noopener"

    def _linked(self, tokens: list[Token]) -> Iterator[Token]:
        is_inside = False
        for token in tokens:
            if token.type.startswith("link_"):
                is_inside = token.nesting == 1
            if token.type == "text" and not is_inside:
                yield from self._split(token.content)
            else:
                yield token

    def _split(self, text: str) -> Iterator[Token]:
        end = 0
        for found in _ADDRESS.finditer(text):
            address = self.normalizeLink(f"mailto:{found[0]}" if "@" in found[0] and ":" not in found[0] else found[0])
            if not self.validateLink(address):
                continue
            yield Token("text", "", 0, content=text[end : found.start()])
            yield Token("link_open", "a", 1, attrs={"href": address})
            yield Token("text", "", 0, content=found[0])
            yield Token("link_close", "a", -1)
            end = found.end()
        yield Token("text", "", 0, content=text[end:])


def _origin(address: str) -> str:
    found = _WEB_ADDRESS.match(address)
    return f"{found[1]}://{found[2]}{found[3] or ''}".lower() if found else ""
