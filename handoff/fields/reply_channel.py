"""How the citizen wants to be answered."""

import enum
import re

from core.finding import digits_of
from core.settings import Settings
from handoff.fields.fault import FieldFault
from handoff.fields.writing import LETTER, folded


class ReplyChannel(enum.StrEnum):
    EMAIL = "email"
    PHONE = "phone"
    MESSENGER = "messenger"  # by the feedback form only: its receipt leads to the bot


_WORDS = {
    ReplyChannel.EMAIL: re.compile(
        r"@|\be?-?mail|\b(?:по[чш]т|пачт|письм|писм|эле?ктрон|эл\.|электр|мыл[оау]|мылом|ящик)|\b(?:[еэ]-?|и)?м[еэ][ий]л|\bemail|\bпишите|\bнапишите"
    ),
    ReplyChannel.PHONE: re.compile(
        r"\b(?:т[еи]л[еи]?фон|тел\b|звон|по(?:зв|зо?вон)|перезвон|созвон|мобил|сотов|труб[кн]|набер|набра|голос|phone|call|tel\b)|\bдомашн|смартфон"
    ),
}
_PAPER = re.compile(r"почт\w* россии|бумажн|заказн|по адресу проживания|в конверте|обычной почтой|обычным письмом")
_MESSENGER = re.compile(
    r"мессендж|месендж|т[еэ]л[еи]гр|телег[ауе]|\bтг\b|telegram|\btg\b|вотсап|ватсап|ва[цт]ап"
    r"|whats|вайбер|viber|\bмакс\b|\bвк\b|\bсмс|\bsms"
)
# «Не звоните, пишите на почту»: what is declined is not chosen.
_DECLINED = re.compile(
    rf"\b(?:не|без|кроме|только не|нет)\s+(?:(?:надо|нужно|хочу|могу|по|на|через|мне|удобно|у меня)\s+)*{LETTER}+(?:-{LETTER}+)*"
    rf"|\b(?:e-?)?{LETTER}+\s+(?:у меня\s+)?нету?\b"
)


def parse_reply_channel(text: str, settings: Settings) -> ReplyChannel:  # noqa: ARG001 - every parser takes the settings
    """Words and their synonyms, or an address or number itself. Faults: missing, unknown, both, messenger."""
    line = folded(text)
    if not line:
        raise FieldFault("reply_channel", "reply_channel_missing")
    if _PAPER.search(line):
        raise FieldFault("reply_channel", "reply_channel_unknown")
    wanted = _DECLINED.sub(" ", line)
    chosen = [channel for channel, words in _WORDS.items() if words.search(wanted)]
    if len(chosen) > 1:
        raise FieldFault("reply_channel", "reply_channel_both")
    if chosen:
        return chosen[0]
    if _MESSENGER.search(wanted):
        raise FieldFault("reply_channel", "reply_channel_messenger")
    if len(digits_of(wanted)) >= 10:
        return ReplyChannel.PHONE
    raise FieldFault("reply_channel", "reply_channel_unknown")
