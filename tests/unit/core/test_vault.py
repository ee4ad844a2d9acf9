"""The vault: what goes in comes back, only there, only whole, and not at all after erasure."""

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.keys import KeyDestroyed, Keyring
from core.models import Author, Base, Conversation
from core.personal_data import TOKEN, Expected, Vault, resolve
from core.settings import Settings
from core.words import say
from tests.data.personas import ANNA, PYOTR
from tests.scenes import messages, reload, start_conversation, text_of, write_message

SNILS, PHONE, EMAIL = ANNA.snils, ANNA.phone, ANNA.email


@dataclass
class Scene:
    session: Session
    vault: Vault
    conversation: Conversation

    def another_conversation(self) -> Conversation:
        return conversations.start(self.session, self.vault, "widget")[0]


@contextmanager
def scene(settings: Settings) -> Iterator[Scene]:
    """A conversation in a database in memory, rolled back afterwards: property tests need many."""
    with Session(memory()) as session:
        vault = Vault(Keyring(b"k" * 32), settings)
        yield Scene(session, vault, conversations.start(session, vault, "widget")[0])


@cache
def memory() -> Engine:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    return engine


FRAGMENTS = st.sampled_from(
    [
        SNILS,
        PYOTR.snils,
        PHONE,
        "89215550142",
        EMAIL,
        "Иванов И.",
        "ул. Мира, д. 5",
        "14.03.1987",
        "паспорт 4510123456",
        "pdsnils1",
        "pdtext1",
        "pdemail2",
        " ",
        "снилс ",
        ", ",
        "№ ",
        "-",
        "\u200b",  # what a reader does not see, or takes for something else
        "\u0301",
        "１",
        "\u2011",
        "x",
    ]
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])), st.lists(FRAGMENTS | st.text("0123456789pdsnil ", max_size=5)).map("".join)
)


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_what_was_tokenised_resolves_to_itself(shipped: Settings, texts: list[str]) -> None:
    with scene(shipped) as s:
        tokenised = [s.vault.tokenise(s.session, s.conversation, text) for text in texts]
        values = s.vault.values(s.session, s.conversation)
        assert [resolve(text, values, masked=False) for text in tokenised] == texts


def test_a_value_keeps_its_token(shipped: Settings) -> None:
    with scene(shipped) as s:
        first = s.vault.tokenise(s.session, s.conversation, f"{SNILS} и {PHONE}")
        again = s.vault.tokenise(s.session, s.conversation, f"ещё раз {SNILS}, а теперь {PYOTR.snils}")
        assert first == "pdsnils1 и pdphone1"
        assert again == "ещё раз pdsnils1, а теперь pdsnils2"


def test_a_typed_look_alike_names_nobodys_data(shipped: Settings) -> None:
    with scene(shipped) as s:
        s.vault.tokenise(s.session, s.conversation, SNILS)
        typed = s.vault.tokenise(s.session, s.conversation, "pdsnils1 pdtext1")
        assert "pdsnils1" not in TOKEN.findall(typed)
        assert resolve(typed, s.vault.values(s.session, s.conversation), masked=False) == "pdsnils1 pdtext1"


@pytest.mark.parametrize("typed", ["a\u200bpdsnils1", "１pdsnils1", "x\u0301pdsnils1", "pdsnils1\u200bx"])
def test_nor_does_one_beside_what_is_not_seen(shipped: Settings, typed: str) -> None:
    with scene(shipped) as s:
        s.vault.tokenise(s.session, s.conversation, SNILS)
        kept = s.vault.tokenise(s.session, s.conversation, typed)
        assert resolve(kept, s.vault.values(s.session, s.conversation), masked=False) == typed


@pytest.mark.parametrize(
    ("text", "part", "kept"),
    [
        ("Иванов Иван Иванович", "Иванов Иван Иванович", "pdname1"),
        ("Иванов Иван Иванович+79215550142", "Иванов Иван Иванович", "pdname1"),
        ("Иванов Иван, +79215550142", "Иванов Иван", "pdname1, pdphone1"),
        ("Ивано\u0301в Иван", "Ивано", "pdname1"),
        ("Анна Салтыкова\u2011Щедрина", "Анна Салтыкова", "pdname1"),
        ("г. Тула, ул. Ивана Фёдорова, дом 5, кв. 8", "Ивана Фёдорова", "pdaddress1"),
    ],
)
def test_an_answer_is_kept_whole_with_what_it_overlaps(shipped: Settings, text: str, part: str, kept: str) -> None:
    with scene(shipped) as s:
        assert s.vault.tokenise(s.session, s.conversation, text, Expected("name", part)) == kept
        assert resolve(kept, s.vault.values(s.session, s.conversation), masked=False) == text


