"""Birth dates: a date said to be one, or a full date so long ago that it is nothing else. Patterns read the plain copy of a text."""

import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from core.finding.span import Span

_I = re.IGNORECASE
_MONTH = (
    r"(?:янв(?:ар[яь])?|фев(?:рал[яь])?|мар(?:та?|та)?|апр(?:ел[яь])?|ма[йя]|июн[яь]?|июл[яь]?|авг(?:уста?)?|сен(?:т(?:ябр[яь])?)?"
    r"|окт(?:ябр[яь])?|ноя(?:бр[яь])?|дек(?:абр[яь])?|[IVXХ]{1,4}|jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?"
    r"|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DATE = re.compile(
    r"(?<!\d)(?<!\d[.,/-])(?:"
    r"(?:0?[1-9]|[12]\d|3[01])(?: ?[./,-] ?| )(?:0?[1-9]|1[0-2])(?: ?[./,-] ?| )(?P<y1>(?:19|20)\d{2}|\d{2})(?![\d])(?![./-]\d)"
    rf"|(?:0?[1-9]|[12]\d|3[01])(?: ?-?(?:го|е|ое))?[ .,/-]{{1,2}}{_MONTH}\.?[ .,/-]{{1,2}}"
    r"(?P<y2>(?:19|20)\d{2}|\d{2}(?![.:]?\d))(?!\d)"
    r"|(?P<y3>(?:19|20)\d{2})[./-](?:0[1-9]|1[0-2])[./-](?:0[1-9]|[12]\d|3[01])(?![\d])(?![./-]\d)"
    rf"|(?P<y6>(?:19|20)\d{{2}}) ?(?:г\.?|год[ау]?)? (?:0?[1-9]|[12]\d|3[01]) {_MONTH}(?![а-яё])"
    r"|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?P<y4>(?:19|20)\d{2})(?!\d)"
    r"|(?:(?<=рождения )|(?<=рождения: )|(?<=рождения - )|(?<=г\.р\. )|(?<=г\.р\.: ))(?P<y7>(?:19|20)\d{2})(?!\d|[./-]\d)"
    r"|(?P<y5>(?:19|20)\d{2})(?= ?(?:г\. ?р|гр(?![а-яё])|г/р|г р(?![а-яё])|год[ау]? рожд)))",
    _I,
)
_DAY_IN_WORDS = re.compile(rf"(?<![а-яё])(?:двадцать |тридцать )?[а-яё]{{2,14}}(?:ое|ого|ее|его) {_MONTH} (?:19|20)\d{{2}}(?!\d)", _I)
_BORN = re.compile(
    r"род(?:ил|ивш|ом|\.)\w{0,5}|дет(?:и|ей|ям)(?![а-яё])|рожд\w{0,5}|(?<![а-яё])д[. /]{0,2}р(?![а-яё])"
    r"|(?<![а-яё])г[. /]{0,2}р(?![а-яё])|birth|dob|(?<![а-яё])др(?![а-яё])",
    _I,
)
_BORN_AFTER = re.compile(r"^[ ,(]{0,3}(?:год[а]? |г\.? ?)?(?:г\.? ?р(?![а-яё])|г/р|рожд|р\.|\(?д\.? ?р|(?:мне |ей |ему )?исполн)", _I)
_FAMILY = re.compile(
    r"(?<![а-яё])(?:реб[её]н|двойн|близнец|сын|доч|внук|внуч|бабуш|дедуш|пенсионер|мам|пап|муж|жен[аыу]|супруг|отец|отц|мать|матер|брат|сестр)",
    _I,
)
_NO_YEAR = re.compile(
    rf"(?:день рождения|родил(?:ся|ась)|дата рождения|(?<![а-яё])д\.? ?р\.?)[^\d\n]{{0,15}}((?<!\d)(?:0?[1-9]"
    rf"|[12]\d|3[01])(?:\.(?:0[1-9]|1[0-2])(?![\d.])| {_MONTH}(?![а-яё])))(?! ?\d)",
    _I,
)
_NOT_BORN = re.compile(
    r"выда|(?<![а-яё])(?:от|с|со|по|до|на|после|ред|действ\w*|начиная|через)[ .]{0,2}$|договор|закон(?:а|у"
    r"|ом)?(?![а-яё])|указ(?:а|у|ом)?(?![а-яё])|приказ|постановл|брак|умер|смерт"
    r"|зарегистрир|прописан|регистрац|получен|оформл|подан|подал|заявлен|обращен|решени|развод|развел|работа"
    r"|побед|(?<![а-яё])войн|революц|основан|годовщин|постро|архив|сделк|собственн|служ|призв|окончи|диплом|аттестат|вклад|верси|прива"
    r"|стаж|устро|уволи|купл|куп[ил]|выпис",
    _I,
)
_BEFORE, _AFTER = 60, 24
_YOUNGEST = 14  # years: a full date more recent than this is not a birth date unless somebody says so


def find_birth_dates(text: str, name_ends: Collection[int] = (), *, in_company: bool = True) -> Iterator[Span]:
    """``name_ends``: where names end; a date right behind one is its bearer's. ``in_company``: whether the text holds other personal data;
    an old date that nothing says to be of birth is a part of it only then, or when it is most of the text."""
    if not re.search(r"[0-9]{2}", text):
        return
    for match in _NO_YEAR.finditer(text):
        yield Span("birthdate", *match.span(1))
    last_end = -99
    latest = datetime.now(UTC).year
    for match in (*_DATE.finditer(text), *_DAY_IN_WORDS.finditer(text)):
        year = next((group for group in match.groups() if group), "") if match.re is _DATE else match[0][-4:]
        before = text[max(0, match.start() - _BEFORE) : match.start()]
        before = re.split(r"[0-9][^0-9]{0,2}(?=[ ,;\n])|[!?]", before)[-1]  # a date's own words stand behind the number before it
        said = _BORN.search(before) or _BORN_AFTER.search(text[match.end() : match.end() + _AFTER])
        listed = (
            re.fullmatch(r"\)? ?(?:,|и|;|, и) ?(?:[А-ЯЁ][а-яё]{2,20} ?[(:—-]? ?)?", text[last_end : match.start()])
            if last_end > 0
            else None
        )
        clause = re.split(r"[,;\n]", before)[-1]
        family = len(year) == 4 and _FAMILY.search(before) and not _NOT_BORN.search(before)
        named = (
            len(year) == 4
            and int(year) <= latest
            and any(0 <= match.start() - name_end <= 3 for name_end in name_ends)
            and not _NOT_BORN.search(clause)
        )
        if said or listed or family or named:
            nearer = [] if not said else [found.end() for found in _NOT_BORN.finditer(before)]
            born = [found.end() for found in _BORN.finditer(before)]
            if nearer and born and nearer[-1] > born[-1] and not re.search(r"(?:^|\W)(?:от|с|на|по)[ .]*$", before, _I):
                continue
            if len(year) == 2 or int(year) <= latest:
                last_end = match.end()
                yield Span("birthdate", *match.span())
        elif re.fullmatch(r"01.01.1970|1970.01.01", match[0]):
            continue  # a computer's nought
        elif not (in_company or len(match[0]) * 2 >= len(text.strip())):
            continue
        elif len(year) == 4 and int(year) <= latest - _YOUNGEST and not match[0].isdigit() and not _NOT_BORN.search(clause):
            yield Span("birthdate", *match.span())
