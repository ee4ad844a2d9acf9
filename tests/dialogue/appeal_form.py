"""The way through the appeal form, for the tests that walk it."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.data.personas import ANNA
from tests.stack import Citizen

PROBLEM = "Не могу войти в личный кабинет: после ввода кода страница белая"
# What brings the form to a field, from its beginning: (the field asked for, what is said).
WAY = [
    ("consent", "да"),
    ("full_name", ANNA.full_name),
    ("snils", ANNA.snils),
    ("birth_date", "пропустить"),
    ("reply_channel", "на почту"),
    ("email", ANNA.email),
    ("category", "техническая проблема"),
    ("problem", PROBLEM),
    ("application_number", "пропустить"),
    ("occurred_at", "не помню"),
    ("tried", "ничего"),
    ("screenshots", "нет"),
    ("confirmation", "да"),
]
FIELDS = [field for field, _ in WAY]


def expects(messages: list[dict[str, Any]]) -> str | None:
    return messages[-1]["expects"] if messages else None


def begin(citizen: Citizen, wish: str = "хочу подать обращение") -> list[dict[str, Any]]:
    return citizen.say(wish)


def go_to(citizen: Citizen, field: str) -> list[dict[str, Any]]:
    """Answers everything before ``field``; the messages that ask for it."""
    asked = begin(citizen)
    for name, answer in WAY[: FIELDS.index(field)]:
        assert expects(asked) == name, asked
        asked = citizen.say(answer)
    assert expects(asked) == field, asked
    return asked


def leave_alone(citizen: Citizen, **time: float) -> None:
    """As if the form had not been touched for that long."""
    moment = datetime.now(UTC) - timedelta(**time)
    with _database(citizen) as database, database:
        changed = database.execute(
            "UPDATE drafts SET updated_at = ? WHERE conversation_id = ?", (f"{moment:%Y-%m-%d %H:%M:%S.%f}", citizen.id.replace("-", ""))
        )
        assert changed.rowcount == 1


def episode(citizen: Citizen) -> int:
    """How often the engine has begun with a new tracker, the first one included."""
    with _database(citizen) as database:
        found = database.execute("SELECT episode FROM conversations WHERE id = ?", (citizen.id.replace("-", ""),)).fetchone()
    return int(found[0])


def _database(citizen: Citizen) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(citizen.stack.data_dir / "otklik.db", timeout=10))
