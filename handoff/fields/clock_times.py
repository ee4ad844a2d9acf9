"""The time of day in a text: «в 15:20», «около трёх дня», «в полдевятого», «без четверти одиннадцать», «вечером»."""

import re
from dataclasses import dataclass
from datetime import time

from handoff.fields.occurrence import MIDNIGHT

_PARTS: list[tuple[str, str, time, time]] = [
    (r"рано утром|рано с утра|под утро|на рассвете", "рано утром", time(4), time(8)),
    (r"утр(?:ом|а|у|ечком)|поутру", "утром", time(5), time(12)),
    (r"в обед|обед(?:ом|а)?|обеденн\w+", "в обед", time(12), time(15)),
    (r"днем|дня(?= |$|[,.])|после полудня", "днём", time(12), time(17)),
    (r"поздн\w+ вечером|к ночи", "поздно вечером", time(21), MIDNIGHT),
    (r"вечер(?:ом|а|у|ком)", "вечером", time(17), MIDNIGHT),
    (r"ноч(?:ью|и)|полночи", "ночью", time(0), time(6)),
]
_PART = [(re.compile(rf"(?<![а-я])(?:{words})(?![а-я])"), name, start, end) for words, name, start, end in _PARTS]
# «Три дня», but «в три дня» is a time.
_NOT_OF_A_DAY = re.compile(r"[0-9]+ (?:рабочих )?дня|дня назад|этого дня|(?<![а-я])с\w* дня|дня рождения")
_OF_DAY = r"(?: (утра|дня|вечера|ночи))?(?![а-я0-9])"
_ABOUT = r"(?:около|примерно|приблизительно|где-то|часов|часа|ближе к|к|после|в районе|порядка|ориентировочно)"
_MINUTES = re.compile(rf"(?<![0-9.:])([01]?[0-9]|2[0-3])(?::| ?ч(?:ас\w*|\.)? ?)([0-5][0-9])(?![0-9:])(?: ?мин\w*\.?)?{_OF_DAY}")
_MINUTES_AFTER_DOT = re.compile(rf"(?<![а-я0-9])(?:в|около|примерно) ([01]?[0-9]|2[0-3])[.\- ]([0-5][0-9])(?![0-9.]){_OF_DAY}")
_HALF = re.compile(rf"(?<![а-я])(?:пол|половин[аеуы])[ -]?([0-9]{{1,2}}){_OF_DAY}")
_QUARTER = re.compile(rf"(?<![а-я])четверть ([0-9]{{1,2}}){_OF_DAY}")
_LESS = re.compile(rf"(?<![а-я])без (четверти|[0-9]{{1,2}})(?: минут\w*)? ([0-9]{{1,2}}){_OF_DAY}")
_START_OR_END = re.compile(rf"(?<![а-я])в (начале|конце) ([0-9]{{1,2}}){_OF_DAY}")
_HOUR_WORD = r" ?ч(?:ас\w*|\.)?"
_HOUR = re.compile(
    rf"(?<![а-я0-9])(?:{_ABOUT} )?(?:в|во|с|к|около|после) ([0-9]{{1,2}})(?:{_HOUR_WORD})?{_OF_DAY}(?![.:/-]?[0-9])"
    rf"|(?<![а-я0-9.])([0-9]{{1,2}}){_HOUR_WORD}{_OF_DAY}|(?<![а-я0-9.])([0-9]{{1,2}}) (утра|вечера|ночи)(?![а-я])"
)
_ONE = re.compile(rf"(?<![а-я])в час{_OF_DAY}")
_NOON = re.compile(r"(?<![а-я])(?:в )?(полдень|полночь|полночи|полдня)(?![а-я])")
_ROUGH = re.compile(rf"(?<![а-я]){_ABOUT} ")


@dataclass(frozen=True)
class ClockTime:
    """From ``start`` to ``end``, the same for a moment. ``guessed``: nobody said which half of the day."""

    start: time
    end: time
    about: bool = False
    part: str = ""
    guessed: bool = False


def find_clock_time(line: str) -> ClockTime | None:
    """``line`` is folded, with numbers in digits and without its date."""
    line = _NOT_OF_A_DAY.sub(lambda found: found[0] if re.search(r"(?<![а-я])в [0-9]+ дня", line) else " ", line)
    part = next((one for one in _PART if one[0].search(line)), None)
    named = part[1].split()[-1] if part else ""
    about = bool(_ROUGH.search(line))
    if found := _LESS.search(line):
        less = 15 if found[1] == "четверти" else int(found[1])
        return _moment(int(found[2]) - 1, 60 - less, found[3] or named, about=about) if less < 60 else None
    if found := _HALF.search(line):
        return _moment(int(found[1]) - 1, 30, found[2] or named, about=about)
    if found := _QUARTER.search(line):
        return _moment(int(found[1]) - 1, 15, found[2] or named, about=about)
    if found := _START_OR_END.search(line):
        begun = _moment(int(found[2]) - 1, 0, found[3] or named, about=False)
        if begun:
            start, end = (0, 30) if found[1] == "начале" else (30, 59)
            return ClockTime(begun.start.replace(minute=start), begun.start.replace(minute=end))
    for pattern in (_MINUTES, _MINUTES_AFTER_DOT):
        if found := pattern.search(line):
            return _moment(int(found[1]), int(found[2]), found[3] or named, about=about, written=True)
    if found := _NOON.search(line):
        moment = time(12 if found[1] in ("полдень", "полдня") else 0)
        return ClockTime(moment, moment, about=about)
    if found := _HOUR.search(line):
        hour = found[1] or found[3] or found[5]
        return _moment(int(hour), 0, found[2] or found[4] or found[6] or named, about=about)
    if found := _ONE.search(line):
        return _moment(1, 0, found[1] or named, about=about)
    return ClockTime(part[2], part[3], part=part[1]) if part else None


def _moment(hour: int, minute: int, of_day: str, *, about: bool, written: bool = False) -> ClockTime | None:
    if not 0 <= hour <= 24:
        return None
    guessed = not of_day and 1 <= hour <= 12 and not written
    match of_day[:2]:
        case "ве":
            hour = hour + 12 if 3 <= hour < 12 else hour
        case "дн" | "об":
            hour = hour + 12 if hour < 6 else hour
        case "но":
            hour = hour + 12 if 9 <= hour < 12 else 0 if hour == 12 else hour
        case "":
            hour = hour + 12 if guessed and hour < 7 else hour
    moment = time(hour % 24, minute)
    return ClockTime(moment, moment, about=about, guessed=guessed)
