"""What a citizen asks for about their data while people have the conversation, and the dialogue engine is asked nothing.

Only plain wishes are recognised here; whatever else is said, the operator reads. Each is explained first and done after a yes.
"""

import re
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import conversations
from core.desk import Desk
from core.models import Author, Conversation, Message, Mode
from core.words import say
from handoff import erasure, export

ERASE, WITHDRAW, EXPORT = "erase", "withdraw_consent", "export"
EXPECTS = "erase_confirmation"
COMMAND = "do:data"  # of its buttons: "do:data erase", "do:data withdraw_consent", "do:data keep"
_KEEP = "keep"
_ANSWERED = "answered"  # in the meta of a no: the question's seq
_AT_ANOTHER_PLACE = ("handoff", "appeal_registered")  # an appeal that the question did not name

_MINE = r"(?:все )?(?:мои|свои)(?: личные| персональные)?(?: данные| сведения)"
_FROM_HERE = r"(?: отсюда| из (?:этого )?(?:чата|разговора)| из (?:этой )?переписки)?"
_WISHES = {
    ERASE: rf"(?:хочу )?(?:удали(?:те|ть)?|сотри(?:те)?|стереть|уничтож(?:ь|ьте|ить)) {_MINE}{_FROM_HERE}",
    WITHDRAW: r"(?:я )?(?:хочу )?(?:отзываю|отозвать|отзовите|отзови)(?: мое| свое)? согласие"
    r"(?: на(?: хранение и)? (?:обработку|использование)(?: моих| своих)?(?: персональных| личных)?(?: данных)?)?",
    # «Отправьте мои данные» without «мне» means: to somebody else.
    EXPORT: r"(?:хочу )?(?:(?:вышли|отправь)(?:те)? мне|(?:пришли|выгрузи)(?:те)?(?: мне)?|получить|скачать)"
    r" (?:(?:все )?(?:мои|свои)(?: личные| персональные)? данные|архив с моими данными)",
}
_PATTERNS = {wish: re.compile(pattern) for wish, pattern in _WISHES.items()}
_POLITE = re.compile(r"\b(?:здравствуйте|добрый (?:день|вечер)|доброе утро|пожалуйста|прошу(?: вас)?|будьте добры|спасибо)\b")
_CONSENT = re.compile(r"согласи[еяюй]|отзыва|отозв|отзов")
_ERASING = re.compile(r"удал|стер|стир|сотр|уничтож|забудь|убер|убир|очист|потри|снес|выпил")
_YES = re.compile(
    r"да|ага|угу|подтверждаю|удал(?:яй|и|ить)(?:те)?|стирай(?:те)?|сотри(?:те)?|отозвать|отзовите|отзываю|конечно|согласен|согласна|хорошо"
)
_NO_YES = re.compile(r"не|нет|ни|а|но|что|как|когда|зачем|подождите|стоп")  # «да не надо», «да, а что потом»
_LONGEST_YES = 5  # words
_NO = re.compile(r"нет|(?:нет )?(?:не надо|не нужно|не удалять|не удаляйте|не отзывать|не отзываю|передумал|передумала|отмена)")


def recognise(text: str) -> str | None:
    """The wish that ``text`` is, and nothing but that: erase, withdraw_consent, export."""
    plain = _plain(text)
    return next((wish for wish, pattern in _PATTERNS.items() if pattern.fullmatch(plain)), None)


def named(text: str) -> str | None:
    """What of erasing and withdrawing ``text`` speaks of."""
    plain = _plain(text)
    return ERASE if _ERASING.search(plain) else WITHDRAW if _CONSENT.search(plain) else None


def is_yes(wish: str, text: str) -> bool:
    """Whether ``text`` is a yes to the question about ``wish``: «удаляйте» is none to «Отозвать согласие?», a doubt to neither."""
    words = _plain(text).split()
    if not words or len(words) > _LONGEST_YES or "?" in text or any(map(_NO_YES.fullmatch, words)):
        return False
    return named(text) in (wish, None) and _YES.fullmatch(words[0]) is not None


