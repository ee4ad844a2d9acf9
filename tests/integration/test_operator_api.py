"""The operator's calls over HTTP."""

import contextlib
import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from tests.integration.test_citizen_api import check_problem
from tests.stack import PASSWORD, Citizen, OperatorClient, Stack, wait_for


@pytest.fixture(scope="module")
def colleague(running_stack: Stack) -> Iterator[OperatorClient]:
    running_stack.wait_until_ready()
    login = f"anna-{uuid.uuid4().hex[:6]}"
    running_stack.add_operator(login, "Анна Петрова")
    yield running_stack.operator(login)


def kinds(citizen: Citizen) -> list[str]:
    return [message["meta"].get("kind", message["author"]) for message in citizen.messages()]


def test_from_queue_to_close(citizen: Citizen, operator: OperatorClient, colleague: OperatorClient) -> None:
    handoff = citizen.say("позовите оператора")[-1]
    assert handoff["expects"] == "email"
    item = next(item for item in operator.queue() if item["conversation_id"] == citizen.id)
    assert (item["mode"], item["reason"], item["appeal_number"]) == ("queued", "citizen_asked", handoff["meta"]["appeal_number"])
    assert citizen.send("моя почта maria@example.org")["text"] == "моя почта maria@example.org"

    operator.claim(citizen.id)
    operator.claim(citizen.id)  # again is fine
    refused = check_problem(colleague.call(citizen.id, "claim"), 409)
    assert "Дежурный" in refused["detail"]
    check_problem(colleague.call(citizen.id, "messages", {"client_message_id": "x", "text": "и я"}), 409)
    assert citizen.mode == "operator"

    transcript = operator.transcript(citizen.id)
    assert transcript["fields"] == {"email1": "m***@example.org"}
    assert transcript["appeal"]["status"] == "in_progress"
    assert "maria@example.org" not in json.dumps(transcript, ensure_ascii=False)
    assert transcript["suggested_articles"] and not any("[[" in article["text"] for article in transcript["suggested_articles"])

    sent = operator.reply(citizen.id, "Здравствуйте, смотрю")
    again = operator.call(citizen.id, "messages", {"client_message_id": "same", "text": "Вижу"})
    same = operator.call(citizen.id, "messages", {"client_message_id": "same", "text": "Вижу"})
    assert again.json() == same.json()
    note = operator.reply(citizen.id, "перезвонить", internal=True)
    assert "seq" not in note
    assert [n["text"] for n in operator.transcript(citizen.id)["notes"]] == ["перезвонить"]
    assert citizen.say("спасибо") == []  # not one bot message
    seen = citizen.messages(after=sent["seq"] - 1)[0]
    assert (seen["author"], seen["author_name"]) == ("operator", "Дежурный")

    check_problem(operator.call(citizen.id, "close", {"resolution": " "}), 422, "resolution")
    assert operator.call(citizen.id, "close", {"resolution": "Помогли войти"}).status_code == 200
    assert citizen.mode == "bot"
    assert kinds(citizen)[-2:] == ["operator_left", "rating"]
    assert citizen.messages()[-1]["expects"] == "rating"
    assert [m["meta"]["kind"] for m in citizen.say("Пять.")] == ["notice"]  # a mark may be typed as well
    assert [m["meta"]["kind"] for m in citizen.press("5")] == ["notice"]
    assert citizen.http.get(f"{citizen.path}/appeals").json()["appeals"][0]["status"] == "closed"
    check_problem(operator.call(citizen.id, "close", {"resolution": "ещё раз"}), 409)
    assert [m["meta"]["kind"] for m in citizen.say("привет")] == ["smalltalk"]


def test_return_to_bot_keeps_the_appeal_open(citizen: Citizen, operator: OperatorClient) -> None:
    citizen.say("позовите оператора")
    operator.claim(citizen.id)
    assert operator.call(citizen.id, "return-to-bot").status_code == 200
    assert [m["meta"]["kind"] for m in citizen.say("не приходит смс с кодом")] == ["answer"]
    item = next(item for item in operator.queue() if item["conversation_id"] == citizen.id)
    assert (item["mode"], item["waiting_since"]) == ("bot", None)
    check_problem(operator.call(citizen.id, "return-to-bot"), 409)


def test_a_conversation_with_the_bot_may_be_claimed(citizen: Citizen, operator: OperatorClient) -> None:
    operator.claim(citizen.id)
    assert citizen.say("ау") == []
    assert citizen.mode == "operator"


