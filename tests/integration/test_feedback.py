"""The feedback form over the running desk: from a program's call to the operator, the letter and the status."""

import re
import secrets

import httpx

from tests.data.personas import ANNA
from tests.integration.test_letters import in_maildir
from tests.stack import OperatorClient, Stack, wait_for
from tests.unit.core import samples

FORM = {
    "email": ANNA.email,
    "kind": "complaint",
    "text": "Третий раз пишу о белой странице, а ответа всё нет",
    "full_name": ANNA.full_name,
    "snils": ANNA.snils,
    "consent": "true",
}


def test_a_call_reaches_the_operator_and_the_answer_the_mailbox(stack: Stack, operator: OperatorClient) -> None:
    form = {**FORM, "form_id": secrets.token_urlsafe(32)}
    files = [("files", ("снимок.png", samples.png(), "image/png"))]
    with httpx.Client(base_url=stack.url, trust_env=False, timeout=60) as http:
        wrong = http.post("/api/appeals", data={**form, "snils": "112-233-445 96"}, files=files)
        assert (wrong.status_code, [error["field"] for error in wrong.json()["errors"]]) == (422, ["snils"])
        large = http.post("/api/appeals", data=form, files=[("files", ("a.pdf", samples.PDF + b" " * 11_000_000))])
        assert large.status_code == 413
        answers = [http.post("/api/appeals", data=form, files=files) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 201], answers[0].text
        assert answers[0].json() == answers[1].json()
        registered = answers[0].json()
        status = http.get(f"/api/appeals/{registered['number']}", params={"access_code": registered["access_code"]})
        assert (status.json()["kind"], status.json()["due_at"]) == ("complaint", registered["due_at"])
        assert "/api/appeals" in http.get("/openapi.json").json()["paths"]

    (item,) = [item for item in operator.queue() if item["appeal_number"] == registered["number"]]
    assert (item["channel"], item["department"], item["mode"]) == ("form", "quality", "bot")
    seen = operator.transcript(item["conversation_id"])
    told = seen["messages"][0]
    assert (told["author"], told["text"], [file["filename"] for file in told["attachments"]]) == ("citizen", FORM["text"], ["снимок.png"])
    assert (seen["fields"]["category"], seen["fields"]["full_name"]) == ("Жалоба", "Лебедева А. С.")
    assert ANNA.email not in str(seen) and registered["access_code"] not in str(seen)

    receipt = wait_for("the receipt", lambda: in_maildir(stack, registered["number"]))[0]
    body = receipt.get_body(("plain",))
    assert body and re.search(rf"Код доступа: {registered['access_code']}\b", body.get_content())
    operator.claim(item["conversation_id"])
    operator.reply(item["conversation_id"], "Страница снова открывается")
    letters = wait_for("notice and answer", lambda: found if len(found := in_maildir(stack, registered["number"])) == 3 else None)
    bodies = [letter.get_body(("plain",)) for letter in letters]
    assert any("Страница снова открывается" in body.get_content() for body in bodies if body)
    logs = b"".join(file.read_bytes() for file in (stack.data_dir / "logs").iterdir())
    assert ANNA.email.encode() not in logs and registered["access_code"].encode() not in logs
