"""The appeal form: what an appeal needs, in which order, and what one message tells of it. Any form's steps are in actions/forms.py."""

import re

from rasa_sdk import Tracker
from rasa_sdk.events import ActionExecuted, ActiveLoop, AllSlotsReset, SessionStarted, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import forms
from actions.corrections import all_right_button, correction_buttons, reviewers
from actions.form_answers import READERS, read_answer
from actions.form_summary import CORRECTIONS, summary
from actions.forms import DOUBTED, Form, Slots, leave
from actions.guard import Events, GuardedAction, conversation_id
from actions.heard import Heard, is_a_try
from actions.records import records
from actions.screenshot_answers import OFFERED, offer_article
from core.models import AppealKind
from core.personal_data import TOKEN
from core.settings import Settings, settings
from handoff.fields import FieldFault, find_told, parse_problem, parse_reply_channel, recognise_urgency
from handoff.fields.writing import LETTER

FORM = "appeal_form"
# In the order in which they are asked for.
FIELDS = (
    "consent",
    "full_name",
    "snils",
    "birth_date",
    "reply_channel",
    "email",
    "phone",
    "category",
    "problem",
    "application_number",
    "occurred_at",
    "tried",
    "screenshots",
    "confirmation",
)
OF_EARLIER = ("appeal_number", "first_date")  # of a repeat appeal: actions/repeat_appeal.py
_KINDS = {"file_complaint": AppealKind.COMPLAINT, "make_suggestion": AppealKind.SUGGESTION}
# A field → what people call it.
_NAMES_OF_FIELDS = {
    "full_name": r"\bим(?:я|ени|ене)\b|фио|фамил|отчеств",
    "snils": r"снилс",
    "birth_date": r"рожден|\bд\.? ?р\b",
    "occurred_at": r"когда|\bдат[аыу]\b|врем[яе]",
    "reply_channel": r"почт|адрес|e-?mail|имейл|телефон|способ|ответ|связ",
    "category": r"\bвид|категори|\bтип\b|\bтем[аыу]\b",
    "tried": r"пробовал|пытал",
    "problem": r"описан|проблем|текст|случилось|суть",
    "application_number": r"заявлен|заявк|номер",
    "screenshots": r"скрин|снимк|файл|картин|фото|вложен",
}
_CORRECTS = re.compile(
    r"ошиб|исправ|неверн|не так|перепут|вернее|точнее|правильно|другой|другая|не тот|не та\b|поменя|измен", re.IGNORECASE
)
_REVIEW = ("confirmation", "field_to_correct")
# «Хочу подать жалобу»: what is left beside it may be the story.
_WISH = re.compile(
    r"(?:(?<![а-я])(?:я )?(?:очень )?(?:хочу|хотел\w* бы|прошу|нужно|надо|желаю|можно|давайте|помогите|мне (?:нужно|надо))\W+)?"
    r"(?:(?:подать|остав\w+|оформ\w+|написать|зарегистр\w+|прин\w+|внес\w+|созда\w+|завес\w+|завед\w+|состав\w+|отправ\w+|запи\w+)\W+)?"
    r"(?:(?:от меня|мо[юеё]|нов\w+)\W+)?(?<![а-я])(?:обращени|жалоб|заявк|предложени|претензи|тикет|пожаловат)[а-я]*",
    re.IGNORECASE,
)
_BESIDE_A_STORY = re.compile(
    r"(?<![а-я])(?:здравствуйте|добр\w+ \w+|меня зовут|снилс|тел[а-я.]*|почт[аыуе]|дата рождения|пишите|звоните|на|или|от|я)(?![а-я])",
    re.IGNORECASE,
)
_STORY_WORDS = 5
_CONTACT_WORDS = 8  # beside an address that is told to be answered at


class ValidateAppealForm(Form):
    """Asks for what an appeal needs."""

    form = FORM
    slots = (*FIELDS, "files", "field_to_correct", *OF_EARLIER, OFFERED)
    beginnings = frozenset({"file_appeal", *_KINDS})

    def begin(self, heard: Heard, slots: Slots, known: Settings) -> Slots:
        """What was told already is not asked for again: the kind by the wish, fields by their values, the problem by a story."""
        found: Slots = {"files": heard.files} if heard.files else {}
        if not heard.is_button:
            found |= _told(heard, slots, known)
            if _is_story(heard.text, known):
                found["problem"] = heard.text
        kind = _KINDS.get(heard.intent)
        if kind is None and recognise_urgency(heard.text):
            kind = AppealKind.URGENT
        return found | ({"category": str(kind)} if kind else {})

    def read(self, asked: str, heard: Heard, slots: Slots, known: Settings) -> Slots:
        told = {} if heard.is_button else _told(heard, slots, known, asked)
        try:
            found = read_answer(asked, heard, slots, known, {**READERS, **_REVIEWERS})
        except FieldFault as fault:
            untold = [found[0] for found in TOKEN.finditer(heard.text) if found[0] not in told.values()]
            if not told or (is_a_try(fault) and (untold or asked == "application_number")):
                raise
            found = {}
        if told and asked in _REVIEW:  # what is told there corrects, and is looked through once more
            return found | told | {"field_to_correct": None, "confirmation": None}
        return told | found

    def next_field(self, slots: Slots) -> str | None:
        if slots["consent"] is False:
            return None
        if slots["field_to_correct"]:
            return "field_to_correct"
        needless = {"email", "phone"} - {slots["reply_channel"]}
        return next((name for name in FIELDS if slots[name] is None and name not in needless), None)


