"""Raw letters as real programs write them, and what becomes of each: expected.yml."""

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
RECEIPT_ID = b"RECEIPT-ID@portal.example.ru"
NUMBER = b"OB-2026-000417-9"

_CONTENTS: dict[str, Any] = yaml.safe_load((FOLDER / "expected.yml").read_text(encoding="utf-8"))
PEOPLE: dict[str, dict[str, str]] = _CONTENTS["people"]
EXPECTED: dict[str, dict[str, Any]] = _CONTENTS["letters"]


def raw(name: str) -> bytes:
    return (FOLDER / f"{name}.eml").read_bytes()