def ask(session: Session, desk: Desk, conversation: Conversation, wish: str, in_reply_to: int) -> None:
    """Says what doing it means and asks; an export is begun at once. ``conversation`` is locked."""
    if wish == EXPORT:
        if export.ask_or_tell(session, desk, conversation, in_reply_to):
            _tell(session, desk, conversation, say("export_begun"), in_reply_to)
        return
    if wish == WITHDRAW and not erasure.has_consent(session, conversation.id):
        _tell(session, desk, conversation, say("withdrawal_nothing"), in_reply_to)
        return
    outcome = appeals_words(erasure.open_numbers(session, conversation.id), number_stays=wish == ERASE)
    if conversation.mode == Mode.QUEUED:
        outcome = f"{outcome} {say('data_request_waiting')}"
    if wish == ERASE:
        words = say("erase_question", appeals=outcome)
        titles = (say("erase_button"), say("erase_not_button"))
    else:
        words = say("withdrawal_question", appeals=outcome)
        titles = (say("withdrawal_button"), say("withdrawal_not_button"))
    conversations.append(
        session,
        desk.vault,
        conversation,
        Author.SYSTEM,
        words,
        buttons=[{"title": title, "command": f"{COMMAND} {deed}"} for title, deed in zip(titles, (wish, f"{_KEEP} {wish}"), strict=True)],
        in_reply_to=in_reply_to,
        expects=EXPECTS,
        meta={"kind": "notice"},
    )


def press(session: Session, desk: Desk, conversation: Conversation, button: dict[str, Any], in_reply_to: int, at: datetime) -> None:
    """Does what a pressed button of ``ask`` says, as long as its question is open."""
    question = session.get_one(Message, button["message_id"])
    _, deed, *of = str(button["command"]).split(" ")
    if not _is_open(session, question):
        _tell(session, desk, conversation, say("data_request_stale"), in_reply_to)
    elif deed == ERASE:
        erasure.erase(session, desk, conversation, erasure.CITIZEN, at, in_reply_to=in_reply_to)
    elif deed == WITHDRAW and not erasure.has_consent(session, conversation.id):
        _tell(session, desk, conversation, say("withdrawal_nothing"), in_reply_to)
    elif deed == WITHDRAW:
        erasure.withdraw_consent(session, desk, conversation, at, in_reply_to)
    else:
        words = say("erase_not_done" if of == [ERASE] else "withdrawal_not_done")
        _tell(session, desk, conversation, words, in_reply_to, **{_ANSWERED: question.seq})


def typed_answer(question: Message | None, text: str) -> dict[str, Any] | None:
    """The button that a yes or a no typed right after ``question`` means, if that is one of ``ask``."""
    if question is None or question.expects != EXPECTS or not question.buttons:
        return None
    prefix, _, wish = str(question.buttons[0]["command"]).rpartition(" ")
    if prefix != COMMAND:
        return None  # the bot's own question
    place = 0 if is_yes(wish, text) else 1 if _NO.fullmatch(_plain(text)) else None
    return None if place is None else {**question.buttons[place], "message_id": question.id}


def was_read(session: Session, conversation: Conversation, seq: int) -> bool:
    """Whether the citizen's message ``seq`` came after the newest question about their data, so that it can be the answer to it."""
    asked = select(Message.seq).where(Message.conversation_id == conversation.id, Message.expects == EXPECTS)
    newest = session.scalar(asked.order_by(Message.seq.desc()).limit(1))
    return newest is not None and newest < seq


def appeals_words(numbers: list[str], *, number_stays: bool) -> str:
    """What becomes of the open appeals."""
    if not numbers:
        return say("data_request_no_appeals")
    words = say("data_request_appeal" if len(numbers) == 1 else "data_request_appeals", numbers=", ".join(numbers))
    return f"{words} {say('data_request_number_stays')}" if number_stays else words


def _is_open(session: Session, question: Message) -> bool:
    """Until something else is asked, it is answered, or an appeal comes that it does not name."""
    later = select(Message).where(Message.conversation_id == question.conversation_id, Message.seq > question.seq)
    return not any(
        message.expects or message.meta.get(_ANSWERED) == question.seq or message.meta.get("kind") in _AT_ANOTHER_PLACE
        for message in session.scalars(later.where(Message.author != Author.CITIZEN))
    )


def _tell(session: Session, desk: Desk, conversation: Conversation, words: str, in_reply_to: int, **meta: Any) -> None:
    conversations.append(session, desk.vault, conversation, Author.SYSTEM, words, in_reply_to=in_reply_to, meta={"kind": "notice", **meta})


def _plain(text: str) -> str:
    words = re.sub(r"[^\w\s-]", " ", text.lower().replace("ё", "е"))
    return " ".join(_POLITE.sub(" ", words).split())
