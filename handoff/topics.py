"""What an appeal is about: by that it gets its clock (S14) and its department (S7)."""

import enum

from core.models import AppealKind
from core.settings import Settings


class Topic(enum.StrEnum):
    """The choices of the feedback form, and what the chat asks: keys of the setting ``departments``."""

    QUESTION = "question"
    APPLICATION_QUESTION = "application_question"
    TECHNICAL_PROBLEM = "technical_problem"
    OUTAGE = "outage"  # the account or the portal cannot be entered at all
    COMPLAINT = "complaint"
    SUGGESTION = "suggestion"


# What citizens and operators read of a topic that the feedback form offers: keys of messages.ru.yml.
TOPIC_WORDS = {
    Topic.TECHNICAL_PROBLEM: "topic_technical_problem",
    Topic.OUTAGE: "topic_outage",
    Topic.APPLICATION_QUESTION: "topic_application_question",
    Topic.SUGGESTION: "topic_suggestion",
    Topic.COMPLAINT: "topic_complaint",
}
# Which clock a topic runs on, as the service's rules name it; an operator may change it.
KINDS_OF_TOPICS = {
    Topic.QUESTION: AppealKind.SIMPLE,
    Topic.APPLICATION_QUESTION: AppealKind.SIMPLE,
    Topic.TECHNICAL_PROBLEM: AppealKind.COMPLEX,
    Topic.OUTAGE: AppealKind.URGENT,
    Topic.COMPLAINT: AppealKind.COMPLAINT,
    Topic.SUGGESTION: AppealKind.SUGGESTION,
}
# What an appeal is about of which only the kind is known.
TOPICS_OF_KINDS = {
    AppealKind.SIMPLE: Topic.QUESTION,
    AppealKind.COMPLEX: Topic.TECHNICAL_PROBLEM,
    AppealKind.URGENT: Topic.OUTAGE,
    AppealKind.COMPLAINT: Topic.COMPLAINT,
    AppealKind.SUGGESTION: Topic.SUGGESTION,
}


def topic_of(kind: AppealKind, *, names_application: bool) -> Topic:
    """What an appeal is about of which the kind is known, and whether it is about an application."""
    return Topic.APPLICATION_QUESTION if kind == AppealKind.SIMPLE and names_application else TOPICS_OF_KINDS[kind]


def department_of(topic: Topic, settings: Settings) -> str:
    """The slug of the department that deals with it."""
    return str(getattr(settings.departments, topic))