def test_a_name_once_given_is_found_again_whole(shipped: Settings) -> None:
    with scene(shipped) as s:
        for name in ("тлехуч шумаф", "гасан заде эльнур"):
            s.vault.put(s.session, s.conversation, "name", name)
        again = s.vault.tokenise(s.session, s.conversation, "это гасан заде эльнур и Тлехуч  Шумаф, а звонил тлехуч шумаф+79215550142")
        assert "тлехуч" not in again.lower() and "заде" not in again and "5550142" not in again
        assert again.startswith("это pdname2 и pdname")


def test_a_token_resolves_in_its_own_conversation_only(shipped: Settings) -> None:
    with scene(shipped) as s:
        token = s.vault.tokenise(s.session, s.conversation, SNILS)
        assert resolve(token, s.vault.values(s.session, s.another_conversation()), masked=False) == token


def test_erased_is_erased(shipped: Settings) -> None:
    with scene(shipped) as s:
        sealed = s.vault.seal(s.conversation, "адрес: Тверская, 1")
        token = s.vault.put(s.session, s.conversation, "snils", SNILS)
        s.conversation.data_key = None
        assert s.vault.open(s.conversation, sealed) == say("erased") == "данные удалены"
        assert s.vault.values(s.session, s.conversation) == {token: "данные удалены"}
        with pytest.raises(KeyDestroyed):
            s.vault.open_bytes(s.conversation, sealed)
        with pytest.raises(KeyDestroyed):
            s.vault.seal(s.conversation, "ещё")


def test_what_was_sealed_cannot_be_moved(shipped: Settings) -> None:
    with scene(shipped) as s:
        other = s.another_conversation()
        sealed = s.vault.seal(s.conversation, SNILS)
        with pytest.raises(ValueError, match="another key"):
            s.vault.open(other, sealed)
        other.data_key = s.conversation.data_key  # not even with the key
        with pytest.raises(ValueError, match="another key"):
            s.vault.open(other, sealed)


def test_the_same_text_is_sealed_differently_each_time(shipped: Settings) -> None:
    with scene(shipped) as s:
        assert s.vault.seal(s.conversation, SNILS) != s.vault.seal(s.conversation, SNILS)


def test_nothing_of_the_plain_text_is_on_disk(desk: Desk) -> None:
    conversation_id = start_conversation(desk)
    text = f"Меня зовут Анна Лебедева, {SNILS}, {PHONE}, {EMAIL}, живу на Тверской"
    write_message(desk, conversation_id, text)
    write_message(desk, conversation_id, f"отвечаем Лебедевой на {EMAIL}", Author.OPERATOR)
    with sqlite3.connect(desk.settings.data_dir / "otklik.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = b"".join(file.read_bytes() for file in desk.settings.data_dir.rglob("*") if file.is_file())
    for piece in (SNILS, ANNA.snils_digits, PHONE, ANNA.phone_digits[1:], EMAIL, "Лебедев", "Тверской"):
        assert piece.encode() not in kept
        assert piece.encode("utf-16-le") not in kept
    assert [text_of(desk, message) for message in messages(desk, conversation_id)] == [
        "Меня зовут pdname1, pdsnils1, pdphone1, pdemail1, живу на Тверской",
        "отвечаем Лебедевой на pdemail1",
    ]


def test_what_the_bot_says_is_not_searched(desk: Desk) -> None:
    """Its texts hold tokens and the desk's own facts; a phone in an article is nobody's."""
    conversation_id = start_conversation(desk)
    said = write_message(desk, conversation_id, "Звоните 8 495 555-01-42", Author.BOT)
    assert text_of(desk, said) == "Звоните 8 495 555-01-42"
    assert desk.database.read(lambda session: desk.vault.values(session, reload(desk, conversation_id))) == {}


def test_an_unknown_conversation_has_no_values(desk: Desk) -> None:
    stranger = Conversation(id=uuid.uuid4(), data_key=None)
    assert desk.database.read(desk.vault.values, stranger) == {}
