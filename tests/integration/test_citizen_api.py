"""The citizen's calls over HTTP: what is promised in the contract, and what happens to bad input."""

import io
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.stack import Citizen, OperatorClient, Stack, wait_for

MISSING = str(uuid.UUID(int=7))


def check_problem(answer: httpx.Response, status: int, field: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = dict(answer.json())
    assert problem["status"] == status
    assert problem["title"] and any("а" <= letter <= "я" for letter in problem["detail"])
    if field:
        assert [error["field"] for error in problem["errors"]] == [field]
    return problem


def picture(kind: str = "PNG") -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(target, kind)
    return target.getvalue()


def test_the_greeting_is_message_one(citizen: Citizen) -> None:
    state = citizen.poll()
    assert [(m["seq"], m["author"], m["meta"]["kind"]) for m in state["messages"]] == [(1, "bot", "greeting")]
    assert (state["mode"], state["more"], state["queue_position"], state["answering"]) == ("bot", False, None, False)
    assert "Позвать оператора" in [button["title"] for button in state["messages"][0]["buttons"]]


def test_a_message_is_stored_as_written_and_acknowledged_once(citizen: Citizen) -> None:
    body = {"client_message_id": "mine", "text": "Мой СНИЛС 112-233-445 95, почта ivan@example.org"}
    first = citizen.http.post(f"{citizen.path}/messages", json=body)
    again = citizen.http.post(f"{citizen.path}/messages", json={**body, "text": "другое"})
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    assert first.json()["text"] == body["text"]
    citizen.wait_until_answered()
    assert sum(message["author"] == "citizen" for message in citizen.messages()) == 1
    assert sum(message["in_reply_to"] == 2 for message in citizen.messages()) == 1


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"client_message_id": "a", "text": ""}, 422, "text"),
        ({"client_message_id": "a", "text": " \n\u200b"}, 422, "text"),
        ({"client_message_id": "a", "text": "я" * 5000}, 422, "text"),
        ({"client_message_id": "a", "text": "до\x00после"}, 422, "text"),
        ({"client_message_id": "", "text": "вопрос"}, 422, "client_message_id"),
        ({"text": "вопрос"}, 422, "client_message_id"),
        ({"client_message_id": 5, "text": "вопрос"}, 422, "client_message_id"),
        ({"client_message_id": "a", "text": "Да", "payload": "/request_operator"}, 422, "payload"),
        ({"client_message_id": "a", "text": "Да", "payload": f"{MISSING}.0"}, 422, "payload"),
        ({"client_message_id": "a", "text": "вот", "attachment_ids": [MISSING]}, 422, "attachment_ids"),
        ({"client_message_id": "a", "text": "вот", "attachment_ids": ["x"]}, 422, "attachment_ids.0"),
    ],
)
def test_bad_messages_are_refused_and_nothing_is_stored(citizen: Citizen, body: dict[str, Any], status: int, field: str) -> None:
    check_problem(citizen.http.post(f"{citizen.path}/messages", json=body), status, field)
    assert len(citizen.messages()) == 1


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b'{"client_message_id": "a", "text": "\\ud800"}', b"null", b""])
def test_malformed_bodies_are_refused(citizen: Citizen, content: bytes) -> None:
    answer = citizen.http.post(f"{citizen.path}/messages", content=content, headers={"content-type": "application/json"})
    check_problem(answer, 422 if answer.status_code == 422 else 400)
    assert len(citizen.messages()) == 1


def test_the_text_at_its_limit_is_taken(citizen: Citizen) -> None:
    text = ("не приходит код " * 300)[:4000]
    assert citizen.send(text)["text"] == text
    citizen.wait_until_answered()
    assert citizen.messages()[-1]["in_reply_to"] == 2


@pytest.mark.parametrize(
    "text", ["/restart", '/inform{"snils": "pdsnils1"}', " /request_operator", "\u00a0/back", "😀😀😀", "{x} {{y}}", "pdsnils1"]
)
def test_odd_texts_are_only_texts(citizen: Citizen, text: str) -> None:
    answers = citizen.say(text)
    assert citizen.messages()[1]["text"] == text
    assert len(answers) == 1
    assert answers[0]["author"] == "bot"
    assert citizen.mode == "bot"


def test_a_button_of_another_conversation_is_refused(stack: Stack, citizen: Citizen) -> None:
    other = stack.citizen()
    payload = other.messages()[0]["buttons"][0]["payload"]
    check_problem(citizen.post("Да", payload=payload), 422, "payload")


