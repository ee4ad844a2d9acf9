"""Postal addresses: a street with a house, or a place to live said to be one. A town alone, and where an office is, are nobody's.

Patterns read the plain copy of a text.
"""

import re
from collections.abc import Iterator

from core.finding.address_parts import (
    BARE_FLAT,
    FLAT_MARK,
    GAP,
    HOUSE,
    HOUSE_MARK,
    KIND,
    LETTERS,
    NOT_IN,
    NUMBER,
    OUT,
    REST,
    STREET,
    TITLE,
    VILLAGE,
    WORD,
)
from core.finding.span import Span, joined
from core.finding.words import is_known, read

_I = re.IGNORECASE

_MARKED = re.compile(  # ул. Баумана, д. 5, кв. 12; Ленинский пр-т, 90/2; 4-й мкр., д. 21
    rf"(?:{KIND} ?{STREET}|(?:{WORD} )?{WORD} {KIND}(?: ?[ВП]\. ?[ОС]\.?)?){GAP}{HOUSE}{REST}{BARE_FLAT}?"
    rf"|{NOT_IN}\d{{1,3}} (?:мкр(?:н|-н)?|микрорайон){OUT}\.?{GAP}{HOUSE}{REST}",
    _I,
)
_REVERSED = re.compile(  # квартира 12 в доме 5 на улице Баумана
    rf"(?:{FLAT_MARK} ?{NUMBER}[ ,]{{1,3}}(?:в )?)?(?:{HOUSE_MARK} ?{NUMBER}{REST})[ ,]{{1,3}}(?:по |на"
    rf" )?(?:{KIND} ?{WORD}(?: (?-i:[А-ЯЁ])[{LETTERS}-]{{1,24}})?|{WORD} {KIND}|(?<=по )[А-ЯЁ][{LETTERS}-]{{2,24}}){REST}",
    _I,
)
_TOWN_STREET = re.compile(  # Рязань, 1-я Красная 12
    rf"(?<![{LETTERS}-])((?:(?:Нижний|Великий|Минеральные|Сергиев|Старый|Набережные|Вышний|Йошкар"
    rf"|Великие) )?[А-ЯЁ][{LETTERS}-]{{2,24}}), ?(?:{WORD}[ ,]{{1,2}}){{1,3}}{NUMBER}{REST}{BARE_FLAT}?(?![\d:.]\d)(?!"
    rf" ?(?:январ|феврал|март|апрел|ма[яй]|июн|июл|август|сентябр|октябр|ноябр|декабр|час|руб|лет|год|дн|шт"
    rf"|градус|%|кв\.? ?м))"
)
_MARKED_HOUSE = re.compile(  # Баумана, д. 15; Баумана 15 кв 20; дер. Каменка, дом 4
    rf"(?:{VILLAGE} ?)?(?<![{LETTERS}\d-]){WORD}(?: {WORD})?{GAP}(?:(?:в )?{HOUSE_MARK} ?{NUMBER}{REST}"
    rf"|{NUMBER}[ ,]{{0,3}}(?:корп(?:ус)?\.? ?[А-Я](?![А-Яа-я])[ ,]{{1,2}})?{FLAT_MARK} ?{NUMBER}{REST})",
    _I,
)
_TOWN_AND_STREET = re.compile(  # г. Курск Садовая 5/7
    rf"{NOT_IN}г(?:ород)?\.? ?([{LETTERS}-]{{3,24}})[ ,]{{1,2}}"
    rf"(?:{WORD}[ ,]{{1,2}}){{0,2}}([{LETTERS}-]{{3,24}})[ ,]{{1,2}}{HOUSE}{REST}{BARE_FLAT}?"
    rf"(?![\d:.]\d)(?! ?(?:январ|феврал|март|апрел|ма[яй]|июн|июл|август|сентябр|октябр|ноябр|декабр|час|руб|лет|год))",
    _I,
)
_PAIR = re.compile(
    rf"(?<![{LETTERS}\d.-])[А-ЯЁ][{LETTERS}-]{{2,24}}(?: [А-ЯЁ][{LETTERS}-]{{2,24}})?"
    r",? \d{1,4}(?:/\d{1,3})?[А-Яа-я]?- ?\d{1,4}(?![\d.:-])"
)
_LIVING = re.compile(
    rf"{NOT_IN}(?:жив[уёе]\w{{0,3}}|прожива\w{{1,4}}|пропис\w{{1,6}}|зарегистрир\w{{2,6}}|регистраци\w{{1,2}}"
    rf"|мест\w жительства|адрес\w{{0,3}}|снима\w{{1,3}}|квартир\w{{1,2}}(?= (?:на|по) )"
    rf"|переех\w{{1,4}}|доставк\w|достав\w{{2,4}}){OUT}(?: (?:по адресу|регистрации|прописки|проживания"
    rf"|фактический|мой|теперь|сейчас))?[ :,—-]{{1,3}}(?:(?:в|на|по|это|из) )?",
    _I,
)
_LIVING_VALUE = re.compile(
    rf"(?:(?:\d{{6}}|{VILLAGE} ?{WORD}|{WORD}){GAP}){{0,4}}?(?:{KIND} ?)?(?:{WORD}["
    rf" ,]{{1,3}}){{1,3}}{HOUSE}{REST}(?:,? \d{{1,4}}(?![\d.:])(?= ?(?:[,;.)\n]|$)))?(?! ?(?:лет|год|г\.|дн"
    rf"|час|мес|раз|руб|%|числ|[:.]\d))",
    _I,
)
_BEFORE = re.compile(  # what stands before a street: index, region, town
    rf"(?:(?<!\d)\d{{6}}|(?:россия|рф|рт|рб|рд|кбр|кчр|хмао(?:-югра)?|янао|мо|ло)(?![А-Яа-яё-])|{VILLAGE}"
    rf" ?[{LETTERS}][{LETTERS}-]{{1,24}}(?: [А-ЯЁ][{LETTERS}-]{{1,24}})?"
    rf"|(?:снт|днп|днт|сдт|тер|кп|жк|мкр|микрорайон|р-н"
    rf"|район)\.? ?[«\"]?[{LETTERS}][{LETTERS}-]{{1,24}}(?: [{LETTERS}]{{2,24}}(?=[»\"]))?[»\"]?(?:-\d{{1,2}})?"
    rf"|(?:респ(?:ублика)?)\.? Саха(?: \(Якутия\))?|(?:респ(?:ублика)?)\.? [{LETTERS}][{LETTERS}-]{{1,24}}"
    rf"|[{LETTERS}][{LETTERS}-]{{2,24}} (?:г\.? ?о|м\.? ?о|улус|обл(?:асть|асти)?|край|крае|кр|р-н|район[ею]?|респ(?:ублика)?|ао){OUT}\.?"
    rf"|[А-ЯЁA-Z][{LETTERS}-]{{2,24}}(?: (?:Челны|Новгород|Тагил|Уфалей|Ола|Луки|Оскол|Посад|Воды|Поляны|Поляна|Гавань"
    rf"|Устюг|Лог|Кут|Яр|Волоч[её]к))?)(?P<gap>,? {{0,2}}(?:на |в )?)$",
    _I,
)
_VILLAGE_HOUSE = re.compile(  # деревня Каменка, 15
    rf"(?<![{LETTERS}])(?:[сСпПдДх]\.|[Пп]ос\.|[Пп]гт\.?|[Дд]ер\.|[Аа]ул|[Сс]ел[оеа]|[Дд]еревн[яеию]|[Пп]ос[её]л(?:ок"
    rf"|ке|ка)|[Хх]утор|[Сс]таниц[аеы])"
    rf" ?[А-ЯЁ][{LETTERS}-]{{2,24}}(?: [А-ЯЁ][{LETTERS}-]{{2,24}})?,? (?:д(?:ом)?\.?"
    rf" ?)?\d{{1,4}}[а-я]?(?:[/-]\d{{1,3}})?{REST}(?![.:]?\d)(?! ?(?:лет|год|час|дн|км|руб|%))"
)
_AFTER = re.compile(
    rf"^,? (?:в )?(?:(?:г(?:ород)?\.? ?)?([А-ЯЁ][{LETTERS}-]{{2,24}})(?: (?:обл(?:асть)?|край|респ)\.?)?"
    rf"|(?:индекс:? ?)?(\d{{6}}))(?![{LETTERS}\d-])"
)
_INDEXED = re.compile(rf"(?<![\d№-])(?<!\d )\d{{6}},? (?:{WORD}[ ,]{{1,2}}){{2,8}}?{HOUSE}{REST}{BARE_FLAT}?(?!\.\d)", _I)
_ANOTHER = re.compile(rf",? (?:{KIND} ?)?[А-ЯЁ][{LETTERS}-]{{2,24}},? \d", _I)  # «… 9-40 в Сыктывкар, Тентюковская 75»
_OFFICE = re.compile(
    r"(?:мфц|отделени\w*|офис\w*|стол\w*|пункт\w*|налогов\w*|поликлиник\w*|больниц\w*|школ\w*"
    r"|почт[аеуы](?![а-яё])|банк\w*|загс\w*|центр\w*|дом культуры|суд\w*|вокзал\w*|магазин\w*|банкомат\w*"
    r"|аптек\w*|остановк\w*|светофор\w*|площадк\w*|гибдд|садик\w*|сад\w?|тц|рынок\w*|кафе|завод\w*|музе\w*"
    r"|библиотек\w*|инспекци\w*|военкомат\w*|управлени\w*|администраци\w*|опек\w|пфр|сфр|фнс|ифнс|роддом\w*"
    r"|клиник\w*|кабинет\w*|травмпункт\w*|диспансер\w*|нотариус\w*|полици\w*|росреестр\w*|соцзащит\w*|собес\w*|гостиниц\w*"
    r"|отел\w*|театр\w*|церк\w*|храм\w*|стадион\w*|бассейн\w*|спортзал\w*|автовокзал\w*|ломбард\w*|парикмахерск\w*|салон\w*|ресторан\w*"
    r"|склад\w*|пвз|рын\w*|камер\w*|штраф\w*|ям[аыу]|фонар\w*|мусор\w*|свалк\w*|дтп|авари\w*|парковк\w*|стройк\w*|переход\w*"
    r"|перекр[её]ст\w*|киоск\w*|ремонт\w*|снос\w*)"
    r"[^.!?\n\d]{0,20}$",
    _I,
)
_OFFICE_AFTER = re.compile(
    r"[ ,-]{1,3}(?:нет|есть|был[аои]?|работает|не работает|закрыт\w?|открыт\w?) (?:мфц|отделени|офис|почт|банк|загс)", _I
)
_SAYS_MORE = re.compile(
    r" (?:(?:закры|откры|перекр|ремонт|отключ)\w+|будет|был[аои]?|до|с|от|за|после|через|около|уже|нет|не)(?: \w{1,12}){0,2} \d", _I
)
_ON = re.compile(r"(?<![а-яё])на $", _I)
_WITH_FLAT = re.compile(r"\d[ ,]{0,3}кв(?:артира)?\.? ?\d", _I)
_LEADING = re.compile(
    r"^(?:(?:живу|проживаю|прописан\w?|адрес\w?|дом[еау]?|доставки|регистрации|проживания|прописк\w|квартире"
    r"|общежити\w|общаг\w|частном|по|на|в|во|из|с|и|а|мой|моя|у|не|мы|я|от|до|квартира|о|об|за|к)[ ,:]+)+",
    _I,
)
_MARKED_NUMBER = re.compile(rf"(?<![{LETTERS}]){HOUSE_MARK} ?\d", _I)
_NAMELESS = re.compile(rf"{KIND}[ ,]{{1,3}}(?:{HOUSE_MARK} ?)?\d{{1,4}}(?![\d-]| (?!кв|корп|стр|ком)[а-яё]{{3}})", _I)
_SEPARATORS = str.maketrans("\n\t;", ",,,")
_MARK = re.compile(rf"{KIND}|{VILLAGE}|{FLAT_MARK}|{HOUSE_MARK}|обл\w*|респ\w*|край|р-н", _I)
_SPEECH = frozenset({"VERB", "PREP", "CONJ", "PRCL", "INFN", "ADVB", "NPRO", "NOUN", "PRTS", "PRED", "Apro"})
_ARTICLE = re.compile(
    r"(?<![а-яё])(?:стать|пункт|част|закон|класс|школ|размер|версия|код|ошибк|номер|глав|форм|шаг|попытк|звон|групп"
    r"|возраст|до|через|после|уже|за|около|от|с|более|менее|лет|год)\w{0,3}[ ,№]*\d",
    _I,
)


