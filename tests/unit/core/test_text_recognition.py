"""What tesseract reads of screens, and what it does with pictures that are none."""

import re
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from core.subprocesses import run_module
from core.text_recognition import MOST_CHARACTERS, as_text, find_tesseract, recognise
from tests.screens import ENGLISH, NOT_FILLED, OUTAGE, SIGN_IN, SIGNATURE, SMS_CODE, UPLOAD, Screen, encode, noise
from tests.stack import wait_for

HEADER = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext"


def words(text: str) -> list[str]:
    return re.findall(r"[\w-]+", text.lower())


@pytest.mark.parametrize("screen", [SIGN_IN, OUTAGE, SIGNATURE, UPLOAD, SMS_CODE, NOT_FILLED, ENGLISH], ids=lambda screen: screen.title)
def test_a_screen_s_dialog_is_read_word_for_word(screen: Screen) -> None:
    read = words(recognise(screen.png(), "tesseract"))
    missing = [word for word in words(f"{screen.title} {screen.body}") if word not in read]
    assert not missing, read


def test_a_transparent_picture_is_read_as_it_is_shown() -> None:
    screen = SIGNATURE.draw()
    is_ink = ImageOps.invert(screen.convert("L"))  # the letters alone are there; behind them is black that nobody sees
    letters = Image.merge("RGBA", [*Image.new("RGB", screen.size).split(), is_ink])
    assert "сертификата" in recognise(encode(letters), "tesseract")


@pytest.mark.parametrize("size", [(1, 1), (2, 40), (3000, 3)])
def test_a_picture_too_small_for_a_word_says_nothing(size: tuple[int, int]) -> None:
    assert recognise(encode(Image.new("RGB", size, "white")), "tesseract") == ""


def test_noise_says_next_to_nothing() -> None:
    assert len(words(recognise(noise(), "tesseract"))) < 20


async def test_a_picture_that_unpacks_into_a_flood_ends_its_process_alone() -> None:
    bomb = encode(Image.new("1", (30_000, 30_000)))
    read = await run_module("core.text_recognition", "tesseract", "20", content=bomb, seconds=60)
    assert (read.exit_code, read.output) == (1, b"")
    assert b"DecompressionBomb" in read.errors


async def test_what_hangs_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    hanging = script(tmp_path, "sleep 71423 & wait")
    with pytest.raises(TimeoutError):
        await run_module("core.text_recognition", str(hanging), "20", content=SIGNATURE.png(), seconds=3)
    wait_for("the end of what it started", lambda: not running("71423"))  # killed, and perhaps not buried yet


def script(folder: Path, commands: str) -> Path:
    """In tesseract's place."""
    path = folder / "tesseract"
    path.write_text(f"#!/bin/sh\n{commands}\n")
    path.chmod(0o755)
    return path


def running(argument: str) -> list[Path]:
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if argument.encode() in _read(path)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # ended meanwhile
        return b""


def test_lines_one_below_the_other_are_a_paragraph_and_unsure_words_are_left_out() -> None:
    rows = [
        "5\t1\t1\t1\t1\t1\t10\t100\t50\t10\t96\tНе",
        "5\t1\t1\t1\t1\t2\t70\t100\t50\t10\t95\tвышло",
        "4\t1\t2\t1\t1\t0\t10\t115\t50\t10\t-1\t",
        "5\t1\t2\t1\t1\t1\t10\t115\t50\t10\t12\tЪЪ",
        "5\t1\t2\t1\t1\t2\t70\t115\t50\t10\t90\tвойти",
        "4\t1\t3\t1\t1\t0\t10\t10\t50\t10\t-1\t",
        "5\t1\t3\t1\t1\t1\t10\t10\t50\t10\t90\tПортал",
        "5\t1\t3\t1\t1\t2\t70\t10\t50\t10\t90\t—",
        "broken",
    ]
    assert as_text("\n".join([HEADER, *rows])) == "Портал\n\nНе вышло\nвойти"


def test_no_text_is_longer_than_a_screen_full() -> None:
    rows = [f"4\t1\t{n}\t1\t1\t0\t0\t0\t0\t0\t-1\t\n5\t1\t{n}\t1\t1\t1\t10\t{n * 12}\t50\t10\t96\t{'слово' * 20}" for n in range(100)]
    assert len(as_text("\n".join([HEADER, *rows]))) == MOST_CHARACTERS


def test_without_tesseract_or_its_languages_there_is_none(tmp_path: Path) -> None:
    english = script(tmp_path, "echo eng")
    assert find_tesseract("tesseract")
    assert find_tesseract(str(english)) is None
    assert find_tesseract(str(tmp_path / "nothing")) is None
    assert find_tesseract("") is None
