"""Whether a long conversation stays fast: ``python benchmarks/long_conversation.py [--out FOLDER] [--messages N] [--last N]``.

One citizen of the embedded desk asks a thousand questions. Its last turns are timed in turns with the first ones of fresh conversations and
with the same questions, so that other work on the machine hits both alike.
"""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.blind import shipped_articles
from benchmarks.citizens import WidgetCitizen, client
from benchmarks.measuring import quantile
from benchmarks.servers import Desk, emptied

_ALLOWED = 1.2  # times the turn of a fresh conversation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results", help="where the figures are written")
    parser.add_argument("--messages", type=int, default=1000, help="of the long conversation")
    parser.add_argument("--last", type=int, default=50, help="of them, the ones compared")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    print("Starting the desk …", file=sys.stderr, flush=True)
    with Desk(emptied(arguments.out / "desk")) as desk:
        desk.wait_until_ready()
        figures = asyncio.run(_measure(desk, arguments.messages, arguments.last))
    (arguments.out / "long_conversation.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    ratio = figures["last"] / figures["fresh"]
    print(
        f"p50 of a turn, ms: {figures['last']:g} at the end of {arguments.messages} messages, {figures['fresh']:g} in a fresh one, "
        f"{figures['first']:g} at its own beginning. Ratio {ratio:.2f}, at most {_ALLOWED:g}{'' if ratio <= _ALLOWED else ': missed'}."
    )


async def _measure(desk: Desk, messages: int, last: int) -> dict[str, float]:
    titles = [article.title for article in shipped_articles()]
    fresh: list[float] = []
    async with client() as http, WidgetCitizen(http, desk.address) as old, WidgetCitizen(http, desk.address) as new:
        times = [await _ask(old, titles[number % len(titles)]) for number in range(messages - last)]
        print(f"{messages - last} messages written; the last {last} beside a fresh conversation …", file=sys.stderr, flush=True)
        for number in range(messages - last, messages):
            for citizen, taken in ((old, times), (new, fresh)) if number % 2 else ((new, fresh), (old, times)):
                taken.append(await _ask(citizen, titles[number % len(titles)]))
    return {
        "first": round(quantile(times[:last], 0.5), 1),
        "last": round(quantile(times[-last:], 0.5), 1),
        "fresh": round(quantile(fresh, 0.5), 1),
    }


async def _ask(citizen: WidgetCitizen, text: str) -> float:
    """Milliseconds to the answer. Who was handed to a person goes back to the bot, and who was led into a form leaves it: it would be
    asked for anew at each turn."""
    begun = time.perf_counter()
    kind = await citizen.ask(text)
    passed = (time.perf_counter() - begun) * 1000
    if kind == "handoff":
        await citizen.leave_queue()
    elif kind == "form":
        await citizen.ask("отмена")
    return passed


if __name__ == "__main__":
    main()
