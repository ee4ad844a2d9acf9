"""Whatever bytes come: the decoders never raise, and what held a text does not come out empty."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.models import UNSTORABLE
from core.settings import Settings
from handoff.mailbox import structure
from handoff.mailbox.decoding import decode_base64, decode_header, decode_text
from handoff.mailbox.html_text import html_to_text
from handoff.mailbox.letter import read_letter
from handoff.mailbox.quotations import split
from handoff.mailbox.sender_fields import OF_A_PERSON, OF_AN_ORGANISATION, missing_fields, sender_fields
from handoff.mailbox.subject import read_subject, with_numbers_of
from tests.data.letters import EXPECTED, raw

_CHARSETS = st.sampled_from(
    ["utf-8", "windows-1251", "koi8-r", "x-mac-cyrillic", "iso-8859-1", "us-ascii", "utf-7", "utf-16", "idna", "base64", "x-none", "\0", ""]
)
_RUSSIAN = st.text("абвгдеёжзийклмнопрстуфхцчшщъыьэюяАБВГДЕ ,.\n", min_size=1)
_WORDS = ["Здравствуйте", "ИНН", "СНИЛС", "объезд", "и", "не", "Заявление", "съёмка", "ООО", "хочу", "МФЦ", "ПОМОГИТЕ", "щуку"]
_LINES = st.sampled_from(
    [
        "Спасибо за ответ",
        "",
        "> цитата",
        "-- ",
        '14.11.2025, 12:00, "Отклик" <support@portal.example.ru>:',
        "пт, 14 нояб. 2025 г. в 12:00, Отклик <support@portal.example.ru>:",
        "От: Отклик <support@portal.example.ru>",
        "Отправлено: 14 ноября 2025 г.",
        "-----Исходное сообщение-----",
        "Отправлено с iPhone",
        "________________________________",
        "Анна пишет:",
    ]
)


@given(st.binary(max_size=300), st.none() | _CHARSETS)
def test_any_bytes_are_some_text(content: bytes, charset: str | None) -> None:
    assert not UNSTORABLE.search(decode_text(content, charset))


@given(_RUSSIAN.filter(str.strip), st.sampled_from(["utf-8", "cp1251", "koi8-r", "mac-cyrillic"]), st.none() | _CHARSETS)
def test_no_text_comes_out_empty(text: str, charset: str, declared: str | None) -> None:
    assert decode_text(text.encode(charset), declared).strip()


@example("объезд объезд объезд объезд объезд", "cp1251")
@given(st.lists(st.sampled_from(_WORDS), min_size=1).map(" ".join), st.sampled_from(["utf-8", "cp1251", "koi8-r", "mac-cyrillic"]))
def test_what_is_declared_is_read(text: str, charset: str) -> None:
    assert decode_text(text.encode(charset), charset) == text


@pytest.mark.parametrize("charset", ["cp1251", "koi8-r", "mac-cyrillic", "utf-8"])
@pytest.mark.parametrize("declared", [None, "iso-8859-1", "us-ascii", "utf-8", "x-unknown"])
def test_what_is_not_declared_is_told_by_its_letters(charset: str, declared: str | None) -> None:
    text = "Здравствуйте, не приходит СМС с кодом подтверждения. ПОМОГИТЕ!"
    assert decode_text(text.encode(charset), declared) == text


@given(st.binary(max_size=200))
def test_any_header_is_one_line(content: bytes) -> None:
    assert "\n" not in decode_header(content)


@given(st.text(max_size=60), st.sampled_from("bBqQ"))
def test_a_header_never_breaks_on_its_encoded_words(payload: str, encoding: str) -> None:
    decode_header(f"a =?utf-8?{encoding}?{payload}?= b =?koi8-r?{encoding}?{payload}".encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=100), st.integers(0, 140))
def test_base64_is_read_as_far_as_it_goes(content: bytes, length: int) -> None:
    whole = base64.b64encode(content)
    assert content.startswith(decode_base64(whole[:length]))
    assert decode_base64(whole.rstrip(b"=")) == content


@given(st.text(max_size=300))
def test_any_markup_is_read(markup: str) -> None:
    html_to_text(markup)
    assert "слово" in html_to_text(f"<p>слово</p>{markup}")


@pytest.mark.parametrize("piece", ["<!", "<![", "<!--", "<a ", "<a b='", "</", "<script>", "<blockquote>", "<p>", "&#"])
def test_markup_without_end_is_read_in_one_go(piece: str) -> None:
    assert "слово" in html_to_text("<p>слово</p>" + piece * (300_000 // len(piece)))


@given(st.lists(_LINES, max_size=12))
def test_a_letter_is_never_cut_down_to_nothing(lines: list[str]) -> None:
    text = "\n".join(lines)
    parts = split(text)
    assert bool(parts.own) == bool(text.strip())
    assert set(parts.own.split()) <= set(text.split())


@given(name=st.sampled_from(sorted(EXPECTED)), data=st.data())
def test_a_damaged_letter_is_read_all_the_same(name: str, data: st.DataObject, shipped: Settings) -> None:
    whole = raw(name)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 40)))
    letter = read_letter(whole[:start] + data.draw(st.binary(max_size=20)) + whole[end:], shipped)
    subject = read_subject(letter.subject, shipped)
    with_numbers_of(subject, letter.parts.own, shipped)
    assert set(missing_fields(sender_fields(letter, shipped))) < {*OF_A_PERSON, *OF_AN_ORGANISATION}


@pytest.mark.parametrize(
    "parameter",
    [b"filename*=utf-8''%\x80D0.pdf", b"filename*0*=utf-8''%D0%A1;\r\n filename*1*=%\x80.pdf", b"filename=\"utf-8''%D0%\x80.pdf\""],
)
def test_the_name_of_a_file_with_octets_between_its_quoted_ones_is_read(parameter: bytes, shipped: Settings) -> None:
    head = b"From: a@example.com\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; "
    letter = read_letter(head + parameter + b"\r\n\r\n%PDF", shipped)
    assert [file.name.endswith(".pdf") for file in letter.files] == [True]


def test_parameters_that_continue_in_two_ways_are_passed_over(shipped: Settings) -> None:
    head = b"From: a@example.com\r\nContent-Type: text/plain; charset*=utf-8''utf-8; charset*0*=utf-8; boundary*=b; boundary*0=b\r\n"
    letter = read_letter(head + "\r\nне открывается запись".encode(), shipped)
    assert letter.text == "не открывается запись"


def test_an_encoded_word_within_an_encoded_word_may_hold_letters() -> None:
    inner = "=?utf-8?Q?Запись?="
    assert decode_header(b"=?utf-8?B?" + base64.b64encode(inner.encode()) + b"?=") == "Запись"


def _bomb(kind: str) -> bytes:
    head = b"From: a@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n"
    match kind:
        case "parts":
            return head + b"\r\n" + b"--b\r\n\r\n" * 100_000
        case "depth":
            return head + b"".join(b"\r\n--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n" % (i, i + 1) for i in range(5000))
        case "letters":
            return b"From: a@example.com\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 5000
        case _:
            return b"From: a@example.com\r\n" + b"X-Filler: " + b"a" * 1_000_000 + b"\r\n\r\ntext"


@pytest.mark.parametrize("kind", ["parts", "depth", "letters", "headers"])
def test_a_bomb_is_told_before_it_is_built(kind: str, shipped: Settings) -> None:
    with pytest.raises(structure.Overbuilt):
        structure.check(_bomb(kind))
    letter = read_letter(_bomb(kind), shipped)
    assert (letter.is_overbuilt, letter.sender, letter.files) == (True, "a@example.com", [])
