"""A whole turn beside a stock Rasa: ``python benchmarks/turns.py [--out FOLDER] [--turns N] [--citizens N] [--rounds N] [--epochs N]``.

Ours is the embedded desk as `make run` starts it: a message is posted, stored, answered from the search and pushed over the WebSocket. The
other is a Rasa project as `rasa init` makes it (stock_rasa/), asked over its REST channel, with tracker and locks in memory. Both are asked
the same questions: those written blind for the search, and small talk. First one at a time, in turns, so that other work on the machine
hits both alike; then by many citizens at once, in alternating rounds.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import yaml

from benchmarks.asking import Asking, Begin
from benchmarks.blind import blind_questions
from benchmarks.citizens import RestCitizen, WidgetCitizen, client
from benchmarks.intent_sets import BLIND
from benchmarks.measuring import RASA_ENVIRONMENT, quantile
from benchmarks.servers import Desk, Memory, Server, StockRasa, emptied
from benchmarks.stock_rasa.project import trained

_SMALL_TALK = ("greet", "thank", "goodbye", "bot_challenge")  # no yes and no: they depend on what was said before
_WARM_UP = 40
_ROUND_SECONDS = 15
# The most, or the least, that ours may be as a share of the other's.
AIMS = {"p50": 0.45, "p95": 0.40, "rate": 3.5, "resident": 0.9}


@dataclass
class Side:
    """One of the two, with what was measured of it. Times are in milliseconds."""

    name: str
    server: Server
    begin: Begin
    times: list[float]
    answers: Counter[str]
    finished: int = 0
    seconds: float = 0
    memory: Memory = field(default_factory=lambda: Memory(0, 0, {}))

    def figures(self) -> dict[str, float]:
        return {
            "p50": round(quantile(self.times, 0.5), 1),
            "p95": round(quantile(self.times, 0.95), 1),
            "rate": round(self.finished / self.seconds, 1),
            "resident": self.memory.resident,
            "own": self.memory.own,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=ROOT / "benchmarks" / "results", help="where the table is written; the model is kept there"
    )
    parser.add_argument("--turns", type=int, default=400, help="timed one at a time, of each")
    parser.add_argument("--citizens", type=int, default=32, help="at once")
    parser.add_argument("--rounds", type=int, default=4, help=f"of {_ROUND_SECONDS} s for each, all citizens at once")
    parser.add_argument(
        "--epochs", type=int, default=100, help="of the other's training; fewer train faster and answer worse: a turn takes the same time"
    )
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    project = trained(arguments.out / "stock_rasa", arguments.epochs)
    with ExitStack() as running:
        _say("Starting the stock Rasa and the desk …")
        stock = running.enter_context(StockRasa(project, RASA_ENVIRONMENT))
        desk = running.enter_context(Desk(emptied(arguments.out / "desk")))
        stock.wait_until_ready()
        desk.wait_until_ready()
        ours, other = asyncio.run(_measure(desk, stock, arguments.turns, arguments.citizens, arguments.rounds))
    report = in_markdown(ours, other, arguments.citizens)
    print(report)
    (arguments.out / "turns.md").write_text(report, encoding="utf-8")
    figures = {side.name: {**side.figures(), "answers": side.answers} for side in (ours, other)}
    (arguments.out / "turns.json").write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")
    print(f"Written to {arguments.out}: turns.md, turns.json")


async def _measure(desk: Desk, stock: StockRasa, turns: int, citizens: int, rounds: int) -> tuple[Side, Side]:
    async with client() as http:
        ours = Side("Otklik", desk, lambda: WidgetCitizen(http, desk.address), [], Counter())
        other = Side("stock Rasa", stock, lambda: RestCitizen(http, stock.address), [], Counter())
        await _one_at_a_time((ours, other), turns)
        for number in range(rounds):
            for side in (ours, other) if number % 2 else (other, ours):
                _say(f"Round {number + 1} of {rounds}: {citizens} citizens of {side.name} …")
                await _all_at_once(side, citizens)
        for side in (ours, other):
            side.memory = side.server.memory()
    return ours, other


async def _one_at_a_time(sides: tuple[Side, Side], turns: int) -> None:
    """The same questions to both, each time the other one first."""
    _say(f"{turns} turns of each, one at a time …")
    people = [Asking(side.begin) for side in sides]
    for number, question in enumerate(itertools.islice(questions(1), _WARM_UP + turns)):
        for at in (0, 1) if number % 2 else (1, 0):
            kind, passed = await people[at].ask(question)
            if number >= _WARM_UP:
                sides[at].times.append(passed)
                sides[at].answers[kind] += 1
    for person in people:
        await person.leave()


async def _all_at_once(side: Side, citizens: int) -> None:
    begun = time.perf_counter()

    async def go_on(number: int) -> int:
        person = Asking(side.begin)
        asked = 0
        for question in questions(100 + number):
            await person.ask(question)
            asked += 1
            if time.perf_counter() - begun > _ROUND_SECONDS:
                break
        await person.leave()
        return asked

    side.finished += sum(await asyncio.gather(*(go_on(number) for number in range(citizens))))
    side.seconds += time.perf_counter() - begun


def questions(seed: int) -> Iterator[str]:
    """Without end, in an order that ``seed`` decides."""
    while True:
        yield from random.Random(seed).sample(_texts(), len(_texts()))  # noqa: S311 - an order, no secret
        seed += 1_000


@lru_cache(maxsize=1)
def _texts() -> list[str]:
    small_talk = yaml.safe_load(BLIND.read_text(encoding="utf-8"))
    return [question.text for question in blind_questions()] + [text for intent in _SMALL_TALK for text in small_talk[intent]]


def in_markdown(ours: Side, other: Side, citizens: int) -> str:
    mine, theirs = ours.figures(), other.figures()
    rows = {
        "p50": "turn, p50, ms",
        "p95": "turn, p95, ms",
        "rate": f"turns/s, {citizens} citizens at once",
        "resident": "RSS of all processes, MB",
        "own": "the same, shared pages once (PSS), MB",
    }
    lines = [f"| | {ours.name} | {other.name} | ratio | aim |", "|---|---:|---:|---:|---:|"]
    for name, title in rows.items():
        lines.append(
            f"| {title} | {mine[name]:g} | {theirs[name]:g} | {mine[name] / theirs[name]:.2f} | {_aim(name, mine[name] / theirs[name])} |"
        )
    notes = [
        f"{side.name}: {', '.join(f'{kind} {count}' for kind, count in side.answers.most_common())}; "
        + ", ".join(f"{process} {size:g} MB" for process, size in side.memory.processes.items())
        for side in (ours, other)
    ]
    load = f"{os.cpu_count()} cores, load average at the end {os.getloadavg()[0]:.1f}"
    return "\n".join(["# A turn, whole, beside a stock Rasa", "", *lines, "", *(f"- {note}" for note in [*notes, load]), ""])


def _aim(name: str, ratio: float) -> str:
    if name not in AIMS:
        return ""
    at_least = name == "rate"
    met = ratio >= AIMS[name] if at_least else ratio <= AIMS[name]
    return f"{'≥' if at_least else '≤'} {AIMS[name]:g}{'' if met else ' **missed**'}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
