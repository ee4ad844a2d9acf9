"""The text of one picture, read by tesseract in a process of its own with limits: `python -m core.text_recognition COMMAND SECONDS`.

Takes the picture on standard input and writes its text on standard output: one line a line, an empty one between what stands apart.
"""

import csv
import io
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

LANGUAGES = ("rus", "eng")
MOST_CHARACTERS = 4000  # a screen full of small print has 3,000
_MEMORY_BYTES = 1024**3
_NICENESS = 10  # the turns go first
_ASKING_SECONDS = 10
# On screens drawn at several sizes, with JPEG's noise and without: what is smaller is read at 2.5 times its size (160 words of 164 instead
# of 150), in black on white (a third faster when the screen is dark). What is larger is a photograph: its noise costs seconds.
_SMALL_PIXELS = 1_500_000
_ENLARGED = 2.5
_LARGE_PIXELS = 4_000_000
_DARK = 128
_SPARSE = "11"  # tesseract's mode that looks for text anywhere: a screen is no page
_SURE = 40  # of 100; what is below are icons and edges
_COLUMNS = ("level", "left", "top", "width", "height", "conf", "text")
_WORD = "5"


@lru_cache(maxsize=4)
def find_tesseract(command: str) -> str | None:
    """The version of what ``command`` names, None unless it is there with its languages. Asked once in a process."""
    if not command or shutil.which(command) is None:
        return None
    try:
        languages = _ask(command, "--list-langs")
        version = _ask(command, "--version")
    except (OSError, subprocess.SubprocessError):
        return None
    return version[0].removeprefix("tesseract ") if set(LANGUAGES) <= set(languages) else None


def _ask(command: str, question: str) -> list[str]:
    answer = subprocess.run([command, question], capture_output=True, check=True, timeout=_ASKING_SECONDS, text=True)
    return (answer.stdout or answer.stderr).splitlines()


def recognise(content: bytes, command: str) -> str:
    """The text of a picture. Raises OSError, ValueError, subprocess.SubprocessError for what cannot be read."""
    from PIL import Image

    with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as picture:
        prepared = io.BytesIO()
        prepare(picture).save(prepared, "PNG", compress_level=1)
    arguments = [command, "-", "-", "-l", "+".join(LANGUAGES), "--psm", _SPARSE, "-c", "tessedit_create_tsv=1"]
    alone = {**os.environ, "OMP_THREAD_LIMIT": "1"}  # one core a picture: how many are read at once is the gateway's to say
    read = subprocess.run(arguments, input=prepared.getvalue(), capture_output=True, check=True, env=alone)
    return as_text(read.stdout.decode(errors="replace"))


def prepare(picture: "Image.Image") -> "Image.Image":
    """Grey, dark on light, and as large as tesseract likes its letters."""
    from PIL import Image, ImageOps, ImageStat

    if "A" in picture.getbands() or "transparency" in picture.info:  # on white, as it is shown
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    grey = picture.convert("L")
    if ImageStat.Stat(grey).median[0] < _DARK:
        grey = ImageOps.invert(grey)
    grey = ImageOps.autocontrast(grey)
    pixels = grey.width * grey.height
    factor = _ENLARGED if pixels < _SMALL_PIXELS else min(1.0, (_LARGE_PIXELS / pixels) ** 0.5)
    size = max(1, round(grey.width * factor)), max(1, round(grey.height * factor))
    return grey if factor == 1 else grey.resize(size, Image.Resampling.BICUBIC)


@dataclass
class _Line:
    left: int
    top: int
    right: int
    bottom: int
    words: list[str]

    def continues(self, other: "_Line") -> bool:
        """Whether it is the line after ``other`` in one paragraph."""
        height = min(self.bottom - self.top, other.bottom - other.top)
        overlap = min(self.right, other.right) - max(self.left, other.left)
        return -height < self.top - other.bottom < 1.5 * height and overlap > 0


def as_text(table: str) -> str:
    """The lines of tesseract's table (TSV), from the top, an empty one between paragraphs. At most MOST_CHARACTERS."""
    paragraphs: list[list[_Line]] = []
    for line in sorted(_lines(table), key=lambda line: (line.top, line.left)):
        above = next((paragraph for paragraph in reversed(paragraphs) if line.continues(paragraph[-1])), None)
        if above is None:
            paragraphs.append([line])
        else:
            above.append(line)
    text = "\n\n".join("\n".join(" ".join(line.words) for line in paragraph) for paragraph in paragraphs)
    return text[:MOST_CHARACTERS]


def _lines(table: str) -> Iterator[_Line]:
    line: _Line | None = None
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        if any(row.get(name) is None for name in _COLUMNS):
            continue
        if row["level"] != _WORD:
            if line:
                yield line
            line = None
        elif float(row["conf"]) >= _SURE and any(character.isalnum() for character in row["text"]):
            left, top = int(row["left"]), int(row["top"])
            right, bottom = left + int(row["width"]), top + int(row["height"])
            line = line or _Line(left, top, right, bottom, [])
            line.top, line.right, line.bottom = min(line.top, top), max(line.right, right), max(line.bottom, bottom)
            line.words.append(row["text"])
    if line:
        yield line


def main(command: str, seconds: int) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))  # each of this process and tesseract's
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # nothing of a picture is left in a file
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    os.nice(_NICENESS)
    sys.stdout.buffer.write(recognise(sys.stdin.buffer.read(), command).encode())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], int(sys.argv[2])))
