"""Whether a text may be a name: while a name is asked for, everything else stays out of the dialogue engine as one token.

What is not recognised as something else is a name: a name read as a question would reach the engine in the clear, a question read
as a name costs one more asking.
"""

import re
from functools import lru_cache

from core.personal_data import TOKEN
from handoff.fields.writing import LETTER, folded, is_cyrillic, plain, words_of
from knowledge_base.words import morphology

PARTICLES = frozenset(
    words_of(
        "оглы оглу кызы гызы кизи угли улы уулу ибн бин бинт де дю дос дел фон цу дер ден ван ла эль аль von van der den de du del la "
        "bin ibn al el"
    )
)

_WORD = re.compile(rf"{LETTER}+(?:[\-'’ʼ`´]{LETTER}+)*")
_NOT_A_WORD = re.compile(r"@|://|[0-9]")
_LONGEST_WORD = 40  # of what someone leaning on the keyboard typed, no more is looked at
# What people write before their name. The first kind says that a name follows.
_NAMING = re.compile(
    r"^(?:(?:я,?\s)?меня зовут|зовут меня|зовут|(?:мо[её] )?(?:полное )?имя|мо[яи] фамилия|фамилия|ф\.? ?и\.? ?о\b\.?"
    r"|заявитель(?:ница)?|my name is)"
    r"(?:[\s,]+(?:и )?(?:имя|отчество))*(?![^\W\d_])[\s:,\-—]*",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"^(?:здравствуйте|добрый (?:день|вечер)|доброе утро|доброго дня|привет(?:ствую)?|с уважением"
    r"|(?:ну )?(?:пишите|записывайте|запишите)|мил(?:ая|ый)|я|это|вас беспокоит|пишет вам)"
    r"(?![^\W\d_])[\s:,.\-]*",
    re.IGNORECASE,
)

# Folded. Words that no name has beside it, whatever else they mean.
_NEVER = frozenset(
    words_of(
        "что чего чему чем че чо шо это этого как где куда откуда когда зачем почему отчего нафига кто кого кому какой какая какое "
        "какие какую каким сколько чей чья можно нельзя нужно нужен нужна надо не ни нет неа нету да ага угу ок окей ok yes no если "
        "чтобы хоть мне меня мной мой моя мое мои вы вас вам ваш ваша ваше ваши ты тебя тебе твой он она они мы нам наш у в во с к по "
        "из за от об о для без при про уже еще сейчас потом тут там здесь сюда давай давайте пожалуйста привет здрасьте здрасте пока "
        "досвидания свидания алло ау салют благодарю спс хватит стоп стойте назад выход выйти меню отбой заново сначала "
        "сброс старт стопэ человек человека человеку человеком специалист специалиста сотрудник сотрудника менеджер менеджера помощь "
        "помогите справка пропустить пропуск далее дальше верно неверно правильно согласен согласна конечно хорошо ладно точно бот "
        "робот живой живого hello hi stop help privet cancel menu start даю согласие приветик прив хелло хеллоу покеда пасиб пасибо "
        "сенкс канешно канечно конешно ладненько нетушки нихачу ресет reset restart"
    )
)
_NEVER_BEGINNING = re.compile(
    r"^(?:[оа]п+[еи]рат[оа]р|[оа]тм[еи]н|позов|соедин|переключ|перевед|передума|неактуальн|здрав?ств|консульт|спасиб|рестарт)"
)
# Parts of speech (OpenCorpora) of which no name is made.
_SPEECH = frozenset({"VERB", "INFN", "GRND", "PRTS", "NPRO", "PREP", "CONJ", "PRCL", "INTJ", "ADVB", "PRED", "COMP", "NUMR"})
_NAMES = frozenset({"Name", "Surn", "Patr"})
_LIKELY = 0.05  # of a reading: «света» is a lamp's far more often than a woman
_MOST_WORDS = 8


def looks_like_a_name(text: str) -> bool:
    """Whether ``text`` may be somebody's name, well written or not; False for questions, commands, greetings, yes and no."""
    line = plain(TOKEN.sub(" ", text))
    if "?" in line:
        return False
    names_itself, rest = without_lead_in(line)
    words = [word for chunk in rest.split() if not _NOT_A_WORD.search(chunk) for word in _WORD.findall(chunk)]
    if _is_capitalised_throughout(rest, words):
        return True
    if not words or any(is_never_a_name(word) for word in words[:2]):
        return False
    if names_itself:
        return True
    if len(words) > _MOST_WORDS or any(map(is_never_a_name, words)):
        return False
    if any(map(is_of_a_person, words)):
        return True
    if any(map(_is_speech, words)):
        return False
    # A common noun or adjective is a name where each word has its capital: «Белый Мороз», not «код подтверждения».
    return not all(map(_is_common, words)) or all(word[0].isupper() for word in words)


