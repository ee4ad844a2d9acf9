"""Letters that no person wrote: answering one could go on for ever.

Told by the headers that programs set (RFC 3834, RFC 2369, RFC 3464), and by who sends and in which words where they set none.
"""

import enum
import re
from collections.abc import Mapping, Sequence


class Automatic(enum.StrEnum):
    """Who wrote a letter that is not answered."""

    OWN = "own"  # the desk itself
    BOUNCE = "bounce"  # a server, about a letter of ours that did not arrive
    AUTOMATIC = "automatic"  # an autoreply, a mailing list, a newsletter, a receipt of reading


_SERVERS = re.compile(r"^(?:mailer-daemon|mailerdaemon|postmaster|mail-daemon|mailer)$")
_NOBODY = re.compile(r"^(?:no-?_?reply|do-?not-?reply|noreply-.*|no_?answer|robot|notification|bounces?(?:[+-].*)?)$")
_AUTOREPLY = re.compile(
    r"^(?:автоответ|автоматический ответ|automatic reply|auto(?:matic)?[ -]?(?:reply|response)|out of (?:the )?office"
    r"|вне офиса|нет на месте"
    r"|прочитано:|не прочитано:|прочтено:|отчет о прочтении|отчёт о прочтении|read:|уведомление о прочтении)",
    re.IGNORECASE,
)
_UNDELIVERED = re.compile(
    r"^(?:undeliver|mail delivery (?:failed|failure|system)|delivery (?:status notification|failure)|failure notice|returned mail"
    r"|недоставлен|не доставлено|сообщение не доставлено|письмо не доставлено|ошибка доставки|возврат письма)",
    re.IGNORECASE,
)
_LISTS = ("list-id", "list-unsubscribe", "list-post", "list-help", "mailing-list")
_OF_A_PROGRAM = ("x-autoreply", "x-autorespond", "x-auto-reply", "x-mail-autoreply", "feedback-id", "x-mailru-autoreply")
_PRECEDENCE = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})

Headers = Mapping[str, Sequence[str]]  # names in lower case → values as text


def recognise(headers: Headers, sender: str, subject: str, own_address: str) -> Automatic | None:
    """What kind of program wrote a letter; None for a person. ``sender``, ``own_address``: addresses in lower case."""
    name = sender.partition("@")[0]
    if sender == own_address:
        return Automatic.OWN
    content_type = " ".join(headers.get("content-type", ())).lower()
    has_no_return = any(value.strip() in ("<>", "") for value in headers.get("return-path", ()))
    is_report = "multipart/report" in content_type
    if "delivery-status" in content_type or headers.get("x-failed-recipients"):
        return Automatic.BOUNCE
    if (has_no_return or _SERVERS.match(name)) and (_SERVERS.match(name) or _UNDELIVERED.match(subject)):
        return Automatic.BOUNCE
    submitted = " ".join(headers.get("auto-submitted", ())).split(";")[0].strip().lower()
    precedence = {value.strip().lower() for value in headers.get("precedence", ())}
    if (
        has_no_return
        or is_report
        or submitted not in ("", "no")
        or precedence & _PRECEDENCE
        or any(headers.get(header) for header in (*_LISTS, *_OF_A_PROGRAM))
        or _NOBODY.match(name)
        or _AUTOREPLY.match(subject)
    ):
        return Automatic.AUTOMATIC
    return None
