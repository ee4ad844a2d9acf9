"""``python -m core find-personal-data``: JSON lines in and out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def run(lines: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "core", "find-personal-data"],
        input="".join(line + "\n" for line in lines),
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, "PYTHONUTF8": "1", **environment},
        timeout=60,
        check=False,
    )


def test_answers_each_line_in_order_and_by_the_world_s_names_of_kinds() -> None:
    asked = [
        ("b", "я, Иванов Иван, родился 14.03.1987", ["full_name", "birth_date"]),
        ("a", "как записаться к врачу", []),
        (7, "🙂 снилс 112-233-445 95, почта ivan@mail.ru", ["snils", "email"]),
        ("c", "паспорт 4510 123456, инн 500100732259, карта 2202 2012 3456 7891", ["passport", "inn", "card"]),
        ("d", "тел. +7 921 555-01-42, живу: г. Казань, ул. Баумана, д. 5", ["phone", "address"]),
        ("e", "pdname1 pdtext2", []),
    ]
    done = run([json.dumps({"id": id_, "text": text}, ensure_ascii=False) for id_, text, _ in asked])
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(answer["id"], [span["kind"] for span in answer["spans"]]) for answer in answers] == [(id_, kinds) for id_, _, kinds in asked]
    first, text = answers[2]["spans"][0], asked[2][1]
    assert text[first["start"] : first["end"]] == "112-233-445 95"  # offsets in code points


@pytest.mark.parametrize(
    "line", ['{"id": 2, "secret": "Иванов"}', "Иванов", '{"text": "Иванов"}', '{"id": 2, "text": 5}', '["Иванов"]', "[" * 100_000]
)
def test_passes_over_a_line_it_cannot_read_telling_its_number_and_not_its_text(line: str) -> None:
    done = run([json.dumps({"id": 1, "text": "да"}), line, json.dumps({"id": 3, "text": "нет"})])
    assert done.returncode == 2
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"id": 1, "spans": []}, {"id": 3, "spans": []}]
    assert done.stderr.count("\n") == 1
    assert "line 2" in done.stderr and "Иванов" not in done.stderr


def test_takes_what_editors_and_other_programs_write() -> None:
    lines = ["\ufeff" + json.dumps({"id": "\ud800", "text": "тел. \ud83d +7 921 555-01-42"}), "", json.dumps({"id": None, "text": ""})]
    done = run(lines, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == ["\ud800", None]
    assert answers[0]["spans"] == [{"kind": "phone", "start": 7, "end": 23}]