def test_revealing_takes_a_reason(citizen: Citizen, operator: OperatorClient) -> None:
    citizen.say("мой телефон 8 916 123-45-67, позовите оператора")
    assert operator.transcript(citizen.id)["fields"] == {"phone1": "+* *** ***-45-67"}
    check_problem(operator.call(citizen.id, "reveal", {"field": "phone1", "reason": ""}), 422, "reason")
    check_problem(operator.call(citizen.id, "reveal", {"field": "phone2", "reason": "звонок"}), 404)
    assert operator.call(citizen.id, "reveal", {"field": "phone1", "reason": "звонок"}).json() == {"value": "8 916 123-45-67"}


def test_logins(stack: Stack, citizen: Citizen) -> None:
    http = httpx.Client(base_url=stack.url, trust_env=False)
    wrong = check_problem(http.post("/api/operator/login", json={"login": "operator", "password": "nope"}), 401)
    unknown = check_problem(http.post("/api/operator/login", json={"login": "nobody", "password": "nope"}), 401)
    assert wrong["detail"] == unknown["detail"]
    check_problem(http.get("/api/operator/queue"), 401)
    assert 'name="password"' in http.get("/operator").text
    answer = http.post("/api/operator/login", json={"login": "operator", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    assert http.get("/api/operator/me").json()["login"] == "operator"
    assert 'name="password"' not in http.get("/operator").text
    foreign = http.post(f"/api/operator/conversations/{citizen.id}/claim", headers={"Origin": "http://evil.example"})
    check_problem(foreign, 403)
    assert http.post("/api/operator/logout").status_code == 204
    check_problem(http.get("/api/operator/queue"), 401)
    # A citizen's token is no operator's.
    check_problem(citizen.http.get("/api/operator/queue"), 401)


class Frames:
    """What a socket has sent, by type."""

    def __init__(self, socket: Connection) -> None:
        self.socket = socket
        self.seen: list[dict[str, Any]] = []

    def wait(self, kind: str, **fields: Any) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            with contextlib.suppress(TimeoutError):
                self.seen.append(json.loads(self.socket.recv(timeout=0.1)))
            return next((frame for frame in self.seen if frame["type"] == kind and matches(frame, fields)), None)

        return wait_for(f"a frame {kind} {fields}", look, 20)


def matches(frame: dict[str, Any], fields: dict[str, Any]) -> bool:
    """``waiting`` names a conversation that the queue has to show; the others are the frame's or its message's."""
    waiting = fields.get("waiting")
    if waiting:
        return any(item["conversation_id"] == waiting for item in frame["items"])
    return fields.items() <= {**frame, **frame.get("message", {})}.items()


def open_socket(stack: Stack, path: str, first: dict[str, Any]) -> Connection:
    socket = connect(f"ws://127.0.0.1:{stack.port}{path}", proxy=None)
    socket.send(json.dumps(first))
    return socket


def test_both_sockets_carry_a_whole_conversation(stack: Stack, citizen: Citizen, operator: OperatorClient) -> None:
    with (
        open_socket(stack, f"{citizen.path}/ws", {"token": citizen.token}) as page,
        open_socket(stack, "/api/operator/ws", {"token": operator.token}) as console,
    ):
        mine, theirs = Frames(page), Frames(console)
        mine.wait("message", seq=1)
        mine.wait("mode", mode="bot")
        page.send(json.dumps({"type": "message", "client_message_id": "w1", "text": "не приходит смс с кодом"}))
        seq = mine.wait("accepted", client_message_id="w1")["seq"]
        mine.wait("message", seq=seq, author="citizen")
        mine.wait("message", in_reply_to=seq, author="bot")
        mine.wait("answered", seq=seq)
        mine.wait("typing", author="bot")
        page.send(json.dumps({"type": "message", "client_message_id": "w2", "text": ""}))
        assert mine.wait("refused", client_message_id="w2")["problem"]["status"] == 422

        page.send(json.dumps({"type": "message", "client_message_id": "w3", "text": "позовите оператора"}))
        mine.wait("mode", mode="queued")
        theirs.wait("presence")
        theirs.wait("queue", waiting=citizen.id)
        console.send(json.dumps({"type": "watch", "conversation_id": citizen.id, "after": 0}))
        theirs.wait("message", seq=1)
        theirs.wait("mode", mode="queued", conversation_id=citizen.id)
        operator.claim(citizen.id)
        mine.wait("mode", mode="operator", operator_name="Дежурный")
        console.send(json.dumps({"type": "typing", "conversation_id": citizen.id}))
        mine.wait("typing", author="operator")
        page.send(json.dumps({"type": "typing"}))
        theirs.wait("typing", author="citizen")
        page.send(json.dumps({"type": "read", "seq": 3}))
        theirs.wait("read", seq=3)
        reply = operator.reply(citizen.id, "Слушаю вас")
        assert mine.wait("message", seq=reply["seq"])["message"]["text"] == "Слушаю вас"
        theirs.wait("message", seq=reply["seq"])
        operator.reply(citizen.id, "заметка", internal=True)
        assert theirs.wait("note")["note"]["text"] == "заметка"
        assert not any(frame["type"] == "note" for frame in mine.seen)
        own = [frame["message"]["seq"] for frame in mine.seen if frame["type"] == "message"]
        assert own == sorted(set(own))


@pytest.mark.parametrize(
    ("path", "first", "code"),
    [
        ("{own}/ws", {"token": "wrong"}, 4401),
        ("{own}/ws", {}, 4401),
        ("/api/conversations/00000000-0000-0000-0000-000000000007/ws", {"token": "x"}, 4404),
        ("/api/conversations/nonsense/ws", {"token": "x"}, 4404),
        ("/api/operator/ws", {"token": "wrong"}, 4401),
        ("/api/operator/ws", {}, 4401),
    ],
)
def test_sockets_turn_strangers_away(stack: Stack, citizen: Citizen, path: str, first: dict[str, Any], code: int) -> None:
    with open_socket(stack, path.format(own=citizen.path), first) as socket:
        wait_for("the close", lambda: closed(socket), 15)
        assert socket.close_code == code


def closed(socket: Connection) -> bool:
    try:
        socket.recv(timeout=0.2)
    except TimeoutError:
        return False
    except Exception:  # noqa: BLE001 - however it says so
        return True
    return False


def test_a_socket_catches_up_after_its_cursor(stack: Stack, citizen: Citizen) -> None:
    citizen.say("привет")
    with open_socket(stack, f"{citizen.path}/ws?after=2", {"token": citizen.token}) as page:
        frames = Frames(page)
        frames.wait("mode")
        assert [frame["message"]["seq"] for frame in frames.seen if frame["type"] == "message"] == [3]


def test_a_frame_that_is_no_json_is_refused_in_words(stack: Stack, citizen: Citizen) -> None:
    with open_socket(stack, f"{citizen.path}/ws", {"token": citizen.token}) as page:
        frames = Frames(page)
        frames.wait("mode")
        page.send("{")
        assert frames.wait("refused")["problem"]["status"] == 400
        page.send(json.dumps({"type": "message", "client_message_id": "after", "text": "привет"}))
        frames.wait("accepted", client_message_id="after")


def test_a_cursor_beyond_everything_is_only_far(stack: Stack, citizen: Citizen) -> None:
    with open_socket(stack, f"{citizen.path}/ws?after={10**30}", {"token": citizen.token}) as page:
        frames = Frames(page)
        frames.wait("mode")
        assert not any(frame["type"] == "message" for frame in frames.seen)


def test_an_open_console_ends_with_the_account(stack: Stack) -> None:
    login = f"leaving-{uuid.uuid4().hex[:6]}"
    stack.add_operator(login, "Уходящий")
    with open_socket(stack, "/api/operator/ws", {"token": stack.operator(login).token}) as console:
        Frames(console).wait("presence")
        stack.manage("operators", "disable", login)
        wait_for("the close", lambda: closed(console), 20)
        assert console.close_code == 4401


def test_a_logout_ends_a_programs_session_too(stack: Stack) -> None:
    program = stack.operator()
    assert program.http.post("/api/operator/logout").status_code == 204
    check_problem(program.http.get("/api/operator/me"), 401)


def test_how_a_conversation_without_appeal_ended_is_kept(citizen: Citizen, operator: OperatorClient) -> None:
    operator.claim(citizen.id)
    operator.call(citizen.id, "close", {"resolution": "Подсказали, где кнопка"})
    assert [note["text"] for note in operator.transcript(citizen.id)["notes"]] == ["Подсказали, где кнопка"]


def test_a_question_left_unanswered_by_people_is_answered_by_the_bot(stack: Stack, citizen: Citizen) -> None:
    with stack.frozen("rasa"):
        asked = citizen.send("не приходит смс с кодом")
        citizen.send("Позвать оператора", payload=citizen.messages()[0]["buttons"][3]["payload"])
        page = citizen.poll()
        assert (page["mode"], page["answering"]) == ("queued", False)  # the question waits: nobody is at it
        assert citizen.http.post(f"{citizen.path}/leave-queue").status_code == 200
    wait_for("the answer", lambda: [m for m in citizen.messages() if m["in_reply_to"] == asked["seq"] and m["meta"]["kind"] == "answer"])
    notice = citizen.press("Вернуться к боту")
    assert [m["meta"]["kind"] for m in notice] == ["notice"]