def find_addresses(text: str) -> Iterator[Span]:
    if not re.search(r"[0-9]|квартир|(?<![а-яё])дом", text, _I):
        return
    text = text.translate(_SEPARATORS)  # an address may stand in several lines
    found: list[tuple[int, int]] = []
    found += [match.span() for match in _REVERSED.finditer(text)]
    for match in _TOWN_STREET.finditer(text):
        if (
            (" " in match[1] or is_known(match[1], "Geox"))
            and "Name" not in read(match[1]).parts
            and _is_a_street(re.findall(rf"[{LETTERS}-]{{2,}}", match[0])[-1])
        ):
            found.append(match.span())
    for match in _TOWN_AND_STREET.finditer(text):
        if is_known(match[1], "Geox") and (_is_a_street(match[2]) or _MARKED_NUMBER.search(match[0])):
            found.append(match.span())
    for match in _MARKED.finditer(text):
        if not _SAYS_MORE.search(match[0]):
            found.append(match.span())
    for match in _MARKED_HOUSE.finditer(text):
        if _is_place(match[0]) or (
            _WITH_FLAT.search(match[0]) and any("ADJF" in read(word).parts for word in re.findall(rf"[{LETTERS}-]+", match[0])[:2])
        ):
            found.append(match.span())
    found += [match.span() for match in _VILLAGE_HOUSE.finditer(text)]
    found += [match.span() for match in _INDEXED.finditer(text) if _is_place(match[0])]
    for match in _PAIR.finditer(text):
        after = text[match.end() : match.end() + 12]
        if _names_a_street(text, match) and not re.match(
            r" ?(?:январ|феврал|март|апрел|ма[яй]|июн|июл|август|сентябр|октябр|ноябр|декабр|час|руб|лет|год|дн|шт|градус|%)", after
        ):
            found.append(match.span())
    for match in _LIVING.finditer(text):
        value = _LIVING_VALUE.match(text, match.end(), min(len(text), match.end() + 120))
        if value and _is_place(value[0]) and not _ARTICLE.search(value[0]):
            found.append(value.span())
    for start, end in joined(found):
        start = _without_speech(text, start, end)
        start = _with_town(text, start)
        for _ in range(3):
            behind = _AFTER.match(text[end : end + 60])
            if behind and (
                behind[2]
                or (
                    is_known(behind[1], "Geox")
                    and not {"Name", "Surn"} & read(behind[1]).parts
                    and not _ANOTHER.match(text, end + behind.end())
                )
            ):
                end += behind.end()
        before = text[max(0, start - 40) : start]
        office = _OFFICE.search(before) and not _LIVING.search(before)
        on_a_street = _ON.search(before) and not _WITH_FLAT.search(text[start:end]) and not _LIVING.search(text[:start])
        if on_a_street and not re.search(r"\d-\d", text[start:end]):
            continue  # «штраф на улице Ленина, 5»
        if not office and not _OFFICE.match(text[start:end]) and not _OFFICE_AFTER.match(text[end : end + 30]):
            yield Span("address", start, end)


