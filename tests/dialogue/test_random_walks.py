"""Anything in any order: the bot is never silent, never breaks, and a person stays within reach."""

import os
import re
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.data.personas import ANNA, PYOTR
from tests.dialogue.test_appeal_form import picture
from tests.stack import Citizen, Stack

# A walk takes up to a minute: as many as a setting says.
WALKS = int(os.environ.get("OTKLIK_TEST_WALKS", "3"))
STEPS = 30

WISHES = (
    """
привет|спасибо|до свидания|да|нет|пропустить|не знаю|отмена|начнём сначала|ты бот?|что ты умеешь|не помогло|помогло
как восстановить пароль|не приходит смс с кодом|сколько ждать ответа|какая завтра погода|на какой адрес вам писать
хочу подать обращение|хочу подать жалобу|у меня предложение|доступ заблокирован, срочно
что с моим обращением|где обращение ОБ-2026-000417-9|пишу повторно, ответа нет|прошу ускорить рассмотрение|передайте выше
удалите мои данные|пришлите мои данные|вы издеваетесь, ничего не работает|верните меня к началу формы
вчера вечером|14 ноября около трёх|12345678901234|на почту|по телефону|техническая проблема|перезагружал, чистил кэш
Не могу войти в личный кабинет: после ввода кода страница белая
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
PERSONAL = [ANNA.full_name, ANNA.snils, ANNA.email, ANNA.phone, ANNA.birth_date, f"{PYOTR.full_name}, снилс {PYOTR.snils}, {PYOTR.email}"]
FAULTS = re.compile(r"action_failed|turn_crashed|reply_not_carried_out|engine_gave_no_answer|Traceback|Exception")
# What a citizen must not be shown: a fact or a slot that was not filled in, a token, Python's nothing.
UNFINISHED = re.compile(r"\[\[|\{\w*\}|\bNone\b|\bpd(?:name|snils|email|phone|birthdate|code)\d")


@dataclass(frozen=True)
class Step:
    """button: which of those on the screen, counted around; None to say ``text``."""

    text: str = ""
    button: int | None = None
    with_picture: bool = False


STEPS_OF_ALL_KINDS = st.one_of(
    st.builds(Step, text=st.sampled_from(WISHES)),
    st.builds(Step, button=st.integers(0, 9)),
    st.builds(Step, text=st.sampled_from(PERSONAL)),
    st.builds(Step, text=st.text(min_size=1, max_size=200).filter(lambda text: "\x00" not in text and text.strip() != "")),
    st.builds(Step, text=st.sampled_from(["", "вот снимок"]), with_picture=st.just(True)),
)


@settings(
    max_examples=WALKS,
    phases=[Phase.explicit, Phase.generate],  # to shrink a walk would take an hour; its steps are printed
    suppress_health_check=list(HealthCheck),
)
@given(steps=st.lists(STEPS_OF_ALL_KINDS, min_size=STEPS, max_size=STEPS))
def test_random_walks(stack: Stack, steps: list[Step]) -> None:
    begun = stack.output.stat().st_size
    citizen = stack.citizen()
    for step in steps:
        citizen = take(citizen, step)
    if citizen.mode == "bot":
        citizen.say("позовите оператора")
    assert citizen.mode == "queued"
    citizen.http.close()
    said = stack.output.read_bytes()[begun:].decode(errors="replace")
    assert not FAULTS.search(said), [line for line in said.splitlines() if FAULTS.search(line)]


def take(citizen: Citizen, step: Step) -> Citizen:
    """One step; returns the citizen to go on with."""
    if citizen.mode == "closed":
        citizen.http.close()
        citizen = citizen.stack.citizen()
    elif citizen.mode == "queued":
        assert citizen.http.post(f"{citizen.path}/leave-queue").status_code == 200
    buttons = [button for message in citizen.messages()[-3:] for button in message["buttons"]]
    if step.with_picture:
        sent = citizen.post(step.text, attachment_ids=[citizen.upload("снимок.png", picture()).json()["id"]])
    elif step.button is not None and buttons:
        pressed = buttons[step.button % len(buttons)]
        sent = citizen.post(pressed["title"], payload=pressed["payload"])
    else:
        sent = citizen.post(step.text or "привет")
    if sent.status_code == 422:  # refused with words: a character that cannot be kept
        assert sent.json()["detail"]
        return citizen
    assert sent.status_code == 202, sent.text
    citizen.wait_until_answered()
    said = citizen.messages(after=sent.json()["seq"])
    assert said, step
    for message in said:
        assert message["text"].strip() and not UNFINISHED.search(message["text"]), message
    return citizen
