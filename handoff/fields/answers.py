"""Yes and no: consent and confirmation."""

import re

from core.settings import Settings
from handoff.fields.fault import FieldFault
from handoff.fields.writing import folded, words_of

_YES = frozenset(
    words_of(
        "да дада даа ага угу ок окей ok okay yes y true on 1 плюс конечно согласен согласна согласны соглашаюсь согласие подтверждаю "
        "подтверждаем верно правильно точно именно принимаю разрешаю разрешено хорошо ладно давайте отправляйте отправить отправляй "
        "отправь отправьте безусловно разумеется естественно договорились годится устраивает так норм"
    )
)
# Words that change nothing in a yes.
_BESIDE_YES = frozenset(
    words_of(
        "я мы все всё так и с на по свое мое наше даю дам моих своих персональных личных данных данные обработку обработка обработкой "
        "хранение условиями условия политикой этим это полностью совершенно абсолютно вам вас пожалуйста спасибо само собой уже можно "
        "только мои указано записано заполнено введено сведения сведений обращение заявку здесь тут вполне очень в целом порядке"
    )
)
_YES_IN_SPITE = re.compile(r"\bне (?:против|возража\w+)|\b(?:нет возражений|возражений нет|нет ошибок|ошибок нет|без ошибок)\b")
_UNSURE = re.compile(r"\bне (?:поня\w*|понима\w*|зна\w*|увер\w*|вижу|могу)|\?")
_NO = re.compile(
    r"\b(?:не|нет|неа|не-а|нее+т?|нету|ни за что|ни в коем|никогда|отказ\w*|против|no|nope|false|off|0|минус|отзыва\w*|запреща\w*)\b"
)
_CORRECTION = re.compile(
    r"неверн|не верн|неправильн|не правильн|не так|ошиб|исправ|измен|поменя|замен|опечат|другой|другая|другое|перепута"
)


def parse_consent(text: str, settings: Settings) -> bool:  # noqa: ARG001 - every parser takes the settings
    """True. A consent is clear or it is none. Faults: refused, unclear."""
    answer = says_yes(text)
    if answer is None:
        raise FieldFault("consent", "consent_unclear")
    if not answer:
        raise FieldFault("consent", "consent_refused")
    return True


def parse_confirmation(text: str, settings: Settings) -> bool:  # noqa: ARG001 - every parser takes the settings
    """True if all is right, False if something is to be corrected. Fault: unclear."""
    line = folded(text)
    if "?" not in line and _CORRECTION.search(_YES_IN_SPITE.sub(" ", line)):
        return False
    answer = says_yes(text)
    if answer is None:
        raise FieldFault("confirmation", "confirmation_unclear")
    return answer


def says_yes(text: str) -> bool | None:
    """None where the text says neither, or both. A yes has no word beside it that could turn it round."""
    line = folded(text)
    if _UNSURE.search(line):
        return None
    rest = _YES_IN_SPITE.sub(" ", line)
    words = words_of(rest.replace("+", " плюс ") if len(rest) <= 3 else rest)
    if _NO.search(rest):
        return None if words and words[0] in _YES else False
    agreed = rest != line or any(word in _YES for word in words)
    return True if agreed and all(word in _YES or word in _BESIDE_YES for word in words) else None
