"""Numbers that are a person's: SNILS, phone, passport, INN, bank card; and e-mail addresses.

A number is told by what it is called («инн …», right or wrong), else by its form and check digits. All patterns read the plain copy
of a text (span.plain), and all repetitions are bounded: the search runs while a message is stored.
"""

import re
from collections.abc import Iterator

from core.finding.span import Span, digits_of
from core.settings import Settings

_ABC = "A-Za-zА-Яа-яЁё"
_I = re.IGNORECASE

# What numbers are called: the nearest name before a number says what it is.
_CALLED = re.compile(
    rf"(?<![{_ABC}])(?:"
    r"(?P<snils>сни(?:л|лл)[сз](?!яц)[а-яё]{0,5}|snils|страхов[а-яё]{2,4} (?:номер|свидетельств)[а-яё]{0,4})"
    r"|(?P<inn>инн(?![а-яё])(?:/кпп)?|inn(?![a-z])|налогов[а-яё]{2,4} номер|идентификационн[а-яё]{2,4} номер(?!"
    r" н)|идентификационн\w{2,4} номер\w{0,3} налогоплательщик\w{0,3})"
    r"|(?P<card>карт(?:а|ы|е|у|ой|очк\w{1,2})(?![а-яё])|(?:мир|visa|mastercard|виза|маэстро)(?![а-яёa-z]))"
    r"|(?P<passport>(?:загран)?п[ао]с+п[ао]рт[а-яё]{0,3}|пасп(?![а-яё])\.?|загран[а-яё]{0,5}|pass?port"
    r"|сери[яиюей]{1,2}(?![а-яё])|seri(?:ya|ia|es)|сер(?![а-яё])|с/н|удостоверени[а-яё]{1,2} личности|документ[а-яё]{0,3})"
    r"|(?P<phone>городск[а-яё]{2}(?= [+(0-9])|домашн[а-яё]{2}(?= [+(0-9])|тел(?:\.|ефон[а-яё]{0,3})?(?![а-яё])"
    r"|тлф|моб(?:\.|ил[а-яё]{0,6})?(?![а-яё])|сот(?:\.|ов[а-яё]{2,3})?(?![а-яё])"
    r"|(?:по|пере)?звон(?:и|ю|о)[а-яё]{0,5}|номер мой|мой номер|whats ?app|ватс?ап[а-яё]{0,2}|вацап[а-яё]{0,2}"
    r"|вотсап[а-яё]{0,2}|вайбер[а-яё]{0,2}|viber"
    r"|tel|phone|трубк\w)"
    r"|(?P<other>обращени\w{0,3}|заявлени\w{0,3}|заявк\w{0,3}|заказ\w{0,3}|договор\w{0,3}|сч[её]т\w{0,3}|уин|огрн(?:ип)?|кпп|бик|окпо|октмо"
    r"|постановлени\w{0,3}|протокол\w{0,3}|квитанци\w{0,3}|трек\w{0,3}|код\w{0,3}|ошибк\w{0,3}|сумм\w{0,3}"
    r"|штраф\w{0,3}|номер дела|дел[оа] №"
    r"|кадастр\w{0,6}))",
    _I,
)
_WINDOW = 60  # how far behind its name a number may stand

