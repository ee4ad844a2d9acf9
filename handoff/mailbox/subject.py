"""What a letter's subject says it is about (S6): a number, or one of the words that stand for one (S15, S16)."""

import re
from dataclasses import dataclass, replace

from core.models import RequestGround
from core.settings import Settings
from handoff.appeal_numbers import read_number
from handoff.fields import FieldFault, find_application_number
from handoff.fields.application_number import inn_is_valid
from handoff.fields.writing import folded, plain

_REPLY = re.compile(r"^(?:(?:re|fwd?|fw|на|отв|ответ|пересл|вн)(?:\[\d+\])?\s?:\s*)+", re.IGNORECASE)
_EXPEDITE = re.compile(r"\bускор\w* (?:рассмотрен|рассмотр)\w*|\bрассмотр\w* ускорен\w*")
_GROUNDS = {
    RequestGround.LIFE: re.compile(r"\bугро[жз]\w* .{0,20}(?:жизн|здоров)|\b(?:жизн|здоровь)\w* .{0,20}(?:под угрозой|в опасности)"),
    RequestGround.RIGHTS: re.compile(r"\bнаруш\w* .{0,30}прав\w*|\bправа? .{0,20}наруш\w*"),
    RequestGround.DOCUMENT: re.compile(
        r"\bсрочно .{0,30}(?:документ|справк|паспорт|выписк)|\b(?:документ|справк|паспорт|выписк)\w* .{0,20}срочно"
    ),
}
_REPEAT = re.compile(r"\bповторн\w*")
_DATE = re.compile(
    r"(?<![0-9])(?:0?[1-9]|[12][0-9]|3[01])(?:[./\-](?:0?[1-9]|1[0-2])[./\-](?:20)?[0-9]{2}(?![0-9])"
    r"|\s(?:янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек)[а-я]{0,6}\.?(?:\s(?:20)?[0-9]{2}(?![0-9]))?)"
    r"|(?<![0-9])20[0-9]{2}-[01][0-9]-[0-3][0-9](?![0-9])"
)
_INN = re.compile(r"(?<![0-9\-])(?:[0-9]{12}|[0-9]{10})(?![0-9\-])")
_CALLED_INN = re.compile(r"\bинн\b[^0-9]{0,12}([0-9][0-9 \-]{6,16}[0-9])")
_COMPLAINT = re.compile(r"\b(?:жалоб\w*|жалуюсь|претензи\w*)\b")
_SUGGESTION = re.compile(r"\b(?:предложени\w*|предлагаю)\b")


@dataclass(frozen=True)
class Subject:
    """``text``: without «Re:». Numbers are in normal form; ``has_wrong_…``: one is there, and its check digit does not fit."""

    text: str
    appeal_number: str | None = None
    has_wrong_appeal_number: bool = False
    application_number: str | None = None
    inn: str | None = None
    has_wrong_inn: bool = False
    expedite: bool = False
    repeat: bool = False
    has_date: bool = False
    complaint: bool = False
    suggestion: bool = False

    @property
    def stands(self) -> bool:
        """Whether a letter under it is taken, whatever the appeal number turns out to be."""
        return bool(self.application_number or self.inn or self.expedite or (self.repeat and self.has_date))


def read_subject(written: str, settings: Settings) -> Subject:
    """What ``written`` (decoded, one line) says."""
    text = _REPLY.sub("", plain(written)).strip()
    line = folded(text)
    appeal_number, is_wrong = find_appeal_number(text, settings)
    inn, has_wrong_inn = _inn(line)
    return Subject(
        text=text,
        appeal_number=appeal_number,
        has_wrong_appeal_number=is_wrong,
        application_number=find_application_number(text, settings),
        inn=inn,
        has_wrong_inn=has_wrong_inn,
        expedite=_EXPEDITE.search(line) is not None,
        repeat=_REPEAT.search(line) is not None,
        has_date=_DATE.search(line) is not None,
        complaint=_COMPLAINT.search(line) is not None,
        suggestion=_SUGGESTION.search(line) is not None,
    )


def with_numbers_of(subject: Subject, text: str, settings: Settings) -> Subject:
    """``subject`` with the numbers that ``text`` names, where it names none itself. A taxpayer's is one only if it is called so."""
    inn, has_wrong_inn = called_inn(text)
    appeal_number, is_wrong = find_appeal_number(text, settings)
    return replace(
        subject,
        appeal_number=subject.appeal_number or appeal_number,
        has_wrong_appeal_number=subject.has_wrong_appeal_number or is_wrong,
        application_number=subject.application_number or find_application_number(text, settings),
        inn=subject.inn or inn,
        has_wrong_inn=subject.has_wrong_inn or has_wrong_inn,
    )


def expedite_ground(text: str) -> RequestGround | None:
    """Why a letter asks for an expedited review (S15); None where it names none of the grounds."""
    line = folded(text)
    return next((ground for ground, words in _GROUNDS.items() if words.search(line)), None)


def find_appeal_number(text: str, settings: Settings) -> tuple[str | None, bool]:
    """The number, and whether there is one whose check digit does not fit."""
    try:
        return read_number(text, settings), False
    except FieldFault:
        return None, True


def called_inn(text: str) -> tuple[str | None, bool]:
    """The first taxpayer's number that is called so, and whether one is called so whose check digits do not fit."""
    called = [re.sub(r"[ \-]", "", digits) for digits in _CALLED_INN.findall(folded(text))]
    right = next(filter(inn_is_valid, called), None)
    return right, right is None and bool(called)


def _inn(line: str) -> tuple[str | None, bool]:
    """In a subject a number that could be a taxpayer's is one."""
    inn, is_wrong = called_inn(line)
    bare = next(filter(inn_is_valid, _INN.findall(line)), None)
    return (inn or bare, False) if inn or bare else (None, is_wrong)