def test_a_button_means_what_was_offered_whatever_the_text_says(citizen: Citizen) -> None:
    payload = next(b["payload"] for b in citizen.messages()[0]["buttons"] if b["title"] == "Позвать оператора")
    citizen.say("сотри всё", payload=payload)
    assert citizen.messages()[1]["text"] == "Позвать оператора"
    assert citizen.mode == "queued"


@pytest.mark.parametrize("token", ["", "Bearer", "Bearer wrong", "Basic abc"])
def test_a_wrong_token_opens_nothing(citizen: Citizen, token: str) -> None:
    headers = {"Authorization": token} if token else {}
    for method, path in [("GET", "/messages"), ("POST", "/messages"), ("POST", "/leave-queue"), ("GET", "/appeals")]:
        answer = httpx.request(method, citizen.stack.url + citizen.path + path, headers=headers, json={}, trust_env=False)
        check_problem(answer, 401)


def test_foreign_and_unknown_conversations(stack: Stack, citizen: Citizen) -> None:
    other = stack.citizen()
    check_problem(citizen.http.get(f"{other.path}/messages"), 401)
    check_problem(citizen.http.get(f"/api/conversations/{MISSING}/messages"), 404)
    check_problem(citizen.http.get("/api/conversations/nonsense/messages"), 422)
    check_problem(citizen.http.get("/api/nothing"), 404)
    check_problem(citizen.http.delete(f"{citizen.path}/messages"), 405)
    check_problem(citizen.http.get(f"{citizen.path}/messages", params={"after": -1}), 422, "after")
    check_problem(citizen.http.get(f"{citizen.path}/messages", params={"wait": 31}), 422, "wait")


def test_waiting_ends_with_a_message_or_with_its_time(citizen: Citizen) -> None:
    assert citizen.poll(after=1, wait=0.2)["messages"] == []
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(citizen.poll, 1, 25)
        citizen.send("привет")
        assert waiting.result(timeout=20)["messages"][0]["seq"] == 2


def test_pages_hold_two_hundred_messages(citizen: Citizen, operator: OperatorClient) -> None:
    operator.claim(citizen.id)
    for number in range(205):
        citizen.send(f"строка {number}")
    page = citizen.poll()
    assert (len(page["messages"]), page["more"]) == (200, True)
    rest = citizen.poll(after=200)
    assert (rest["messages"][0]["seq"], rest["more"]) == (201, False)


def test_files_come_back_as_downloads(citizen: Citizen, operator: OperatorClient) -> None:
    answer = citizen.upload("снимок экрана.png", picture())
    assert answer.status_code == 201
    attachment = answer.json()
    assert (attachment["content_type"], attachment["scan"], attachment["filename"]) == ("image/png", "clean", "снимок экрана.png")
    sent = citizen.send("вот снимок", attachment_ids=[attachment["id"]])
    assert [a["id"] for a in sent["attachments"]] == [attachment["id"]]
    got = citizen.http.get(f"{citizen.path}/attachments/{attachment['id']}")
    assert got.headers["content-disposition"].startswith("attachment;")
    assert Image.open(io.BytesIO(got.content)).size == (40, 30)
    assert operator.http.get(f"/api/operator/attachments/{attachment['id']}").content == got.content
    check_problem(citizen.post("ещё раз", attachment_ids=[attachment["id"]]), 422, "attachment_ids")
    check_problem(citizen.stack.citizen().http.get(f"{citizen.path}/attachments/{attachment['id']}"), 401)


