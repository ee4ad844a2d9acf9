"""Any number of letters, each of its own: new ones, answers to them, such as have to be returned, and programs'."""

import random
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP

from handoff.mailbox.automatic import Automatic
from handoff.mailbox.rules import Route
from tests.data.personas import PERSONAS

_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
_COMPLAINTS = (
    "Не приходит код подтверждения на телефон.",
    "Заявление висит две недели, статус не меняется.",
    'После обновления не могу войти: пишет "ошибка 403".',
    "Оплатил пошлину, а в личном кабинете её нет.",
)
_CHARSETS = (("utf-8", "base64"), ("utf-8", "8bit"), ("windows-1251", "quoted-printable"), ("koi8-r", "8bit"))


@dataclass(frozen=True)
class Made:
    """A letter with CRLF line ends, its Message-ID and what becomes of it."""

    raw: bytes
    message_id: str
    outcome: str


def make_letters(count: int, *, seed: int = 7) -> list[Made]:
    """``count`` letters of as many senders, answers apart; each tenth has a file. The same for the same arguments."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    made: list[Made] = []
    asked: list[tuple[str, str]] = []  # sender and Message-ID of those that became appeals and are not answered yet
    for number in range(count):
        kind = chance.choices(("new", "answer", "returned", "automatic"), (60, 20, 12, 8))[0]
        if kind == "answer" and not asked:
            kind = "new"
        sender, message_id = f"citizen{number}@example.com", f"<{seed}.{number}@example.com>"
        message = EmailMessage(policy=SMTP)
        words = f"{chance.choice(_COMPLAINTS)}\n\nОбращаюсь {number + 1}-й раз за месяц."
        match kind:
            case "new":
                message["Subject"] = f"Заявление № {1_000_000_000 + number}"
                person = chance.choice(PERSONAS)
                words += f"\n\nФИО: {person.full_name}\nДата рождения: {person.birth_date}\nСНИЛС: {person.snils}\nТелефон: {person.phone}"
                asked.append((sender, message_id))
                outcome: str = Route.REGISTER
            case "answer":
                sender, earlier = asked.pop(chance.randrange(len(asked)))
                message["Subject"], message["In-Reply-To"] = "Re: Заявление", earlier
                outcome = Route.JOIN
            case "returned":
                message["Subject"] = "Помогите, пожалуйста"
                outcome = Route.RETURN
            case _:
                message["Subject"], message["Auto-Submitted"] = "Автоответ", "auto-replied"
                outcome = Automatic.AUTOMATIC
        message["From"], message["To"], message["Message-ID"] = sender, "support@portal.example.ru", message_id
        charset, encoding = chance.choice(_CHARSETS)
        message.set_content(words, charset=charset, cte=encoding)
        if number % 10 == 9:
            message.add_attachment(_PDF, maintype="application", subtype="pdf", filename="Справка.pdf")
        made.append(Made(message.as_bytes(), message_id, outcome))
    return made
