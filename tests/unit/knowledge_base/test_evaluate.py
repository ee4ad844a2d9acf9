"""Measuring: the figures themselves, and what is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import ROOT
from knowledge_base.evaluate import CorpusError, evaluate, measure


def write_corpus(folder: Path, judged: str = "q1\ta\t1\n") -> Path:
    (folder / "qrels").mkdir()
    corpus = [
        {"_id": "a", "title": "", "text": "Кошка спит на тёплой печи. " * 300},
        {"_id": "b", "title": "Собака", "text": "Собака лает."},
    ]
    (folder / "corpus.jsonl").write_text("\n".join(json.dumps(record) for record in corpus), encoding="utf-8")
    queries = [{"_id": "q1", "text": "где спит кошка"}, {"_id": "q2", "text": "сколько стоит билет в театр"}]
    (folder / "queries.jsonl").write_text("\n".join(json.dumps(query) for query in queries), encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged, encoding="utf-8")
    return folder


def test_figures_of_one_query() -> None:
    expected = {"recall@1": 0, "recall@3": 1, "recall@5": 1, "mrr@10": 0.5, "ndcg@10": 0.6309}
    assert measure(["x", "a", "b"], {"a": 1}) == pytest.approx(expected, abs=1e-4)
    assert measure(["a", "b"], {"a": 2, "b": 1})["ndcg@10"] == 1
    assert measure([], {"a": 1})["mrr@10"] == 0


def test_the_command_prints_one_object(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "knowledge_base", "evaluate", str(write_corpus(tmp_path)), "--json", "--no-tune"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True, timeout=120)
    measured = json.loads(done.stdout)
    assert measured["recall@1"] == 1.0
    assert measured["auroc"] == 1.0
    assert {"recall@3", "recall@5", "mrr@10", "ndcg@10", "answered_at_90_refused", "p95_ms"} <= measured.keys()
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("judged", "problem"), [("q9\ta\t1\n", "test.tsv:2: no such query"), ("q1 a 1\n", "test.tsv:2: wants"), ("", "nothing is judged")]
)
def test_bad_judgements_are_refused(tmp_path: Path, judged: str, problem: str) -> None:
    with pytest.raises(CorpusError, match=problem):
        evaluate(write_corpus(tmp_path, judged))


def test_bad_input_ends_with_one_line_and_code_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "knowledge_base", "evaluate", str(tmp_path / "nowhere")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True, timeout=60, env=dict(os.environ))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "corpus.jsonl" in done.stderr
