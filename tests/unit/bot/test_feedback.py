"""The feedback form and its call, over an open desk without a running one."""

import html
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.feedback import PAGE, SEND, feedback_routes
from bot.status_page import status_routes
from core import conversations
from core.desk import Desk, open_desk
from core.errors import DatabaseDown
from core.files import Files
from core.ids import new_token
from core.models import Appeal, AppealKind, Attachment, Consent, Conversation, Delivery, Message
from core.transcript import masked_fields, message_documents
from core.web import install
from handoff import feedback_form
from handoff.feedback_form import TOPICS
from handoff.letters.renderer import render
from tests.conftest import MakeSettings
from tests.data.personas import ANNA, PYOTR
from tests.unit.core import samples

TEXT = "После входа страница белая, обновление не помогает. Лебедева Анна Сергеевна"
FORM = {
    "email": ANNA.email,
    "kind": "technical_problem",
    "text": TEXT,
    "full_name": "лебедева анна сергеевна",
    "snils": ANNA.snils_digits,
    "consent": "true",
}
LIMIT = 200_000
_A_MINUTE = 50


class Scene:
    """A desk, and somebody who writes to it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.app = FastAPI()
        install(self.app, LIMIT, page_forms=(SEND,))
        self.app.include_router(feedback_routes(desk, Files(desk)))
        self.app.include_router(status_routes(desk))
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://desk")

    async def call(self, *files: tuple[str, bytes], **changed: str) -> httpx.Response:
        return await self._post("/api/appeals", files, changed)

    async def send(self, *files: tuple[str, bytes], **changed: str) -> httpx.Response:
        return await self._post(SEND, files, changed)

    async def _post(self, path: str, files: tuple[tuple[str, bytes], ...], changed: dict[str, str]) -> httpx.Response:
        fields = {name: value for name, value in (FORM | changed).items() if value}
        # What a browser sends of an empty file field makes it multipart in any case.
        parts = [("files", file) for file in files] or [("files", ("", b""))]
        return await self.client.post(path, data=fields, files=parts)

    async def blank_form_id(self) -> str:
        page = await self.client.get(PAGE)
        found = re.search(r'name="form_id" value="([^"]+)"', page.text)
        assert found
        return found[1]

    def count(self, model: Any) -> int:
        return self.desk.database.read(lambda session: session.scalar(select(func.count()).select_from(model))) or 0

    def blobs(self) -> int:
        return len([path for path in (self.desk.settings.data_dir / "attachments").rglob("*") if path.is_file()])

    def is_empty(self) -> bool:
        return not any(map(self.count, (Conversation, Message, Appeal, Attachment, Consent, Delivery))) and not self.blobs()


@pytest.fixture
async def scene(make_settings: MakeSettings) -> AsyncIterator[Scene]:
    limits = {"max_message_bytes": LIMIT, "max_document_bytes": LIMIT, "max_picture_bytes": LIMIT, "message_attachments": 3}
    desk = open_desk(make_settings(feedback_forms_per_minute=_A_MINUTE, appeals_per_snils_per_day=4, **limits))
    scene = Scene(desk)
    yield scene
    await scene.client.aclose()
    desk.close()


def errors_of(answer: httpx.Response) -> dict[str, str]:
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


def errors_on(page: httpx.Response) -> dict[str, str]:
    return {name: html.unescape(words) for name, words in re.findall(r'id="(\w+)-error">([^<]+)<', page.text)}


async def test_a_call_becomes_an_appeal_with_a_conversation(scene: Scene) -> None:
    answer = await scene.call(
        ("снимок.png", samples.png()), ("справка.pdf", samples.PDF), phone=ANNA.phone, application_number="1234567890"
    )
    assert answer.status_code == 201, answer.text
    document = answer.json()
    assert document.keys() == {"number", "due_at", "status", "access_code"} and document["status"] == "registered"
    assert answer.headers["cache-control"] == "no-store"
    status = await scene.client.get(f"/api/appeals/{document['number']}", params={"access_code": document["access_code"]})
    assert (status.status_code, status.json()["kind"], status.json()["due_at"]) == (200, AppealKind.COMPLEX, document["due_at"])

    def look(session: Session) -> None:
        (conversation,) = session.scalars(select(Conversation))
        (appeal,) = session.scalars(select(Appeal))
        assert (conversation.channel, appeal.department) == ("form", scene.desk.settings.departments.technical_problem)
        assert conversation.token_hash is None
        told, confirmed = message_documents(session, scene.desk, conversation, conversations.messages_after(session, conversation.id, 0, 9))
        assert (told["author"], told["text"]) == ("citizen", TEXT)
        assert [file["filename"] for file in told["attachments"]] == ["снимок.png", "справка.pdf"]
        assert confirmed["meta"]["appeal_number"] == document["number"] and confirmed["in_reply_to"] == told["seq"]
        stored = session.scalars(select(Message).order_by(Message.seq)).first()
        assert stored and "pdname1" in scene.desk.vault.open(conversation, stored.text_sealed)  # named again, known again
        (consent,) = session.scalars(select(Consent))
        assert (consent.message_id, consent.version) == (stored.id, scene.desk.settings.consent_version)
        fields = masked_fields(session, scene.desk, conversation)
        assert fields["full_name"] == "Лебедева А. С." and fields["snils"].endswith(ANNA.snils[-6:])
        assert (fields["category"], fields["reply_channel"]) == ("Техническая проблема", "email")
        assert fields["phone"] and fields["application_number"] == "1234567890"
        (letter,) = session.scalars(select(Delivery))
        assert (letter.subject_id, letter.address_token) == (appeal.id, conversation.email_token)

    scene.desk.database.read(look)
    assert scene.blobs() == 2


def find_appeal(session: Session, number: str) -> Appeal:
    return session.scalars(select(Appeal).filter_by(number=number)).one()


async def test_a_topic_has_its_clock_and_its_department(scene: Scene) -> None:
    kinds = {
        "technical_problem": AppealKind.COMPLEX,
        "outage": AppealKind.URGENT,
        "application_question": AppealKind.SIMPLE,
        "suggestion": AppealKind.SUGGESTION,
        "complaint": AppealKind.COMPLAINT,
    }
    assert set(TOPICS) == kinds.keys()
    for topic, kind in kinds.items():
        number = (await scene.call(kind=topic, snils=PYOTR.snils if kind == AppealKind.COMPLEX else ANNA.snils)).json()["number"]
        appeal = scene.desk.database.read(find_appeal, number)
        assert (appeal.kind, appeal.department) == (kind, getattr(scene.desk.settings.departments, topic))


_WRONG: list[tuple[dict[str, str], str]] = [
    ({"email": "anna@mail,ru"}, "email"),
    ({"email": ""}, "email"),
    ({"kind": ""}, "kind"),
    ({"kind": "question"}, "kind"),
    ({"text": "сломалось"}, "text"),
    ({"text": "слово " * 700}, "text"),
    ({"text": "слово " * 20_000}, "text"),
    ({"text": "нулевой знак \x00 в тексте обращения"}, "text"),
    ({"full_name": ""}, "full_name"),
    ({"full_name": "Анна"}, "full_name"),
    ({"snils": "112-233-445 96"}, "snils"),
    ({"consent": ""}, "consent"),
    ({"consent": "false"}, "consent"),
    ({"application_number": "12"}, "application_number"),
    ({"phone": "12"}, "phone"),
    ({"reply_channel": "phone"}, "phone"),
    ({"reply_channel": "pigeon"}, "reply_channel"),
    ({"reply_channel": "messenger"}, "reply_channel"),
    ({"form_id": "1"}, "form_id"),
]


async def test_a_wrong_field_is_told_and_nothing_is_stored(scene: Scene) -> None:
    for changed, wrong in _WRONG:
        answer = await scene.call(**changed)
        assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json", changed
        assert errors_of(answer).keys() == {wrong}, changed
        page = await scene.send(**changed)
        assert page.status_code == 422 and "<title>Ошибка: " in page.text and page.headers["cache-control"] == "no-store", changed
        if wrong != "form_id":
            assert errors_on(page) == errors_of(answer), changed
            assert f'id="{wrong}"' in page.text and f'<a href="#{wrong}">' in page.text, changed
    assert scene.is_empty()


async def test_a_story_of_blocked_access_is_urgent(scene: Scene) -> None:
    for kind, expected in (("technical_problem", AppealKind.URGENT), ("complaint", AppealKind.COMPLAINT)):
        answer = await scene.call(kind=kind, text="Мой аккаунт заблокирован, войти не могу совсем")
        assert scene.desk.database.read(find_appeal, answer.json()["number"]).kind == expected


async def test_files_beside_a_wrong_field_are_asked_for_again(scene: Scene) -> None:
    page = await scene.send(("<снимок>.png", samples.png()), snils="1")
    assert page.status_code == 422
    assert "Приложите ещё раз: «<снимок>.png»" in html.unescape(page.text) and "<снимок>" not in page.text
    assert '<a href="#files">Файлы нужно приложить ещё раз' in page.text
    assert scene.is_empty()


async def test_a_wrong_file_is_told_and_no_file_stays(scene: Scene) -> None:
    cases: list[tuple[list[tuple[str, bytes]], int, str]] = [
        ([("a.exe", samples.EXE)], 415, "«a.exe»: Принимаются картинки"),
        ([("a.png", samples.png()), ("b.pdf", samples.ENCRYPTED_PDF)], 422, "«b.pdf»: Документ защищён паролем"),
        ([("a.pdf", samples.PDF), ("b.exe", samples.EXE), ("c.pdf", b"")], 415, "«c.pdf»: Файл пустой"),
        ([(f"{name}.pdf", samples.PDF) for name in "abcd"], 422, "не больше 3 файлов"),
        ([("a.pdf", samples.PDF + b" " * 120_000), ("b.pdf", samples.PDF + b" " * 110_000)], 413, "Все файлы вместе должны быть не больше"),
    ]
    for files, status, words in cases:
        answer = await scene.call(*files)
        assert answer.status_code == status and words in errors_of(answer)["files"]
        page = await scene.send(*files)
        assert page.status_code == status and words in errors_on(page)["files"]
        assert ANNA.email in page.text
    assert scene.is_empty()


async def test_what_is_far_too_large_is_stopped_but_what_was_typed_is_there(scene: Scene) -> None:
    large = ("большой.pdf", samples.PDF + b" " * 1_000_000)
    answer = await scene.call(large)
    assert answer.status_code == 413 and answer.headers["content-type"] == "application/problem+json"
    page = await scene.send(large)
    assert page.status_code == 413 and "Все файлы вместе" in errors_on(page)["files"] and ANNA.email in page.text
    endless = await scene.send(("endless.pdf", samples.PDF + b" " * 15 * LIMIT))
    assert endless.status_code == 413 and ANNA.email in endless.text
    assert scene.is_empty()


async def test_the_page_keeps_what_was_typed(scene: Scene) -> None:
    typed = {
        "kind": "complaint",
        "text": 'Третья <b>строка</b> & "кавычки"\nи ещё одна строка',
        "snils": '"><script>alert(1)</script>',
        "email": "a'b\"c",
        "reply_channel": "phone",
        "phone": "12",
        "form_id": new_token(),
    }
    page = await scene.send(**typed)
    assert page.status_code == 422
    assert errors_on(page).keys() == {"snils", "email", "phone"}
    shown = html.unescape(page.text)
    assert "<script>alert" not in page.text and "<b>строка" not in page.text
    for value in (*typed.values(), FORM["full_name"]):
        assert value in shown
    assert re.search(r'value="complaint"\s+checked', page.text) and re.search(r'value="phone"\s+checked', page.text)
    assert re.search(r'name="consent"\s+value="true"\s+required\s+checked', page.text)
    assert "Файлы нужно приложить" not in page.text


async def test_the_receipt_says_how_the_answer_comes(scene: Scene) -> None:
    async def receipt(**changed: str) -> str:
        code = (await scene.call(phone=ANNA.phone, **changed)).json()["access_code"]

        def read(session: Session) -> str:
            letters = [render(session, scene.desk, delivery).get_body(("plain",)) for delivery in session.scalars(select(Delivery))]
            return next(text for letter in letters if letter and code in (text := str(letter.get_content())))

        return scene.desk.database.read(read)

    text = await receipt()
    assert "Вид: Техническая проблема" in text and "Ответ придёт на этот адрес" in text and "чате, он" not in text
    assert "позвонит по номеру" in await receipt(reply_channel="phone")


async def test_an_answer_by_telegram_is_offered_where_there_is_a_bot(scene: Scene, make_settings: MakeSettings) -> None:
    assert 'value="messenger"' not in (await scene.client.get(PAGE)).text
    bot = make_settings(telegram_token="123:abc", telegram_bot_name="otklik_bot")
    with_bot = Scene(replace(scene.desk, settings=bot))
    assert 'value="messenger"' in (await with_bot.client.get(PAGE)).text
    assert (await with_bot.call(reply_channel="messenger")).status_code == 201
    await with_bot.client.aclose()


async def test_a_rare_name_is_taken_when_it_is_sent_again(scene: Scene) -> None:
    page = await scene.send(full_name="Сукарно")
    assert "отправьте форму ещё раз" in errors_on(page)["full_name"]
    assert 'name="doubted_name" value="Сукарно"' in page.text
    assert errors_of(await scene.call(full_name="Сухарто", doubted_name="Сукарно")).keys() == {"full_name"}
    assert errors_of(await scene.call(full_name="12345", doubted_name="12345")).keys() == {"full_name"}
    assert (await scene.call(full_name="Сукарно", doubted_name="Сукарно")).status_code == 201


async def test_the_page_leads_to_number_and_code_which_are_shown_once(scene: Scene) -> None:
    sent = await scene.send(form_id=await scene.blank_form_id())
    assert (sent.status_code, sent.headers["location"]) == (303, "/appeals/new/sent")
    cookie = sent.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/appeals/new/sent" in cookie
    page = await scene.client.get(sent.headers["location"])
    assert page.status_code == 200 and page.headers["cache-control"] == "no-store"
    number, code = re.search(r'class="number">([^<]+)<', page.text), re.search(r'class="code">([^<]+)<', page.text)
    assert number and code and "уже отправляли" not in page.text
    status = await scene.client.get(f"/api/appeals/{number[1]}", params={"access_code": code[1]})
    assert status.status_code == 200
    again = await scene.client.get(sent.headers["location"])
    assert again.status_code == 200 and code[1] not in again.text and number[1] not in again.text


async def test_a_made_up_cookie_opens_nothing(scene: Scene) -> None:
    await scene.send()
    sent = await scene.send()
    good = re.search(r'otklik_sent="?([^";]+)', sent.headers["set-cookie"])
    assert good
    number, code, word, signature = good[1].split(".")
    for cookie in (f"{number}.{code}.again.{signature}", f"{number}.{code}.{word}.", "x", f"{number}.{code}"):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(scene.app), base_url="http://desk") as stranger:
            page = await stranger.get("/appeals/new/sent", headers={"Cookie": f"otklik_sent={cookie}"})
        assert page.status_code == 200 and code not in page.text


async def test_a_form_sent_twice_is_one_appeal(scene: Scene) -> None:
    form_id = await scene.blank_form_id()
    first = await scene.call(("a.png", samples.png()), form_id=form_id)
    second = await scene.call(("a.png", samples.png()), form_id=form_id, text=TEXT + " Уточнение")
    assert first.status_code == 201 and second.status_code == 201 and first.json() == second.json()
    page = await scene.send(form_id=form_id)
    assert page.status_code == 303
    assert "уже отправляли" in (await scene.client.get(page.headers["location"])).text
    assert (scene.count(Appeal), scene.count(Conversation), scene.count(Attachment), scene.blobs()) == (1, 1, 1, 1)
    other = await scene.call(form_id=form_id, snils=PYOTR.snils, email=PYOTR.email, full_name=PYOTR.full_name)
    assert other.json()["number"] != first.json()["number"]  # the next one at a shared computer learns nothing


async def test_a_reload_of_faults_from_elsewhere_leads_to_the_form(scene: Scene) -> None:
    answer = await scene.client.get(SEND)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)


async def test_another_blank_form_is_another_appeal(scene: Scene) -> None:
    blank = await scene.client.get(PAGE)
    assert "no-store" not in blank.headers["cache-control"]  # "back" leads to the same form
    ids = {await scene.blank_form_id() for _ in range(2)}
    numbers = {(await scene.call(form_id=form_id)).json()["number"] for form_id in ids}
    assert len(ids) == len(numbers) == 2


async def test_too_many_appeals_of_one_snils(scene: Scene) -> None:
    for _ in range(4):
        assert (await scene.call()).status_code == 201
    refused = await scene.call(("a.png", samples.png()))
    assert refused.status_code == 429 and scene.desk.settings.hotline in refused.json()["detail"]
    page = await scene.send(("a.png", samples.png()))
    assert page.status_code == 429 and "за сутки их слишком много" in page.text and ANNA.email in page.text
    assert scene.count(Appeal) == 4 and scene.blobs() == 0
    other = await scene.call(snils=PYOTR.snils)
    assert other.status_code == 201


async def test_too_many_forms_from_one_address(scene: Scene) -> None:
    for _ in range(_A_MINUTE):
        assert (await scene.client.post("/api/appeals", data={"a": "b"})).status_code == 400
    assert (await scene.call()).status_code == 429
    page = await scene.send(("a.png", samples.png()))
    assert page.status_code == 429 and int(page.headers["retry-after"]) > 0
    assert ANNA.email in page.text and "Слишком много запросов" in page.text
    assert "Все файлы вместе" not in page.text and "«a.png»" in page.text
    assert scene.is_empty()


async def test_an_outage_keeps_what_was_typed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def outage(*_: object) -> None:
        raise DatabaseDown("AdminShutdown")

    monkeypatch.setattr(feedback_form, "register", outage)
    form_id = await scene.blank_form_id()
    page = await scene.send(form_id=form_id)
    assert page.status_code == 503 and ANNA.email in page.text and form_id in page.text
    monkeypatch.undo()
    assert (await scene.send(form_id=form_id)).status_code == 303


async def test_what_is_no_form_is_refused(scene: Scene) -> None:
    bodies = [("application/json", b"{}"), ("multipart/form-data", b"x"), ("multipart/form-data; boundary=a", b"x")]
    for content_type, body in bodies:
        for path in ("/api/appeals", SEND):
            answer = await scene.client.post(path, content=body, headers={"content-type": content_type})
            assert answer.status_code == 400, (path, content_type)
    assert scene.is_empty()
