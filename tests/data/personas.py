"""Invented citizens. Their numbers have valid check digits, their phones and addresses lead nowhere."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Persona:
    """One citizen, spelled as people spell it; ``snils_digits`` and ``phone_digits`` hold digits only."""

    last_name: str
    first_name: str
    patronymic: str
    birth_date: str  # DD.MM.YYYY
    snils: str
    phone: str
    email: str
    passport: str
    inn: str
    card: str
    address: str

    @property
    def full_name(self) -> str:
        return f"{self.last_name} {self.first_name} {self.patronymic}"

    @property
    def snils_digits(self) -> str:
        return "".join(filter(str.isdigit, self.snils))

    @property
    def phone_digits(self) -> str:
        return "".join(filter(str.isdigit, self.phone))


ANNA = Persona(
    "Лебедева",
    "Анна",
    "Сергеевна",
    "14.03.1987",
    "112-233-445 95",
    "+7 921 555-01-42",
    "anna.lebedeva@example.com",
    "4010 123456",
    "770712345633",
    "2200 1234 5678 9019",
    "г. Казань, ул. Баумана, д. 5, кв. 12",
)
PYOTR = Persona(
    "Соловьёв",
    "Пётр",
    "Ильич",
    "02.11.1959",
    "087-654-303 00",
    "8 (916) 555-01-77",
    "p.soloviev@example.org",
    "45 04 654321",
    "500398765463",
    "4276111122223336",
    "410012 Саратов, ул. Московская, д. 100, кв. 45",
)
AISYLU = Persona(
    "Гарифуллина",
    "Айсылу",
    "Ринатовна",
    "29.02.2000",
    "160-722-318 35",
    "+79375550119",
    "aisylu_g@example.net",
    "9219 800700",
    "165544332210",
    "5469 5555 6666 7776",
    "г. Уфа, пр-т Октября, д. 71, кв. 8",
)

PERSONAS = (ANNA, PYOTR, AISYLU)