_SEP = r"[ \t\n.,_/-]{0,3}"
_TRIPLES = rf"\d{{3}}{_SEP}\d{{3}}{_SEP}\d{{3}}{_SEP}\d{{2}}"
_SERIES = r"\d{2}[ -]{0,2}\d{2}"
_NUMBER_WORD = r"[ \t\n,.:;№N#-]{0,4}(?:(?:номер|ном|nomer|number|no|н|и номер)[ .:№-]{0,3})?"
_PHONE_SEP = r"[ \n\t.()/_-]{0,3}"
_RU_PHONE = rf"(?:\+ ?7|[78])(?:{_PHONE_SEP}\d){{10}}"
_NAMED = {
    kind: re.compile(pattern, _I)
    for kind, pattern in {
        "snils": rf"(?<!\d){_TRIPLES}(?!\d)|(?<!\d)\d(?:[ ._/-]{{0,3}}\d){{5,14}}(?!\d)",
        "inn": r"(?<!\d)\d{12}(?!\d)|(?<!\d)\d(?:[ -]{0,2}\d){11}(?!\d)|(?<!\d)\d(?:[ -]?\d){7,13}(?!\d)",
        "card": r"(?<!\d)\d{4}(?:[ \n-]{0,3}\d{4}){3}(?!\d)|(?<!\d)\d(?:[ -]{0,2}\d){11,18}(?!\d)",
        "passport": rf"(?<!\d){_SERIES}{_NUMBER_WORD}\d{{3}} ?\d{{3}}(?!\d)|(?<!\d)\d{{2}}{_NUMBER_WORD}\d{{7}}(?!\d)|(?<!\d)\d(?:["
        rf" -]{{0,2}}\d){{8,10}}(?!\d)"
        rf"|(?<!\d){_SERIES}(?!\d)[^\d\n]{{1,40}}(?<!\d)\d{{6}}(?!\d)|(?<=[№:р] )\d{{6}}(?!\d)|(?<=№)\d{{6}}(?!\d)",
        "phone": rf"{_RU_PHONE}(?!\d)|\+?\(?\d(?:{_PHONE_SEP}\d){{9,13}}(?!\d)"
        r"|(?<![\d.,:-])\d{1,3}-\d{2}-\d{2}(?![\d-])|(?<=[.:] )\d{6,7}(?!\d)|(?<=[.:])\d{6,7}(?!\d)",
    }.items()
}
_PASSPORT_NUMBER = re.compile(
    r"(?:номер\w?|№|N) ?(?:моего |нового |старого )?паспорта[^\d\n]{0,12}(\d{6}(?!\d)(?:[^\d\n]{1,4}сери[яи] ?\d{2} ?\d{2}(?!\d))?)", _I
)
_NUMBER_FIRST = re.compile(
    r"(?<![\d+-])(?:(?P<inn>\d{12}|\d{10})|(?P<snils>\d{3}[ -]?\d{3}[ -]?\d{3}[ -]?\d{2})|(?P<passport>\d{2} ?\d{2} ?\d{6}))"
    r"(?:[^\d\n•]{1,25}?)(?<![а-яё])(?=(?:(?P<is_inn>инн)|(?P<is_snils>снилс)|(?P<is_passport>паспорт))(?![а-яё]))",
    _I,
)

_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}(?: ?@ ?)[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
    r"|(?<![\w.+-])[\w.+-]{1,64} ?@ ?[\w-]{1,63}(?:, ?| \. ?|\. | )(?:ru|com|net|org|рф|su|by|kz)(?!\w)"
    r"|(?<![\w.+-])[\w.+-]{1,64} ?[\[(]?(?:собака|собачка|at|@)[\])]? ?[\w-]{1,63}(?:\.| ?точка | ?dot )(?:ru|ру|com|ком|net|org|рф)(?!\w)",
    _I,
)
_CARD = re.compile(
    r"(?<![\d-])(?<![\d-] )\d{4}([ .\n-]{1,3})\d{4}[ .\n-]{1,3}\d{4}[ .\n-]{1,3}\d{4}(?![\d])(?! ?\d)"
    r"|(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d])",
    _I,
)
_SNILS = re.compile(r"(?<![\w-])\d{3}[ \n._/-]{0,3}\d{3}[ \n._/-]{0,3}\d{3}[ \n._/-]{0,3}\d{2}(?!\w)(?!-\d)")
_SNILS_PRINTED = re.compile(r"(?<![\d-])\d{3}[ -]\d{3}[ -]\d{3}[ -]\d{2}(?!\d)(?!-\d)")
_PHONE_PRINTED = re.compile(
    r"(?<!\d)(?:\+ ?7|8|7)[ (-]{1,3}9\d{2}[ )-]{1,3}\d{3}[ -]?\d{2}[ -]?\d{2}(?!\d)|\+7[ (-]{0,2}9\d{2}["
    r" )-]{0,2}\d{3}[ -]?\d{2}[ -]?\d{2}(?!\d)"
)
_CARD_BEGINS = re.compile(r"(?:220[0-4]|4|5[1-5]|62|67)[0-9]*(?<=^[0-9]{16})")
_SPEAKS_OF_A_PASSPORT = re.compile(r"п[ао]с+п[ао]рт|пасп(?![а-яё])|passport", _I)
_TEN = re.compile(r"(?<![\w+-])\d{10}(?![\w-])")
_CELL = re.compile(r"(?<=[;|\t\n])(?<![;|\t\n]{2})[0-9]{10}(?=[;|\t\n])|(?<=[;|] )[0-9]{10}(?= ?[;|])")
_LONG = re.compile(r"(?<![0-9])[0-9]{11,12}(?![0-9])|\u2022{10,40}")  # other people's numbers in a row of a table
_SPEAKS_OF_AN_ORGANISATION = re.compile(
    r"поставщик|заказчик|сч[её]т-?фактур|юрлиц|организаци|контрагент|фирм|(?<![а-яё])(?:ооо|ип|чоп)(?![а-яё])", _I
)
_TAKEN = "\u2022"
_PASSPORT = re.compile(
    r"(?<![\d+.,-])(?<![\d+-] )(?:\d{4}|\d{2} \d{2}|\d{2}-\d{2})(?: ?(?:№|N|номер) ?| - | ?[-/_] ?|, ?|["
    r" \t\n]{1,3})(?:\d{6}|\d{3} \d{3}|\d{2} \d{2} \d{2})(?![\d])(?! ?[-:]\d)"
)
_INN = re.compile(r"(?<![\w-])(?:\d{12}|\d{4} \d{4} \d{4}|\d{2} \d{2} \d{6} \d{2})(?![\w-])")
_PHONE = re.compile(
    rf"(?<![\d-])(?:\+ ?7|[78])(?:{_PHONE_SEP}\d){{10}}(?!\d)"
    rf"|(?<!\d)\(?9\d{{2}}\)?{_PHONE_SEP}\d{{3}}{_PHONE_SEP}\d{{2}}{_PHONE_SEP}\d{{2}}(?!\d)"
    r"|\+\d{1,3}[ (-]{0,2}\d(?:[ ()-]{0,2}\d){7,12}(?!\d)"
    r"|(?<![\d-])\(\d{3,5}\) ?\d{1,3}[ -]?\d{2}[ -]?\d{2}(?![\d-])"
)
# Appeal numbers, and the numbers of applications and the like, which are written without separators.
_APPEAL_NUMBER_BEFORE = re.compile(r"(?<![а-яa-z])(?:об|ob)[ №-]{0,3}$", _I)
_NUMBER_BEFORE = re.compile(
    r"(?:обращени\w{0,3}|заявлени\w{0,3}|заявк\w{0,3}|заказ\w{0,3}|договор\w{0,3}|сч[её]т\w{0,3}|уин|огрн(?:ип)?|постановлени\w{0,3}"
    r"|протокол\w{0,3}|квитанци\w{0,3}|трек\w{0,3}|полис\w{0,2}|омс|енп|сертификат\w{0,2}|стс|птс|тройк\w|билет\w{0,2}|чек\w?|штрих-?код\w?"
    r"|больничн\w{2,3}|лист\w{0,2}|накладн\w{2}|лицев\w{2,3}|л/с|imei|талон\w?|№)[ :№-]{0,3}$",
    _I,
)
_DATE = re.compile(r"[0-3]?\d[./-][01]?\d[./-](?:19|20)\d{2}|(?:19|20)\d{2}[./-][01]\d[./-][0-3]\d")
_LOOK_BACK = 20
_INN_10 = (2, 4, 10, 3, 5, 9, 4, 6, 8)
_INN_12 = ((7, *_INN_10), (3, 7, *_INN_10))


