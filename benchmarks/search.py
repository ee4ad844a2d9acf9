"""The search beside others: ``python benchmarks/search.py [--out FOLDER] [DIR …]``, quality and speed in one run.

On the shipped articles with the questions written blind, and on any corpora in BEIR's layout. Each engine is built by a process of its own
and served by another, which tells its start and its memory; then one process asks all of them each question in turn, three times, each
time another one first. Times of a search are of processor time on one thread: other work on the machine counts little in them.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.measuring import Clock, in_child, memory
from benchmarks.peers import contenders

_ROUNDS = 3
_COLUMNS = {
    "recall@1": "recall@1",
    "recall@3": "recall@3",
    "recall@5": "recall@5",
    "mrr@10": "MRR@10",
    "ndcg@10": "nDCG@10",
    "auroc": "AUROC",
    "build": "build, s",
    "start": "start, s",
    "memory": "MB",
    "p50_processor": "p50, ms",
    "p95_processor": "p95, ms",
    "p95_wall": "p95 by the wall, ms",
}

Figures = dict[str, float]
Table = dict[str, Figures]  # of each contender, by its name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", nargs="*", type=Path, metavar="DIR", help="corpora in BEIR's layout")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results", help="where tables and plot are written")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    tables: dict[str, Table] = {}
    with TemporaryDirectory(prefix="otklik-bench-") as place:
        shipped = Path(place) / "shipped articles"
        in_child("search.py", "blind", shipped)
        for task in (shipped, *arguments.corpora):
            tables[task.name] = _measure(task, Path(place) / f"engines of {task.name}")
            print(f"\n{task.name}\n{_in_text(tables[task.name])}", flush=True)
    (arguments.out / "search.md").write_text(
        "\n".join(f"## {name}\n\n{_in_markdown(table)}" for name, table in tables.items()), encoding="utf-8"
    )
    (arguments.out / "search.json").write_text(json.dumps(tables, ensure_ascii=False, indent=1), encoding="utf-8")
    in_child("plot.py", arguments.out)
    print(f"\nWritten to {arguments.out}: search.md, search.json, search.svg")


def _measure(task: Path, engines: Path) -> Table:
    table: Table = {}
    for name in contenders():
        (engines / name).mkdir(parents=True)
        print(f"{task.name}: building {name} …", file=sys.stderr, flush=True)
        built = in_child("search.py", "build", name, task, engines / name, threads=2)
        table[name] = {**built, **in_child("search.py", "serve", name, task, engines / name)}
    print(f"{task.name}: searching …", file=sys.stderr, flush=True)
    for name, figures in in_child("search.py", "race", task, engines).items():
        table[name] |= figures
    return table


def write_blind_task(folder: str, _: str) -> None:
    from benchmarks.blind import write_task

    write_task(Path(folder))


def build_one(name: str, task: str, folder: str, _: str) -> Figures:
    from knowledge_base.evaluate import read_corpus

    articles = read_corpus(Path(task) / "corpus.jsonl")
    clock = Clock()
    with clock:
        contenders()[name].build(articles, Path(folder))
    return {"build": round(clock.wall[0] / 1000, 2)}


def serve_one(name: str, task: str, folder: str, begun: str) -> Figures:
    """It reads the questions itself: nothing but the engine is to be in its memory."""
    search = contenders()[name].open(Path(folder))
    search("как восстановить пароль")
    start = time.time() - float(begun)
    with (Path(task) / "queries.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            search(json.loads(line)["text"])
    return {"start": round(start, 2), "memory": memory()}


def race(task: str, engines: str, _: str) -> Table:
    from knowledge_base.evaluate import read_task

    articles, queries, judged = read_task(Path(task))
    searches = {name: contender.open(Path(engines) / name) for name, contender in contenders().items()}
    clocks = {name: Clock() for name in searches}
    found: dict[str, dict[str, Any]] = {name: {} for name in searches}
    for article in articles:
        for search in searches.values():
            search(article.title or article.text[:80])
    for turn, (query, text) in enumerate(list(queries.items()) * _ROUNDS):
        for name in _rotated(list(searches), turn):
            with clocks[name]:
                found[name][query] = searches[name](text)
    return {name: {**_quality(found[name], judged), **clocks[name].summary()} for name in searches}


def _rotated(names: list[str], turn: int) -> list[str]:
    at = turn % len(names)
    return names[at:] + names[:at]


def _quality(found: dict[str, Any], judged: dict[str, dict[str, int]]) -> Figures:
    import numpy as np

    from knowledge_base.calibrating import auroc
    from knowledge_base.evaluate import measure

    rows = [measure([slug for slug, _ in found[query]], gains) for query, gains in judged.items()]
    figures = {name: round(sum(row[name] for row in rows) / len(rows), 4) for name in rows[0]}
    sure = {query: max((score for _, score in hits), default=0.0) for query, hits in found.items()}
    outside = np.array([score for query, score in sure.items() if query not in judged])
    if len(outside):
        figures["auroc"] = round(auroc(np.array([sure[query] for query in judged]), outside), 4)
    return figures


def _cells(table: Table) -> list[list[str]]:
    shown = [name for name in _COLUMNS if any(name in figures for figures in table.values())]
    names = contenders()
    header = ["", *(_COLUMNS[name] for name in shown)]
    return [header, *([names[who].name, *(f"{figures[name]:g}" for name in shown)] for who, figures in table.items())]


def _in_markdown(table: Table) -> str:
    header, *rows = _cells(table)
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _in_text(table: Table) -> str:
    rows = _cells(table)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]) for row in rows
    )


if __name__ == "__main__":
    commands = {"blind": write_blind_task, "build": build_one, "serve": serve_one, "race": race}
    if sys.argv[1:2] and sys.argv[1] in commands:
        command: Any = commands[sys.argv[1]]
        print(json.dumps(command(*sys.argv[2:])))
    else:
        main()
