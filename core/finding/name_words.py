"""Words around names: what announces one, what belongs to one, and what never is one. The long lists are in word_lists.yml."""

import re
from pathlib import Path

import yaml


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LISTS: dict[str, str] = yaml.safe_load(Path(__file__).with_name("word_lists.yml").read_text(encoding="utf-8"))
RELATIVES = _words(_LISTS["relatives"])
PERSONS = _words(_LISTS["persons"]) | RELATIVES
FAMOUS = _words(_LISTS["famous"])
FAMOUS_NAMES = tuple(tuple(pair.split("-")) for pair in _LISTS["famous_names"].split())
NEVER = _words(_LISTS["never"])
ASIAN = _words(_LISTS["asian"])
NOT_BESIDE = _words(_LISTS["not_beside"])

LETTERS = "A-Za-zÀ-ÖØ-öø-ÿĀ-žА-Яа-яЁёӘәҒғҖҗҚқҢңӨөҮүҰұҺһІіЇїЄєҐґЎў\u0531-\u0556\u0561-\u0587"
OGLU = _words("оглы оглу кызы гызы кизи угли улы уулу")  # make a father's name a patronymic
PARTICLES = OGLU | _words("ибн бин бинт де дю фон ван дер ла эль аль")
_KIN = "|".join(sorted(RELATIVES, key=len, reverse=True))
_PERSON = r"(?:мо[йеёяию]\w{0,3} |наш\w{0,3} |его |её |ее |на |за |у |о |для |от )*"
_A = "A-Za-zА-Яа-яЁё"
CUE = re.compile(
    rf"(?<![{_A}])(?<![Кк]ак )(?:"
    r"(?P<sure>(?:меня |мою |моего |мо[йея] |его |её |ее )?(?:зовут|звать)(?: меня| его| её| ее)?(?: по паспорту)?|(?:menya )?zovut"
    r"|(?:мо[еёяи] )?(?:полное )?(?:имя|фамили[яюий]|фам\.?|отчество|отч\.?|imya|familiya|otchestvo|fio|surname)"
    r"(?: мо[еёяи]| у меня| при рождении| теперь)?"
    r"|ф\.? ?и\.? ?о\.?(?: заявителя| ребенка| ребёнка| полностью)?|с ув(?:ажением|\.)?|с ув[-ая]*|подпись"
    r"|заявитель(?:ница)?|гр(?:ажданин[ауе]?|ажданк[аиеу]|-н|-ка)?\.?"
    r"|на имя|my name is|i am|name|фио)"
    rf"|(?P<kin>{_PERSON}(?:{_KIN}))"
    r"|(?P<weak>я|ya|это(?: (?:опять|снова|же|пишет|я))?|(?:вам )?пишет(?: вам)?|(?:вас )?беспокоит(?: вас)?|с"
    r" вами|говорит)"
    r"|(?P<farewell>всего (?:доброго|хорошего|наилучшего)|спасибо|благодар(?:ю|им|ен|на|ны)|жду ответа|до свидания"
    r"|пожеланиями|искренне ваш\w?|ваш[аи]?)"
    rf")(?![{_A}])[ \t\n:,.—–-]{{1,4}}(?:это |и |имя |— )?",
    re.IGNORECASE,
)
