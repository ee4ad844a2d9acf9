"""A word of a text as a part of somebody's name: what its form and the dictionary say."""

import re
import unicodedata
from dataclasses import dataclass

from core.finding.name_words import LETTERS, NEVER, OGLU
from core.finding.transliteration import in_cyrillic
from core.finding.words import Reading, read

_NEAR = str.maketrans("әғҗқңөүұһіїєґўəıßøł", "агжкноуухииегуaisol")  # letters of neighbours
_WORD = re.compile(rf"[{LETTERS}]+(?:[-'’][{LETTERS}]+)*")
_PATRONYMIC = re.compile(r"[а-яё]{2,}(?:[оеё]вич|[аоеё]вн|ьич|иничн|[тмк]ич)(?:а|у|ем|ом|е|ей|ой|ы|и)?")
SURNAME_END = re.compile(
    r"(?:[оеё]в|[иы]н|[ое]вск|[нц]ск|цк)(?:а|у|ым|ой|е|ий|ая|ого|ому|им|ую)?$|(?:енко|чук|щук|нюк|ян|дзе|швили"
    r"|ейко|ович|евич|ых|их|аев|иев|даш|зода|заде|ли|баев|бек)(?:а|у|ом|е|ем)?$"
)
STREET_BEFORE = re.compile(
    r"(?:ул(?:иц\w|\.)?|имени|им\.|площад\w|проспект\w?|метро|памятник\w?|музе\w(?:-квартир\w)?|театр\w?|школ\w|парк\w?"
    r"|сквер\w?|аэропорт\w?|алле\w|пр\.|пр-т|стать\w|проезд\w?|набережн\w{2}|бульвар\w?|шоссе|станци\w|преми\w|фонд\w?|орден\w?"
    r"|фильм\w?|книг\w|песн\w|концерт\w?|роман\w?|сказк\w|больниц\w|библиотек\w|теплоход\w?|усадьб\w|храм\w?|церк\w{2}|собор\w?"
    r"|улиц\w{1,2}|бюст\w?|сериал\w?|спектакл\w|картин\w) ?[«\"]?$",
    re.IGNORECASE,
)
_HOUSE_OF = re.compile(
    r"(?:школы|больницы|библиотеки|музея|театра|парка|станции|фонда|церкви|храма|проспекта|площади|аэропорта) ?$", re.IGNORECASE
)
TITLE_BEFORE = re.compile(  # something bears the name: «опера «Евгений Онегин»»
    r"(?:опер[аеуы]|корабл\w{1,2}|пьес\w|повест\w|магазин\w?|кафе|кинотеатр\w?|программ\w|портал\w?|балет\w?|мультфильм\w?|мюзикл\w?"
    r"|стадион\w?|госпитал\w|катер\w?|ледокол\w?|поезд\w?|ресторан\w?|бренд\w?|марк\w|групп\w|ансамбл\w|колледж\w?|лице[йяе]"
    r"|гимнази\w|институт\w?|университет\w?|завод\w?|фирм\w|компани\w|сервис\w?|салон\w?|клиник\w|центр\w?|санатори\w|лагер\w"
    r"|конкурс\w?|турнир\w?|вклад\w?|ооо|оао|зао|пао|фильм\w?|книг\w|песн\w|роман\w?|сказк\w|сериал\w?|спектакл\w|картин\w"
    r"|теплоход\w?|музе\w|театр\w?|школ\w|фонд\w?|снт|тц|жк|отел\w|гостиниц\w|аптек\w|парикмахерск\w{2}|приложени\w"
    r"|премьер\w|постановк\w|сети|сеть|серия|дк|торт\w?|такси) ?[«\"“]$",
    re.IGNORECASE,
)
_INITIALS_BEHIND = re.compile(r"(?:[А-ЯЁ]\. ?){1,2}$")
SURE, LIKELY = 0.6, 0.25


