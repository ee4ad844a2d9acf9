"""How well an appeal's fields are read from what people write: by the vault, which puts what is personal behind tokens, and the parsers."""

import inspect
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk, open_desk
from core.personal_data import TOKEN, resolve
from core.settings import read_settings
from core.working_time import MOSCOW
from handoff.fields import PARSERS, FieldFault, expected_answer
from handoff.fields.occurrence import Occurrence

# A field → the kind of its token, where it is not named the same.
_KINDS = {"full_name": "name", "birth_date": "birthdate"}


@dataclass(frozen=True)
class Value:
    """One that a text holds, with what was read instead of it, or a fault's key in brackets."""

    text: str
    asked: str
    field: str
    expected: str
    read: str

    right: bool


def on_blind(path: Path) -> dict[str, Any]:
    """On a file of ``[{text, asked, now, expected: {field: value}}]``: the share of values read right, and what was read wrong."""
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    values: list[Value] = []
    with TemporaryDirectory(prefix="otklik-slots-") as place:
        desk = open_desk(read_settings(data_dir=Path(place), database_url="", redis_url=""))
        try:
            for row in rows:
                for field, expected in row["expected"].items():
                    read = desk.database.write(_read, desk, row, field)
                    values.append(Value(row["text"], row["asked"], field, _plain(expected), _plain(read), _is_right(field, expected, read)))
        finally:
            desk.close()
    fields = {value.field: [other for other in values if other.field == value.field] for value in values}
    return {
        "texts": len(rows),
        "values": len(values),
        "accuracy": _share_right(values),
        "fields": [{"field": field, "values": len(found), "accuracy": _share_right(found)} for field, found in fields.items()],
        "mistakes": [asdict(value) for value in values if not value.right],
    }


def _share_right(values: list[Value]) -> float:
    return round(sum(value.right for value in values) / len(values), 4)


def _is_right(field: str, expected: Any, read: Any) -> bool:
    """However a SNILS is grouped, and in whichever order a name stands. Hours may be told apart more closely than they are expected."""
    if field == "snils":
        return re.sub(r"[^0-9]", "", str(read)) == re.sub(r"[^0-9]", "", str(expected))
    if field == "full_name":
        return sorted(str(read).split()) == sorted(str(expected).split())
    if not isinstance(read, Occurrence):
        return bool(_plain(read) == _plain(expected))
    if not isinstance(expected, dict):
        moment = datetime.fromisoformat(_plain(expected))
        return (read.first, read.start) == (moment.date(), moment.time())
    is_day = str(expected["date"]) == read.first.isoformat() == read.last.isoformat()
    if "from" not in expected:
        return is_day and read.start is None
    if read.start is None or read.end is None:
        return False
    return is_day and time.fromisoformat(expected["from"]) <= read.start <= read.end <= time.fromisoformat(expected["to"])


def _read(session: Session, desk: Desk, row: dict[str, Any], field: str) -> Any:
    """In normal form; a fault's key where there is none."""
    conversation, _ = conversations.start(session, desk.vault, "widget")
    hidden = desk.vault.tokenise(session, conversation, row["text"], expected_answer(row["asked"], row["text"]))
    values = desk.vault.values(session, conversation, [hidden])
    kind = _KINDS.get(field, field)
    personal = next((values[found[0]] for found in TOKEN.finditer(hidden) if found[1] == kind), None)
    if field not in PARSERS:
        return "(no parser)"
    text = resolve(hidden, values, masked=False) if personal is None else personal
    try:
        return _parse(PARSERS[field], text, desk, row)
    except FieldFault as fault:
        return f"({fault.key})"


def _parse(parser: Callable[..., Any], text: str, desk: Desk, row: dict[str, Any]) -> Any:
    """Parsers of times want to know when it was said."""
    if "now" not in row or "now" not in inspect.signature(parser).parameters:
        return parser(text, desk.settings)
    return parser(text, desk.settings, now=datetime.fromisoformat(str(row["now"])).replace(tzinfo=MOSCOW))


def _plain(value: Any) -> str:
    """As YAML would show it, so that a date and its text are the same."""
    if isinstance(value, Occurrence):
        return value.in_words()
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
