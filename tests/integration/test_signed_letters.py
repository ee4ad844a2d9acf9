"""DKIM: what leaves is signed by the key of the settings, over the bytes that are sent, by either way."""

from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy.orm import Session

from bot.channels.mail import MailCourier, MaildirTransport, SmtpTransport
from core import deliveries
from core.desk import Desk, open_desk
from core.models import Conversation, Delivery
from core.settings import Settings, SettingsError
from handoff.letters.renderer import render
from tests.conftest import MakeSettings
from tests.scenes import hand_over, locked, start_conversation
from tests.smtp_sink import Sink
from tests.stack import free_port

KEY = rsa.generate_private_key(65537, 2048)
NOT_ENCRYPTED = NoEncryption()


def in_dns(name: bytes, timeout: int = 5) -> bytes | None:  # noqa: ARG001 - the library gives it
    """What the domain publishes."""
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    record = "v=DKIM1; k=rsa; p=" + "".join(public.splitlines()[1:-1])
    return record.encode() if name == b"otklik2026._domainkey.portal.example.ru." else None


@pytest.fixture(params=[PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def key_file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    file = tmp_path / "dkim.pem"
    file.write_bytes(KEY.private_bytes(Encoding.PEM, request.param, NOT_ENCRYPTED))
    return file


@pytest.fixture
def make_desk(make_settings: MakeSettings, key_file: Path) -> Callable[..., Desk]:
    return lambda **more: open_desk(make_settings(dkim_selector="otklik2026", dkim_key_file=key_file, **more))


def receipt(desk: Desk) -> Delivery:
    conversation_id = start_conversation(desk)

    def know(session: Session, _desk: Desk, conversation: Conversation) -> None:
        conversation.email_token = desk.vault.put(session, conversation, "email", "vera@example.org")

    locked(desk, conversation_id, know)
    hand_over(desk, conversation_id)
    return desk.database.read(deliveries.of_conversation, conversation_id)[0]


async def test_what_a_server_gets_carries_a_signature_that_holds(make_desk: Callable[..., Desk]) -> None:
    port, sink = free_port(), Sink()
    desk = make_desk(smtp_host="127.0.0.1", smtp_port=port, smtp_security="none")
    with sink.listening(port):
        await MailCourier(desk, SmtpTransport(desk.settings)).send(desk.database.read(render, desk, receipt(desk)))
    desk.close()
    ((envelope, letter),) = sink.accepted
    assert isinstance(envelope.content, bytes)
    assert "d=portal.example.ru" in letter["DKIM-Signature"]
    assert dkim.verify(envelope.content, dnsfunc=in_dns)
    for was, now in ((b"Subject: ", b"Subject: =?utf-8?q?=21?= "), (b"\r\n\r\n", b"\r\n\r\nx"), (b"To: ", b"From: a@b.ru\r\nTo: ")):
        assert not dkim.verify(envelope.content.replace(was, now, 1), dnsfunc=in_dns), was


async def test_a_maildir_gets_the_same_bytes(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    row = receipt(desk)
    await MailCourier(desk, MaildirTransport(desk.settings.mail_dir)).send(desk.database.read(render, desk, row))
    desk.close()
    (file,) = (desk.settings.mail_dir / "new").iterdir()
    content = file.read_bytes()
    assert message_from_bytes(content, policy=default)["Return-Path"] == "<support@portal.example.ru>"
    assert dkim.verify(content.replace(b"\n", b"\r\n"), dnsfunc=in_dns)


async def test_without_a_key_nothing_is_signed(desk: Desk) -> None:
    post = MailCourier(desk, MaildirTransport(desk.settings.mail_dir)).post
    assert b"DKIM" not in post(desk.database.read(render, desk, receipt(desk))).content


def test_the_key_may_be_another_domains(make_settings: MakeSettings, key_file: Path) -> None:
    given = {"dkim_selector": "s", "dkim_key_file": key_file}
    assert make_settings(**given, dkim_domain="почта.рф").signing_domain == "xn--80a1acny.xn--p1ai"
    assert make_settings(**given).signing_domain == "portal.example.ru"


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, password: bytes | None = None) -> bytes:
    encryption = BestAvailableEncryption(password) if password else NOT_ENCRYPTED
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (None, "a file that can be read"),
        (b"not a key", "a private key in PEM without a password"),
        (pem(KEY, b"secret"), "a private key in PEM without a password"),
        (pem(ed25519.Ed25519PrivateKey.generate()), "an RSA key of at least 1024 bits"),
    ],
)
def test_a_key_that_cannot_sign_ends_the_start(make_settings: MakeSettings, tmp_path: Path, content: bytes | None, wanted: str) -> None:
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=f"OTKLIK_DKIM_KEY_FILE: it wants {wanted}") as caught:
        make_settings(dkim_selector="s", dkim_key_file=file)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("given", [{"dkim_selector": "s"}, {"dkim_key_file": "key"}])
def test_selector_and_key_go_together(make_settings: MakeSettings, key_file: Path, given: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="OTKLIK_DKIM_SELECTOR: it wants OTKLIK_DKIM_KEY_FILE beside it"):
        make_settings(**{name: key_file if value == "key" else value for name, value in given.items()})


def test_an_empty_setting_is_none(make_settings: MakeSettings) -> None:
    settings: Settings = make_settings(dkim_selector="", dkim_key_file="")
    assert not settings.dkim_selector
