"""What the forms about an appeal that is there share: which one it is, whose it is, and what is told before it is sent."""

import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from rasa_sdk import Tracker
from rasa_sdk.events import ActiveLoop, AllSlotsReset, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import corrections
from actions.appeal_lookup import lookup
from actions.buttons import CANCEL, OPERATOR, Button, choice
from actions.form_answers import READERS, Reader, read_answer
from actions.forms import Form, Slots
from actions.guard import Events, GuardedAction, conversation_id, form_of
from actions.heard import Heard, says_nothing
from core.finding import TOKEN, digits_of, snils_is_valid
from core.models import RequestGround
from core.settings import Settings
from handoff.appeal_numbers import format_number, read_number
from handoff.fields import FieldFault

NUMBER, PROOF, ENDING, SHOWN = "appeal_number", "access_code", "ending", "shown"
CONFIRMED, CORRECTED = "confirmation", corrections.FIELD
_NUMBERS_OFFERED = 5


class KnownAppealForm(Form):
    """A form about an appeal that is there.

    Slots: the number; the token of the proof, empty for the conversation's own; ``ending``: words that end the form early.
    """

    fields: ClassVar[tuple[str, ...]] = ()  # of its own, in the order in which they are asked for
    corrections: ClassVar[Mapping[str, tuple[str, str]]] = {}  # field → its title, and a pattern of what people call it
    readers: ClassVar[Mapping[str, Reader]] = {}  # of its fields that other forms do not have
    only_open: ClassVar[bool] = False  # of the conversation's own appeals, those that are looked at without being named

    def __init_subclass__(cls) -> None:
        cls.slots = (NUMBER, PROOF, ENDING, SHOWN, *cls.fields, "ground", "files", CORRECTED)

    @abstractmethod
    def settle(self, heard: Heard, found: Slots) -> Slots:
        """Slots to set once it is known whose the appeal is: ``found`` has the number and the proof."""

    def begin(self, heard: Heard, slots: Slots, known: Settings) -> Slots:
        number = heard.chosen or read_number(heard.plain, known)
        if number is None:
            own = lookup().own(heard.conversation_id, only_open=self.only_open)
            return self._take(heard, slots, own[0], known) if len(own) == 1 else {}
        return self._take(heard, slots, str(number), known)

    def read(self, asked: str, heard: Heard, slots: Slots, known: Settings) -> Slots:
        patterns = {name: words for name, (_, words) in self.corrections.items()}
        titles = ", ".join(title.lower() for title, _ in self.corrections.values())
        reviewers = corrections.reviewers(patterns, {"screenshots": ("files",)}, "correction_unknown", names=titles)
        readers = {**READERS, NUMBER: self._read_number, PROOF: self._read_proof, **self.readers, **reviewers}
        return read_answer(asked, heard, slots, known, readers)

    def next_field(self, slots: Slots) -> str | None:
        if slots[ENDING]:
            return None
        if slots[CORRECTED]:
            return CORRECTED
        return next((name for name in (NUMBER, PROOF, *self.fields) if slots[name] is None), None)

    @classmethod
    def correction_buttons(cls) -> list[Button]:
        return corrections.correction_buttons({name: title for name, (title, _) in cls.corrections.items()})

    def _read_number(self, heard: Heard, slots: Slots, known: Settings) -> Slots:
        number = heard.chosen or read_number(heard.plain, known)
        if number is None:
            raise FieldFault(NUMBER, "appeal_number_unlike", {"example": format_number(known.appeal_prefix, 2026, 417)})
        return self._take(heard, slots, str(number), known)

    def _take(self, heard: Heard, slots: Slots, number: str, known: Settings) -> Slots:
        """The number; with it the proof, if it is the conversation's own, was shown to be the citizen's before, or came along."""
        found: Slots = {NUMBER: number, PROOF: None}
        if number in lookup().own(heard.conversation_id):
            found[PROOF] = ""
        elif number in (slots.get(SHOWN) or {}):
            found[PROOF] = slots[SHOWN][number]
        elif token := _proof_in(heard, known):
            found |= self._shown(heard, slots, number, token)
        return found if found[PROOF] is None else found | self.settle(heard, found)

    def _read_proof(self, heard: Heard, slots: Slots, known: Settings) -> Slots:
        token = _proof_in(heard, None)
        other = None if token else _number_of(heard.plain, known)
        if other is not None and other != slots[NUMBER]:
            return self._take(heard, slots, other, known)
        if token is None:
            raise FieldFault(PROOF, "access_code_unlike")
        found = {NUMBER: slots[NUMBER], **self._shown(heard, slots, slots[NUMBER], token)}
        return found | self.settle(heard, found)

    def _shown(self, heard: Heard, slots: Slots, number: str, token: str) -> Slots:
        lookup().is_shown(heard.conversation_id, number, heard.values.get(token, token))
        return {PROOF: token, SHOWN: {**(slots.get(SHOWN) or {}), number: token}}