def snils_is_valid(digits: str) -> bool:
    """The control number of a SNILS: weighted sum modulo 101 (Pension Fund order 192п, annex 1). ``digits``: eleven of them."""
    if not re.fullmatch(r"[0-9]{11}", digits):
        return False
    control = sum(int(digit) * weight for digit, weight in zip(digits[:9], range(9, 0, -1), strict=True)) % 101 % 100
    return control == int(digits[9:])


def personal_inn_is_valid(digits: str) -> bool:
    """The two check digits of a person's INN (order ММВ-7-6/435@). ``digits``: twelve of them."""
    numbers = [int(digit) for digit in digits]
    return len(numbers) == 12 and all(sum(map(int.__mul__, row, numbers)) % 11 % 10 == numbers[len(row)] for row in _INN_12)


def organisation_inn_is_valid(digits: str) -> bool:
    """The check digit of an organisation's INN. ``digits``: ten of them."""
    numbers = [int(digit) for digit in digits]
    return sum(map(int.__mul__, _INN_10, numbers)) % 11 % 10 == numbers[9]


def card_is_valid(digits: str) -> bool:
    """Luhn's check digit."""
    doubled = (sum(divmod(int(digit) * 2, 10)) if place % 2 else int(digit) for place, digit in enumerate(reversed(digits)))
    return sum(doubled) % 10 == 0


def find_numbers(text: str, settings: Settings) -> Iterator[Span]:
    """Spans without overlaps: what is sure by its form, then what is called by name, then what looks like it."""
    hotline = digits_of(settings.hotline)[-10:]
    rest = text
    for search in (
        (lambda rest: _emails(rest, settings), _sure, _called_by_name, _likely)
        if re.search(r"[0-9@]|соба[кч]|[ (\[]at[ )\]]", text, _I)
        else ()
    ):
        for span in search(rest):
            digits = digits_of(rest[span.start : span.end])
            if _TAKEN in rest[span.start : span.end]:
                continue
            rest = rest[: span.start] + _TAKEN * (span.end - span.start) + rest[span.end :]
            # 8 800 is free for who calls: an organisation's, never a person's.
            if span.kind != "phone" or (digits[-10:] != hotline and not re.fullmatch(r"[78]?800[0-9]{7}", digits)):
                yield span


