"""The Message-IDs of our letters: each names its appeal and is signed, so that who answers one has had a letter of that appeal.

``<2026-000417-9.w5qf….k3x7…@portal.example.ru>``: the appeal's number without its prefix (0: there is none), the letter, the signature.
Letters of before have the letter's id alone.
"""

import base64
import hmac
import re
import uuid

from core.desk import Desk
from core.models import Appeal

_SIGNED = re.compile(r"<((0|[0-9]{4}-[0-9]+-[0-9])\.[a-z2-7]{13})\.([a-z2-7]{16})@([^<>\s]+)>")
_SIGNATURE_BYTES = 10
_ID_BYTES = 8  # the random end of a delivery's id: a header with all of it would be folded, and not every program reads that
_NO_APPEAL = "0"


def sign(desk: Desk, delivery_id: uuid.UUID, appeal: Appeal | None, domain: str) -> str:
    """The Message-ID of a letter about ``appeal``."""
    number = appeal.number.removeprefix(f"{desk.settings.appeal_prefix}-") if appeal else _NO_APPEAL
    name = f"{number}.{_written(delivery_id.bytes[-_ID_BYTES:])}"
    return f"<{name}.{_signature(desk, name, domain)}@{domain}>"


def is_forged(desk: Desk, message_id: str) -> bool:
    """Whether it looks like one of ours and is none. The database is not asked."""
    found = _SIGNED.fullmatch(message_id)
    return found is not None and not hmac.compare_digest(found[3], _signature(desk, found[1], found[4]))


def number_of(desk: Desk, message_id: str) -> str | None:
    """The number of the appeal that a letter of ours was about."""
    found = _SIGNED.fullmatch(message_id)
    if found is None or found[2] == _NO_APPEAL or is_forged(desk, message_id):
        return None
    return f"{desk.settings.appeal_prefix}-{found[2]}"


def _signature(desk: Desk, name: str, domain: str) -> str:
    return _written(desk.vault.keyed_hash(f"our letter:{name}@{domain}")[:_SIGNATURE_BYTES])


def _written(content: bytes) -> str:
    return base64.b32encode(content).decode().rstrip("=").lower()
