"""Invented citizens. Their SNILS have valid control numbers, their phones and addresses lead nowhere."""

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

    @property
    def full_name(self) -> str:
        return f"{self.last_name} {self.first_name} {self.patronymic}"

    @property
    def snils_digits(self) -> str:
        return "".join(filter(str.isdigit, self.snils))

    @property
    def phone_digits(self) -> str:
        return "".join(filter(str.isdigit, self.phone))


ANNA = Persona("Лебедева", "Анна", "Сергеевна", "14.03.1987", "112-233-445 95", "+7 921 555-01-42", "anna.lebedeva@example.com")
PYOTR = Persona("Соловьёв", "Пётр", "Ильич", "02.11.1959", "087-654-303 00", "8 (916) 555-01-77", "p.soloviev@example.org")
AISYLU = Persona("Гарифуллина", "Айсылу", "Ринатовна", "29.02.2000", "160-722-318 35", "+79375550119", "aisylu_g@example.net")

PERSONAS = (ANNA, PYOTR, AISYLU)
