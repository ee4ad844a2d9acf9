"""Whether a long conversation stays fast: ``python benchmarks/long_conversation.py [--out FOLDER] [--messages N] [--last N]``.

One citizen of the embedded desk asks a thousand questions. Its last turns are timed in turns with the first ones of fresh conversations and
with the same questions, so that other work on the machine hits both alike.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.asking import Asking
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
        figures = asyncio.run(_measure(desk, arguments.messages, arguments.last))
    (arguments.out / "long_conversation.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    ratio = figures["last"] / figures["fresh"]
    print(
        f"p50 of a turn, ms: {figures['last']:g} at the end of {arguments.messages} messages, {figures['fresh']:g} in a fresh one, "
        f"{figures['first']:g} at its own beginning. Ratio {ratio:.2f}, at most {_ALLOWED:g}{'' if ratio <= _ALLOWED else ': missed'}."
    )


async def _measure(desk: Desk, messages: int, last: int) -> dict[str, float]:
    # Titles are answered for sure: nobody is offered a person, who would end the conversation with the bot.
    titles = [article.title for article in shipped_articles()]
    async with client() as http:
        old = Asking(lambda: WidgetCitizen(http, desk.address), conversation=messages)
        times = [(await old.ask(titles[number % len(titles)]))[1] for number in range(messages - last)]
        print(f"{messages - last} messages written; the last {last} beside a fresh conversation …", file=sys.stderr, flush=True)
        new = Asking(lambda: WidgetCitizen(http, desk.address), conversation=messages)
        fresh: list[float] = []
        for number in range(messages - last, messages):
            for each, taken in ((old, times), (new, fresh)) if number % 2 else ((new, fresh), (old, times)):
                taken.append((await each.ask(titles[number % len(titles)]))[1])
        await old.leave()
        await new.leave()
    return {
        "first": round(quantile(times[:last], 0.5), 1),
        "last": round(quantile(times[-last:], 0.5), 1),
        "fresh": round(quantile(fresh, 0.5), 1),
    }


if __name__ == "__main__":
    main()