@dataclass(frozen=True)
class Word:
    """A word of the text: as written, where, and what the dictionary says of its Cyrillic spelling."""

    text: str
    start: int
    end: int
    reading: Reading
    foreign: bool

    @property
    def lower(self) -> str:
        return self.text.lower()

    @property
    def capital(self) -> bool:
        return self.text[0].isupper()

    @property
    def never(self) -> bool:
        return self.lower in NEVER and self.text != "Ли"

    @property
    def patronymic(self) -> bool:
        if self.lower in OGLU:
            return True
        sure = self.reading.patronymic >= LIKELY
        return sure or (not self.reading.known and _PATRONYMIC.fullmatch(cyrillic(self.text)) is not None and not self.never)

    @property
    def first(self) -> bool:
        return self.reading.first >= LIKELY and not self.never

    @property
    def surely_first(self) -> bool:
        return self.reading.first >= SURE and self.reading.other < LIKELY and not self.never

    @property
    def last(self) -> bool:
        """May well be a surname."""
        if self.never:
            return False
        unknown = (
            not self.reading.known
            and len(self.text) > 2
            and (self.capital or self.reading.listed or SURNAME_END.search(cyrillic(self.text)) is not None)
        )
        # «лизунов», «лапин», «карасёва»: in the dictionary many of something or short adjectives only.
        many = (
            ({"gent", "plur"} <= self.reading.parts or ("ADJS" in self.reading.parts and self.capital))
            and "nomn" not in self.reading.parts
            and (self.capital or self.reading.surname or "anim" in self.reading.parts)
            and re.search(r"(?:[оеё]в|[иы]н)(?:а|у|ым|ой|е)?$", self.lower) is not None
        )
        return (
            unknown
            or many
            or ("ADJF" in self.reading.parts and re.search(r"[ыи]х$", self.lower) is not None and not {"Apro", "Anum"} & self.reading.parts)
            or (self.reading.last >= 0.1 and re.search(r"(?:[оеё]в|[иы]н)$", self.lower) is not None)
            or (self.reading.last >= LIKELY and (self.reading.known or self.capital or SURNAME_END.search(cyrillic(self.text)) is not None))
        )

    @property
    def surely_last(self) -> bool:
        return not self.never and self.reading.last >= SURE and self.reading.other < LIKELY and len(self.text) > 3

    @property
    def able(self) -> bool:
        """Has a name's sense beside a likelier one: «Любовь», «Роман»."""
        return not self.never and bool({"Name", "Surn"} & self.reading.parts)

    @property
    def perhaps(self) -> bool:
        """Not plainly another word: fit to stand beside a sure name."""
        return not self.never and (self.last or self.first or self.patronymic)


def words_of(text: str) -> list[Word]:
    words = []
    for match in _WORD.finditer(text):
        spelled = cyrillic(match[0])
        words.append(Word(match[0], match.start(), match.end(), _read(spelled), match[0][0] <= "ž"))
    return words


def _read(word: str) -> Reading:
    """Of «иванов-разумник» the part that is rather a name's."""
    left, _, right = word.rpartition("-")
    readings = [read(part) for part in (right, left.partition("-")[0]) if len(part) > 2]
    return max(readings, key=lambda reading: reading.person, default=read(right or word))


def cyrillic(word: str) -> str:
    if not word.isascii():
        word = word.lower().translate(_NEAR)
        if "LATIN" in unicodedata.name(word[0], ""):
            word = "".join(letter for letter in unicodedata.normalize("NFD", word) if letter.isascii())
    return in_cyrillic(word.lower()) if word[:1].isascii() else word.lower()


def is_called_after(text: str, word: Word) -> bool:
    """Whether a street, a school, a ship before the word bears its name. «Директор школы Прохор» is himself: the case is another."""
    before = _INITIALS_BEHIND.sub("", text[max(0, word.start - 20) : word.start])
    return STREET_BEFORE.search(before) is not None and not (_HOUSE_OF.search(before) and "nomn" in word.reading.parts)


def is_plain(word: Word) -> bool:
    """Whether a word is an ordinary one, far likelier than a name."""
    return word.reading.known and word.reading.person < 0.05


def beside(text: str, left: Word, right: Word) -> bool:
    between = text[left.end : right.start]
    if re.fullmatch(r"[ \t_]{1,3}", between):
        return True
    # A questionnaire has surname, name and patronymic on lines of their own.
    in_lines = re.fullmatch(r" ?[\n,;] ?", between) is not None and left.capital and right.capital
    return in_lines and (right.patronymic or (right.surely_first and left.surely_last))
