"""DKIM (RFC 6376): by it other mail servers see that a letter is the official address's and has not been changed on its way."""

import dkim
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from core.settings import Settings

# All that a reader acts on, and what a reply is threaded by. Header fields that servers add are theirs.
_SIGNED = ["From", "To", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted", "MIME-Version"]
_SIGNED += ["Content-Type", "Content-Transfer-Encoding"]
_ONCE = ["From", "Subject", "To", "Date"]  # named once more than they are there: a second one breaks the signature


class Signer:
    """Signs what leaves with the key of the settings."""

    def __init__(self, settings: Settings) -> None:
        key = load_pem_private_key(settings.dkim_key_file.read_bytes(), None)
        # As the library reads keys: line ends and PKCS#8 are not for it.
        self._key = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        self._selector = settings.dkim_selector.encode()
        self._domain = settings.signing_domain.encode()

    def sign(self, content: bytes) -> bytes:
        """``content``, a letter with CRLF at its lines' ends, under its signature."""
        present = {line.split(b":", 1)[0].decode().lower() for line in content.partition(b"\r\n\r\n")[0].split(b"\r\n") if b":" in line}
        signed = [name for name in _SIGNED if name.lower() in present] + _ONCE
        return bytes(dkim.sign(content, self._selector, self._domain, self._key, include_headers=signed)) + content


def choose_signer(settings: Settings) -> Signer | None:
    """None where no key is set: letters then leave unsigned."""
    return Signer(settings) if settings.dkim_selector else None