class BeginForm(GuardedAction):
    """Begins a form by name, unless another one is under way: that is finished or cancelled first, so that nothing of it is lost."""

    @property
    @abstractmethod
    def form(self) -> str:
        """Its name in domain.yml."""

    def name(self) -> str:
        return f"action_begin_{self.form}"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        under_way = form_of(tracker)
        if under_way and under_way != self.form:
            dispatcher.utter_message(response="utter_finish_first")
            return []
        # What the last form left is no answer to this one.
        return [*kept(tracker), FollowupAction(self.form)]


class AskNumber(GuardedAction):
    """Asks for the number; the conversation's own are buttons."""

    only_open: ClassVar[bool] = False
    more: ClassVar[tuple[Button, ...]] = ()

    @property
    @abstractmethod
    def form(self) -> str:
        """Its name in domain.yml."""

    def name(self) -> str:
        return f"action_ask_{self.form}_{NUMBER}"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        own = lookup().own(conversation_id(tracker), only_open=self.only_open)[:_NUMBERS_OFFERED]
        buttons = [*(choice(number, number) for number in own), *self.more, CANCEL, OPERATOR]
        dispatcher.utter_message(response=f"utter_ask_{self.form}_{NUMBER}", buttons=buttons)
        return []


class AskGround(GuardedAction):
    """The grounds are buttons."""

    @property
    @abstractmethod
    def grounds(self) -> Mapping[RequestGround, tuple[str, re.Pattern[str]]]:
        """Ground → its title, and what tells it in words."""

    @property
    @abstractmethod
    def form(self) -> str:
        """Its name in domain.yml."""

    def name(self) -> str:
        return f"action_ask_{self.form}_reason"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:  # noqa: ARG002
        buttons = [choice(title, ground) for ground, (title, _) in self.grounds.items()]
        dispatcher.utter_message(response=f"utter_ask_{self.form}_reason", buttons=[*buttons, CANCEL, OPERATOR])
        return []


class AskFiles(GuardedAction):
    """Which documents help, or how many there are."""

    @property
    @abstractmethod
    def form(self) -> str:
        """Its name in domain.yml."""

    def name(self) -> str:
        return f"action_ask_{self.form}_screenshots"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        files = tracker.get_slot("files") or []
        if files:
            dispatcher.utter_message(response="utter_ask_screenshots_more", count=len(files))
        else:
            dispatcher.utter_message(response=f"utter_ask_{self.form}_screenshots")
        return []


class AskSummary(GuardedAction):
    """All that was told, to be looked through."""

    @property
    @abstractmethod
    def of(self) -> type[KnownAppealForm]:
        """The form whose summary it is."""

    @abstractmethod
    def lines(self, tracker: Tracker) -> dict[str, str]:
        """Title → what stands there."""

    def name(self) -> str:
        return f"action_ask_{self.of.form}_{CONFIRMED}"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        summary = "\n".join(f"{title}: {value}" for title, value in self.lines(tracker).items())
        dispatcher.utter_message(response="utter_ask_confirmation", summary=summary)
        return []


class AskWhatToCorrect(GuardedAction):
    """A button for each field."""

    @property
    @abstractmethod
    def of(self) -> type[KnownAppealForm]:
        """The form whose fields these are."""

    def name(self) -> str:
        return f"action_ask_{self.of.form}_{CORRECTED}"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:  # noqa: ARG002
        buttons = [*self.of.correction_buttons(), corrections.all_right_button()]
        dispatcher.utter_message(response="utter_ask_field_to_correct", buttons=buttons)
        return []