def _told(heard: Heard, slots: Slots, known: Settings, asked: str | None = None) -> Slots:
    """What a message tells beside the answer, of what is not known yet or is being corrected."""
    corrects = asked in _REVIEW or _CORRECTS.search(heard.text) is not None
    told = {
        field: value
        for field, value in find_told(heard.text, heard.values, known, now=heard.at).items()
        if field != asked and (slots.get(field) is None or (corrects and slots[field] != value and field in READERS))
    }
    if asked in _REVIEW or asked in ("birth_date", "occurred_at", "reply_channel", "category", "consent"):
        told.pop("occurred_at", None)
    contacts = {"email", "phone"} & set(told)
    if len(contacts) == 1 and asked not in ("email", "phone", "reply_channel") and (slots.get("reply_channel") is None or corrects):
        words = TOKEN.sub(" ", heard.text)
        if len(words.split()) <= _CONTACT_WORDS or _chosen(words, known) in contacts:
            told["reply_channel"] = contacts.pop()
    return told


def _chosen(words: str, known: Settings) -> str | None:
    try:
        return str(parse_reply_channel(words, known))
    except FieldFault:
        return None


def _is_story(text: str, known: Settings) -> bool:
    rest = _BESIDE_A_STORY.sub(" ", TOKEN.sub(" ", _WISH.sub(" ", text, count=1)))
    try:
        parse_problem(rest, known)
    except FieldFault:
        return False
    return len(re.findall(rf"{LETTER}+", rest)) >= _STORY_WORDS


_REVIEWERS = reviewers(_NAMES_OF_FIELDS, {"reply_channel": ("email", "phone")}, "field_to_correct_unknown")


class EndAppealForm(GuardedAction):
    """The form is over: the appeal is registered by the gateway, or there is none for want of consent."""

    def name(self) -> str:
        return f"action_end_{FORM}"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        if tracker.get_slot("consent"):
            fields = {name: tracker.get_slot(name) for name in (*FIELDS, "files", *OF_EARLIER)}
            dispatcher.utter_message(json_message={"do": "register_appeal", "fields": fields})
        else:
            dispatcher.utter_message(json_message={"do": "drop_draft", "fields": {}})
            dispatcher.utter_message(response="utter_consent_refused")
        return [AllSlotsReset(), ActiveLoop(None)]


class Cancel(GuardedAction):
    """A wish to stop."""

    def name(self) -> str:
        return "action_cancel"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        return leave(dispatcher, tracker, "utter_cancel")


class StartOver(GuardedAction):
    """A wish to begin anew."""

    def name(self) -> str:
        return "action_start_over"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        return leave(dispatcher, tracker, "utter_start_over")


class AskFullName(GuardedAction):
    """Who was misread may say that it is right."""

    def name(self) -> str:
        return "action_ask_full_name"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        asked, text = tracker.get_slot(DOUBTED) or (None, "")
        names = [found[0] for found in TOKEN.finditer(text)] if asked == "full_name" else []
        if len(names) == 1:
            dispatcher.utter_message(response="utter_ask_full_name_again", name=names[0])
        else:
            dispatcher.utter_message(response="utter_ask_full_name")
        return []


class AskScreenshots(GuardedAction):
    """Says how to take a good one, or how many there are."""

    def name(self) -> str:
        return "action_ask_screenshots"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        files = tracker.get_slot("files") or []
        events = await offer_article(dispatcher, tracker, settings().screenshot_wait_seconds)
        if files:
            dispatcher.utter_message(response="utter_ask_screenshots_more", count=len(files))
        else:
            dispatcher.utter_message(response="utter_ask_screenshots")
        return events


class AskConfirmation(GuardedAction):
    """All that was told, to be looked through, with a button for each field."""

    def name(self) -> str:
        return "action_ask_confirmation"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        slots = {name: tracker.get_slot(name) for name in ValidateAppealForm.slots}
        events = await offer_article(dispatcher, tracker)
        dispatcher.utter_message(response="utter_review_appeal", summary=summary(slots), buttons=correction_buttons(CORRECTIONS))
        return events


class AskFieldToCorrect(GuardedAction):
    """A button for each field."""

    def name(self) -> str:
        return "action_ask_field_to_correct"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:  # noqa: ARG002
        buttons = [*correction_buttons(CORRECTIONS), all_right_button()]
        dispatcher.utter_message(response="utter_ask_field_to_correct", buttons=buttons)
        return []


class StartSession(GuardedAction):
    """A new episode takes up the form that was under way in the last one."""

    def name(self) -> str:
        return "action_session_start"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:  # noqa: ARG002
        draft = await records().draft(conversation_id(tracker))
        if draft is None:
            return [SessionStarted(), ActionExecuted("action_listen")]
        form = draft.pop(forms.FORM)
        return [SessionStarted(), *map(SlotSet, draft, draft.values()), ActiveLoop(form), ActionExecuted("action_listen")]

    def after_failure(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:  # noqa: ARG002
        # The citizen's message is answered all the same; what the form held they see above.
        return [SessionStarted(), ActionExecuted("action_listen")]
