"""Files: told by what is in them, stripped of what nobody meant to send, refused with words."""

import io
import uuid
from collections.abc import Iterator

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from core.desk import Desk
from core.errors import Problem
from core.files import Files
from core.models import Attachment, Mode, Scan
from core.transcript import file_name
from tests.conftest import MakeSettings
from tests.scenes import add_operator, change_mode, reload, start_conversation
from tests.unit.core import samples

DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.fixture
def conversation_id(desk: Desk) -> uuid.UUID:
    return start_conversation(desk)


async def keep(desk: Desk, conversation_id: uuid.UUID, name: str, content: bytes) -> tuple[Attachment, str, bytes]:
    files = Files(desk)
    attachment = await files.accept(conversation_id, name, content)
    conversation = reload(desk, conversation_id)
    name = desk.database.read(file_name, desk, conversation, attachment)
    return attachment, name, await files.read(conversation, attachment)


async def refuse(desk: Desk, conversation_id: uuid.UUID, name: str, content: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        await Files(desk).accept(conversation_id, name, content)
    assert caught.value.detail  # there are words for it
    assert desk.database.read(lambda session: session.query(Attachment).count()) == 0
    assert not [path for path in (desk.settings.data_dir / "attachments").rglob("*") if path.is_file()]
    return caught.value


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


async def test_a_photo_loses_all_but_its_picture(desk: Desk, conversation_id: uuid.UUID) -> None:
    photo = samples.jpeg_of_a_phone() + b"SECRET-TRAILER"
    attachment, _, kept = await keep(desk, conversation_id, "фото.jpg", photo)
    picture = opened(kept)
    assert b"SECRET-CAMERA" in photo
    assert b"SECRET" not in kept
    assert not picture.getexif()
    assert "comment" not in picture.info
    assert (attachment.content_type, attachment.size, attachment.scan) == ("image/jpeg", len(kept), Scan.CLEAN)


@pytest.mark.parametrize(
    ("orientation", "size", "red"),
    [(1, (64, 32), (8, 16)), (3, (64, 32), (56, 16)), (6, (32, 64), (16, 8)), (8, (32, 64), (16, 56))],
)
async def test_a_photo_stands_upright(
    desk: Desk, conversation_id: uuid.UUID, orientation: int, size: tuple[int, int], red: tuple[int, int]
) -> None:
    _, _, kept = await keep(desk, conversation_id, "фото.jpg", samples.jpeg_of_a_phone(orientation))
    picture = opened(kept)
    point = picture.getpixel(red)
    assert picture.size == size
    assert isinstance(point, tuple)
    assert point[0] > 200 > 60 > point[2]


@pytest.mark.parametrize(
    ("name", "content", "mode"),
    [
        ("a.jpg", samples.jpeg("CMYK"), "RGB"),
        ("a.jpeg", samples.jpeg("L"), "RGB"),
        ("a.jpe", samples.jpeg(progressive=True), "RGB"),
        ("a.png", samples.png("RGB"), "RGB"),
        ("a.png", samples.png("RGBA"), "RGBA"),
        ("a.png", samples.png("LA"), "RGBA"),
        ("a.png", samples.png("1"), "RGB"),
        ("a.png", samples.png("I;16"), "RGB"),
        ("a.png", samples.palette_png_with_transparency(), "RGBA"),
        ("a.png", samples.jpeg(), "RGB"),  # phones name them so
        ("a.jpg", samples.png(), "RGB"),
        ("screenshot", samples.png(), "RGB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_takes_pictures(desk: Desk, conversation_id: uuid.UUID, name: str, content: bytes, mode: str) -> None:
    attachment, _, kept = await keep(desk, conversation_id, name, content)
    picture = opened(kept)
    picture.load()
    assert picture.mode == mode
    assert f"image/{(picture.format or '').lower()}" == attachment.content_type


async def test_a_screenshot_loses_its_texts_and_profile(desk: Desk, conversation_id: uuid.UUID) -> None:
    texts = PngInfo()
    texts.add_text("Comment", "SECRET-TEXT")
    content = samples.png(pnginfo=texts, icc_profile=b"SECRET-PROFILE", dpi=(72, 72)) + b"SECRET-TRAILER"
    _, _, kept = await keep(desk, conversation_id, "a.png", content)
    assert b"SECRET" not in kept
    assert opened(kept).info == {}


async def test_transparency_is_kept(desk: Desk, conversation_id: uuid.UUID) -> None:
    _, _, kept = await keep(desk, conversation_id, "a.png", samples.palette_png_with_transparency())
    picture = opened(kept)
    assert [picture.getpixel((x, 0)) for x in (0, 1)] == [(255, 0, 0, 0), (0, 0, 255, 255)]


async def test_sixteen_bits_keep_their_shades(desk: Desk, conversation_id: uuid.UUID) -> None:
    picture = Image.new("I;16", (2, 1))
    picture.putpixel((0, 0), 0x8000)
    picture.putpixel((1, 0), 0x1000)
    _, _, kept = await keep(desk, conversation_id, "a.png", samples.encoded(picture, "PNG"))
    assert [opened(kept).convert("L").getpixel((x, 0)) for x in (0, 1)] == [0x80, 0x10]


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [("a.pdf", samples.PDF, "application/pdf"), ("a.PDF", samples.PDF, "application/pdf"), ("a.docx", samples.docx(), DOCX_TYPE)],
    ids=["pdf", "PDF", "docx"],
)
async def test_takes_documents_unscanned(desk: Desk, conversation_id: uuid.UUID, name: str, content: bytes, content_type: str) -> None:
    attachment, kept_name, kept = await keep(desk, conversation_id, name, content)
    assert (attachment.content_type, attachment.scan, kept_name, kept) == (content_type, Scan.UNSCANNED, name, content)


@pytest.mark.parametrize(
    ("name", "content", "status", "key"),
    [
        ("a.png", b"", 422, "file_empty"),
        ("a.png", samples.EXE, 415, "file_type"),
        ("a.pdf", samples.HTML, 415, "file_type"),
        ("a.gif", samples.GIF, 415, "file_type"),
        ("a.txt", "Здравствуйте".encode(), 415, "file_type"),
        ("a.png", samples.PDF, 415, "file_false_extension"),
        ("a.pdf", samples.png(), 415, "file_false_extension"),
        ("a.exe", samples.png(), 415, "file_false_extension"),
        ("a.docm", samples.docx(), 415, "file_macros"),
        ("a.zip", samples.zipped(), 415, "file_archive"),
        ("a.rar", samples.RAR, 415, "file_archive"),
        ("a.7z", samples.SEVEN_ZIP, 415, "file_archive"),
        ("a.pdf", samples.zipped(), 415, "file_archive"),
        ("a.doc", samples.OLE2, 415, "file_old_document"),
        ("a.jpg", samples.jpeg(size=(400, 400))[:-900], 422, "file_broken"),
        ("a.png", samples.png(size=(400, 400))[:60], 422, "file_broken"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + b"\x00" * 300, 422, "file_broken"),
        ("a.png", samples.flood_png(), 422, "file_pixels"),
        ("a.pdf", samples.PDF.replace(b"%%EOF", b""), 422, "file_broken"),
        ("a.pdf", samples.ENCRYPTED_PDF, 422, "file_encrypted"),
        ("a.docx", samples.docx({"word/vbaProject.bin": b"macro"}), 422, "file_macros"),
        ("a.docx", samples.docx({"word/VBAPROJECT.BIN": b"macro"}), 422, "file_macros"),
        (
            "a.docx",
            samples.docx({"[Content_Types].xml": b"<Types>application/vnd.ms-word.document.macroEnabled.main+xml</Types>"}),
            422,
            "file_macros",
        ),
        ("a.docx", samples.docx({"word/embeddings/Book1.xlsm": b"macro"}), 422, "file_macros"),
        ("a.docx", samples.docx()[:-30], 422, "file_broken"),
        ("a.docx", samples.zip_bomb(), 422, "file_broken"),
        ("a.docx", samples.lying_zip_bomb(), 422, "file_broken"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_refuses(desk: Desk, conversation_id: uuid.UUID, name: str, content: bytes, status: int, key: str) -> None:
    problem = await refuse(desk, conversation_id, name, content)
    assert (problem.status, problem.key) == (status, key)


async def test_points_are_counted_before_they_are_unpacked(make_settings: MakeSettings, desk: Desk, conversation_id: uuid.UUID) -> None:
    object.__setattr__(desk, "settings", make_settings(max_picture_pixels=800))
    await keep(desk, conversation_id, "a.png", samples.png(size=(40, 20)))
    with pytest.raises(Problem, match="file_pixels"):
        await Files(desk).accept(conversation_id, "b.png", samples.png(size=(40, 21)))


@pytest.mark.parametrize(
    ("name", "content", "key", "words"),
    [
        ("a.png", samples.png() + bytes(5_242_880), "file_picture_too_large", "Картинка больше 5 МБ."),
        ("a.pdf", samples.PDF + bytes(10_485_760), "file_too_large", "Файл больше 10 МБ."),
        ("a.png", samples.png() + bytes(10_485_760), "file_too_large", "Файл больше 10 МБ."),
    ],
    ids=["picture", "document", "very large picture"],
)
async def test_refuses_what_is_too_large(desk: Desk, conversation_id: uuid.UUID, name: str, content: bytes, key: str, words: str) -> None:
    problem = await refuse(desk, conversation_id, name, content)
    assert (problem.status, problem.key) == (413, key)
    assert problem.detail.startswith(words)


async def test_takes_what_is_just_as_large_as_allowed(desk: Desk, conversation_id: uuid.UUID) -> None:
    picture = samples.png()
    await keep(desk, conversation_id, "a.png", picture + bytes(5_242_880 - len(picture)))
    await keep(desk, conversation_id, "a.pdf", samples.PDF[:9] + bytes(10_485_760 - len(samples.PDF)) + samples.PDF[9:])


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("C:\\Users\\Анна\\снимок экрана.png", "снимок экрана.png"),
        ("../../etc/passwd.png", "passwd.png"),
        ("a\x00b\r\nc\u202e.png", "abc.png"),
        ("  .png ", "png.png"),
        ("", "Файл без названия.png"),
        ("/", "Файл без названия.png"),
        ("...", "Файл без названия.png"),
        ("снимок.JPG", "снимок.png"),  # called what it is
        ("снилс 112-233-445 95.png", "снилс 112-233-445 95.png"),
        ("я" * 500 + ".png", "я" * 116 + ".png"),
        ("нет.расширения.совсем.png", "нет.расширения.совсем.png"),
    ],
)
async def test_cleans_names(desk: Desk, conversation_id: uuid.UUID, name: str, kept: str) -> None:
    _, shown, _ = await keep(desk, conversation_id, name, samples.png())
    assert shown == kept


async def test_an_operator_sees_a_name_masked(desk: Desk, conversation_id: uuid.UUID) -> None:
    attachment, _, _ = await keep(desk, conversation_id, "снилс 112-233-445 95.png", samples.png())
    shown = desk.database.read(file_name, desk, reload(desk, conversation_id), attachment, for_operator=True)
    assert shown == "снилс ***-***-445 95.png"


async def test_content_and_name_lie_sealed(desk: Desk, conversation_id: uuid.UUID) -> None:
    await keep(desk, conversation_id, "паспорт.pdf", samples.PDF)
    (blob,) = [path for path in (desk.settings.data_dir / "attachments").rglob("*") if path.is_file()]
    assert b"Catalog" not in blob.read_bytes()
    assert blob.stat().st_mode & 0o077 == 0


async def test_an_operators_file_is_marked_as_theirs(desk: Desk, conversation_id: uuid.UUID) -> None:
    operator = add_operator(desk)
    attachment = await Files(desk).accept(conversation_id, "a.png", samples.png(), operator)
    assert attachment.operator_id == operator.id


async def test_a_closed_conversation_takes_no_files(desk: Desk, conversation_id: uuid.UUID) -> None:
    change_mode(desk, conversation_id, Mode.CLOSED)
    problem = await refuse(desk, conversation_id, "a.png", samples.png())
    assert (problem.status, problem.key) == (409, "conversation_closed")


async def test_an_unknown_conversation_takes_no_files(desk: Desk) -> None:
    assert (await refuse(desk, uuid.uuid4(), "a.png", samples.png())).status == 404


async def test_a_file_comes_in_parts(desk: Desk, conversation_id: uuid.UUID) -> None:
    content = samples.PDF[:9] + bytes(300_000) + samples.PDF[9:]
    attachment, _, _ = await keep(desk, conversation_id, "a.pdf", content)
    parts = [part async for part in await Files(desk).stream(reload(desk, conversation_id), attachment)]
    assert b"".join(parts) == content
    assert [len(part) for part in parts] == [65_536] * 4 + [len(content) - 4 * 65_536]


async def test_a_file_stored_whole_before_is_still_read(desk: Desk, conversation_id: uuid.UUID) -> None:
    attachment, _, content = await keep(desk, conversation_id, "a.pdf", samples.PDF)
    conversation = reload(desk, conversation_id)
    desk.blobs.put(attachment.id, desk.vault.seal_bytes(conversation, content))
    assert await Files(desk).read(conversation, attachment) == content


async def test_another_files_content_is_not_taken_for_this_one(desk: Desk, conversation_id: uuid.UUID) -> None:
    attachment, _, _ = await keep(desk, conversation_id, "a.pdf", samples.PDF)
    conversation, other_id = reload(desk, conversation_id), start_conversation(desk)
    for foreign, _, _ in (await keep(desk, conversation_id, "b.png", samples.png()), await keep(desk, other_id, "b.png", samples.png())):
        desk.blobs.put(attachment.id, desk.blobs.get(foreign.id))
        with pytest.raises(ValueError, match="sealed with another key"):
            await Files(desk).stream(conversation, attachment)


async def test_a_file_of_an_erased_conversation_is_not_found(desk: Desk, conversation_id: uuid.UUID) -> None:
    attachment, _, _ = await keep(desk, conversation_id, "a.pdf", samples.PDF)
    conversation = reload(desk, conversation_id)
    conversation.data_key = None
    with pytest.raises(Problem, match="attachment_not_found"):
        await Files(desk).stream(conversation, attachment)


async def test_sealing_that_fails_leaves_no_file(desk: Desk) -> None:
    def parts() -> Iterator[bytes]:
        yield b"half"
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        desk.blobs.write(uuid.uuid4(), parts())
    assert not [path for path in (desk.settings.data_dir / "attachments").rglob("*") if path.is_file()]
