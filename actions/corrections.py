"""What of a form's summary is to be corrected: a button for each field, or words that name it."""

import re
from collections.abc import Mapping

from actions.buttons import Button, choice
from actions.form_answers import READERS, Reader, Slots
from actions.heard import Heard
from core.settings import Settings
from handoff.fields import FieldFault

FIELD = "field_to_correct"

_NOTHING = "nothing"
_NOTHING_TO_CORRECT = re.compile(r"ничего|вс[её] (?:верно|правильно|хорошо|так)|отправ|назад|\bнет\b|передумал")


def correction_buttons(titles: Mapping[str, str]) -> list[Button]:
    """``titles``: field → what its button says."""
    return [choice(title, name) for name, title in titles.items()]


def all_right_button() -> Button:
    return choice("Ничего, всё верно", _NOTHING)


def reviewers(patterns: Mapping[str, str], emptied_with: Mapping[str, tuple[str, ...]], unknown: str, **values: str) -> dict[str, Reader]:
    """Readers of the confirmation and of what to correct.

    ``patterns``: field → what people call it; the first that is found is meant. ``emptied_with``: field → slots that are emptied with it.
    ``unknown``, ``values``: the fault of an answer that names no field.
    """

    def named(text: str) -> str | None:
        return next((name for name, words in patterns.items() if re.search(words, text.lower())), None)

    def read_confirmation(heard: Heard, slots: Slots, settings: Settings) -> Slots:
        """Also a button of the summary, or words that say at once what is to be corrected."""
        if heard.chosen is not None:
            return read_field(heard, slots, settings)
        found = READERS["confirmation"](heard, slots, settings)
        if found.get(FIELD) and not heard.is_button and named(heard.text) is not None:
            return read_field(heard, slots, settings)
        return found

    def read_field(heard: Heard, _slots: Slots, _settings: Settings) -> Slots:
        """Empties the field, which is asked for next; nothing to correct leads back to the confirmation."""
        wanted = heard.chosen if heard.is_button else named(heard.text)
        if wanted == _NOTHING or (wanted is None and _NOTHING_TO_CORRECT.search(heard.text.lower())):
            return {FIELD: None}
        if wanted not in patterns:
            raise FieldFault(FIELD, unknown, values)
        return dict.fromkeys((str(wanted), FIELD, *emptied_with.get(str(wanted), ())))

    return {"confirmation": read_confirmation, FIELD: read_field}
