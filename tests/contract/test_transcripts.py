"""The transcript of a chat by letter: what the citizen saw, to their own address, a few times a day."""

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from core import conversations, deliveries
from core.deliveries import Undeliverable
from core.desk import Desk, open_desk
from core.errors import Problem
from core.models import Attachment, Author, Conversation, Delivery, DeliveryState, now
from handoff import letters, transcripts
from handoff.letters.renderer import render
from tests.conftest import MakeSettings
from tests.data.personas import ANNA
from tests.scenes import add_operator, claim, hand_over, know_address, locked, messages, start_conversation, text_of, write_message
from tests.scenes import upload as upload_file


@pytest.fixture
def desk(make_settings: MakeSettings, database_url: str) -> Iterator[Desk]:
    opened = open_desk(make_settings(database_url=database_url, transcripts_per_day=3, transcript_characters=3000))
    yield opened
    opened.close()


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    started = start_conversation(desk)
    write_message(desk, started, f"Не приходит код, мой СНИЛС {ANNA.snils}")
    know_address(desk, started, ANNA.email)
    return started


@pytest.fixture
def ask(desk: Desk, conversation_id: uuid.UUID) -> Callable[..., None]:
    return lambda at=None: locked(desk, conversation_id, transcripts.send, at or now())


def put(desk: Desk, conversation_id: uuid.UUID) -> list[Delivery]:
    return [row for row in desk.database.read(deliveries.of_conversation, conversation_id) if row.kind == letters.TRANSCRIPT]


def text(desk: Desk, delivery: Delivery) -> str:
    body = desk.database.read(render, desk, delivery).get_body(("plain",))
    assert body
    return str(body.get_content())


def test_it_is_what_the_citizen_saw(desk: Desk, conversation_id: uuid.UUID, ask: Callable[..., None]) -> None:
    operator = add_operator(desk)
    hand_over(desk, conversation_id)
    claim(desk, conversation_id, operator)
    file_id = upload_file(desk, conversation_id, operator_id=operator.id)

    def answer(session: Session, _desk: Desk, conversation: Conversation) -> None:
        attachment = session.get_one(Attachment, file_id)
        conversations.add_note(session, desk.vault, conversation, operator, "Между нами: проверить СНИЛС", "note")
        conversations.append(
            session, desk.vault, conversation, Author.OPERATOR, "Отправили ещё раз.", operator=operator, attachments=[attachment]
        )

    locked(desk, conversation_id, answer)
    ask()
    (delivery,) = put(desk, conversation_id)
    letter, read = desk.database.read(render, desk, delivery), text(desk, delivery)
    assert (letter["To"], letter["Auto-Submitted"], list(letter.iter_attachments())) == (ANNA.email, "auto-replied", [])
    for fact in (ANNA.snils, ". Вы:", ". Отклик:", ". Оператор (Мария Иванова):", "файл «a.png»"):
        assert fact in read
    assert "Отправили ещё раз." in read
    assert "Между нами" not in read
    assert read.index("Не приходит код") < read.index("Передаю разговор") < read.index("Отправили ещё раз.")
    told = messages(desk, conversation_id)[-1]
    assert (text_of(desk, told), told.author) == ("Отправляем переписку на почту, которую вы указали в этом разговоре.", Author.SYSTEM)


def test_nobodys_links_go_to_a_stranger(desk: Desk, conversation_id: uuid.UUID, ask: Callable[..., None]) -> None:
    write_message(desk, conversation_id, "Выиграли приз: https://evil.example.com/x?y, а справка https://portal.example.ru/help")
    ask()
    read = text(desk, put(desk, conversation_id)[0])
    assert "Выиграли приз: [ссылка] а справка https://portal.example.ru/help" in read
    assert "evil" not in read


def test_a_later_message_changes_no_letter(desk: Desk, conversation_id: uuid.UUID, ask: Callable[..., None]) -> None:
    ask()
    before = text(desk, put(desk, conversation_id)[0])
    write_message(desk, conversation_id, "И ещё вопрос")
    assert text(desk, put(desk, conversation_id)[0]) == before
    ask()
    assert "И ещё вопрос" in text(desk, put(desk, conversation_id)[1])


def test_a_long_one_loses_its_beginning_and_says_so(desk: Desk, conversation_id: uuid.UUID, ask: Callable[..., None]) -> None:
    for number in range(250):
        write_message(desk, conversation_id, f"сообщение {number} " + "ы" * 30)
    ask()
    read = text(desk, put(desk, conversation_id)[0])
    assert "сообщение 249" in read
    assert "Не приходит код" not in read
    shown = read.count("сообщение ")
    assert 50 < shown < 80
    assert f"Не вошло сообщений: {251 - shown}." in read


def test_the_same_is_not_sent_twice_unless_it_failed(desk: Desk, conversation_id: uuid.UUID, ask: Callable[..., None]) -> None:
    ask()
    with pytest.raises(Problem, match="transcript_sent_already"):
        ask()
    (delivery,) = put(desk, conversation_id)
    claimed = desk.database.write(deliveries.claim, delivery.id, "w", now(), desk.settings)
    assert claimed
    desk.database.write(deliveries.end, claimed, now(), Undeliverable("refused 550"), desk.settings)
    ask()
    assert [row.state for row in put(desk, conversation_id)] == [DeliveryState.QUEUED]


def test_so_many_a_day(desk: Desk, conversation_id: uuid.UUID, ask: Callable[..., None]) -> None:
    for number in range(3):
        write_message(desk, conversation_id, f"вопрос {number}")
        ask()
    write_message(desk, conversation_id, "ещё")
    with pytest.raises(Problem) as caught:
        ask()
    assert (caught.value.status, "не больше 3 раз" in caught.value.detail) == (429, True)
    assert len(put(desk, conversation_id)) == 3
    ask(now() + timedelta(days=1, minutes=1))


def test_without_an_address_it_says_so(desk: Desk) -> None:
    with pytest.raises(Problem) as caught:
        locked(desk, start_conversation(desk), transcripts.send, now())
    assert (caught.value.status, caught.value.detail.startswith("Адрес почты")) == (409, True)
