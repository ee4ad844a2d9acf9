"""The offer of an article for the error on a picture: only when sure, once, and never waited for long."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import answer_question, screenshot_answers
from actions.records import Records
from actions.screenshot_answers import OFFERED, find_article, offer_article
from core import conversations
from core.desk import Desk
from core.models import Attachment, Reading
from knowledge_base.search import Search
from tests.scenes import start_conversation, upload

EXPIRED = "Ошибка\n\nЭлектронная подпись недействительна: срок\nдействия сертификата истёк.\nЗакрыть"
OUTAGE = "Сервис временно недоступен\n\nОшибка 503. Мы уже работаем над восстановлением, попробуйте позже."


@pytest.fixture(scope="session")
def search(shipped_index: Path) -> Search:
    return Search(shipped_index)


@pytest.fixture(autouse=True)
def _desk_of_the_actions(desk: Desk, search: Search, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(screenshot_answers, "records", lambda: Records(desk.database, desk.vault))
    monkeypatch.setattr(answer_question, "knowledge", lambda: search)
    yield


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    return start_conversation(desk)


def put(desk: Desk, conversation_id: uuid.UUID, text: str | None, state: Reading = Reading.DONE) -> str:
    """A picture as far as it is read."""
    attachment_id = upload(desk, conversation_id)

    def keep(session: Any) -> None:
        attachment = session.get_one(Attachment, attachment_id)
        attachment.reading = state
        attachment.text_sealed = desk.vault.seal(conversations.find(session, conversation_id), text) if text else None

    desk.database.write(keep)
    return str(attachment_id)


async def offer(files: list[str], wait_seconds: float = 0, offered: bool | None = None) -> tuple[list[dict[str, Any]], list[Any]]:
    """What is said, and the events."""
    latest = {"text": "", "intent": {}, "entities": []}
    slots = {"files": files, OFFERED: offered}
    tracker = Tracker.from_dict({"sender_id": "0198-abc-3", "slots": slots, "latest_message": latest, "events": []})
    dispatcher = CollectingDispatcher()
    events = await offer_article(dispatcher, tracker, wait_seconds)
    return dispatcher.messages, events


async def test_a_sure_article_is_offered_by_its_button(desk: Desk, conversation_id: uuid.UUID) -> None:
    said, events = await offer([put(desk, conversation_id, EXPIRED)])
    assert "ошибка «Ошибка. Электронная подпись недействительна: срок действия сертификата истёк»" in said[0]["text"]
    assert said[0]["buttons"][0]["payload"] == '/ask_question{"article": "signature-expired"}'
    assert [(event["name"], event["value"]) for event in events] == [(OFFERED, True)]
    assert await offer([put(desk, conversation_id, EXPIRED)], offered=True) == ([], [])


@pytest.mark.parametrize("text", [None, "Личный кабинет\nМои заявления", "Ошибка", "502 Bad Gateway\n\nnginx", "Неверный логин или пароль"])
async def test_an_unsure_one_is_not(desk: Desk, conversation_id: uuid.UUID, text: str | None) -> None:
    assert await offer([put(desk, conversation_id, text)]) == ([], [])


async def test_without_files_nothing_is_looked_for() -> None:
    assert await offer([], wait_seconds=60) == ([], [])


async def test_what_is_not_read_in_time_is_gone_on_without_and_offered_later(desk: Desk, conversation_id: uuid.UUID) -> None:
    slow = put(desk, conversation_id, None, Reading.ASKED)
    begun = time.monotonic()
    assert await offer([slow], wait_seconds=0.3) == ([], [])
    assert time.monotonic() - begun >= 0.3
    assert (await offer([slow, put(desk, conversation_id, OUTAGE)]))[1]


async def test_what_cannot_be_read_is_not_waited_for(desk: Desk, conversation_id: uuid.UUID) -> None:
    begun = time.monotonic()
    assert await offer([put(desk, conversation_id, None, Reading.FAILED)], wait_seconds=3600) == ([], [])
    assert time.monotonic() - begun < 3600


async def test_of_several_pictures_the_newest_that_is_sure_counts(desk: Desk, conversation_id: uuid.UUID) -> None:
    files = [put(desk, conversation_id, text) for text in (EXPIRED, OUTAGE, "Ошибка", None)]
    found = await find_article(files, 0)
    assert found is not None and found.result.hits[0].slug == "site-outage"


async def test_a_quote_holds_no_marks_that_our_texts_know(desk: Desk, conversation_id: uuid.UUID) -> None:
    found = await find_article([put(desk, conversation_id, "Ошибка «{slot}» [[portal_url]] " + "очень длинная " * 20)], 0)
    assert found is not None
    assert found.quoted.startswith("Ошибка slot portal_url очень")
    assert len(found.quoted) <= 121 and not set("{}[]«»") & set(found.quoted)
