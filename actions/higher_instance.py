"""A request to pass an appeal to the higher instance (S17): when a ground for it holds; else it is said from when on it may be asked."""

import re
from datetime import UTC, datetime
from typing import ClassVar

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from sqlalchemy.orm import Session

from actions.appeal_lookup import lookup
from actions.forms import Slots
from actions.guard import Events
from actions.heard import Heard
from actions.known_appeal import (
    ENDING,
    NUMBER,
    PROOF,
    AskFiles,
    AskGround,
    AskNumber,
    AskSummary,
    AskWhatToCorrect,
    BeginForm,
    EndForm,
    KnownAppealForm,
    ending,
    files_line,
    read_ground,
    request,
)
from core.models import Appeal, RequestGround
from handoff.appeal_requests import grounds, refusal_of_higher_instance

FORM = "higher_form"
_OVERDUE = "Срок прошёл, ответа нет"
# What a citizen says of an answer; that the deadline has passed the desk knows itself.
GROUNDS = {
    RequestGround.NO_REASON: (
        "В отказе нет причины",
        re.compile(r"отказ|без причин|не объясн|не назва|причин\w* не|отписк|без объясн", re.IGNORECASE),
    ),
    RequestGround.SYSTEMIC: (
        "Ошибка повторяется или у многих",
        re.compile(r"систем|у всех|у многих|постоянно|повторя|снова|опять|каждый раз|не один|массов", re.IGNORECASE),
    ),
    RequestGround.REVISION: (
        "Решение нужно пересмотреть",
        re.compile(r"пересмотр|не соглас|неверн|неправильн|ошибочн|решени|ответ\b", re.IGNORECASE),
    ),
}


class ValidateHigherForm(KnownAppealForm):
    form = FORM
    beginnings = frozenset({"escalate_higher"})
    fields = ("reason", "problem", "screenshots", "confirmation")
    readers: ClassVar = {"reason": read_ground(GROUNDS, "higher_reason_unknown")}
    corrections: ClassVar = {
        "problem": ("Последствия и требование", r"последств|требован|описан|текст|проблем"),
        "screenshots": ("Документы", r"документ|файл|вложен|снимк|скрин"),
    }

    def settle(self, heard: Heard, found: Slots) -> Slots:
        def look(session: Session, appeal: Appeal) -> Slots:
            at = datetime.now(UTC)
            words = refusal_of_higher_instance(session, appeal, at)
            if words:
                return {ENDING: ending(words)}
            overdue = RequestGround.OVERDUE in grounds(session, appeal, at)
            return {"ground": RequestGround.OVERDUE, "reason": _OVERDUE} if overdue else {}

        return lookup().look(heard.conversation_id, found[NUMBER], found[PROOF], look) or {}


class BeginHigherForm(BeginForm):
    form = FORM


class AskHigherNumber(AskNumber):
    form = FORM


class AskHigherGround(AskGround):
    form = FORM
    grounds = GROUNDS


class AskHigherFiles(AskFiles):
    form = FORM


class AskHigherSummary(AskSummary):
    of = ValidateHigherForm

    def lines(self, tracker: Tracker) -> dict[str, str]:
        return {
            "Просьба": f"передать обращение {tracker.get_slot(NUMBER)} в вышестоящее подразделение",
            "Основание": tracker.get_slot("reason"),
            "Последствия и требование": tracker.get_slot("problem"),
            "Документы": files_line(tracker.get_slot("files")),
        }


class AskHigherCorrection(AskWhatToCorrect):
    of = ValidateHigherForm


class EndHigherForm(EndForm):
    form = FORM

    def finish(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        dispatcher.utter_message(json_message={"do": "request_higher_instance", "fields": request(tracker, "reason", "problem")})
        return []
