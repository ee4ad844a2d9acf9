"""The page of letters that were set aside: who may, what is shown and hidden, what a button does, what is said when it cannot."""

import hashlib
import html
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import audit
from core.desk import Desk, open_desk
from core.models import IncomingLetter, LetterState, Role, now
from core.virus_scan import VirusScan
from core.words import say
from handoff.console.access import form_token
from handoff.console.letters import letter_routes
from handoff.mailbox import handling, incoming, quarantine
from handoff.mailbox.letter import read_letter
from tests.conftest import MakeSettings
from tests.data.personas import ANNA
from tests.unit.handoff.test_article_pages import as_request, logged_in
from tests.unit.handoff.test_console_access import Scene

PAGE = "/operator/letters"


@pytest.fixture
async def scene(make_settings: MakeSettings) -> AsyncIterator[Scene]:
    desk = open_desk(make_settings())
    made = Scene(desk)
    made.app.include_router(letter_routes(desk, VirusScan(desk.settings)))
    yield made
    desk.close()


def put(desk: Desk, why: str, subject: str = "Выгодно", words: str = "Купите сейчас", score: float | None = None) -> uuid.UUID:
    """A letter that is set aside. ``why``: of quarantine, else an error."""
    raw = f"From: {ANNA.full_name} <{ANNA.email}>\r\nSubject: {subject}\r\n\r\n{words}\r\n".encode()
    letter = read_letter(raw, desk.settings)

    def store(session: Session) -> uuid.UUID:
        found = incoming.store(session, desk, raw, hashlib.sha256(raw + uuid.uuid4().bytes).digest(), len(raw), now())
        assert found
        session.flush()
        if why in (quarantine.SPAM, quarantine.FLOOD):
            assert quarantine.hold(session, desk, found.id, letter, why, quarantine.preview_of(letter, desk.settings), score)
        else:
            incoming.park(found, why)
        return found.id

    return desk.database.write(store)


def state(desk: Desk, letter_id: uuid.UUID) -> LetterState:
    return desk.database.read(lambda session: session.get_one(IncomingLetter, letter_id).state)


def actions(scene: Scene) -> list[tuple[str, str, str]]:
    return [row for row in scene.recorded() if row[1].startswith("letter")]


async def decide(client: httpx.AsyncClient, scene: Scene, deed: str, *letters: object, token: str | None = None) -> httpx.Response:
    mine = form_token(scene.desk, as_request(client))
    data = {"deed": deed, "token": mine if token is None else token, "letter": [str(one) for one in letters]}
    return await client.post(PAGE, data=data)


async def test_what_is_shown_is_masked_and_recorded_once(scene: Scene) -> None:
    put(scene.desk, quarantine.SPAM, f"СНИЛС {ANNA.snils} <b>", f"Я {ANNA.full_name}, {ANNA.phone}", score=7.44)
    put(scene.desk, quarantine.FLOOD)
    put(scene.desk, "ZeroDivisionError at handoff.mailbox.letter:7")
    put(scene.desk, handling.NO_SENDER)
    async with logged_in(scene, Role.SENIOR) as client:
        page = html.unescape((await client.get(PAGE)).text)
        await client.get(PAGE)
    assert "баллов: 7,4" in page
    assert say("letter_flood") in page
    assert "ZeroDivisionError at handoff.mailbox.letter:7" in page
    assert say("letter_parked_sender") in page
    assert f"{ANNA.last_name} {ANNA.full_name.split()[1][0]}." in page
    for secret in (ANNA.snils, ANNA.email, ANNA.full_name, ANNA.phone, "/raw"):
        assert secret not in page
    assert actions(scene) == [("senior", audit.LETTERS_READ, "")]


async def test_markup_in_a_letter_stays_text(scene: Scene) -> None:
    put(scene.desk, quarantine.SPAM, "<script>alert(1)</script>", "<img src=x>", score=9)
    async with logged_in(scene, Role.SENIOR) as client:
        page = (await client.get(PAGE)).text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


