"""After whole appeals in every channel nothing personal lies readable in the data folder: no table, no file, no log, in no encoding."""

import base64
import json
import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.bot_api import BotApi
from tests.data.personas import AISYLU, ANNA, PYOTR, Persona
from tests.smtp_sink import Sink
from tests.stack import Citizen, OperatorClient, Stack, free_port, wait_for
from tests.telegram_citizen import TelegramCitizen

PROBLEM = "После ввода кода страница остаётся белой, обновление не помогает"
_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp1251", "koi8-r", "cp866")


@pytest.fixture(scope="module")
def sink() -> Sink:
    return Sink()


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory, sink: Sink) -> Iterator[Stack]:
    """A desk of its own: other tests' citizens tell their names where nobody asked."""
    port = free_port()
    telegram = BotApi()
    stack = Stack(
        tmp_path_factory.mktemp("at-rest"),
        OTKLIK_TELEGRAM_TOKEN=telegram.token,
        OTKLIK_TELEGRAM_API_URL=telegram.url,
        OTKLIK_SMTP_HOST="127.0.0.1",
        OTKLIK_SMTP_PORT=str(port),
        OTKLIK_SMTP_SECURITY="none",
    )
    stack.telegram = telegram
    try:
        with sink.listening(port):
            stack.start()
            stack.wait_until_ready()
            yield stack
    finally:
        stack.kill()
        telegram.close()


def answers_of(persona: Persona, channel: str) -> list[str]:
    """What is answered to the form, a slip with each personal field included."""
    reply = ["на почту", persona.email.replace("@", "@@"), persona.email] if channel == "email" else ["по телефону", persona.phone]
    return [
        "да",
        persona.first_name,
        persona.full_name,
        persona.snils[:-1],
        persona.snils,
        *reply,
        f"{PROBLEM}. С уважением, {persona.full_name}",
        "пропустить",
        "нет",
        "да",
    ]


def in_widget(stack: Stack, operator: OperatorClient) -> Citizen:
    citizen = stack.citizen()
    for text in ["хочу подать обращение", *answers_of(ANNA, "email")]:
        told = citizen.say(text)
    assert told[-1]["meta"]["kind"] == "appeal_registered", told
    operator.claim(citizen.id)
    operator.reply(citizen.id, f"Здравствуйте, {ANNA.full_name}. Проверили {ANNA.snils}, перезвоним на {ANNA.phone}.")
    return citizen


def in_telegram(stack: Stack, operator: OperatorClient) -> None:
    pyotr = TelegramCitizen(stack.telegram, first_name=PYOTR.first_name)
    pyotr.starts()
    pyotr.wait_for("помощник службы поддержки")
    for count, text in enumerate(["хочу подать жалобу", *answers_of(PYOTR, "phone")], start=2):
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
    citizen.send(f"пишите на {AISYLU.email}, телефон {AISYLU.phone}, СНИЛС {AISYLU.snils}")


def letters_to(sink: Sink, address: str) -> list[EmailMessage]:
    return [letter for envelope, letter in list(sink.accepted) if address in envelope.rcpt_tos]


def spellings(persona: Persona) -> set[str]:
    phone = persona.phone_digits[-10:]
    words = {persona.full_name, persona.last_name, persona.patronymic, persona.email, persona.email.partition("@")[0]}
    cases = {form for word in words for form in (word, word.lower(), word.upper(), word.replace("ё", "е"))}
    numbers = {persona.snils, persona.snils_digits, persona.snils_digits[:9], persona.phone, phone, f"+7{phone}", f"8{phone}"}
    return cases | numbers | {f"{persona.snils_digits[:3]} {persona.snils_digits[3:6]} {persona.snils_digits[6:9]}"}


def traces(text: str) -> Iterator[bytes]:
    """``text`` as it could lie in a file."""
    for encoding in _ENCODINGS:
        raw = text.encode(encoding, errors="ignore")
        if len(raw) < len(text):
            continue  # this alphabet cannot write it
        yield raw
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
        for shift in range(3):  # inside a longer text that is base64 the same bytes look in three ways
            yield base64.b64encode(b"\0" * shift + raw)[(0, 2, 3)[shift] : -4]
    yield json.dumps(text)[1:-1].encode()  # \u0430…
    yield quote(text).encode()
    yield "".join(f"={byte:02X}" for byte in text.encode()).encode()


def find_traces(folder: Path) -> list[str]:
    wanted = {
        trace: f"{persona.last_name}: {text}"
        for persona in (ANNA, PYOTR, AISYLU)
        for text in spellings(persona)
        for trace in traces(text)
        if len(trace) >= 8
    }
    found = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        found += [f"{file.relative_to(folder)}: {whose}" for trace, whose in wanted.items() if trace in content]
    return found


def test_nothing_personal_is_readable_at_rest(own_stack: Stack, sink: Sink) -> None:
    folder = own_stack.data_dir
    before = find_traces(folder)  # surnames in the vocabulary of the search, which was built before anybody wrote
    assert all(line.startswith("index/") for line in before)
    operator = own_stack.operator()
    citizen = in_widget(own_stack, operator)
    in_telegram(own_stack, operator)
    in_a_queue_that_waits_for_a_letter(own_stack)
    assert operator.call(citizen.id, "reveal", {"field": "snils", "reason": "сверка"}).json() == {"value": ANNA.snils}
    wait_for("receipt and answer", lambda: len(letters_to(sink, ANNA.email)) == 2)
    wait_for("the other receipt", lambda: letters_to(sink, AISYLU.email))
    answer = letters_to(sink, ANNA.email)[1]
    assert ANNA.phone in answer.get_content()
    assert find_traces(folder) == before  # while everything runs: what is in a write-ahead log counts too
    assert own_stack.stop() == 0
    assert find_traces(folder) == before
    # The search itself finds what is there.
    logs = b"".join(path.read_bytes() for path in (folder / "logs").iterdir())
    assert b'"level": "debug"' in logs
    for number, planted in enumerate(
        [ANNA.snils, json.dumps(PYOTR.last_name), base64.b64encode(f"я {AISYLU.email}, да".encode()).decode()]
    ):
        (folder / f"planted-{number}").write_text(planted)
    found = {line.partition(":")[0] for line in find_traces(folder) if line not in before}
    assert found == {"planted-0", "planted-1", "planted-2"}
    assert (folder / "rasa" / "tracker.db").stat().st_size > 0
