"""What kind of appeal it is: which clock it runs on (service-rules, S7 and S14)."""

import re

from core.models import AppealKind
from core.settings import Settings
from handoff.fields.fault import FieldFault
from handoff.fields.writing import folded

_URGENT = re.compile(
    r"(?<![а-я])(?:срочн|заблокир|разблокир|блокировк|взлом|авари|сбо[йяюе](?![а-я])|экстрен"
    r"|упал\w* (?:портал|сайт)|(?:портал|сайт)\w* (?:лежит|упал)"
    r"|нет доступа|доступа нет|(?:потерял|утратил)\w* доступ|закры\w+ доступ)"
)
_COMPLAINT = re.compile(r"(?<![а-я])(?:жалоб|пожалов|жалуюсь|жалит|претензи|нахами|хамств|хамят|возмущ|недовол)")
_SUGGESTION = re.compile(r"(?<![а-я])(?:предложени|предлага|предложить|идея|идею|идеи|пожелани|улучш|сделайте|добавьте)")
_TECHNICAL = re.compile(
    r"(?<![а-я])(?:техн|тех\.? ?проблем|ошибк|проблем|неполадк|неисправн|баг(?![а-я])|глю[кч]|вылета|завис|виснет|сломал"
    r"|не (?:\w+ )?(?:работа|открыва|груз|загруж"
    r"|приход|отправл|пуска|могу|получа|вид|отобража|сохран))"
)
_QUESTION = re.compile(r"(?<![а-я])(?:вопрос|спросить|узнать|уточнить|заявлени|заявк|заява|консультац|справк|подскаж|статус|услуг)")
# In a story only what says so outright: «срочно» and «сбой» are said of much.
_OUTRIGHT = re.compile(
    r"(?<![а-я])(?:(?:учетн\w+ запис\w+|аккаунт\w*|кабинет\w*|профил\w*|доступ\w*) (?:\w+ )?"
    r"(?:заблокирован|заблокировал|взломан|взломал)\w*"
    r"|(?:заблокировал|взломал)\w* (?:\w+ ){0,2}(?:учетн|аккаунт|кабинет|профил|доступ)"
    r"|(?:портал|сайт) (?:\w+ ){0,2}(?:лежит|упал|недоступен) (?:у всех|полностью|совсем)"
    r"|ни у кого не (?:работает|открывается)|не (?:работает|открывается) ни у кого)"
)


def parse_category(text: str, settings: Settings) -> AppealKind:  # noqa: ARG001 - every parser takes the settings
    """The kind that the words name. Faults: missing, unknown, several."""
    line = folded(text)
    if not line:
        raise FieldFault("category", "category_missing")
    named = [
        kind
        for kind, words in ((AppealKind.URGENT, _URGENT), (AppealKind.COMPLAINT, _COMPLAINT), (AppealKind.SUGGESTION, _SUGGESTION))
        if words.search(line)
    ]
    if AppealKind.COMPLAINT in named and AppealKind.SUGGESTION in named:
        raise FieldFault("category", "category_several")
    if named:
        return named[0]
    technical, question = _TECHNICAL.search(line), _QUESTION.search(line)
    if technical and question:  # «вопрос про ошибку», «ошибка в заявлении»: what is said first
        return AppealKind.SIMPLE if question.start() < technical.start() else AppealKind.COMPLEX
    if technical or question:
        return AppealKind.COMPLEX if technical else AppealKind.SIMPLE
    raise FieldFault("category", "category_unknown")


def recognise_urgency(text: str) -> bool:
    """Whether a story tells of blocked access or an outage: the appeal is urgent, for an operator to confirm."""
    return _OUTRIGHT.search(folded(text)) is not None