async def test_what_the_buttons_do(scene: Scene) -> None:
    good, bad, other = (put(scene.desk, quarantine.SPAM, f"Письмо {number}", score=6) for number in range(3))
    parked = put(scene.desk, "ZeroDivisionError")
    async with logged_in(scene, Role.SENIOR) as client:
        answer = await decide(client, scene, "release", good)
        assert answer.status_code == 303
        assert "Выпущено из карантина: 1 письмо" in (await client.get(answer.headers["location"])).text
        assert "Удалено: 1 письмо" in (await client.get((await decide(client, scene, "discard", bad)).headers["location"])).text
        assert (await decide(client, scene, "retry", parked, other)).headers["location"].endswith("count=1")  # the other is not parked
    assert [state(scene.desk, one) for one in (good, bad, other, parked)] == [
        LetterState.NEW,
        LetterState.DONE,
        LetterState.QUARANTINED,
        LetterState.NEW,
    ]
    assert actions(scene) == [
        ("senior", audit.LETTER_RELEASED, str(good)),
        ("senior", audit.LETTERS_READ, ""),
        ("senior", audit.LETTER_DISCARDED, str(bad)),
        ("senior", audit.LETTER_RETRIED, str(parked)),
    ]


@pytest.mark.parametrize(
    ("deed", "letters", "status", "key"),
    [
        ("release", [], 422, "letters_none_chosen"),
        ("release", ["no-id"], 422, "letters_malformed"),
        ("erase", [uuid.UUID(int=1)], 422, "letters_malformed"),
        ("discard", [uuid.UUID(int=1)], 409, "letters_all_gone"),
    ],
)
async def test_what_cannot_be_done_is_said(scene: Scene, deed: str, letters: list[object], status: int, key: str) -> None:
    held = put(scene.desk, quarantine.SPAM, score=6)
    async with logged_in(scene, Role.SENIOR) as client:
        answer = await decide(client, scene, deed, *letters)
        assert (answer.status_code, say(key) in answer.text) == (status, True)
        stale = await decide(client, scene, "discard", held, token="0" * 64)
        assert (stale.status_code, say("article_form_stale") in stale.text) == (403, True)
    assert state(scene.desk, held) == LetterState.QUARANTINED


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.EDITOR])
async def test_who_may_not_is_told_so(scene: Scene, role: Role) -> None:
    held = put(scene.desk, quarantine.SPAM, "Секрет", score=6)
    async with logged_in(scene, role) as client:
        for answer in (await client.get(PAGE), await decide(client, scene, "discard", held)):
            assert answer.status_code == 403
            assert say("not_by_role_review_letters") in answer.text
            assert "Секрет" not in answer.text
        assert (await client.get(f"{PAGE}/{held}/raw")).status_code == 403
    async with scene.client() as nobody:
        assert (await nobody.get(PAGE)).headers["location"] == "/operator"
        assert (await nobody.get(f"{PAGE}/{held}/raw")).headers["location"] == "/operator"
    assert state(scene.desk, held) == LetterState.QUARANTINED
    assert actions(scene) == []


async def test_the_whole_letter_is_a_supervisors_and_recorded(scene: Scene) -> None:
    held = put(scene.desk, quarantine.SPAM, score=6)
    done = put(scene.desk, quarantine.SPAM, score=6)
    scene.desk.database.write(lambda session: incoming.end(session.scalars(select(IncomingLetter).filter_by(id=done)).one(), "registered"))
    async with logged_in(scene, Role.SENIOR) as client:
        assert (await client.get(f"{PAGE}/{held}/raw")).status_code == 403
    async with logged_in(scene, Role.SUPERVISOR) as client:
        assert f"{PAGE}/{held}/raw" in (await client.get(PAGE)).text
        answer = await client.get(f"{PAGE}/{held}/raw")
        assert ANNA.email in answer.text
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert (await client.get(f"{PAGE}/{done}/raw")).status_code == 409
        assert (await client.get(f"{PAGE}/{uuid.UUID(int=1)}/raw")).status_code == 404
    assert actions(scene) == [("supervisor", audit.LETTERS_READ, ""), ("supervisor", audit.LETTER_SHOWN, str(held))]


async def test_pages_of_many(scene: Scene) -> None:
    for number in range(21):
        put(scene.desk, quarantine.FLOOD, f"Письмо {number}.")
    async with logged_in(scene, Role.SENIOR) as client:
        first, last = [(await client.get(f"{PAGE}?page={page}")).text for page in (1, 99)]
    assert ("Письмо 20." in first, "Письмо 0." in first, "Письмо 0." in last) == (True, False, True)
    assert "Всего 21 письмо. Страница 2 из 2." in last


async def test_letters_that_went_unchecked_are_counted(scene: Scene) -> None:
    letter_id = put(scene.desk, "ZeroDivisionError")
    scene.desk.database.write(quarantine.note_not_checked, letter_id)
    async with logged_in(scene, Role.SENIOR) as client:
        assert "За сутки без неё принято: 1 письмо" in (await client.get(PAGE)).text
