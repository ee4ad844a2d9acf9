"""Chat and e-mail as one conversation: through a real SMTP server out, through the Maildir in, and the widget's API beside them."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from bot.app import create_app
from bot.channels.mail import MailCourier, choose_transport
from bot.channels.mail_collector import MailCollector, choose_mailbox
from bot.channels.mail_intake import MailIntake
from bot.delivery import Deliveries
from core import conversations
from core.desk import Desk, open_desk
from core.files import Files
from core.models import now
from handoff import letters, operators
from tests.conftest import MakeSettings
from tests.data.personas import ANNA
from tests.scenes import add_operator, hand_over
from tests.smtp_sink import Sink
from tests.stack import free_port


@pytest.fixture
async def sink(make_settings: MakeSettings) -> AsyncIterator[tuple[Desk, Sink]]:
    """A desk that sends to the sink and reads its Maildir."""
    port, sink = free_port(), Sink()
    mail = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none", "sweep_seconds": 0.05}
    desk = open_desk(make_settings(**mail))
    with sink.listening(port):
        workers = [
            asyncio.create_task(Deliveries(desk, {letters.CHANNEL: MailCourier(desk, choose_transport(desk.settings))}).run_forever()),
            asyncio.create_task(MailCollector(desk, choose_mailbox(desk)).run_forever()),
            asyncio.create_task(MailIntake(desk, Files(desk)).run_forever()),
        ]
        yield desk, sink
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    desk.close()


async def until(look: Callable[[], Any]) -> Any:
    async with asyncio.timeout(20):
        while True:
            if found := look():
                return found
            await asyncio.sleep(0.02)


def put_in_the_mailbox(desk: Desk, letter: EmailMessage) -> None:
    """As a mail server delivers."""
    folder = desk.settings.mail_dir / "incoming"
    for name in ("tmp", "new", "cur"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    draft = folder / "tmp" / str(uuid.uuid4())
    draft.write_bytes(letter.as_bytes())
    draft.rename(folder / "new" / draft.name)


def plain(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body
    return str(body.get_content())


async def test_a_chat_goes_on_by_letter_and_comes_back(sink: tuple[Desk, Sink]) -> None:
    desk, server = sink
    conversation, token = desk.database.write(conversations.start, desk.vault, "widget")
    handoff = hand_over(desk, conversation.id, now())
    assert handoff and handoff.expects == "email"
    number, person = handoff.meta["appeal_number"], add_operator(desk)
    session = desk.database.write(operators.begin_session, person, now(), 1)
    transport = httpx.ASGITransport(create_app(desk))
    citizen = httpx.AsyncClient(transport=transport, base_url="http://desk", headers={"Authorization": f"Bearer {token}"})
    operator = httpx.AsyncClient(transport=transport, base_url="http://desk", headers={"Authorization": f"Bearer {session}"})
    own, held = f"/api/conversations/{conversation.id}", f"/api/operator/conversations/{conversation.id}"

    async def say(client: httpx.AsyncClient, path: str, text: str) -> dict[str, Any]:
        answer = await client.post(f"{path}/messages", json={"client_message_id": str(uuid.uuid4()), "text": text})
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    async def seen() -> list[tuple[str, str]]:
        return [(one["author"], one["text"]) for one in (await citizen.get(f"{own}/messages")).json()["messages"]]

    async with citizen, operator:
        await say(citizen, own, ANNA.email)
        receipt = (await until(lambda: server.accepted))[0][1]
        assert number in receipt["Subject"]
        assert (await operator.post(f"{held}/claim")).status_code == 200

        # In the chat: no letter.
        last = (await citizen.get(f"{own}/messages")).json()["messages"][-1]["seq"]
        poll = asyncio.create_task(citizen.get(f"{own}/messages", params={"after": last, "wait": 20}))
        way = ""
        while "гражданин сейчас в нём" not in way:
            way = (await operator.get(held)).json()["reply_way"]
        await say(operator, held, "Вы в чате, отвечаю здесь.")
        assert [one["text"] for one in (await poll).json()["messages"]] == ["Вы в чате, отвечаю здесь."]

        # They leave: the answer goes by letter, and stays in the chat.
        assert (await operator.get(held)).json()["reply_way"] == "Ответ уйдёт письмом и появится в чате."
        said = await say(operator, held, "Код отправлен ещё раз.")
        answer = (await until(lambda: server.accepted[2:]))[0][1]
        notice = server.accepted[1][1]  # that somebody is at it
        assert (answer["In-Reply-To"], answer["Auto-Submitted"]) == (receipt["Message-ID"], None)
        assert "Код отправлен ещё раз." in plain(answer)

        # What they answer to it is a message of the same conversation, for operator and widget.
        reply = EmailMessage()
        reply["From"], reply["To"], reply["Subject"] = ANNA.email, "support@portal.example.ru", f"Re: {answer['Subject']}"
        reply["Message-ID"], reply["In-Reply-To"] = "<reply@example.com>", answer["Message-ID"]
        reply["References"] = f"{answer['References']} {answer['Message-ID']}"
        reply.set_content("Спасибо, пришёл.\n\n23.11.2026 12:00, Отклик пишет:\n> Код отправлен ещё раз.\n")
        await asyncio.to_thread(put_in_the_mailbox, desk, reply)
        arrived = (await citizen.get(f"{own}/messages", params={"after": said["seq"], "wait": 20})).json()["messages"]
        assert [(one["author"], one["text"]) for one in arrived] == [("citizen", "Спасибо, пришёл.")]
        document = (await operator.get(held)).json()
        assert document["messages"][-1]["text"] == "Спасибо, пришёл."
        assert (document["mode"], document["operator"]["login"]) == ("operator", person.login)

        # The operator writes in the same place; the letter goes on the chain, the widget shows all of it.
        await say(operator, held, "Хорошо, закрываю обращение.")
        closing = (await until(lambda: server.accepted[3:]))[0][1]
        assert closing["In-Reply-To"] == "<reply@example.com>"
        assert closing["References"].split() == [*(one["Message-ID"] for one in (receipt, notice, answer)), "<reply@example.com>"]
        assert [author for author, _ in await seen()][-4:] == ["operator", "operator", "citizen", "operator"]

        # And all of it once more, by letter, for who asks.
        assert (await citizen.post(f"{own}/transcript")).status_code == 202
        transcript = plain((await until(lambda: server.accepted[4:]))[0][1])
        assert transcript.index("отвечаю здесь") < transcript.index("Спасибо, пришёл.") < transcript.index("закрываю обращение")
    assert len(server.accepted) == 5
