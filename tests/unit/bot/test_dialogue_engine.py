"""Rasa's replies and trackers, as they come over HTTP, as utterances and deeds."""

from typing import Any

import pytest

from bot.dialogue_engine import Deed, EngineFailed, RasaEngine, Recollection, Utterance, as_text, parse_reply, read_tracker
from tests.conftest import MakeSettings

ANSWER = {"kind": "answer", "article": "a", "score": 0.8}


@pytest.mark.parametrize(
    ("items", "reply"),
    [
        ([], ()),
        ([{"text": "Да"}], (Utterance("Да", meta={"kind": "smalltalk"}),)),
        ([{"text": "Один"}, {"text": "Два"}, {"custom": ANSWER}], (Utterance("Один\n\nДва", meta=ANSWER),)),
        (
            [{"text": "Что?", "buttons": [{"title": "Да", "payload": "/affirm"}]}, {"custom": {"kind": "form", "expects": "email"}}],
            (Utterance("Что?", [{"title": "Да", "command": "/affirm"}], "email", {"kind": "form"}),),
        ),
        (
            [{"text": "Раз"}, {"custom": {"kind": "offer"}}, {"text": "Два"}, {"custom": {"kind": "notice"}}],
            (Utterance("Раз", meta={"kind": "offer"}), Utterance("Два", meta={"kind": "notice"})),
        ),
        ([{"custom": {"do": "hand_over", "fields": {"reason": "x"}}}], (Deed("hand_over", {"reason": "x"}),)),
        ([{"text": "Зову"}, {"custom": {"do": "hand_over"}}], (Utterance("Зову", meta={"kind": "smalltalk"}), Deed("hand_over"))),
        ([{"custom": {"kind": "orphan"}}], ()),
    ],
)
def test_replies(items: list[dict[str, Any]], reply: object) -> None:
    assert parse_reply(items) == reply


def user(message_id: str) -> dict[str, Any]:
    return {"event": "user", "text": "…", "metadata": {"message_id": message_id}}


LISTEN = {"event": "action", "name": "action_listen"}
SAID = {"event": "bot", "text": "Один\n\nДва", "data": {"custom": ANSWER, "buttons": None}}


@pytest.mark.parametrize(
    ("events", "recollection"),
    [
        ([], Recollection(seen=False)),
        ([LISTEN, user("other"), SAID, LISTEN], Recollection(seen=False)),
        ([LISTEN, user("mine")], Recollection(seen=True)),
        ([LISTEN, user("mine"), SAID], Recollection(seen=True)),
        ([LISTEN, user("mine"), LISTEN], Recollection(seen=True, finished=True)),
        (
            [user("other"), LISTEN, user("mine"), {"event": "action", "name": "a"}, SAID, LISTEN, user("later"), SAID, LISTEN],
            Recollection(seen=True, finished=True, reply=(Utterance("Один\n\nДва", meta=ANSWER),)),
        ),
    ],
)
def test_trackers(events: list[dict[str, Any]], recollection: Recollection) -> None:
    assert read_tracker(events, "mine") == recollection


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("не\u00a0приходит код\nвторой день", "не приходит код второй день"),
        ("/restart", "« /restart"),
        (" \u00a0\u2003/inform{}", "«    /inform{}"),
        ("\u200b/back", "« /back"),
        ("и/или", "и/или"),
        ("😀", "😀"),
    ],
)
def test_a_typed_text_is_only_text(text: str, seen: str) -> None:
    assert as_text(text) == seen


@pytest.mark.parametrize("is_forgotten", [True, False])
async def test_the_engine_has_to_say_so(make_settings: MakeSettings, is_forgotten: bool) -> None:
    """Rasa answers 200 also where its tracker store failed."""

    class Answering(RasaEngine):
        async def _call(self, method: str, path: str, **options: Any) -> Any:  # noqa: ARG002
            return {"paused": is_forgotten, "events": []}

    engine = Answering(make_settings())
    if is_forgotten:
        await engine.forget("sender")
    else:
        with pytest.raises(EngineFailed, match="not forgotten"):
            await engine.forget("sender")
