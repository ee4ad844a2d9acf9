"""What a citizen asks about their data while people have the conversation: recognised when plain, explained, done after a yes."""

import uuid

import pytest
from sqlalchemy import func, select

from bot import effects
from bot.dialogue_engine import Deed, Utterance
from core.deliveries import Undeliverable
from core.desk import Desk
from core.errors import Problem
from core.files import Files
from core.models import (
    Attachment,
    Author,
    Consent,
    Delivery,
    DeliveryState,
    Export,
    IndexedValue,
    Message,
    Mode,
    Operator,
    QueueEntry,
    Turn,
    now,
)
from core.presence import Presence
from core.words import say
from handoff import appeal_form, data_requests, erasure, letters, queue
from handoff.console.workplace import Workplace
from handoff.letters import overview
from handoff.letters.renderer import render
from tests.data.personas import ANNA
from tests.scenes import (
    LATER,
    MONDAY,
    accept,
    add_operator,
    appeals_of,
    claim,
    hand_over,
    locked,
    messages,
    register,
    reload,
    start_conversation,
    text_of,
    write_message,
)
from tests.unit.core.samples import png


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("удалите мои данные", "erase"),
        ("Здравствуйте. Прошу удалить мои персональные данные!", "erase"),
        ("Сотрите, пожалуйста, все мои данные из чата", "erase"),
        ("отзываю согласие", "withdraw_consent"),
        ("Я отзываю своё согласие на обработку моих персональных данных.", "withdraw_consent"),
        ("пришлите мне мои персональные данные", "export"),
        ("Хочу получить свои данные", "export"),
        ("удалите мои данные из заявления 1234567890, там ошибка", None),
        ("не удаляйте мои данные", None),
        ("данные", None),
        ("как удалить мои данные?", None),
        ("удалить", None),
        ("если не ответите, отзываю согласие", None),
        ("удалите данные мужа", None),
        ("", None),
    ],
)
def test_only_a_plain_wish_is_one(text: str, wish: str | None) -> None:
    assert data_requests.recognise(text) == wish


@pytest.fixture(params=[Mode.QUEUED, Mode.OPERATOR])
def conversation_id(request: pytest.FixtureRequest, desk: Desk) -> uuid.UUID:
    """Of somebody who waits for an operator, or talks to one."""
    started = start_conversation(desk)
    hand_over(desk, started)
    accept(desk, started, f"мой СНИЛС {ANNA.snils}, пишите на {ANNA.email}", "m0")
    if request.param == Mode.OPERATOR:
        claim(desk, started, add_operator(desk))
    return started


def ask(desk: Desk, conversation_id: uuid.UUID, text: str = "удалите мои данные", external_id: str = "ask") -> Message:
    """The question that a wish is answered with."""
    wish = accept(desk, conversation_id, text, external_id)
    question = messages(desk, conversation_id)[-1]
    assert (question.author, question.expects, question.meta, question.in_reply_to) == (
        Author.SYSTEM,
        "erase_confirmation",
        {"kind": "notice"},
        wish.seq,
    )
    return question


def last_words(desk: Desk, conversation_id: uuid.UUID) -> str:
    return text_of(desk, messages(desk, conversation_id)[-1])


def turns(desk: Desk) -> int:
    return desk.database.read(lambda session: session.scalar(select(func.count()).select_from(Turn))) or 0


def test_erasure_is_explained_and_done_by_its_button(desk: Desk, conversation_id: uuid.UUID) -> None:
    question = ask(desk, conversation_id)
    (appeal,) = appeals_of(desk, conversation_id)
    words = text_of(desk, question)
    assert appeal.number in words and "Восстановить их будет нельзя" in words
    assert (say("data_request_waiting") in words) is (reload(desk, conversation_id).mode == Mode.QUEUED)
    assert [button["title"] for button in question.buttons] == ["Удалить", "Не удалять"]
    accept(desk, conversation_id, payload=f"{question.id}.0", external_id="press")
    assert (reload(desk, conversation_id).mode, reload(desk, conversation_id).data_key) == (Mode.CLOSED, None)
    assert messages(desk, conversation_id)[-1].meta["kind"] == "erased"
    assert turns(desk) == 0


