"""Texts that people type into the chat though no article of a support desk answers them."""

from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).with_name("out_of_scope.txt")


@lru_cache(maxsize=1)
def outsiders() -> list[str]:
    """The shipped ones, a line each; lines that begin with # are headings."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
