"""Search for what invented citizens wrote: in files, tables and keys, in the spellings and encodings in which it could lie there."""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql
from redis import Redis

from tests.data.personas import PERSONAS, Persona

_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp1251", "koi8-r", "cp866")
_SHORTEST = 8  # bytes: shorter ones are found by chance


def spellings(persona: Persona) -> set[str]:
    """As the citizen and as programs would write it: cases, «е» for «ё», numbers with and without separators."""
    street = persona.address.split(", ")[1]
    words = {persona.full_name, persona.last_name, persona.patronymic, persona.email, persona.email.partition("@")[0], street}
    cases = {form for word in words for form in (word, word.lower(), word.upper(), word.replace("ё", "е"))}
    phone, snils = persona.phone_digits[-10:], persona.snils_digits
    numbers = {persona.snils, snils, snils[:9], f"{snils[:3]} {snils[3:6]} {snils[6:9]}", persona.phone, phone, f"+7{phone}", f"8{phone}"}
    day, month, year = persona.birth_date.split(".")
    dates = {persona.birth_date, f"{year}-{month}-{day}"}
    documents = {number for given in (persona.passport, persona.card, persona.inn) for number in (given, given.replace(" ", ""))}
    return cases | numbers | dates | documents


def traces(text: str) -> Iterator[bytes]:
    """``text`` as it could lie in a file."""
    for encoding in _ENCODINGS:
        raw = text.encode(encoding, errors="ignore")
        if len(raw) < len(text):
            continue  # this alphabet cannot write it
        yield raw
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
        for shift in range(3):  # inside a longer text that is base64 the same bytes look in three ways
            yield base64.b64encode(b"\0" * shift + raw)[(0, 2, 3)[shift] : -4]
    yield json.dumps(text)[1:-1].encode()  # \u0430…
    yield quote(text).encode()
    yield "".join(f"={byte:02X}" for byte in text.encode()).encode()


WANTED = {
    trace: f"{persona.last_name}: {text}"
    for persona in PERSONAS
    for text in spellings(persona)
    for trace in traces(text)
    if len(trace) >= _SHORTEST
}


_FOUND: dict[bytes, list[str]] = {}  # by the content's digest


def find_traces(places: Iterable[tuple[str, bytes]]) -> list[str]:
    """What of the personas lies in ``places`` (name, content), as "name: whose"."""
    return [f"{name}: {whose}" for name, content in places for whose in _found_in(content)]


def _found_in(content: bytes) -> list[str]:
    """Each content is searched once: an index of tens of megabytes is the same before, while and after somebody writes."""
    key = hashlib.sha256(content).digest()
    if key not in _FOUND:
        _FOUND[key] = [whose for trace, whose in WANTED.items() if trace in content]
    return _FOUND[key]


def files_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        yield str(file.relative_to(folder)), file.read_bytes()


def tables_of(port: int, database: str) -> Iterator[tuple[str, bytes]]:
    """Each table of a PostgreSQL database, its rows as text and as the bytes that they hold."""
    with psycopg.connect(host="127.0.0.1", port=port, user="app", dbname=database) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename").fetchall()
        for (table,) in tables:
            rows = connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))).fetchall()
            yield f"table {table}", b"\n".join(_bytes_of(value) for row in rows for value in row)


def keys_of(url: str) -> Iterator[tuple[str, bytes]]:
    """Each key of a Redis server, with its value as Redis would dump it."""
    with Redis.from_url(url) as client:
        for key in client.scan_iter():
            yield f"key {key.decode(errors='replace')}", key + b"\n" + (client.dump(key) or b"")


def _bytes_of(value: Any) -> bytes:
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    return (json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)).encode()
