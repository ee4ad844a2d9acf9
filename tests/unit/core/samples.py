"""Files as people and attackers send them, made on the spot."""

import io
import struct
import zipfile
import zlib

from PIL import Image

GPS_TAG, ORIENTATION_TAG, MODEL_TAG = 0x8825, 0x0112, 0x0110
PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
ENCRYPTED_PDF = PDF.replace(b"/Root 1 0 R", b"/Root 1 0 R /Encrypt 2 0 R")
EXE = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00" + b"\x00" * 200
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
RAR = b"Rar!\x1a\x07\x01\x00" + bytes(100)
SEVEN_ZIP = b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(100)
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"


def jpeg(mode: str = "RGB", size: tuple[int, int] = (40, 20), **options: object) -> bytes:
    return encoded(Image.new(mode, size, tuple([30] * len(mode)) if len(mode) > 1 else 30), "JPEG", **options)


def png(mode: str = "RGB", size: tuple[int, int] = (40, 20), **options: object) -> bytes:
    return encoded(Image.new(mode, size), "PNG", **options)


def encoded(picture: Image.Image, picture_format: str, **options: object) -> bytes:
    target = io.BytesIO()
    picture.save(target, picture_format, **options)
    return target.getvalue()


def jpeg_of_a_phone(orientation: int = 6) -> bytes:
    """Left half red, right half blue, held sideways; with the place where it was taken."""
    picture = Image.new("RGB", (64, 32), "blue")
    picture.paste("red", (0, 0, 32, 32))
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    exif[MODEL_TAG] = "SECRET-CAMERA"
    exif.get_ifd(GPS_TAG)[1] = "N"
    exif.get_ifd(GPS_TAG)[2] = (55.0, 45.0, 7.0)
    return encoded(picture, "JPEG", exif=exif, quality=95, comment=b"SECRET-COMMENT")


def palette_png_with_transparency() -> bytes:
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    return encoded(picture, "PNG", transparency=0)


def flood_png(width: int = 20_000, height: int = 20_000) -> bytes:
    """A few hundred bytes that promise 400 million points."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\x00" * 1000)) + chunk(b"IEND", b"")


def docx(extra: dict[str, bytes] | None = None, *, without: str = "") -> bytes:
    parts = {
        "[Content_Types].xml": b'<?xml version="1.0"?><Types/>',
        "_rels/.rels": b"<Relationships/>",
        "word/document.xml": b"<document>" + b"text " * 50 + b"</document>",
        **(extra or {}),
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            if name != without:
                archive.writestr(name, content)
    return target.getvalue()


def zipped(name: str = "a.txt", content: bytes = b"text") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return target.getvalue()


def zip_bomb() -> bytes:
    """A DOCX of about 200 KB that unpacks into 210 MB."""
    return docx({"word/media/flood.bin": bytes(210 * 1024**2)})


def lying_zip_bomb() -> bytes:
    """The same, its directory saying that the flood is ten bytes long."""
    content = bytearray(zip_bomb())
    true_size = struct.pack("<I", 210 * 1024**2)
    place = content.rindex(true_size)
    content[place : place + 4] = struct.pack("<I", 10)
    return bytes(content)
