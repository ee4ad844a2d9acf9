"""`python -m knowledge_base marks`: a table, and JSON for programs."""

import argparse
import json
from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk, open_desk
from core.models import Author
from core.settings import SettingsError
from knowledge_base import editing, marks, marks_command
from knowledge_base.content import Content
from tests.conftest import MakeSettings
from tests.scenes import LATER


@pytest.fixture
def desk(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    settings = make_settings()
    monkeypatch.setattr(marks_command, "settings_or_exit", lambda: settings)
    with pytest.raises(SettingsError, match="there is no desk"):
        tell(as_json=False)
    opened = open_desk(settings)
    yield opened
    opened.close()


def tell(*, as_json: bool) -> list[str]:
    told: list[str] = []
    marks_command.marks_command(argparse.Namespace(json=as_json), told.append)
    return told


def mark(session: Session, desk: Desk, slug: str, *, helpful: bool) -> None:
    conversation = conversations.start(session, desk.vault, "widget")[0]
    answer = conversations.append(session, desk.vault, conversation, Author.BOT, "…", meta={"kind": "answer", "article": slug})
    marks.put(session, answer, helpful=helpful, at=LATER)


def test_who_helped_least_comes_first(desk: Desk) -> None:
    assert tell(as_json=False) == ["helpful  unhelpful  article"] and tell(as_json=True) == ["[]"]
    desk.database.write(editing.create, desk.settings, "dogs", Content("Собаки", "support", "Текст."), "seed", "новая")
    for slug, helpful in (("dogs", True), ("dogs", False), ("dogs", True), ("gone", False), ("gone", False)):
        desk.database.write(mark, desk, slug, helpful=helpful)
    assert [line.split() for line in tell(as_json=False)[1:]] == [["0", "2", "gone"], ["2", "1", "dogs", "Собаки"]]
    (told,) = tell(as_json=True)
    assert json.loads(told)[1] == {"article": "dogs", "title": "Собаки", "helpful": 2, "unhelpful": 1}