def _is_capitalised_throughout(line: str, words: list[str]) -> bool:
    """«Ли На», «Во Ван Тхань»: nothing but two to four words with capitals, which no sentence has."""
    if not 2 <= len(words) <= 4 or _NEVER_BEGINNING.match(folded(words[0])) or " ".join(words) != line.strip(" .,"):
        return False
    return all(word[0].isupper() and word[1:].islower() for word in words) and not all(map(is_never_a_name, words))


def find_name(text: str) -> str | None:
    """The words of ``text`` that read as a name, two or more beside each other, whatever polite or asking words are around; or None."""
    run: list[re.Match[str]] = []
    for word in [*_WORD.finditer(text), None]:
        is_part = word is not None and (_belongs_to_a_name(word[0]) or (run and re.fullmatch(r"[А-ЯЁ]", word[0])))
        if word is not None and is_part and (not run or re.fullmatch(r"[\s,.]{1,3}", text[run[-1].end() : word.start()])):
            run.append(word)
            continue
        kinds = {kind for one in run for kind in kinds_of_name(one[0])}
        if len(run) >= 2 and len(kinds) >= 2:
            return text[run[0].start() : run[-1].end()]
        run = [word] if word is not None and _belongs_to_a_name(word[0]) else []
    return None


def _belongs_to_a_name(word: str) -> bool:
    return not is_never_a_name(word) and bool(kinds_of_name(word))


def kinds_of_name(word: str) -> frozenset[str]:
    """What a word may be of a name: Name, Surn, Patr, in whatever case it stands."""
    return _kinds_of_name(folded(word[:_LONGEST_WORD]))


@lru_cache(maxsize=10_000)
def _kinds_of_name(word: str) -> frozenset[str]:
    if len(word) < 2 or not all(letter == "-" or is_cyrillic(letter) for letter in word):
        return frozenset()
    parsed = morphology().parse(word)
    return frozenset(str(kind) for parse in parsed if parse.score >= _LIKELY for kind in _NAMES & parse.tag.grammemes)


def reads_as_speech(words: list[str]) -> bool:
    """Whether words in a name's place say something else: «не хочу», «зачем вам»."""
    return any(map(is_never_a_name, words)) or (any(map(_is_speech, words)) and not any(map(is_of_a_person, words)))


def without_lead_in(line: str) -> tuple[bool, str]:
    """«Здравствуйте, меня зовут Анна» → (True, «Анна»): whether it was said that a name follows, and what follows."""
    named = False
    while True:
        naming = _NAMING.match(line)
        found = naming or _GREETING.match(line)
        if not found or found.end() == 0:
            return named, line
        named = named or naming is not None
        line = line[found.end() :]


def is_never_a_name(word: str) -> bool:
    word = folded(word)
    return word in _NEVER or _NEVER_BEGINNING.match(word) is not None


@lru_cache(maxsize=10_000)
def _readings(word: str) -> tuple[bool, bool, bool]:
    """Of a folded word: (somebody's name in the nominative, speech, a common noun or adjective)."""
    if not all(letter == "-" or is_cyrillic(letter) for letter in word):  # the analyser knows no other, and breaks on the rarest
        return False, False, False
    analyser = morphology()
    parsed = analyser.parse(word)
    person = len(word) > 1 and any(_NAMES & parse.tag.grammemes and parse.tag.case == "nomn" and parse.score >= _LIKELY for parse in parsed)
    known = analyser.word_is_known(word)
    named = any(_NAMES & parse.tag.grammemes for parse in parsed)
    likeliest = str(parsed[0].tag.POS)
    return person, known and not named and likeliest in _SPEECH, known and not named


def is_of_a_person(word: str) -> bool:
    """Whether the word is somebody's name as it stands: in the nominative."""
    return _readings(folded(word[:_LONGEST_WORD]))[0]


def _is_speech(word: str) -> bool:
    return folded(word) not in PARTICLES and _readings(folded(word[:_LONGEST_WORD]))[1]


def _is_common(word: str) -> bool:
    return _readings(folded(word[:_LONGEST_WORD]))[2]
