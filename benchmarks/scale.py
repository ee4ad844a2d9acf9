"""How the search grows: ``python benchmarks/scale.py [SIZE …]``. Articles are recombined from the shipped ones (recombined.py).

Built by one process, served by another. A search is timed in processor time on one thread, in which other work on the machine counts
little; a build and a start also by the wall, as people wait for them.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.measuring import Clock, in_child, memory, most_memory


@dataclass(frozen=True)
class Size:
    """articles: each of ``passages`` passages, with ``aliases`` aliases. promised: the most that each figure may be."""

    name: str
    articles: int
    passages: int
    aliases: int
    promised: dict[str, float]


SIZES = {
    "1k": Size("1,000 articles", 1_000, 1, 12, {"p95_processor": 5, "start": 3, "memory": 300, "build": 60}),
    "100k": Size("100,000 passages", 25_000, 4, 2, {"p95_processor": 8}),
    "1m": Size("1,000,000 passages", 250_000, 4, 2, {}),
}
_ROUNDS = 3
_COLUMNS = {
    "build": "build, s",
    "build_processor": "processor, s",
    "build_memory": "MB",
    "disk": "on disk, MB",
    "start": "start, s",
    "memory": "serving, MB",
    "p50_processor": "p50, ms",
    "p95_processor": "p95, ms",
    "p95_wall": "p95 by the wall, ms",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", metavar="SIZE", help="1k, 100k (the default is both), 1m: hours and tens of gigabytes")
    parser.add_argument("--keep", type=Path, help="build in this empty folder, and leave the indexes there")
    arguments = parser.parse_args()
    if unknown := set(arguments.sizes) - SIZES.keys():
        parser.error(f"no such size: {', '.join(sorted(unknown))}")
    sizes = [SIZES[name] for name in arguments.sizes or ["1k", "100k"]]
    print(f"| | {' | '.join(_COLUMNS.values())} |\n|---|{'---:|' * len(_COLUMNS)}")
    with TemporaryDirectory(prefix="otklik-scale-") as place:
        for size in sizes:
            folder = (arguments.keep or Path(place)) / str(size.articles)
            folder.mkdir(parents=True)
            measured = {**in_child("scale.py", "build", folder, size.articles, size.passages, size.aliases, threads=2), **_serve(folder)}
            cells = [_cell(measured[name], size.promised.get(name)) for name in _COLUMNS]
            print(f"| {size.name} | {' | '.join(cells)} |", flush=True)


def _cell(value: float, promised: float | None) -> str:
    return f"{value:g}" if promised is None else f"{value:g} (≤ {promised:g}{'' if value <= promised else ', **missed**'})"


def build_child(folder: str, articles: str, passages: str, aliases: str, _: str) -> dict[str, float]:
    from benchmarks.blind import shipped_articles
    from benchmarks.recombined import recombine
    from knowledge_base.building import build

    made = list(recombine(shipped_articles(), int(articles), int(passages), int(aliases)))
    clock = Clock()
    with clock:
        build(made, Path(folder), progress=lambda line: print(line, file=sys.stderr, flush=True))
    return {
        "build": round(clock.wall[0] / 1000, 1),
        "build_processor": round(clock.processor[0] / 1000, 1),
        "build_memory": most_memory(),
        "disk": round(sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()) / 2**20, 1),
    }


def _serve(folder: Path) -> dict[str, float]:
    """What a serving process measures of itself. It learns the questions from a file, so that nothing else is in its memory."""
    from benchmarks.blind import blind_questions, shipped_articles

    questions = folder / "questions.json"
    texts = {"warm_up": [article.title for article in shipped_articles()], "timed": [question.text for question in blind_questions()]}
    questions.write_text(json.dumps(texts, ensure_ascii=False), encoding="utf-8")
    return dict(in_child("scale.py", "serve", folder, questions))


def serve_child(folder: str, questions: str, begun: str) -> dict[str, float]:
    from knowledge_base.search import Search

    search = Search(Path(folder))
    search.search("как восстановить пароль")
    start = time.time() - float(begun)
    texts = json.loads(Path(questions).read_text(encoding="utf-8"))
    for text in texts["warm_up"]:
        search.search(text)
    clock = Clock()
    for _ in range(_ROUNDS):
        for text in texts["timed"]:
            with clock:
                search.search(text)
    return {"start": round(start, 2), "memory": memory(), **clock.summary()}


if __name__ == "__main__":
    if sys.argv[1:2] == ["build"]:
        print(json.dumps(build_child(*sys.argv[2:])))
    elif sys.argv[1:2] == ["serve"]:
        print(json.dumps(serve_child(*sys.argv[2:])))
    else:
        main()