def _names_a_street(text: str, match: re.Match[str]) -> bool:
    """Of «Есенина 13-70»: whether the word before the number may be a street's."""
    words = re.findall(rf"[{LETTERS}-]+", match[0])
    street = words[-1] if len(words[-1]) > 1 or len(words) == 1 else words[-2]
    in_a_town = _with_town(text, match.start()) < match.start() or (len(words) > 1 and _may_be_a_town(words[0]))
    return in_a_town or _LIVING.search(text) is not None or is_known(street, "Surn") or not is_known(street)


def _is_a_street(word: str) -> bool:
    reading = read(word)
    return bool({"Surn", "Geox", "ADJF", "Patr", "Name"} & reading.parts) or not reading.known


def _without_speech(text: str, start: int, end: int) -> int:
    """Where the address begins behind «живу на», «адрес мой»: words that no place is called by. One word is left before the number."""
    while True:
        spoken = re.match(rf"[ ,:]*([{LETTERS}'-]+)\.?[ ,:]+(?=[{LETTERS}]|\d{{6}})", text[start:end])
        if not spoken or _NAMELESS.match(text, start + spoken.end(), end):
            return start
        said = spoken[1]
        if spoken[0].strip(" ,:").endswith(".") and _MARK.fullmatch(said):
            return start
        if not _LEADING.match(said + " ") and (
            said[0].isupper() or _MARK.fullmatch(said) or not _SPEECH & read(said).parts or is_known(said, "Geox") or is_known(said, "Surn")
        ):
            return start
        start += spoken.end()


