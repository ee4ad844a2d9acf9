"""What the shipped articles must hold: enough of them, no alias twice, nothing that drifts, no link that leads away."""

import re
from collections import Counter
from math import ceil

import pytest

from core.facts import NAMES, fill
from core.models import Article
from core.settings import Settings
from knowledge_base.sections import sections
from knowledge_base.words import normalise

MOST_ALIKE = 0.8  # of all character 3-grams of two phrasings

# One article at least for each part of what the service promises (S1–S20).
PROMISES = {
    "S1": "chat-bot",
    "S2": "call-operator",
    "S3": "notices",
    "S4": "rate-support",
    "S5": "chat-to-email",
    "S6": "official-mailbox",
    "S7": "feedback-form",
    "S8": "hotline",
    "S9": "mobile-history",
    "S10": "help-section",
    "S11": "personal-data-processing",
    "S12": "describe-problem",
    "S13": "screenshot",
    "S14": "deadlines",
    "S15": "expedited-review",
    "S16": "repeat-appeal",
    "S17": "higher-instance",
    "S18": "no-answer-in-time",
    "S19": "official-address",
    "S20": "nothing-helps",
}

APPEAL_NUMBER = re.compile(r"[А-Я]{2}-\d{4}-\d{6}-\d")
PHONE = re.compile(r"(?:\+7|\b[78])[\s(-]*\d{3}\b|\b\d{2,3}[ -]\d{2}[ -]\d{2}\b|\d{6,}")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w+")
DOMAIN = re.compile(r"(?<![\w.@-])(?:[\w-]+\.)+(?:ru|рф|su|com|org|net|info|me|io)\b", re.IGNORECASE)
LINK = re.compile(r"https?://([^/\s)»]*)", re.IGNORECASE)
MARKDOWN_LINK = re.compile(r"\]\(([^)]*)\)")
PATH = re.compile(r"(?<![\w/:.\]])/[a-z][\w/-]*", re.ASCII)
# A figure with a unit is a term, a fee or a limit: the desk's stand in settings.toml, the world's on the portal's own pages.
MEASURE = re.compile(
    r"\d+(?:-\w+)?[\s ]*(?:(?:рабоч|календарн)\w+ )?(?:минут|час|сут|дн[еяю]|день|недел|месяц|руб|коп|₽|%|[КМГ]Б)", re.IGNORECASE
)

HERE_IN_THE_CHAT = re.compile(r"(?:здесь|сюда|тут),? в чат", re.IGNORECASE)
TYPED_BADLY = re.compile(r'"|\.\.\.|\S - | {2}')
LIST_WITHOUT_GAP = re.compile(r"^(?!- |\d+\. )[^\n]+\n(?:- |1\. )", re.MULTILINE)


def test_there_are_enough_articles_and_sections(articles: list[Article]) -> None:
    assert len(articles) > 200  # README says so
    assert len({article.section for article in articles}) >= 15


def test_each_section_has_an_article(articles: list[Article]) -> None:
    assert set(sections()) - {article.section for article in articles} == set()


def test_each_promise_has_an_article(articles: list[Article]) -> None:
    slugs = {article.slug for article in articles}
    assert {promise: slug for promise, slug in PROMISES.items() if slug not in slugs} == {}


def test_lengths(articles: list[Article]) -> None:
    assert [(a.slug, len(a.text)) for a in articles if not 200 <= len(a.text) <= 1800] == []


def test_titles_are_unique(articles: list[Article]) -> None:
    titles = Counter(normalise(article.title) for article in articles)
    assert [title for title, count in titles.items() if count > 1] == []


def test_each_article_has_enough_aliases(articles: list[Article]) -> None:
    assert [(article.slug, len(article.aliases)) for article in articles if len(article.aliases) < 10] == []


def test_no_phrasing_is_nearly_another(articles: list[Article]) -> None:
    """Aliases and titles, of one article and of any two: a twin adds nothing, or leads to the wrong one."""
    phrasings = [(article.slug, words, _trigrams(words)) for article in articles for words in (article.title, *article.aliases)]
    frequency = Counter(gram for _, _, grams in phrasings for gram in grams)
    seen: dict[str, list[int]] = {}
    near = []
    for at, (slug, words, grams) in enumerate(phrasings):
        # Two sets that share more than MOST_ALIKE share one of their rarest grams: only those pairs are compared.
        rarest = sorted(grams, key=lambda gram: (frequency[gram], gram))[: len(grams) - ceil(MOST_ALIKE * len(grams)) + 1]
        for other in sorted({other for gram in rarest for other in seen.get(gram, ())}):
            other_slug, twin, others = phrasings[other]
            if len(grams & others) > MOST_ALIKE * len(grams | others):
                near.append((other_slug, twin, slug, words))
        for gram in rarest:
            seen.setdefault(gram, []).append(at)
    assert near == []


def test_what_to_read_next_exists(articles: list[Article]) -> None:
    slugs = {article.slug for article in articles}
    wrong = [(a.slug, slug) for a in articles for slug in a.related if slug not in slugs or slug == a.slug or a.related.count(slug) > 1]
    assert wrong == []
    assert [(article.slug, len(article.related)) for article in articles if not 2 <= len(article.related) <= 4] == []


