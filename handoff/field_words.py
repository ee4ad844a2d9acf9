"""What a citizen's field is called where operators read it: in the console, in the audit log."""

# A field of an appeal (api.md, "expects"), or a kind of what is found in texts (core/finding).
FIELDS = {
    "full_name": "ФИО",
    "name": "Имя",
    "snils": "СНИЛС",
    "birth_date": "Дата рождения",
    "birthdate": "Дата рождения",
    "email": "Электронная почта",
    "phone": "Телефон",
    "inn": "ИНН",
    "organisation": "Организация",
    "passport": "Паспорт",
    "card": "Банковская карта",
    "address": "Адрес",
    "consent": "Согласие",
    "reply_channel": "Как ответить",
    "category": "Тема",
    "problem": "Суть обращения",
    "application_number": "Номер заявления",
    "occurred_at": "Когда случилось",
    "tried": "Что уже пробовали",
    "earlier_appeal": "Называет прежнее обращение",
}


def field_words(name: str) -> str:
    """«Телефон», «Телефон 2» for "phone1", "phone2", as words.js says it; what has no words stays."""
    stem = name.rstrip("0123456789")
    number = name.removeprefix(stem)
    words = FIELDS.get(stem.removesuffix("_"))
    if words is None:
        return name
    return words if number in ("", "1") else f"{words} {number}"
