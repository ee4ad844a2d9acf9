"""The audit log's rows in words for people."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from core import audit
from core.desk import Desk
from core.models import AuditEntry
from core.personal_data import TOKEN, resolve
from core.words import plural, say
from handoff import operators
from handoff.field_words import field_words

_SHORT = 8  # characters of an id by which people tell it from others
ACTIONS = {
    audit.LOGIN: "вход",
    audit.LOGIN_FAILED: "неудачный вход",
    audit.LOGIN_LOCKED: "вход заблокирован на время",
    audit.OPEN: "открыта переписка",
    audit.DOWNLOAD: "открыт файл",
    audit.CLAIM: "взят в работу",
    audit.RETURN: "возвращён боту",
    audit.CLOSE: "завершён",
    audit.REVEAL: "показаны данные",
    audit.RELEASE: "открыт непроверенный файл",
    audit.APPEAL_CHANGED: "изменено обращение",
    audit.CALL: "записан звонок",
    audit.TRANSFER: "передан",
    audit.ERASE: "данные удалены",
    audit.EXPORT: "данные выгружены",
    audit.LETTER_SHOWN: "показано пришедшее письмо",
    audit.LETTER_RETRIED: "письмо отправлено на повторный разбор",
    audit.LETTER_SENT_AGAIN: "письмо отправлено снова",
    audit.LETTER_RELEASED: "письмо выпущено из карантина",
    audit.LETTER_DISCARDED: "письмо удалено как спам",
    audit.LETTERS_READ: "открыты письма в карантине",
    audit.ACCOUNT_ADDED: "заведена учётная запись",
    audit.ACCOUNT_DISABLED: "отключена учётная запись",
    audit.PASSWORD_SET: "задан пароль",
    audit.FORGET: "стёрты старые строки журнала",
    audit.ARTICLE_CREATED: "создана статья",
    audit.ARTICLE_CHANGED: "изменена статья",
    audit.ARTICLE_RESTORED: "возвращена редакция статьи",
    audit.QUESTIONS_READ: "открыты вопросы без ответа",
    audit.QUESTION_ALIAS: "вопросы добавлены в статью",
    audit.QUESTION_DRAFT: "по вопросам начата статья",
    audit.QUESTION_DISMISSED: "вопросы убраны из списка",
    "key_rotated": "сменён главный ключ",
    "key_retired": "изъят прежний главный ключ",
}
# Of an appeal, as its changes are written.
_CHANGES = {
    "expedite confirmed": "ускорение подтверждено",
    "expedite refused": "в ускорении отказано",
    "higher_instance confirmed": "принято вышестоящим подразделением",
    "higher_instance refused": "возвращено вышестоящим подразделением",
    "urgent_confirmed": "срочность подтверждена",
    "priority": "приоритет",
    "kind": "вид",
    "department": "подразделение",
    "status in_progress": "взято в работу",
    "status waiting": "ждёт заявителя",
    "status answered": "ответ дан",
    "status closed": "закрыто",
    "status reopened": "открыто снова",
}
ACTORS = {
    audit.CITIZEN: "гражданин",
    audit.COMMAND_LINE: "командная строка",
    audit.DESK: "система",
    audit.STRANGER: "неизвестный",
}


def actor_words(entry: AuditEntry) -> str:
    return entry.actor if entry.operator_id else ACTORS.get(entry.actor, entry.actor)


def subject_words(entry: AuditEntry, logins: Mapping[str, str]) -> str:
    """``logins``: what ``known_logins`` gives."""
    subject = entry.subject
    match entry.action:
        case audit.REVEAL:
            return field_words(subject)
        case audit.RELEASE | audit.DOWNLOAD:
            return f"файл {subject[-_SHORT:]}"  # the end of an id is random, its beginning is the time
        case audit.APPEAL_CHANGED:
            number, _, change = subject.partition(" ")
            name, _, value = change.partition(" ")
            return f"{number}: {_CHANGES.get(change) or f'{_CHANGES.get(name, name)} {value}'}"
        case audit.TRANSFER:
            target, _, name = subject.partition(" ")
            return f"{'оператору' if target == 'operator' else 'в подразделение'} {name}"
        case audit.LOGIN_FAILED | audit.LOGIN_LOCKED:
            return f"логин {logins[subject]}" if subject in logins else "логин, которого нет"
        case audit.ACCOUNT_ADDED | audit.ACCOUNT_DISABLED | audit.PASSWORD_SET:
            return f"логин {subject}"
        case audit.FORGET:
            first, _, last = subject.partition("-")
            return f"строка {first}" if first == last else f"строки {first}–{last}"
        case audit.ARTICLE_CREATED | audit.ARTICLE_CHANGED | audit.ARTICLE_RESTORED:
            number, _, slug = subject.partition(" ")
            return f"{slug}, редакция {number}"
        case audit.QUESTION_ALIAS | audit.QUESTION_DRAFT | audit.QUESTION_DISMISSED:
            count, _, slug = subject.partition(" ")
            words = plural(int(count), "вопрос", "вопроса", "вопросов")
            return f"{words}, {slug}" if slug else words
        case "key_rotated" | "key_retired":
            return f"ключ {subject[:_SHORT]}"
        case _:
            return subject


def known_logins(session: Session, desk: Desk, asked: str = "") -> dict[str, str]:
    """How a failed login names a login → the login: of all operators, and the one that is ``asked`` for."""
    logins = {operator.login for operator in operators.all_operators(session)} | ({asked} if asked else set())
    return {audit.login_subject(desk.vault, login): login for login in logins}


def masked_reason(session: Session, desk: Desk, entry: AuditEntry) -> str:
    """Why, as a reader of the log sees it: what is personal is masked."""
    reason = stored_reason(session, desk, entry)
    conversation = audit.conversation_of(session, entry)
    if not reason or conversation is None:
        return reason
    return resolve(reason, desk.vault.values(session, conversation, [reason]), masked=True)


def stored_reason(session: Session, desk: Desk, entry: AuditEntry) -> str:
    """Why, with tokens for what is personal. The reason of an erasure outlives what its tokens stood for."""
    reason = audit.reason_of(session, desk.vault, entry)
    return TOKEN.sub(f"[{say('erased')}]", reason) if entry.action == audit.ERASE else reason