def test_each_article_can_be_reached_from_another(articles: list[Article]) -> None:
    assert {article.slug for article in articles} - {slug for article in articles for slug in article.related} == set()


def test_texts_hold_on_a_help_page_too(articles: list[Article]) -> None:
    """Articles are read in the chat and on the pages of the help, where «здесь, в чате» is not true."""
    assert [(a.slug, found[0]) for a in articles for found in HERE_IN_THE_CHAT.finditer(a.text)] == []


def test_typography(articles: list[Article]) -> None:
    assert [(a.slug, found[0]) for a in articles for found in TYPED_BADLY.finditer(f"{a.title}\n{a.text}")] == []
    assert [(a.slug, found[0]) for a in articles for found in LIST_WITHOUT_GAP.finditer(a.text)] == []


def test_placeholders_are_known_facts(articles: list[Article]) -> None:
    found = [(a.slug, name) for a in articles for name in re.findall(r"\[\[(.*?)\]\]", f"{a.title}\n{a.text}")]
    assert [(slug, name) for slug, name in found if name not in NAMES] == []
    assert [(a.slug, alias) for a in articles for alias in a.aliases if "[[" in alias] == []


def test_facts_of_the_desk_are_placeholders(articles: list[Article], shipped: Settings) -> None:
    facts = {fill(f"[[{name}]]", shipped) for name in NAMES - {"service_name"}}
    facts |= {f"«{shipped.service_name}»", shipped.work_starts, shipped.work_ends}
    assert [(a.slug, fact) for a in articles for fact in sorted(facts) if fact in f"{a.title}\n{a.text}"] == []


def test_terms_fees_and_limits_are_no_literals(articles: list[Article]) -> None:
    assert [(a.slug, found[0]) for a in articles for found in MEASURE.finditer(f"{a.title}\n{a.text}")] == []


def test_phones_and_addresses_are_no_literals(articles: list[Article]) -> None:
    texts = [(a.slug, APPEAL_NUMBER.sub("", "\n".join((a.title, a.text, *a.aliases)))) for a in articles]
    assert [(slug, found[0]) for slug, text in texts for found in PHONE.finditer(text)] == []
    assert [(slug, found[0]) for slug, text in texts for found in EMAIL.finditer(text)] == []


def test_links_lead_to_official_domains_or_our_own_pages(articles: list[Article], shipped: Settings) -> None:
    own = {"/", "/appeals", "/help", *(f"/help/{a.slug}" for a in articles), *(f"/help/sections/{slug}" for slug in sections())}
    hosts = [(a.slug, found.lower()) for a in articles for found in (*LINK.findall(a.text), *DOMAIN.findall(a.text))]
    assert [(slug, host) for slug, host in hosts if not _is_official(host, shipped)] == []
    paths = [(a.slug, path) for a in articles for path in PATH.findall(a.text)]
    assert [(slug, path) for slug, path in paths if path not in own] == []
    targets = [(a.slug, target) for a in articles for target in MARKDOWN_LINK.findall(a.text)]
    assert [pair for pair in targets if pair[1] not in own and not pair[1].startswith(("https://", "[[portal_url]]"))] == []


@pytest.mark.parametrize(
    ("pattern", "found", "left"),
    [
        (PHONE, ["8 800 555-35-35", "+7 (495) 123", "88005553535", "123-45-67"], ["11 цифр", "152-ФЗ", "2026", "24"]),
        (MEASURE, ["24 часа", "30 дней", "3 рабочих дня", "10 МБ", "500 руб", "30 %", "5 минут"], ["12 цифр", "14 лет", "2026 году"]),
        (DOMAIN, ["gosuslugi.ru", "www.mail.ru", "мвд.рф"], ["справка.pdf", "а. Я ", "т.е."]),
        (HERE_IN_THE_CHAT, ["напишите здесь, в чате, номер", "пишите сюда, в чат"], ["напишите в чате номер", "портал находится здесь"]),
        (TYPED_BADLY, ['"Попробуйте позже"', "портал - это", "два  пробела", "и..."], ["„Жду“", "список:\n\n- один\n- два", "кто-то"]),
        (LIST_WITHOUT_GAP, ["Сначала:\n1. Войдите.", "Потом:\n- ждите"], ["Сначала:\n\n1. Войдите.\n2. Ждите.", "- один\n- два"]),
        (PATH, ["/appeals", "(/help/sections/account)"], ["и/или", "https://portal.example.ru/help", "24/7"]),
    ],
)
def test_what_the_patterns_find(pattern: re.Pattern[str], found: list[str], left: list[str]) -> None:
    assert [text for text in found if not pattern.search(text)] == []
    assert [text for text in left if pattern.search(text)] == []


def _is_official(host: str, settings: Settings) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in settings.official_domains)


def _trigrams(text: str) -> set[str]:
    text = f" {normalise(text)} "
    return {text[at : at + 3] for at in range(len(text) - 2)}
