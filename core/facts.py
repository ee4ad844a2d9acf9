"""The desk's configured facts, which stand in texts as ``[[name]]`` so that they cannot drift from the settings."""

import re
from collections.abc import Callable

from core.settings import Settings
from core.words import plural

MB = 1024 * 1024


def _hours(count: int) -> str:
    return plural(count, "час", "часа", "часов")


def _days(count: int) -> str:
    return plural(count, "день", "дня", "дней")


def _working_days(count: int) -> str:
    return plural(count, "рабочий день", "рабочих дня", "рабочих дней")


def _size(count: int) -> str:
    return f"{count / MB:g} МБ".replace(".", ",")


_FACTS: dict[str, Callable[[Settings], str]] = {
    "service_name": lambda s: s.service_name,
    "portal_url": lambda s: s.portal_url,
    "help_url": lambda s: f"{s.public_url.rstrip('/')}/help",
    "official_email": lambda s: s.official_email,
    "hotline": lambda s: s.hotline,
    "consent_version": lambda s: s.consent_version,
    "working_hours": lambda s: f"{s.work_starts}–{s.work_ends}",
    "due_simple": lambda s: _hours(s.due_simple_hours),
    "due_complex": lambda s: _working_days(s.due_complex_days),
    "due_urgent": lambda s: _hours(s.due_urgent_hours),
    "due_urgent_confirmed": lambda s: _hours(s.due_urgent_confirmed_hours),
    "due_complaint": lambda s: _working_days(s.due_complaint_days),
    "due_expedited_check": lambda s: _working_days(s.due_expedited_check_days),
    "due_expedited": lambda s: _hours(s.due_expedited_hours),
    "reopen_days": lambda s: _days(s.reopen_days),
    "keep_conversation": lambda s: _days(s.keep_conversation_days),
    "keep_appeal": lambda s: _days(s.keep_appeal_days),
    "keep_attachment": lambda s: _days(s.keep_attachment_days),
    "keep_withdrawn": lambda s: _days(s.keep_withdrawn_days),
    "keep_export": lambda s: _hours(s.keep_export_hours),
    "max_picture": lambda s: _size(s.max_picture_bytes),
    "max_document": lambda s: _size(s.max_document_bytes),
    "max_letter": lambda s: _size(s.max_message_bytes),
}
NAMES = frozenset(_FACTS)
PLACEHOLDER = re.compile(r"\[\[([a-z_]+)\]\]")


def fill(text: str, settings: Settings) -> str:
    """``text`` with every known ``[[name]]`` replaced; an unknown one stays as it is (tests keep our own texts free of them)."""
    return PLACEHOLDER.sub(lambda found: _FACTS[found[1]](settings) if found[1] in _FACTS else found[0], text)


def size_words(count: int) -> str:
    """A size in bytes as a person reads it: «5 МБ»."""
    return _size(count)
