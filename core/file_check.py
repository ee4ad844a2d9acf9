"""Checks one file and makes it harmless, in a process of its own with limits: `python -m core.file_check TYPE MAX_PIXELS`.

Reads the file on standard input and writes what may be kept on standard output. Exit code REFUSED: the words' key is on standard error.
"""

import io
import resource
import sys
import zipfile

REFUSED = 3  # not 1, which is also how Python ends on a fault
_MEMORY_BYTES = 1024**3
_CPU_SECONDS = 15
_UNPACKED_BYTES = 200 * 1024**2
_WITH_MACROS = ("vbaproject.bin", ".docm", ".dotm", ".xlsm", ".xlsb", ".pptm")  # in the document itself, and in what is embedded in it


class Refused(Exception):
    """The argument is a key of messages.ru.yml."""


def clean_picture(content: bytes, max_pixels: int) -> bytes:
    """The picture encoded anew from its pixels: no metadata, no trailing bytes, turned as its EXIF said."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as picture:
            if picture.width * picture.height > max_pixels:
                raise Refused("file_pixels")
            picture_format = picture.format
            picture.load()
            turned = ImageOps.exif_transpose(picture)
            if turned.mode.startswith("I"):  # 16 bits of grey: converted as they are, all but the darkest become white
                turned = turned.point(lambda value: value * (1 / 256)).convert("L")
            transparent = picture_format == "PNG" and ("A" in turned.getbands() or "transparency" in turned.info)
            kept = turned.convert("RGBA" if transparent else "RGB")
    except Image.DecompressionBombError:
        raise Refused("file_pixels") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise Refused("file_broken") from None
    kept.info.clear()  # a comment or a colour profile would be saved along
    target = io.BytesIO()
    if picture_format == "JPEG":
        kept.save(target, "JPEG", quality=90, optimize=True)
    else:
        kept.save(target, "PNG", optimize=False)
    return target.getvalue()


def check_pdf(content: bytes) -> bytes:
    """A PDF that has a beginning and an end and no password."""
    if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-2048:]:
        raise Refused("file_broken")
    if b"/Encrypt" in content:
        raise Refused("file_encrypted")
    return content


def check_docx(content: bytes) -> bytes:
    """A whole DOCX without macros that does not unpack into a flood."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = {entry.filename for entry in archive.infolist()}
            if (
                sum(entry.file_size for entry in archive.infolist()) > _UNPACKED_BYTES
                or not {"[Content_Types].xml", "word/document.xml"} <= names
            ):
                raise Refused("file_broken")
            if any(entry.flag_bits & 1 for entry in archive.infolist()):
                raise Refused("file_encrypted")
            if any(name.lower().endswith(_WITH_MACROS) for name in names) or b"macroEnabled" in archive.read("[Content_Types].xml"):
                raise Refused("file_macros")
            if archive.testzip() is not None:
                raise Refused("file_broken")
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError):
        raise Refused("file_broken") from None
    return content


def main(content_type: str, max_pixels: int) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    content = sys.stdin.buffer.read()
    try:
        if content_type in ("image/jpeg", "image/png"):
            kept = clean_picture(content, max_pixels)
        elif content_type == "application/pdf":
            kept = check_pdf(content)
        else:
            kept = check_docx(content)
    except Refused as refusal:
        sys.stderr.write(str(refusal))
        return REFUSED
    sys.stdout.buffer.write(kept)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], int(sys.argv[2])))