class EndForm(GuardedAction):
    """What the form collected is handed to the gateway, unless it ended early."""

    @property
    @abstractmethod
    def form(self) -> str:
        """Its name in domain.yml."""

    @abstractmethod
    def finish(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        """Says or does what the form was for; what comes after it."""

    def name(self) -> str:
        return f"action_end_{self.form}"

    async def answer(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
        dispatcher.utter_message(json_message={"do": "drop_draft", "fields": {}})
        early = tracker.get_slot(ENDING)
        if early:
            dispatcher.utter_message(text=early["words"], buttons=[*early["buttons"], OPERATOR], json_message={"kind": "status"})
        following = [] if early else self.finish(dispatcher, tracker)
        return [AllSlotsReset(), ActiveLoop(None), SlotSet(SHOWN, tracker.get_slot(SHOWN)), *following]


def ending(words: str, *buttons: Button) -> dict[str, Any]:
    """The value of the slot that ends a form early."""
    return {"words": words, "buttons": list(buttons)}


def kept(tracker: Tracker) -> Events:
    """What outlives a form: what was shown to be the citizen's."""
    return [AllSlotsReset(), SlotSet(SHOWN, tracker.get_slot(SHOWN))]


def about(title: str, intent: str, number: str) -> Button:
    """A button that begins another form about the same appeal."""
    return Button(title=title, payload=f'/{intent}{{"value": "{number}"}}')


def request(tracker: Tracker, *fields: str) -> dict[str, Any]:
    """A request's fields for the gateway."""
    given = {name: tracker.get_slot(name) for name in (NUMBER, PROOF, "ground", *fields)}
    return given | {"files": ", ".join(tracker.get_slot("files") or [])}


def files_line(files: list[str] | None) -> str:
    return f"приложено: {len(files)}" if files else "нет"


def _proof_in(heard: Heard, known: Settings | None) -> str | None:
    """The token of a code or else of a SNILS in the message. ``known``: given where a number was named, which may look like a SNILS."""
    tokens = {kind: [found[0] for found in TOKEN.finditer(heard.text) if found[1] == kind] for kind in ("code", "snils")}
    snils = [token for token in tokens["snils"] if snils_is_valid(digits_of(heard.values.get(token, "")))]
    if known is not None:
        snils = [token for token in snils if _number_of(heard.values[token], known) is None]
    return next(iter([*tokens["code"], *snils]), None)


def _number_of(text: str, known: Settings) -> str | None:
    try:
        return read_number(text, known)
    except FieldFault:
        return None


_BRIEF_WORDS = 3  # a longer text is an account, whatever it sounds like
_SMALL_TALK = frozenset({"greet", "thank", "goodbye", "affirm", "deny", "bot_challenge", "rate_helpful", "rate_unhelpful"})


def read_free_text(field: str, fewest: int, missing: str) -> Reader:
    """Any text of that many letters and digits that is no small talk."""

    def read(heard: Heard, _slots: Slots, _known: Settings) -> Slots:
        text = heard.text.strip()
        is_brief = len(text.split()) <= _BRIEF_WORDS
        if heard.is_button or len(re.sub(r"\W", "", text)) < fewest or (is_brief and (heard.intent in _SMALL_TALK or says_nothing(heard))):
            raise FieldFault(field, missing)
        return {field: text}

    return read


def read_ground(grounds: Mapping[RequestGround, tuple[str, re.Pattern[str]]], unknown: str) -> Reader:
    """One of ``grounds``, by its button or in words, which are kept."""

    def read(heard: Heard, _slots: Slots, _known: Settings) -> Slots:
        if heard.chosen in set(grounds):
            ground = RequestGround(heard.chosen)
            return {"ground": ground, "reason": grounds[ground][0]}
        found = next((name for name, (_, words) in grounds.items() if words.search(heard.text)), None)
        if heard.is_button or found is None:
            raise FieldFault("reason", unknown)
        return {"ground": found, "reason": heard.text.strip()}

    return read
