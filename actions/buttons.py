"""Buttons of the actions' answers.

Rasa puts an action's buttons after the response's own, so answers with an order of their own have all of them here.
"""

import json
from typing import TypedDict


class Button(TypedDict):
    title: str
    payload: str  # an intent in Rasa's notation; the gateway keeps it from clients


CANCEL = Button(title="Отменить", payload="/cancel")
OPERATOR = Button(title="Позвать оператора", payload="/request_operator")
HELPFUL = Button(title="Помогло", payload="/rate_helpful")
UNHELPFUL = Button(title="Не помогло", payload="/rate_unhelpful")
NONE_OF_THESE = Button(title="Ничего из этого", payload="/rate_unhelpful")


def article_button(slug: str, title: str) -> Button:
    """A button that shows the article."""
    return Button(title=title, payload="/ask_question" + json.dumps({"article": slug}))


def choice(title: str, value: str) -> Button:
    """A button that answers what a form has asked."""
    return Button(title=title, payload=f'/inform{{"value": "{value}"}}')