@pytest.mark.parametrize(
    ("filename", "content", "status"),
    [
        ("снимок.png", b"MZ" + b"\0" * 200, 415),
        ("страница.pdf", b"<html><script>alert(1)</script></html>", 415),
        ("договор.pdf", picture(), 415),
        ("рисунок.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415),
        ("пусто.png", b"", 422),
        ("оборван.png", picture()[:60], 422),
        ("большой.pdf", b"%PDF-1.7\n" + b"0" * (10 * 1024 * 1024) + b"\n%%EOF", 413),
        ("огромный.pdf", b"%PDF-1.7\n" + b"0" * (12 * 1024 * 1024) + b"\n%%EOF", 413),
        ("большой.png", picture() + b"\0" * (5 * 1024 * 1024), 413),
    ],
)
def test_files_that_cannot_be_taken(citizen: Citizen, filename: str, content: bytes, status: int) -> None:
    check_problem(citizen.upload(filename, content), status)


def test_a_stranger_cannot_make_the_gateway_read_a_file(citizen: Citizen) -> None:
    files = {"file": ("a.pdf", b"%PDF-1.7")}
    answer = httpx.post(
        f"{citizen.stack.url}{citizen.path}/attachments", files=files, headers={"Authorization": "Bearer x"}, trust_env=False
    )
    check_problem(answer, 401)
    check_problem(citizen.http.post(f"{citizen.path}/attachments", files={"other": ("a.pdf", b"%PDF-1.7")}), 422, "file")
    check_problem(citizen.http.post(f"{citizen.path}/attachments", content=b"x", headers={"content-type": "text/plain"}), 422, "file")


def test_a_picture_without_a_word_is_asked_about(citizen: Citizen, operator: OperatorClient) -> None:
    attachment = citizen.upload("Снилс 112-233-445 95.png", picture()).json()
    assert attachment["filename"] == "Снилс 112-233-445 95.png"
    assert [m["meta"]["kind"] for m in citizen.say("", attachment_ids=[attachment["id"]])] == ["offer"]
    seen = operator.transcript(citizen.id)["messages"][1]["attachments"][0]["filename"]
    assert "112-233" not in seen and seen.endswith(".png")


def test_a_conversation_wants_json_if_anything(stack: Stack) -> None:
    url = f"{stack.url}/api/conversations"
    assert httpx.post(url, trust_env=False).status_code == 201
    for content in (b"{", b"[1]"):
        check_problem(httpx.post(url, content=content, headers={"content-type": "application/json"}, trust_env=False), 400)


def test_a_document_stays_closed_until_it_is_released(citizen: Citizen, operator: OperatorClient) -> None:
    attachment = citizen.upload("справка.pdf", b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n").json()
    assert attachment["scan"] == "unscanned"
    citizen.send("справка", attachment_ids=[attachment["id"]])
    path = f"/api/operator/attachments/{attachment['id']}"
    check_problem(operator.http.get(path), 409)
    check_problem(operator.http.post(f"{path}/release", json={"reason": " "}), 422, "reason")
    assert operator.http.post(f"{path}/release", json={"reason": "ждали от гражданина"}).status_code == 204
    assert operator.http.get(path).status_code == 200


def test_twenty_messages_at_once_are_answered_in_order(citizen: Citizen) -> None:
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda number: citizen.send(f"привет {number}"), range(20)))
    citizen.wait_until_answered()
    messages = citizen.messages()
    assert [message["seq"] for message in messages] == list(range(1, len(messages) + 1))
    asked = [message["seq"] for message in messages if message["author"] == "citizen"]
    assert [message["in_reply_to"] for message in messages if message["author"] == "bot" and message["in_reply_to"]] == asked


def test_pages_and_service_calls(stack: Stack) -> None:
    page = httpx.get(stack.url, trust_env=False)
    assert page.status_code == 200 and "<otklik-chat" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert httpx.get(f"{stack.url}/healthz", trust_env=False).json() == {"status": "ok"}
    ready = httpx.get(f"{stack.url}/readyz", trust_env=False).json()
    assert set(ready["dependencies"].values()) == {"ok"}
    paths = httpx.get(f"{stack.url}/openapi.json", trust_env=False).json()["paths"]
    assert "/api/conversations/{conversation_id}/messages" in paths


def test_appeals_are_listed_with_their_access_code(citizen: Citizen) -> None:
    assert citizen.http.get(f"{citizen.path}/appeals").json() == {"appeals": []}
    handoff = citizen.say("позовите живого человека")[-1]
    appeals = citizen.http.get(f"{citizen.path}/appeals").json()["appeals"]
    assert [appeal["number"] for appeal in appeals] == [handoff["meta"]["appeal_number"]]
    assert appeals[0]["due_at"] == handoff["meta"]["due_at"]
    assert len(appeals[0]["access_code"]) == 8 and appeals[0]["status"] == "registered"


def test_leaving_the_queue(citizen: Citizen) -> None:
    check_problem(citizen.http.post(f"{citizen.path}/leave-queue"), 409)
    handoff = citizen.say("соедините с оператором")[-1]
    wait_for("a place in the queue", lambda: citizen.poll()["queue_position"])
    assert citizen.http.post(f"{citizen.path}/leave-queue").status_code == 200
    assert citizen.mode == "bot"
    assert [m["meta"]["kind"] for m in citizen.say("как восстановить пароль")] == ["answer"]
    again = citizen.say("соедините с оператором")[-1]
    assert again["meta"]["appeal_number"] == handoff["meta"]["appeal_number"]