@pytest.mark.parametrize(("word", "mode"), [("Да", Mode.CLOSED), ("да, удаляйте.", Mode.CLOSED)])
def test_a_typed_yes(desk: Desk, conversation_id: uuid.UUID, word: str, mode: Mode) -> None:
    ask(desk, conversation_id)
    accept(desk, conversation_id, word, "yes")
    assert reload(desk, conversation_id).mode == mode


def test_what_is_no_yes(desk: Desk, conversation_id: uuid.UUID) -> None:
    before = reload(desk, conversation_id).mode
    accept(desk, conversation_id, "да", "too early")
    ask(desk, conversation_id, external_id="a1")
    accept(desk, conversation_id, "нет", "no")
    assert last_words(desk, conversation_id) == say("erase_not_done")
    accept(desk, conversation_id, "да", "after the no")
    ask(desk, conversation_id, external_id="a2")
    accept(desk, conversation_id, "подождите", "between")
    accept(desk, conversation_id, "да", "to whom?")
    assert (reload(desk, conversation_id).mode, messages(desk, conversation_id)[-1].author) == (before, Author.CITIZEN)


def test_a_button_holds_until_its_question_is_answered_or_another_comes(desk: Desk, conversation_id: uuid.UUID) -> None:
    first = ask(desk, conversation_id, external_id="a1")
    second = ask(desk, conversation_id, "отзываю согласие", "a2")
    accept(desk, conversation_id, payload=f"{first.id}.0", external_id="p1")
    assert last_words(desk, conversation_id) == say("data_request_stale")
    accept(desk, conversation_id, payload=f"{second.id}.1", external_id="p2")
    assert last_words(desk, conversation_id) == say("withdrawal_not_done")
    accept(desk, conversation_id, payload=f"{second.id}.0", external_id="p3")
    assert last_words(desk, conversation_id) == say("data_request_stale")
    assert desk.database.read(erasure.has_consent, conversation_id)
    third = ask(desk, conversation_id, external_id="a3")
    write_message(desk, conversation_id, "Подумайте ещё", Author.SYSTEM, meta={"kind": "notice"})
    accept(desk, conversation_id, payload=f"{third.id}.0", external_id="p4")
    assert reload(desk, conversation_id).mode == Mode.CLOSED


