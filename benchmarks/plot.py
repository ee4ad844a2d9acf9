"""Draws what search.py measured: ``python benchmarks/plot.py FOLDER`` makes search.svg of the folder's search.json."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from matplotlib import pyplot

from benchmarks.peers import contenders

_OURS, _THEIRS = "#1b5e9b", "#9aa5b1"
_PANELS = {"ndcg@10": "nDCG@10", "recall@1": "recall@1", "p95_processor": "p95 of a search, ms"}


def draw(tables: dict[str, Any], file: Path) -> None:
    names = list(reversed(contenders()))
    mpl.rcParams.update({"font.family": "DejaVu Sans", "font.size": 9, "svg.hashsalt": "otklik", "svg.fonttype": "path"})
    figure, grid = pyplot.subplots(
        len(tables), len(_PANELS), figsize=(12, 0.5 + 2.9 * len(tables)), squeeze=False, sharey=True, layout="constrained"
    )
    for row, (task, table) in zip(grid, tables.items(), strict=True):
        row[0].set_ylabel(task, fontweight="bold")
        for axes, (figure_name, title) in zip(row, _PANELS.items(), strict=True):
            values = [table[name][figure_name] for name in names]
            colours = [_OURS if name in ("tuned", "untuned") else _THEIRS for name in names]
            bars = axes.barh([contenders()[name].name for name in names], values, color=colours)
            is_time = figure_name == "p95_processor"
            axes.bar_label(bars, [f"{value:.{2 if is_time else 3}f}" for value in values], padding=3)
            axes.set_title(title, fontsize=9)
            axes.spines[["top", "right"]].set_visible(False)
            if is_time:
                axes.set_xscale("log")
                axes.set_xlim(min(values) / 2, max(values) * 4)
            else:
                axes.set_xlim(0, 1.18)
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    draw(json.loads((folder / "search.json").read_text(encoding="utf-8")), folder / "search.svg")
    print("{}")
