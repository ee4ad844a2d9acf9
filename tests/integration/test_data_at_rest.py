"""After whole appeals in every channel nothing personal lies readable anywhere: no table, no key, no file, no log, in no encoding."""

import base64
import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage

import httpx
import pytest
from redis import Redis

from tests.bot_api import BotApi
from tests.data.personas import AISYLU, ANNA, PERSONAS, PYOTR, Persona
from tests.integration.test_citizen_api import picture
from tests.servers import Postgres, RedisServer
from tests.smtp_sink import Sink
from tests.stack import PASSWORD, Citizen, OperatorClient, Stack, free_port, wait_for
from tests.telegram_citizen import TelegramCitizen
from tests.traces import files_of, find_traces, keys_of, tables_of

PROBLEM = "После ввода кода страница остаётся белой, обновление не помогает"


@dataclass
class Desk:
    """A running desk of the test's own: other tests' citizens tell of themselves too."""

    stack: Stack
    sink: Sink
    outside: Callable[[], Iterator[tuple[str, bytes]]]  # what it keeps outside of its folder
    redis_url: str | None

    def traces(self) -> list[str]:
        return find_traces([*files_of(self.stack.data_dir), *self.outside()])


@pytest.fixture(params=["sqlite", "postgresql_and_redis"])
def desk(request: pytest.FixtureRequest, running_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    running_stack.wait_until_ready()
    sink, telegram, port = Sink(), BotApi(), free_port()
    settings = {
        "LOG_LEVEL": "DEBUG",  # Rasa's own
        "OTKLIK_TELEGRAM_TOKEN": telegram.token,
        "OTKLIK_TELEGRAM_API_URL": telegram.url,
        "OTKLIK_SMTP_HOST": "127.0.0.1",
        "OTKLIK_SMTP_PORT": str(port),
        "OTKLIK_SMTP_SECURITY": "none",
    }
    with contextlib.ExitStack() as closing:
        outside: Callable[[], Iterator[tuple[str, bytes]]] = lambda: iter(())  # noqa: E731
        redis_url = None
        if request.param != "sqlite":
            postgres: Postgres = request.getfixturevalue("postgres")
            redis: RedisServer = request.getfixturevalue("redis_server")
            database, redis_url = closing.enter_context(postgres.database()), redis.url
            settings |= {"OTKLIK_DATABASE_URL": postgres.url(database), "OTKLIK_REDIS_URL": redis_url}

            def outside() -> Iterator[tuple[str, bytes]]:
                yield from tables_of(postgres.port, database)
                yield from keys_of(redis.url)

        stack = Stack(tmp_path_factory.mktemp("at-rest"), **settings)
        stack.telegram = telegram
        stack.take_index(request.getfixturevalue("shipped_index"))
        closing.callback(telegram.close)
        closing.callback(stack.kill)
        closing.enter_context(sink.listening(port))
        stack.start()
        stack.wait_until_ready()
        yield Desk(stack, sink, outside, redis_url)


def story_of(persona: Persona) -> str:
    """Told where nobody asked for it."""
    return (
        f"Здравствуйте, я {persona.full_name}, {persona.birth_date} г.р., паспорт {persona.passport}, ИНН {persona.inn}, "
        f"карта {persona.card}, живу: {persona.address}. Не приходит код, пишите на {persona.email}"
    )


def answers_of(persona: Persona, channel: str, *, complaint: bool = False) -> list[str]:
    """What is answered to the form, a slip with each personal field included."""
    reply = ["на почту", persona.email.replace("@", "@@"), persona.email] if channel == "email" else ["по телефону", persona.phone]
    return [
        "да",
        persona.first_name,
        persona.full_name,
        persona.snils[:-1],
        persona.snils,
        persona.birth_date,
        *reply,
        *([] if complaint else ["техническая проблема"]),
        f"{PROBLEM}. С уважением, {persona.full_name}",
        "пропустить",
        "не помню",
        "ничего",
        "нет",
        "да",
    ]


def in_widget(stack: Stack, operator: OperatorClient) -> Citizen:
    citizen = stack.citizen()
    uploaded = citizen.upload(f"Паспорт {ANNA.full_name}.png", picture())
    for text in [story_of(ANNA), "хочу подать обращение", *answers_of(ANNA, "email")]:
        told = citizen.say(text)
    assert told[-1]["meta"]["kind"] == "appeal_registered", told
    operator.claim(citizen.id)
    citizen.send("вот", attachment_ids=[uploaded.json()["id"]])
    operator.reply(citizen.id, f"{ANNA.full_name} звонила с {ANNA.phone}, живёт: {ANNA.address}", internal=True)
    operator.reply(citizen.id, f"Здравствуйте, {ANNA.full_name}. Проверили {ANNA.snils}, перезвоним на {ANNA.phone}.")
    return citizen


def in_telegram(stack: Stack, operator: OperatorClient) -> None:
    pyotr = TelegramCitizen(stack.telegram, first_name=PYOTR.first_name)
    pyotr.starts()
    pyotr.wait_for("бот службы поддержки")
    for count, text in enumerate([story_of(PYOTR), "хочу подать жалобу", *answers_of(PYOTR, "phone", complaint=True)], start=2):
        pyotr.says(text)
        pyotr.wait_for_number(count)
    number = re.search(r"ОБ-\d{4}-\d+-\d", pyotr.wait_for("Жалоба зарегистрирована").text)
    assert number
    assert PYOTR.full_name in pyotr.wait_for("Проверьте, всё ли верно").text
    (item,) = [item for item in operator.queue() if item["appeal_number"] == number[0]]
    operator.claim(item["conversation_id"])
    operator.reply(item["conversation_id"], "Принято, разберёмся.")
    pyotr.wait_for("Принято, разберёмся.")


def in_a_queue_that_waits_for_a_letter(stack: Stack) -> None:
    citizen = stack.citizen()
    citizen.say("позовите оператора")
    citizen.send(story_of(AISYLU))
    citizen.send(f"пишите на {AISYLU.email}, телефон {AISYLU.phone}, СНИЛС {AISYLU.snils}")


def at_the_editors(stack: Stack) -> None:
    """A question that nobody answers is kept, grouped and shown, its personal data masked."""
    question = "сколько лететь до марса, спрашивает"
    citizen = stack.citizen()
    assert citizen.say(f"{question} {ANNA.full_name}")[-1]["meta"]["kind"] == "no_answer"
    with httpx.Client(base_url=stack.url, timeout=40, trust_env=False) as editor:
        assert editor.post("/api/operator/login", json={"login": "operator", "password": PASSWORD}).status_code == 200
        page = editor.get("/operator/questions").text
    assert question in page and ANNA.first_name not in page


def guess_and_slip(stack: Stack) -> None:
    """Personal data where it does not belong: in addresses, logins and bodies that are refused."""
    for persona in PERSONAS:
        stack.citizen().http.get("/api/appeals/1", params={"access_code": persona.snils})
        for path in (f"/appeals/{persona.email}", f"/{persona.snils_digits}"):
            httpx.get(stack.url + path, timeout=20, trust_env=False)
        refused = httpx.post(
            f"{stack.url}/api/operator/login", json={"login": persona.email, "password": persona.snils}, timeout=20, trust_env=False
        )
        assert refused.status_code == 401


def letters_to(sink: Sink, address: str) -> list[EmailMessage]:
    return [letter for envelope, letter in list(sink.accepted) if address in envelope.rcpt_tos]


@contextlib.contextmanager
def overheard(url: str | None) -> Iterator[list[bytes]]:
    """Everything that is published in Redis inside the ``with``."""
    said: list[bytes] = []
    if url is None:
        yield said
        return
    with Redis.from_url(url) as client, client.pubsub() as listener:
        listener.psubscribe("*")

        def listen() -> None:
            said.extend(message["data"] for message in listener.listen() if message["type"] == "pmessage")

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield said
        finally:
            listener.punsubscribe()
            thread.join(20)


def test_nothing_personal_is_readable_at_rest(desk: Desk) -> None:
    stack, sink = desk.stack, desk.sink
    before = desk.traces()  # surnames in the vocabulary of the search, which was built before anybody wrote
    assert all(line.startswith(("index/", "table articles")) for line in before)
    operator = stack.operator()
    with overheard(desk.redis_url) as published:
        citizen = in_widget(stack, operator)
        in_telegram(stack, operator)
        in_a_queue_that_waits_for_a_letter(stack)
        at_the_editors(stack)
        guess_and_slip(stack)
        assert operator.call(citizen.id, "reveal", {"field": "snils", "reason": "сверка"}).json() == {"value": ANNA.snils}
        wait_for("receipt, notice and answer", lambda: len(letters_to(sink, ANNA.email)) == 3)
        wait_for("the other receipt", lambda: letters_to(sink, AISYLU.email))
    answer = letters_to(sink, ANNA.email)[2]
    body = answer.get_body(("plain",))
    assert body and ANNA.phone in body.get_content()
    assert desk.traces() == before  # while everything runs: what is in a write-ahead log counts too
    assert find_traces([("published", b"\n".join(published))]) == []
    assert bool(published) == bool(desk.redis_url)
    assert find_traces([("shown at start", stack.output.read_bytes())]) == []
    assert stack.stop() == 0
    assert desk.traces() == before
    # The search itself finds what is there.
    for process, mark in (("actions", b'"level": "debug"'), ("rasa", b"DEBUG")):
        assert mark in (stack.data_dir / "logs" / f"{process}.log").read_bytes()
    for number, planted in enumerate(
        [ANNA.snils, json.dumps(PYOTR.last_name), base64.b64encode(f"я {AISYLU.email}, да".encode()).decode()]
    ):
        (stack.data_dir / f"planted-{number}").write_text(planted)
    found = {line.partition(":")[0] for line in desk.traces() if line not in before}
    assert found == {"planted-0", "planted-1", "planted-2"}
    assert (stack.data_dir / "rasa" / "tracker.db").stat().st_size > 0