def test_the_bots_own_question_is_asked_anew(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    yes = [{"title": "Удалить", "command": "/affirm"}]
    meta = {"kind": "form", "wish": "erase"}
    bots = write_message(desk, conversation_id, "Удалить?", Author.BOT, expects="erase_confirmation", buttons=yes, meta=meta)
    hand_over(desk, conversation_id)
    accept(desk, conversation_id, payload=f"{bots.id}.0")
    question = messages(desk, conversation_id)[-1]
    assert question.buttons[0]["command"] == "do:data erase"
    assert reload(desk, conversation_id).mode == Mode.QUEUED


def test_an_export_is_begun_at_once(desk: Desk, conversation_id: uuid.UUID) -> None:
    accept(desk, conversation_id, "пришлите мои данные", "ask")
    assert last_words(desk, conversation_id) == say("export_begun")
    assert desk.database.read(lambda session: session.scalars(select(Export.state)).one()) == "asked"


def test_nothing_to_withdraw(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    hand_over(desk, conversation_id)
    accept(desk, conversation_id, "отзываю согласие")
    assert last_words(desk, conversation_id) == say("withdrawal_nothing")


# A consent that is withdrawn


@pytest.fixture
def workplace(desk: Desk) -> Workplace:
    return Workplace(desk, Files(desk), lambda _: [], Presence(desk.database))


def withdraw(desk: Desk, conversation_id: uuid.UUID) -> None:
    question = ask(desk, conversation_id, "отзываю согласие", "withdraw")
    accept(desk, conversation_id, payload=f"{question.id}.0", external_id="withdrawn")
    assert not desk.database.read(erasure.has_consent, conversation_id)


def deliveries_of(desk: Desk, conversation_id: uuid.UUID) -> list[tuple[str, DeliveryState, str | None]]:
    wanted = select(Delivery).where(Delivery.conversation_id == conversation_id).order_by(Delivery.ordinal)
    return [(one.channel, one.state, one.failure) for one in desk.database.read(lambda session: list(session.scalars(wanted)))]


def indexed(desk: Desk, conversation_id: uuid.UUID) -> int:
    wanted = select(func.count()).select_from(IndexedValue).where(IndexedValue.conversation_id == conversation_id)
    return desk.database.read(lambda session: session.scalar(wanted)) or 0


async def test_what_a_withdrawal_ends(desk: Desk, conversation_id: uuid.UUID, workplace: Workplace) -> None:
    mode, operator = reload(desk, conversation_id).mode, add_operator(desk, "petrova")
    file = await Files(desk).accept(conversation_id, "паспорт.png", png())
    accept(desk, conversation_id, "вот", "file", attachment_ids=[file.id])
    desk.database.write(lambda session: setattr(session.get_one(Attachment, file.id), "created_at", MONDAY))  # before the withdrawal
    assert indexed(desk, conversation_id) == 2
    assert desk.database.read(workplace.readable_attachment, file.id, operator)
    assert await workplace.reveal(conversation_id, operator, "snils1", "проверка") == ANNA.snils
    locked(desk, conversation_id, lambda s, d, c: setattr(c, "push_token", d.vault.put(s, c, "text", "1")))
    assert deliveries_of(desk, conversation_id) == [("mail", DeliveryState.QUEUED, None)]
    withdraw(desk, conversation_id)

    assert deliveries_of(desk, conversation_id)[0] == ("mail", DeliveryState.FAILED, "withdrawn")
    assert {state for channel, state, _ in deliveries_of(desk, conversation_id) if channel != "mail"} == {DeliveryState.QUEUED}
    document = desk.database.read(lambda s: overview.letter_documents(s, reload(desk, conversation_id)))[0]
    assert document["failure"] == "гражданин отозвал согласие"
    assert indexed(desk, conversation_id) == 0
    for opening in (
        lambda: workplace.reveal(conversation_id, operator, "snils1", "проверка"),
        lambda: desk.database.read_soon(workplace.readable_attachment, file.id, operator),
        lambda: desk.database.write_soon(workplace.release, file.id, operator, "проверка"),
    ):
        with pytest.raises(Problem) as refused:
            await opening()
        assert (refused.value.status, refused.value.key) == (409, "opening_withdrawn")
    # Who waited is the bot's again, and in no queue; with an operator the chat goes on.
    assert reload(desk, conversation_id).mode == (Mode.BOT if mode == Mode.QUEUED else Mode.OPERATOR)
    entry = desk.database.read(lambda session: session.scalars(select(QueueEntry)).one())
    assert (entry.ended_at is not None, entry.ended_by) == (True, "withdrawn" if mode == Mode.QUEUED else "claimed")
    words = last_words(desk, conversation_id)
    assert "Согласие отозвано" in words and (say("withdrawal_left_queue") in words) is (mode == Mode.QUEUED)


async def test_what_is_written_later_is_read_and_not_indexed(desk: Desk, conversation_id: uuid.UUID, workplace: Workplace) -> None:
    locked(desk, conversation_id, erasure.withdraw_consent, now())
    later = await Files(desk).accept(conversation_id, "снимок.png", png())
    accept(desk, conversation_id, f"телефон {ANNA.phone}", "later", attachment_ids=[later.id])
    assert indexed(desk, conversation_id) == 0
    assert desk.database.read(workplace.readable_attachment, later.id, add_operator(desk, "petrova"))


async def test_a_new_consent_makes_the_data_usable_again(desk: Desk, conversation_id: uuid.UUID, workplace: Workplace) -> None:
    withdraw(desk, conversation_id)
    if reload(desk, conversation_id).mode == Mode.OPERATOR:
        locked(desk, conversation_id, lambda s, d, c: queue.return_to_bot(s, d, c, s.get_one(Operator, c.operator_id)))
    asked = hand_over(desk, conversation_id)
    assert asked is not None and asked.expects == "email"
    accept(desk, conversation_id, f"пишите на {ANNA.email}", "again")
    assert desk.database.read(erasure.has_consent, conversation_id)
    assert indexed(desk, conversation_id) == 1
    assert deliveries_of(desk, conversation_id)[-1] == ("mail", DeliveryState.QUEUED, None)
    assert await workplace.reveal(conversation_id, add_operator(desk, "petrova"), "snils1", "ответ") == ANNA.snils


def test_a_letter_that_was_being_sent_is_not_written(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    desk.database.write(appeal_form.record_consent, desk, write_message(desk, conversation_id, "да"))
    locked(desk, conversation_id, lambda s, d, c: setattr(c, "email_token", d.vault.put(s, c, "email", ANNA.email)))
    appeal = register(desk, conversation_id)
    locked(desk, conversation_id, letters.put_receipt, appeal)
    (receipt,) = desk.database.read(lambda session: list(session.scalars(select(Delivery))))
    assert desk.database.read(render, desk, receipt)["To"] == ANNA.email
    locked(desk, conversation_id, erasure.withdraw_consent, LATER)
    with pytest.raises(Undeliverable, match="withdrawn"):
        desk.database.read(render, desk, receipt)


# What the engine asks for


def carry_out(desk: Desk, conversation_id: uuid.UUID, turn: Turn, *parts: Deed | Utterance) -> None:
    locked(desk, conversation_id, lambda s, d, c: effects.carry_out(s, d, c, s.get_one(Turn, turn.id), parts, now()))


def turn_of(desk: Desk, message: Message) -> Turn:
    return desk.database.read(lambda session: session.scalars(select(Turn).where(Turn.message_id == message.id)).one())


def question_of_the_bot(desk: Desk, conversation_id: uuid.UUID) -> Message:
    return write_message(desk, conversation_id, "Удалить?", Author.BOT, expects="erase_confirmation")


def test_what_is_said_after_an_erasure_is_dropped(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    question_of_the_bot(desk, conversation_id)
    turn = turn_of(desk, accept(desk, conversation_id, "да"))
    carry_out(desk, conversation_id, turn, Deed("erase"), Utterance("Готово"), Deed("hand_over"))
    assert messages(desk, conversation_id)[-1].meta["kind"] == "erased"
    assert reload(desk, conversation_id).mode == Mode.CLOSED


@pytest.mark.parametrize("deed", ["erase", "withdraw_consent"])
def test_a_yes_from_before_the_question_is_none(desk: Desk, deed: str) -> None:
    conversation_id = start_conversation(desk)
    desk.database.write(appeal_form.record_consent, desk, write_message(desk, conversation_id, "да"))
    turn = turn_of(desk, accept(desk, conversation_id, "да"))
    question_of_the_bot(desk, conversation_id)
    carry_out(desk, conversation_id, turn, Deed(deed))
    asked = messages(desk, conversation_id)[-1]
    assert (asked.expects, asked.buttons[0]["command"]) == ("erase_confirmation", f"do:data {deed}")
    assert reload(desk, conversation_id).mode == Mode.BOT
    accept(desk, conversation_id, "да", "m2")
    assert desk.database.read(lambda s: s.scalars(select(Consent)).one().withdrawn_at) is not None or deed == "erase"
    assert reload(desk, conversation_id).mode == (Mode.CLOSED if deed == "erase" else Mode.BOT)


async def test_a_file_that_loses_to_an_erasure_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    conversation_id = start_conversation(desk)
    files = Files(desk)

    async def be_slow(_kind: str, content: bytes) -> bytes:
        locked(desk, conversation_id, lambda s, d, c: erasure.erase(s, d, c, erasure.CITIZEN, now()))
        return content

    monkeypatch.setattr(files, "_make_harmless", be_slow)
    with pytest.raises(Problem) as refused:
        await files.accept(conversation_id, "a.png", png())
    assert (refused.value.status, refused.value.key) == (409, "conversation_closed")
    assert [path for path in (desk.settings.data_dir / "attachments").rglob("*") if path.is_file()] == []
