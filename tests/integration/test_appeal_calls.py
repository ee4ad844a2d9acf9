"""Changes of an appeal, telephone calls and transfers over HTTP: what is taken, what is refused and in which words."""

import uuid

import pytest

from tests.integration.test_citizen_api import check_problem
from tests.stack import PASSWORD, Citizen, OperatorClient, Stack


@pytest.fixture
def appeal(citizen: Citizen) -> str:
    """The path of an appeal whose citizen waits."""
    handoff = citizen.say("позовите оператора")[-1]
    return f"/api/operator/appeals/{handoff['meta']['appeal_number']}"


def test_from_a_question_to_the_answer(citizen: Citizen, operator: OperatorClient, appeal: str) -> None:
    operator.claim(citizen.id)
    asked = operator.http.patch(appeal, json={"status": "waiting", "question": "Какой номер заявления?"}).json()
    assert (asked["status"], asked["overdue"], asked["waits"][0]["ended_at"]) == ("waiting", False, None)
    assert asked["steps"] == ["in_progress", "answered", "closed"]
    item = next(item for item in operator.queue() if item["conversation_id"] == citizen.id)
    assert (item["status"], item["waiting_for_citizen"], item["overdue"], item["soon_overdue"]) == ("waiting", True, False, False)
    citizen.send("1234567891")
    resumed = operator.http.get(appeal).json()
    assert (resumed["status"], resumed["waits"][0]["ended_at"] is not None) == ("in_progress", True)
    assert resumed["due_at"] > asked["due_at"]
    again = operator.http.patch(appeal, json={"status": "answered"})
    assert again.json()["status"] == "answered"
    assert "Сейчас возможно" in check_problem(operator.http.patch(appeal, json={"status": "answered"}), 409)["detail"]
    citizen.send("Не помогло")
    assert operator.http.get(appeal).json()["status"] == "reopened"
    kinds = [event["kind"] for event in operator.http.get(appeal).json()["events"]]
    assert kinds == ["registered", "queued", "claimed", "asked", "resumed", "answered", "reopened"]


def test_refuses_what_cannot_be_changed(operator: OperatorClient, appeal: str) -> None:
    check_problem(operator.http.patch(appeal, json={}), 422)
    check_problem(operator.http.patch(appeal, json={"status": "lost"}), 422)
    check_problem(operator.http.patch(appeal, json={"status": "registered"}), 409)
    check_problem(operator.http.patch(appeal, json={"kind": "riddle"}), 422)
    check_problem(operator.http.patch(appeal, json={"priority": 101}), 422)
    check_problem(operator.http.patch(appeal, json={"department": ""}), 422, "department")
    check_problem(operator.http.patch(appeal, json={"priority": 3, "question": "Как?"}), 422, "question")
    check_problem(operator.http.patch("/api/operator/appeals/1", json={"priority": 3}), 404)
    assert operator.http.get(appeal).json()["priority"] == 0


def test_a_call_is_written_down(citizen: Citizen, operator: OperatorClient, appeal: str) -> None:
    logged = operator.http.post(f"{appeal}/calls", json={"note": "Звонила, ждёт письма"})
    assert logged.status_code == 201
    assert [event["note"] for event in logged.json()["events"] if event["kind"] == "call_logged"] == ["Звонила, ждёт письма"]
    check_problem(operator.http.post(f"{appeal}/calls", json={"note": " "}), 422, "note")
    assert "ждёт письма" not in str(citizen.messages())


def test_a_conversation_is_passed_on(stack: Stack, citizen: Citizen, operator: OperatorClient, appeal: str) -> None:  # noqa: ARG001
    login = f"anna-{uuid.uuid4().hex[:6]}"
    stack.add_operator(login, "Анна Петрова")
    assert login in [one["login"] for one in operator.http.get("/api/operator/colleagues").json()["operators"]]
    check_problem(operator.call(citizen.id, "transfer", {"operator": login, "note": "вам"}), 409)
    operator.claim(citizen.id)
    check_problem(operator.call(citizen.id, "transfer", {"note": "кому?"}), 422)
    check_problem(operator.call(citizen.id, "transfer", {"operator": login, "department": "technical", "note": "обоим"}), 422)
    check_problem(operator.call(citizen.id, "transfer", {"operator": login, "note": ""}), 422, "note")
    check_problem(operator.call(citizen.id, "transfer", {"department": "nowhere", "note": "туда"}), 422, "department")
    passed = operator.call(citizen.id, "transfer", {"operator": login, "note": "вам"}).json()
    assert (passed["mode"], passed["operator"]["login"]) == ("operator", login)
    colleague = stack.operator(login, PASSWORD)
    queued = colleague.call(citizen.id, "transfer", {"department": "technical", "note": "к техникам"}).json()
    assert queued["mode"] == citizen.mode == "queued"
    assert [note["text"] for note in operator.transcript(citizen.id)["notes"]] == ["вам", "к техникам"]
