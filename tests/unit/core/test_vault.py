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
from core.personal_data import TOKEN, Vault, resolve
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
    [SNILS, PYOTR.snils, PHONE, "89215550142", EMAIL, "pdsnils1", "pdtext1", "pdemail2", " ", "снилс ", ", ", "№ ", "-"]
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
        "Меня зовут Анна Лебедева, pdsnils1, pdphone1, pdemail1, живу на Тверской",
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
