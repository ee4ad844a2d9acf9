"""The error message among the words of a screen, to be searched for as a question is."""

import re

_MOST_CHARACTERS = 300
_FEW_WORDS = 3  # a heading like «Ошибка» or «Сбой»: what it is about follows

_SIGNS = re.compile(
    r"ошибк|\bсбо[йяе]|не уда[лё]|невозможно|недоступ|не доступ|не работает|неверн|неправильн|некорректн|недейств|не найден"
    r"|не прош[ёел]|не пройден|не заполнен|не поддерживает|не отвеча|отклон[её]н|отказано|заблокирован|превышен|ист[её]к"
    r"|устарел|прерван|слишком (?:много|больш)|пошло не так|попробуйте|повторите (?:попытку|позже)|временно"
    r"|нет (?:доступа|соединения|доступных|связи)"
    r"|\berror|\bfail|\bdenied|\bforbidden|not found|unavailable|timed? ?out|bad gateway|\binvalid|\bexpired|try again"
    r"|\b[A-ZА-Я]{2,}[-_]\d{3,}|\b(?:код\w*|code|http)\W{0,3}[45]\d\d\b",
    re.IGNORECASE,
)
# What stands on pages without any error.
_NO_SIGNS = re.compile(r"сообщит\w* об ошибке|наш[её]?л\w* ошибку|забыл\w* пароль", re.IGNORECASE)
# Of dialogs: no part of what they say.
_BUTTONS = re.compile(
    r"(?:\W*\b(?:закрыть|отмена|отменить|ок|понятно|повторить|обновить|назад|далее|close|cancel|ok|retry)\b)+\W*", re.IGNORECASE
)


def find_error(text: str) -> str | None:
    """The likely error message of a screen's ``text`` (paragraphs apart by empty lines), in one line; None where nothing looks like one."""
    paragraphs = [" ".join(line for line in paragraph.split("\n") if not _BUTTONS.fullmatch(line)) for paragraph in text.split("\n\n")]
    paragraphs = [paragraph for paragraph in paragraphs if paragraph] or [""]
    strengths = [_strength(paragraph) for paragraph in paragraphs]
    best = max(range(len(paragraphs)), key=strengths.__getitem__)
    if not strengths[best]:
        return None
    first = last = best
    while first and strengths[first - 1]:
        first -= 1
    while last + 1 < len(paragraphs) and (strengths[last + 1] or _is_heading(paragraphs[first : last + 1])):
        last += 1
    return shorten(" ".join(_ended(paragraph) for paragraph in paragraphs[first : last + 1]), _MOST_CHARACTERS)


def shorten(message: str, characters: int) -> str:
    """At most that long, cut between words."""
    return message if len(message) <= characters else message[:characters].rsplit(" ", 1)[0].rstrip(" ,;:.") + "…"


def _strength(paragraph: str) -> int:
    return len(set(_SIGNS.findall(_NO_SIGNS.sub("", paragraph).lower())))


def _is_heading(paragraphs: list[str]) -> bool:
    return len(re.findall(r"[^\W\d_]{2,}", " ".join(paragraphs))) <= _FEW_WORDS


def _ended(paragraph: str) -> str:
    return paragraph if paragraph[-1:] in ".!?…:;," else f"{paragraph}."