def _with_town(text: str, start: int) -> int:
    """Where the address begins with what stands before its street."""
    marked = re.search(rf"(?:{VILLAGE}|{KIND}|{TITLE}) ?$", text[max(0, start - 14) : start], _I)
    if marked and text[start].isupper():
        start -= len(marked[0])
    for _ in range(5):
        low = max(0, start - 60)
        before = _BEFORE.search(text[low:start])
        if not before:
            return start
        piece = before[0]
        piece = piece.removesuffix(before["gap"]).strip(" ,")
        if re.fullmatch(rf"[{LETTERS}-]+", piece) and not _may_be_a_town(piece):
            return start
        start = low + before.start()
    return start


def _may_be_a_town(word: str) -> bool:
    geographic = is_known(word, "Geox") and (word[0].isupper() or not {"Name", "Surn"} & read(word).parts)
    return (
        geographic
        or (word[0].isupper() and ("-" in word or not is_known(word)) and not (read(word).listed or read(word).first))
        or word.lower() in ("россия", "рф", "рт", "рб", "рд", "мо", "ло", "спб", "мск", "хмао", "янао", "кбр", "кчр", "хмао-югра")
    )


def _is_place(text: str) -> bool:
    """Whether the words may name a street: not «заявление, дом 5» or «в доме 3»."""
    words = [word for word in re.findall(rf"[{LETTERS}-]{{3,}}", text) if not re.fullmatch(rf"{FLAT_MARK}|{HOUSE_MARK}|{KIND}", word, _I)]
    words = [word for word in words if not _LEADING.fullmatch(word + " ")]
    return any(
        (word[0].isupper() and not is_known(word, "VERB")) or is_known(word, "Geox") or is_known(word, "Surn") or not is_known(word)
        for word in words
    )
