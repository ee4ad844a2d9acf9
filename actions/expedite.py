"""A request to expedite an appeal (S15): category of the service, reason, documents; an operator decides."""

import re
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
    about,
    ending,
    files_line,
    read_free_text,
    read_ground,
    request,
)
from core.models import FINISHED, Appeal, RequestGround
from handoff.appeal_requests import refusal_to_expedite

FORM = "expedite_form"
GROUNDS = {
    RequestGround.LIFE: (
        "Угроза жизни или здоровью",
        re.compile(r"жизн|здоров|операци|больни|леч(?:ен|ит)|лекарств|смерт|умир|инвалид|скор(?:ая|ую)\b", re.IGNORECASE),
    ),
    RequestGround.RIGHTS: ("Нарушены права", re.compile(r"\bправ(?:а|о|ам)?\b|наруш|незакон|по закону", re.IGNORECASE)),
    RequestGround.DOCUMENT: (
        "Срочно нужен документ",
        re.compile(r"документ|справк|паспорт|бумаг|свидетельств|выписк|немедленно|срочно нуж", re.IGNORECASE),
    ),
}


class ValidateExpediteForm(KnownAppealForm):
    form = FORM
    beginnings = frozenset({"request_expedite"})
    fields = ("service_category", "reason", "screenshots", "confirmation")
    readers: ClassVar = {
        "service_category": read_free_text("service_category", 3, "service_category_missing"),
        "reason": read_ground(GROUNDS, "expedite_reason_unknown"),
    }
    corrections: ClassVar = {
        "service_category": ("Категория услуги", r"категори|услуг"),
        "reason": ("Причина", r"причин|основани"),
        "screenshots": ("Документы", r"документ|файл|вложен|снимк|скрин"),
    }
    only_open = True

    def settle(self, heard: Heard, found: Slots) -> Slots:
        def look(session: Session, appeal: Appeal) -> Slots:
            words = refusal_to_expedite(session, appeal)
            is_finished = appeal.status in FINISHED
            again = [about("Подать повторное обращение", "repeat_appeal", appeal.number)] if is_finished else []
            return {ENDING: ending(words, *again)} if words else {}

        return lookup().look(heard.conversation_id, found[NUMBER], found[PROOF], look) or {}


class BeginExpediteForm(BeginForm):
    form = FORM


class AskExpediteNumber(AskNumber):
    form = FORM
    only_open = True


class AskExpediteReason(AskGround):
    form = FORM
    grounds = GROUNDS


class AskExpediteFiles(AskFiles):
    form = FORM


class AskExpediteSummary(AskSummary):
    of = ValidateExpediteForm

    def lines(self, tracker: Tracker) -> dict[str, str]:
        return {
            "Просьба": f"рассмотреть обращение {tracker.get_slot(NUMBER)} ускоренно",
            "Категория услуги": tracker.get_slot("service_category"),
            "Причина": tracker.get_slot("reason"),
            "Документы": files_line(tracker.get_slot("files")),
        }


class AskExpediteCorrection(AskWhatToCorrect):
    of = ValidateExpediteForm


class EndExpediteForm(EndForm):
    form = FORM

    def finish(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        fields = request(tracker, "service_category", "reason")
        dispatcher.utter_message(json_message={"do": "request_expedite", "fields": fields})
        return []
