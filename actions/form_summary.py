"""What an appeal's form holds, as the citizen looks it through before it is sent."""

from typing import Any

from actions.form_answers import SKIPPED
from core.models import AppealKind

_KIND_WORDS = {
    AppealKind.COMPLEX: "техническая проблема",
    AppealKind.SIMPLE: "вопрос",
    AppealKind.SUGGESTION: "предложение",
    AppealKind.COMPLAINT: "жалоба",
    AppealKind.URGENT: "срочное: нет доступа или сбой",
}
_CHARACTERS = 600  # of a text that is shown whole
# A field → the button that changes it.
CORRECTIONS = {
    "category": "Вид",
    "full_name": "Имя",
    "snils": "СНИЛС",
    "birth_date": "Дата рождения",
    "reply_channel": "Способ ответа",
    "problem": "Описание",
    "application_number": "Номер заявления",
    "occurred_at": "Когда случилось",
    "tried": "Что пробовали",
    "screenshots": "Приложить ещё файлы",
}


def summary(slots: dict[str, Any]) -> str:
    """Lines, with tokens in place of what is personal."""
    by_letter = slots["reply_channel"] == "email"
    files = len(slots["files"] or [])
    lines = {
        "Вид": _KIND_WORDS[AppealKind(slots["category"])],
        "Имя": slots["full_name"],
        "СНИЛС": slots["snils"],
        "Дата рождения": slots["birth_date"],
        "Ответить": f"письмом на {slots['email']}" if by_letter else f"по телефону {slots['phone']}",
        "Что случилось": _shortened(slots["problem"]),
        "Номер заявления": slots["application_number"],
        "Когда": slots["occurred_at"],
        "Что пробовали": _shortened(slots["tried"] or SKIPPED),
        "Файлы": f"приложено: {files}" if files else "нет",
    }
    earlier = slots["appeal_number"] or slots["first_date"]
    if earlier:
        lines |= {"Прежнее обращение": earlier}
    return "\n".join(f"{title}: {value or 'не указано'}" for title, value in lines.items())


def _shortened(text: str) -> str:
    return text if len(text) <= _CHARACTERS else text[:_CHARACTERS].rsplit(" ", 1)[0] + "…"