def _emails(text: str, settings: Settings) -> Iterator[Span]:
    for match in _EMAIL.finditer(text):
        address = match[0].replace(" ", "").casefold()
        if address != settings.official_email.casefold() and not settings.is_official(address.partition("@")[2]):
            yield Span("email", *match.span())


def _sure(text: str) -> Iterator[Span]:
    """By form and check digits together, whatever is said around."""
    for match in _SNILS_PRINTED.finditer(text):
        if snils_is_valid(digits_of(match[0])):
            yield Span("snils", *match.span())
    for match in _PHONE_PRINTED.finditer(text):
        yield Span("phone", *match.span())
    for match in _CARD.finditer(text):
        if card_is_valid(digits_of(match[0])) and len(digits_of(match[0])) == 16 and not _stands_for_a_number(text, match):
            yield Span("card", *match.span())
    for match in _INN.finditer(text):
        if personal_inn_is_valid(digits_of(match[0])) and not _stands_for_a_number(text, match):
            yield Span("inn", *match.span())


def _likely(text: str) -> Iterator[Span]:
    for match in _CARD.finditer(text):
        digits = digits_of(match[0])
        grouped = match[1] is not None
        if (grouped or (card_is_valid(digits) and len(digits) >= 15) or _CARD_BEGINS.fullmatch(digits)) and not _stands_for_a_number(
            text, match
        ):
            yield Span("card", *match.span())
    for match in _SNILS.finditer(text):
        digits = digits_of(match[0])
        valid = snils_is_valid(digits)
        looks_like_a_phone = (match[0].isdigit() and digits[0] in "78") or re.match(r"[78][ .-]?9", match[0])
        if not _stands_for_a_number(text, match) and (valid or not (looks_like_a_phone or "\n" in match[0])):
            yield Span("snils", *match.span())
    for match in _PHONE.finditer(text):
        if not _stands_for_a_number(text, match):
            yield Span("phone", *match.span())
    for match in _PASSPORT.finditer(text):
        if not _stands_for_a_number(text, match) and not re.match(r"20[0-9]{2}-", match[0]):
            yield Span("passport", *match.span())
    for match in _NUMBER_FIRST.finditer(text):
        kind = next(kind for kind in ("inn", "snils", "passport") if match[f"is_{kind}"])
        if match[kind] and not re.search(r"[0-9]", text[match.end() : match.end() + 20]):
            yield Span(kind, *match.span(kind))
    if _SPEAKS_OF_AN_ORGANISATION.search(text):
        for match in _TEN.finditer(text):
            if organisation_inn_is_valid(match[0]) and not _stands_for_a_number(text, match):
                yield Span("inn", *match.span())
    speaks, listed = _SPEAKS_OF_A_PASSPORT.search(text), len(_LONG.findall(text)) > 1
    if speaks or listed:
        for match in _TEN.finditer(text) if speaks else _CELL.finditer(text):
            if not _stands_for_a_number(text, match):
                yield Span("passport", *match.span())


def _called_by_name(text: str) -> Iterator[Span]:
    """The number that follows its name, up to the next name or a number that has been found already."""
    names = list(_CALLED.finditer(text))
    for place, name in enumerate(names):
        kind = name.lastgroup or "other"
        if kind == "other":
            continue
        following = next((later for later in names[place + 1 :] if not (later.lastgroup == kind == "passport")), None)
        end = min(len(text), name.end() + _WINDOW, following.start() if following else len(text))
        taken = text.find(_TAKEN, name.end(), end)
        end = taken if taken >= 0 else end
        # A number is not cut in two by the window's end, but one that begins beyond it is another's.
        for match in _NAMED[kind].finditer(text, name.end(), min(len(text), end + 24)):
            digits = digits_of(match[0])
            if match.start() >= end or (kind != "phone" and "\n" in text[name.end() : match.start()].strip(" :\n")):
                break
            if kind in ("snils", "inn") and re.fullmatch(r"[78]9[0-9]{9}", digits) and not snils_is_valid(digits):
                continue  # «телефон и СНИЛС: 8921…, 112-…»
            if _DATE.fullmatch(match[0]):
                continue  # a table's column before the number's
            if not _is_appeal(text, match.start()):
                yield Span(kind, *match.span())
                break
    for match in _PASSPORT_NUMBER.finditer(text):
        yield Span("passport", *match.span(1))


def _is_appeal(text: str, start: int) -> bool:
    return _APPEAL_NUMBER_BEFORE.search(text[max(0, start - _LOOK_BACK) : start]) is not None


def _stands_for_a_number(text: str, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
    return bool(
        _APPEAL_NUMBER_BEFORE.search(before) or ((match[0].isdigit() or len(digits_of(match[0])) >= 16) and _NUMBER_BEFORE.search(before))
    )
