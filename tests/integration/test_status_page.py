"""From the receipt to the status: the letter's link and code, over the running desk."""

import re

import httpx

from tests.data.personas import ANNA
from tests.integration.test_letters import in_maildir
from tests.stack import Citizen, OperatorClient, Stack, wait_for


def test_the_receipt_leads_to_the_status(stack: Stack, citizen: Citizen, operator: OperatorClient) -> None:
    number = citizen.say("Позовите оператора")[-1]["meta"]["appeal_number"]
    citizen.send(ANNA.email)
    receipt = wait_for("the receipt", lambda: in_maildir(stack, number))[0]
    body = receipt.get_body(("plain",))
    assert body
    link, code = re.search(r"http\S+/appeals/\S+", body.get_content()), re.search(r"Код доступа: (\S+)", body.get_content())
    assert link and code

    with httpx.Client(base_url=stack.url, trust_env=False) as http:
        page = http.get(link[0])
        assert page.status_code == 200 and f'value="{number}"' in page.text
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy

        def shown() -> str:
            answer = http.post("/appeals", data={"number": number, "access_code": code[1]})
            assert answer.status_code == 200, answer.text
            return answer.text

        assert "Зарегистрировано" in shown()
        operator.claim(citizen.id)
        operator.reply(citizen.id, "только для своих: перезвонить Анне", internal=True)
        assert "В работе" in shown()
        assert operator.call(citizen.id, "close", {"resolution": "Анне ответили по телефону"}).status_code == 200
        closed = shown()
        assert "Закрыто" in closed
        document = http.get(f"/api/appeals/{number}", params={"access_code": code[1]}).json()
        assert [event["kind"] for event in document["history"]] == ["registered", "queued", "claimed", "closed"]
        for hidden in ("Анне", ANNA.email, "operator", "для своих"):
            assert hidden not in str(document)
        assert "Анне" not in closed and ANNA.email not in closed

        wrong = [http.get(f"/api/appeals/{which}", params={"access_code": "AAAAAAAA"}) for which in (number, "ОБ-2026-999999-9")]
        assert [answer.status_code for answer in wrong] == [404, 404]
        assert wrong[0].content == wrong[1].content
    logs = b"".join(file.read_bytes() for file in (stack.data_dir / "logs").iterdir())
    assert code[1].encode() not in logs
